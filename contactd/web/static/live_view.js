// The live view: a link that asks before something is done opens a dialog instead of a page; nothing else is decided here.
"use strict";
(() => {
  const dialog = document.getElementById("ask");

  async function ask(address) {
    const answer = await fetch(address, { headers: { "X-Part": "1" }, cache: "no-store" });
    if (!answer.ok) { location.assign(address); return; }
    dialog.innerHTML = await answer.text();
    dialog.setAttribute("aria-labelledby", "ask-title");
    dialog.showModal();
    (dialog.querySelector("select, input:not([type=hidden])") || dialog).focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches("[data-ask]")) { event.preventDefault(); ask(link.href); }
    else if (dialog.contains(link) && link.matches("[data-close]")) { event.preventDefault(); dialog.close(); }
  });
})();
