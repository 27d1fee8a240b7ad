// The agent's desk. The daemon says how things stand and which case is on the desk; this page shows it, counts seconds,
// sends orders, and keeps what is being typed. It decides nothing.
"use strict";
(() => {
  const TWICE = 2000, LATE = 20, EVERY = 1000, PAUSE = 300;
  const at = (id) => document.getElementById(id);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const form = () => at("case");
  const tab = Math.random().toString(36).slice(2);
  let title = "", standing = null, told = 0, painted = "", sure = { of: "", timer: 0 };
  let dirty = false, unkept = 0, next = null, saves = Promise.resolve(), asking = 0, asked = 0, foreseen = "";

  // -- the clock --------------------------------------------------------------------------------------------------

  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds)), two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600), rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    return hours ? `${hours}:${rest}` : rest;
  };

  function tick() {
    if (!standing) return;
    const passed = (performance.now() - told) / 1000, left = standing.left === null ? null : standing.left - passed;
    at("clock").textContent = clock(left === null ? standing.seconds + passed : left);
    const more = document.querySelector(".extend");
    if (more) more.hidden = left === null || left > LATE;
    document.querySelector(".standing").classList.toggle("late", standing.state === "wrap" && left !== null && left <= LATE);
  }

  // -- what the daemon says ---------------------------------------------------------------------------------------

  function stand(state) {
    const before = standing;
    standing = state;
    told = performance.now();
    htmx.swap({ target: at("bar"), text: state.bar, swap: "innerMorph" });
    const place = at("work");
    if (!place.dataset.held) enter(state.phase);
    document.title = `${document.querySelector(".standing strong").textContent} · ${title}`;
    // Somebody is there: what was prepared is put away until it is known who.
    const answered = before && before.key === state.key && before.phase !== "talk" && state.phase === "talk";
    if (answered && form() && form().dataset.step === "prepare") {
      go("identify");
      if (!typing(document.activeElement)) first()?.focus({ preventScroll: true });
    }
    tick();
    warn();
    paintSoon();
  }

  function work(state) {
    const place = at("work");
    if (state.key && state.key === place.dataset.case && form()) refresh(state.html);
    else if (state.key || !place.dataset.held) open(state.html, state.key, standing ? standing.phase : place.dataset.phase);
    paintSoon();
  }

  function open(html, key, phase) {
    const place = at("work"), was = place.dataset.case;
    if (form()) save();
    dirty = false;
    delete place.dataset.held;
    if (key || was) place.innerHTML = html;
    else htmx.swap({ target: place, text: html, swap: "innerMorph" });
    place.dataset.case = key;
    opened();
    enter(phase);
    if (key !== was) first()?.focus({ preventScroll: true });
  }

  const first = () => form() && form().querySelector(`.step[data-of="${form().dataset.step}"] input`);

  // The same case, changed: only what nobody types in is replaced.
  function refresh(html) {
    const fresh = document.createElement("template"), ticked = fields().invoices;
    const only = form().querySelector("[name=only]:checked")?.value;
    fresh.innerHTML = html;
    const told = fresh.content.querySelector("#case");
    if (!told) return;
    for (const name of ["known", "visible", "person", "preset"]) form().dataset[name] = told.dataset[name];
    for (const part of all("[data-fresh]", fresh.content)) {
      const mine = form().querySelector(`[data-fresh="${part.dataset.fresh}"]`);
      if (mine) mine.innerHTML = part.innerHTML;
    }
    form().dataset.invoices = ticked;
    for (const box of all("[name=invoices]", form())) box.checked = ticked.split(",").includes(box.value);
    for (const one of all("[name=only]", form())) one.checked = one.value === (only || "");
    mark();
    warn();
  }

  // Tell, once a call, that its card is before somebody's eyes; a tab nobody looks at has nothing painted.
  function paintSoon() {
    if (!standing || standing.phase !== "talk" || painted === standing.call || document.hidden) return;
    if (at("work").dataset.case !== standing.key) return;
    const call = painted = standing.call;
    requestAnimationFrame(() => setTimeout(() => send("/desk/painted", { call }).catch(() => {}), 0));
  }

  // What another tab of ours has saved; it stays out where something was typed here that is not kept yet.
  function heard(state) {
    if (!form() || state.tab === tab || dirty || unkept || String(state.attempt) !== form().dataset.attempt) return;
    const put = (element, text) => { if (element && element.value !== text) element.value = text; };
    put(at("note"), state.note);
    for (const element of all("input[name]:not([type=checkbox], [type=radio]), select[name], textarea[name]", form())) {
      if (element.name !== "note") put(element, state.fields[element.name] || "");
    }
    for (const name of ["invoices", "confirmed"]) {
      const chosen = (state.fields[name] || "").split(",");
      for (const box of all(`[name=${name}]`, form())) box.checked = chosen.includes(box.value);
    }
    form().dataset.invoices = state.fields.invoices || "";
    for (const one of all("[name=outcome]", form())) one.checked = one.value === state.fields.outcome;
    form().dataset.step = state.step;
    saved(state.saved);
    mark();
    askSoon();
  }

  // -- what the agent does ----------------------------------------------------------------------------------------

  async function send(address, given, more = {}) {
    const body = new URLSearchParams(given);
    const answer = await fetch(address, { method: "POST", body, cache: "no-store", headers: { Accept: "application/json" }, ...more });
    if (answer.status === 401) location.assign("/sign-in");
    return answer;
  }

  function say(text) {
    if (at("told").textContent !== text) at("told").textContent = text;
    at("told").hidden = !text;
  }

  // Send it, and say what is wrong; answers what came back, or null.
  async function ask(address, given) {
    try {
      const answer = await send(address, given), back = answer.status === 204 ? {} : await answer.json();
      if (answer.ok) { say(""); return back; }
      if (!wrong(back)) say(back.error);
    } catch {
      say(at("lost").textContent);
    }
    return null;
  }

  const order = (name, words) => ask("/desk/do", { order: name, words });

  // Some buttons have to be pressed twice, within one case; drawn anew in between they are still the same.
  const pressing = (button) => `${standing?.key} ${button.dataset.do || button.dataset.dial}`;

  function certain(button) {
    if (!("twice" in button.dataset)) return true;
    const again = sure.of === pressing(button);
    calm();
    if (again) return true;
    sure = { of: pressing(button), timer: setTimeout(calm, TWICE) };
    warn();
    return false;
  }

  function warn() {
    for (const button of all("[data-twice]:not(.sure)").filter((one) => pressing(one) === sure.of)) {
      button.dataset.plain = button.firstChild.textContent;
      button.firstChild.textContent = `${button.dataset.twice} `;
      button.classList.add("sure");
      at("again").textContent = button.dataset.twice;
    }
  }

  function calm() {
    clearTimeout(sure.timer);
    sure = { of: "", timer: 0 };
    at("again").textContent = "";
    for (const button of all(".sure")) {
      button.firstChild.textContent = button.dataset.plain;
      button.classList.remove("sure");
    }
  }

  // -- what is typed ----------------------------------------------------------------------------------------------

  function fields() {
    const found = {};
    for (const element of all("input[name]:not([type=checkbox], [type=radio]), select[name], textarea[name]", form())) {
      if (element.name !== "note") found[element.name] = element.value;
    }
    const chosen = form().querySelector("[name=outcome]:checked");
    found.outcome = chosen ? chosen.value : "";
    const ticked = (name) => all(`[name=${name}]:checked`, form()).map((box) => box.value).join(",");
    found.confirmed = ticked("confirmed");
    found.invoices = form().querySelector("[name=invoices]") ? ticked("invoices") : form().dataset.invoices;
    return found;
  }

  const everything = () => ({ attempt: form().dataset.attempt, step: form().dataset.step, phase: at("work").dataset.phase, tab, note: at("note").value, ...fields() });

  function saved(time) {
    at("saved").textContent = time ? at("note").dataset.saved.replace("{at}", time) : at("note").dataset.unsaved;
    at("saved").classList.toggle("wrong", !time);
  }

  // Keep what stands in the form now, behind what is being kept; of what waits, a form needs its newest only.
  function save() {
    if (!form() || !dirty || form().dataset.ending) return saves;
    dirty = false;
    const typed = everything();
    if (next && next.mine === form()) { next.typed = typed; return saves; }
    const turn = next = { mine: form(), typed };
    unkept++;
    saves = saves.then(() => {
      if (next === turn) next = null;
      return keep(turn);
    }).finally(() => { unkept--; });
    return saves;
  }

  async function keep({ mine, typed }) {
    let error = "";
    try {
      const answer = await send("/desk/save", typed), back = answer.status < 500 ? await answer.json() : {};
      if (mine !== form() || mine.dataset.ending) return;
      if (answer.ok) { if (mine.dataset.refused) say(""); delete mine.dataset.refused; saved(back.saved); return; }
      error = back.error || "";
    } catch { /* the connection is lost */ }
    if (mine !== form()) return;
    dirty = true;
    saved("");
    if (!error) return;
    mine.dataset.refused = "yes";
    say(error);
  }

  // The page goes, and with it whatever waits for an answer: it is sent once more in a way that outlasts the page.
  function leave() {
    if (form() && (dirty || unkept) && !form().dataset.ending) send("/desk/save", everything(), { keepalive: true }).catch(() => {});
  }

  // -- steps, persons, outcomes -----------------------------------------------------------------------------------

  function go(step) {
    form().dataset.step = step;
    dirty = true;
    mark();
    save();
  }

  function turn(by) {
    const steps = all(".steps button", form()), now = steps.findIndex((one) => one.dataset.step === form().dataset.step);
    const next = steps[Math.min(Math.max(now + by, 0), steps.length - 1)];
    go(next.dataset.step);
    const found = all(`.step[data-of="${next.dataset.step}"] :is(input, select, textarea)`, form());
    (found.find((one) => one.checkVisibility()) || next).focus();
  }

  // Show what belongs to the step and the outcome.
  function mark() {
    const typed = fields(), outcome = typed.outcome, steps = all(".steps button", form());
    const now = steps.findIndex((one) => one.dataset.step === form().dataset.step);
    const is = { prepare: now > 0, identify: form().dataset.known === "yes", understand: Boolean(typed.why || typed.understood), solution: Boolean(outcome) };
    for (const one of steps) {
      const current = one.dataset.step === form().dataset.step;
      current ? one.setAttribute("aria-current", "step") : one.removeAttribute("aria-current");
      const done = !current && is[one.dataset.step], number = one.querySelector(".no");
      one.querySelector(".done").hidden = !done;
      number.textContent = done ? "✓" : number.dataset.no;
    }
    form().dataset.outcome = outcome;
    for (const one of all(".discloses input", form())) one.ariaDisabled = String(form().dataset.known !== "yes");
    for (const row of all(".field", form())) {
      row.hidden = !row.dataset.for.split(" ").includes(outcome);
      for (const label of all("[data-label]", row)) label.hidden = label.dataset.label !== outcome;
    }
    for (const step of all(".step", form())) step.hidden = step.dataset.of !== form().dataset.step;
    form().querySelector(".nothing").hidden = all(".field", form()).some((row) => !row.hidden);
  }

  // Nobody has an outcome before somebody was there.
  function enter(phase) {
    at("work").dataset.phase = phase;
    if (form()) form().querySelector(".outcomes").disabled = phase === "offer" || phase === "ringing";
  }

  function opened() {
    if (!form()) return;
    enter(at("work").dataset.phase);
    mark();
    foreseen = "";
    askSoon();
  }

  function wrong(back) {
    for (const one of all(".wrong[id]", form() || document)) {
      if (one.id.startsWith("e-")) one.hidden = true;
    }
    for (const one of all("[aria-invalid]")) one.removeAttribute("aria-invalid");
    const field = named(back), place = field && at(`e-${back.field}`);
    if (!place) return false;
    place.textContent = back.error;
    place.hidden = false;
    field.setAttribute("aria-invalid", "true");
    return true;
  }

  const named = (back) => back && back.field && form() ? form().querySelector(`[name="${back.field}"]`) : null;

  // What is missing yet is asked for calmly, and by its name; what was written wrongly is said where it stands as well.
  function refuse(back) {
    const field = named(back), label = field && field.labels[0]?.querySelector("[data-label]:not([hidden])");
    const missing = Boolean(field) && !(field.type === "checkbox" ? fields()[field.name] : field.value.trim());
    wrong(missing ? null : back);
    tell("", label ? `${label.textContent}: ${back.error}` : back.error, !missing);
    if (!field) at("summary").textContent = back.error;
  }

  // Show what follows from an outcome, or what is asked for before anything does; there is nothing to read aloud then.
  function tell(plan, text, refused) {
    at("plan").innerHTML = plan;
    at("foreseen").textContent = text;
    at("foreseen").classList.toggle("refused", refused);
    at("summary").textContent = at("summary").dataset.none;
    at("summary").lang = "";
    at("summary").classList.remove("say");
  }

  function askSoon() {
    clearTimeout(asking);
    if (!form()) return;
    const outcome = fields().outcome;
    if (!outcome || foreseen !== outcome) {  // what follows from another one is not true any more, nor what is being asked
      asked++;
      tell("", outcome ? "" : at("foreseen").dataset.none, false);
    }
    foreseen = outcome;
    if (outcome && at("work").dataset.phase !== "offer") asking = setTimeout(foresee, PAUSE);
  }

  async function foresee() {
    if (!form()) return;
    const mine = form(), turn = ++asked;
    try {
      const answer = await send("/desk/foresee", everything());
      const back = await answer.json();
      if (mine !== form() || turn !== asked) return;
      if (!answer.ok) { refuse(back); return; }
      wrong(null);
      tell(back.plan, "", false);
      at("foreseen").innerHTML = back.foreseen;
      at("summary").textContent = back.summary.text;
      at("summary").lang = back.summary.language;
      at("summary").classList.add("say");
    } catch { /* the connection is lost; it is asked again with the next letter */ }
  }

  function chose(outcome) {
    for (const one of all("[name=outcome]", form())) one.checked = one.value === outcome;
    dirty = true;
    const step = outcome === "dispute" ? "understand" : "solution";
    mark();
    const row = outcome === "dispute" ? at("understood") : form().querySelector(".field:not([hidden]) :is(input, select)");
    if (row) go(step);
    (row || form().querySelector("[name=outcome]:checked")).focus();
    askSoon();
  }

  async function meet(person) {
    const mine = form(), before = mine.dataset.preset;
    const back = await ask("/desk/meet", { attempt: mine.dataset.attempt, person });
    if (!back || mine !== form()) return;
    form().dataset.person = person;
    const chosen = fields().outcome;
    if (!chosen || chosen === before) {  // nobody chose it: it goes with whom it was for
      for (const one of all("[name=outcome]", form())) one.checked = one.value === back.preset;
      dirty = true;
    }
    form().dataset.preset = back.preset || "";
    askSoon();
    mark();
  }

  async function check(item) {
    const box = form().querySelector(`[data-item="${item}"]`), verdict = box.parentElement.querySelector(".verdict");
    const said = box.value, mine = form();
    if (!said.trim()) return;
    const back = await ask("/desk/identify", { attempt: mine.dataset.attempt, item, said });
    if (!back || mine !== form()) return;
    verdict.textContent = back.right ? `✓ ${verdict.dataset.right}` : `✗ ${verdict.dataset.wrong}`;
    verdict.classList.toggle("bad", !back.right);
    if (box.value === said) box.value = "";
    askSoon();
    const busy = document.activeElement;  // who has gone on to something else stays there
    if (box.value || (busy !== document.body && !box.parentElement.contains(busy))) return;
    if (back.sure) form().querySelector(".steps [data-step=understand]").focus();
    else if (back.right) all("[data-item]", form()).find((one) => one !== box && !one.parentElement.querySelector(".verdict").textContent.startsWith("✓"))?.focus();
  }

  async function finish() {
    const mine = form();
    if (!mine || mine.dataset.ending) return false;
    if (!fields().outcome) {
      at("foreseen").classList.add("refused");
      all("[name=outcome]", mine)[0].focus();
      return false;
    }
    mine.dataset.ending = "yes";
    clearTimeout(asking);
    const was = dirty;
    dirty = false;  // what is typed goes with the outcome
    await saves;
    const back = await ask("/desk/finish", everything());
    delete mine.dataset.ending;
    if (!back) { dirty = dirty || was; lead(); return false; }
    if (at("work").dataset.held) location.reload();  // what waits may have been told before the answer came
    return true;
  }

  // Lead to the field that was refused, whatever step it stands in.
  function lead() {
    const field = form() && form().querySelector("[aria-invalid]");
    if (!field) return;
    if (field.closest(".step")) go(field.closest(".step").dataset.of);
    field.focus();
  }

  async function finishAndPause() {
    const wished = standing.wish === "pause" || !["talk", "wrap"].includes(standing.phase);
    if (!wished && !(await order("pause", "break"))) return;
    if (!(await finish()) && !wished) await order("resume", "");
  }

  async function dial(button) {
    const outcome = fields().outcome === "wrong_person" ? "wrong_person" : "dropped";
    await ask("/desk/dial", { ...everything(), outcome, number: button.dataset.dial });
  }

  async function takeUp(attempt) {
    const answer = await fetch(`/desk/case?attempt=${attempt}`, { cache: "no-store" });
    if (!answer.ok) return;
    open(await answer.text(), attempt, "owed");
    at("work").dataset.held = "yes";
  }

  // -- commands by typing -----------------------------------------------------------------------------------------

  function commands() {
    const menu = document.querySelector("[popovertarget=reasons]") ? all("#reasons button") : [];
    const found = all("#bar .acts > button[data-do], #case button:not(.dial, [data-check]), #case .outcome").filter((one) => one.checkVisibility());
    return [...found, ...menu].map((one) => ({ text: wording(one), run: () => run(one) }));
  }

  // The page may have been drawn anew since a command was listed: it is carried out by the button that is called so now.
  const runAgain = (text) => commands().find((one) => one.text === text)?.run();

  // What a button is called, without its number and what is said of it; a reason with what it is the reason of.
  function wording(button) {
    const said = button.cloneNode(true), whose = button.closest("#reasons")?.querySelector(".whose");
    for (const part of all(".no, .done", said)) part.remove();
    const words = said.textContent.replace(/\s+/g, " ").trim();
    return whose && button.dataset.do === "pause" ? `${whose.textContent}: ${words}` : words;
  }

  function run(one) {
    if ("twice" in one.dataset) sure.of = pressing(one);  // whoever has typed it is sure
    (one.matches(".outcome") ? one.querySelector("input") : one).click();
  }

  function list() {
    const words = at("command").value.toLowerCase().split(/\s+/), place = at("command-list");
    const fitting = commands().filter((one) => words.every((word) => one.text.toLowerCase().includes(word)));
    place.replaceChildren(...fitting.map((one, number) => {
      const row = document.createElement("li");
      row.id = `command-${number}`;
      row.role = "option";
      row.textContent = one.text;
      row.setAttribute("aria-selected", String(number === 0));
      row.addEventListener("click", () => { at("commands").close(); runAgain(one.text); });
      return row;
    }));
    at("command").setAttribute("aria-activedescendant", fitting.length ? "command-0" : "");
  }

  function move(by) {
    const rows = all("#command-list li"), now = rows.findIndex((row) => row.ariaSelected === "true");
    if (!rows.length) return;
    const next = rows[(now + by + rows.length) % rows.length];
    for (const row of rows) row.setAttribute("aria-selected", String(row === next));
    at("command").setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  }

  function showCommands() {
    at("command").value = "";
    at("commands").showModal();
    list();
  }

  // -- mouse and keys ---------------------------------------------------------------------------------------------

  const typing = (element) => element.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  const press = (name) => all(`[data-key="${name}"]`).find((one) => one.checkVisibility());

  async function clicked(event) {
    const button = event.target.closest("button");
    if (!button || !certain(button)) return;
    if (button.closest("[popover]")) for (const one of all(":popover-open")) one.hidePopover();
    const data = button.dataset;
    if (data.do === "skip") await save();  // it is of no case on the desk any more afterwards
    if (data.do) await order(data.do, data.wordsOf ? at(data.wordsOf).value : data.words || "");
    else if (data.step) go(data.step);
    else if (data.check) await check(data.check);
    else if (data.dial) await dial(button);
    else if (data.case) await takeUp(data.case);
    else if (button.id === "finish") await finish();
    else if (button.id === "finish-pause") await finishAndPause();
    else if (button.id === "leave-case") { await save(); if (!dirty) { delete at("work").dataset.held; location.reload(); } }
  }

  function changed(event) {
    if (!form() || !form().contains(event.target)) return;
    const name = event.target.name;
    if (name === "only" || event.target.dataset.item) return;
    if (name === "person") { if (event.type === "change") meet(event.target.value); return; }
    if (name === "outcome") { if (event.type === "change") chose(event.target.value); return; }
    dirty = true;
    if (name === "note") { at("saved").textContent = at("note").dataset.unsaved; return; }
    mark();
    askSoon();
  }

  function inGroup(event) {
    const target = event.target;
    if (/^\d$/.test(event.key) && target.closest(".outcomes")) {
      const one = form().querySelector(`[data-digit="${event.key}"]`);
      one.checked = true;
      chose(one.value);
      return true;
    }
    if (event.key === "Enter" && target.dataset.item) { check(target.dataset.item); return true; }
    if (event.key === "Enter" && target.matches("#case input")) return true;  // a form is not sent by accident
    if (target.id === "command" && ["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) {
      if (event.key === "Enter") document.querySelector("#command-list [aria-selected=true]")?.click();
      else move(event.key === "ArrowDown" ? 1 : -1);
      return true;
    }
    return false;
  }

  function pressed(event) {
    if (event.altKey || event.metaKey || event.isComposing) return false;
    const key = (event.ctrlKey ? "Ctrl+" : "") + event.key;
    if (key === "Ctrl+k") { showCommands(); return true; }
    if (event.key === "?" && !typing(event.target)) { at("keys").togglePopover(); return true; }
    if (at("commands").open) return inGroup(event);
    if (!event.ctrlKey && !event.shiftKey && inGroup(event)) return true;
    if (form() && !event.target.matches("textarea") && (key === "PageDown" || key === "PageUp")) {
      turn(key === "PageDown" ? 1 : -1);
      return true;
    }
    const place = document.querySelector(`[data-focus="${key}"]`);
    if (place) { (place.querySelector("input:checked") || place.querySelector("input") || place).focus(); return true; }
    const button = press(key);
    if (!button) return false;
    if (!event.repeat) button.click();
    return true;
  }

  document.addEventListener("click", clicked);
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
  document.addEventListener("keydown", (event) => { if (pressed(event)) event.preventDefault(); });
  document.addEventListener("submit", (event) => { if (event.target.id === "case") event.preventDefault(); });
  document.addEventListener("visibilitychange", paintSoon);
  document.addEventListener("live", (event) => { if (event.detail.up) { save(); askSoon(); } });
  addEventListener("pagehide", leave);
  document.addEventListener("DOMContentLoaded", () => {
    title = document.title;
    at("command").addEventListener("input", list);
    opened();
    live.see("desk", stand);
    live.see("desk-work", work);
    live.see("desk-typed", heard);
    setInterval(tick, 500);
    setInterval(() => save(), EVERY);
  });
})();
