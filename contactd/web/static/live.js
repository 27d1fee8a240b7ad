// The one socket of this tab. It goes on in hidden tabs, looks for the daemon again by itself, and after each connection
// is told the whole state anew.
//
//   <div data-live="topic"></div>           is filled with the HTML the topic answers; what is being typed stays
//   live.see("topic", state => { … })       hands over what the topic answers as data
//   document.addEventListener("live", …)    event.detail.up: whether the daemon is there
"use strict";
(() => {
  const SILENCE = 15000, ENDED = 4003, FIRST = 500, LONGEST = 15000;
  const listeners = new Map();
  let socket = null, heard = 0, tries = 0, again = 0, leaving = false, up = null;

  const topics = () => [...new Set([...listeners.keys(), ...[...document.querySelectorAll("[data-live]")].map(e => e.dataset.live)])];
  const say = (what) => { if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what)); };

  function tell(now) {
    if (now === up) return;
    up = now;
    document.getElementById("lost").hidden = now;
    document.documentElement.dataset.line = now ? "up" : "down";
    document.dispatchEvent(new CustomEvent("live", { detail: { up: now } }));
  }

  function show(topic, state) {
    for (const listener of listeners.get(topic) || []) listener(state);
    if (typeof state !== "string") return;
    for (const place of document.querySelectorAll(`[data-live="${CSS.escape(topic)}"]`)) {
      htmx.swap({ target: place, text: state, swap: "innerMorph" });
    }
  }

  function connect() {
    again = 0;
    heard = Date.now();
    const mine = socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    mine.onopen = () => say({ see: topics() });
    mine.onmessage = (message) => {
      if (mine !== socket) return;
      heard = Date.now();
      tries = 0;
      tell(true);
      const told = JSON.parse(message.data);
      if ("beat" in told) say({ beat: 1 });
      else show(told.topic, told.state);
    };
    mine.onclose = (event) => {
      if (mine !== socket) return;
      socket = null;
      if (leaving) return;
      if (event.code === ENDED) { location.assign("/sign-in"); return; }
      tell(false);
      later();
    };
  }

  // Twice as long each time, and never all pages at the same moment.
  function later() {
    const pause = Math.min(FIRST * 2 ** tries++, LONGEST);
    again = Date.now() + pause / 2 + Math.random() * pause / 2;
    if (tries === 4) probe();
  }

  // A socket that is refused does not say why: perhaps the session is over.
  async function probe() {
    try {
      const answer = await fetch("/me", { redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") location.assign("/sign-in");
    } catch { /* the daemon is away; it is tried again */ }
  }

  function tick() {
    const now = Date.now();
    if (again && now >= again) connect();
    else if (socket && now - heard > SILENCE) {
      const dead = socket;
      socket = null;
      dead.close();
      tell(false);
      later();
    }
  }

  window.live = {
    see(topic, listener) {
      listeners.set(topic, [...(listeners.get(topic) || []), listener]);
      say({ see: topics() });
    },
    get up() { return up === true; },
  };
  addEventListener("pagehide", () => { leaving = true; });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  addEventListener("online", () => { if (again) again = 1; });
  document.addEventListener("DOMContentLoaded", () => {
    new Worker(document.body.dataset.ticker).onmessage = tick;
    connect();
  });
})();
