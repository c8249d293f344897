// The page of a live visit: hears when something changed (technician/workbench/news.py) and lets htmx fetch the parts
// that differ; keys. Without this script the page can be reloaded.
"use strict";
(() => {
  const RETRY_MS = 2000;
  const root = document.querySelector("[data-visit-news]");
  if (!root) return;

  // --- what changed -----------------------------------------------------------------------------------------
  function listen() {
    const address = new URL(root.dataset.visitNews, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    socket.addEventListener("message", () => htmx.trigger(document.body, "visitnews"));
    socket.addEventListener("close", () => setTimeout(listen, RETRY_MS));
  }
  listen();

  // --- keys -------------------------------------------------------------------------------------------------
  const typing = (element) => element.closest("input, textarea, select, [contenteditable], .terminal") !== null;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const here = event.target instanceof Element ? event.target : document.body;
    if (typing(here)) {
      if (event.key === "Escape" && !here.closest(".terminal")) here.blur();
      return;
    }
    const tab = /^[0-9]$/.test(event.key) && document.querySelector(`.tabs a[data-key="${event.key}"]`);
    const form = document.querySelector(".ask form");
    if (tab) tab.click();
    else if (event.key === "r" && form) form.requestSubmit();
    else if (event.key === "f" && form) form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    else return;
    event.preventDefault();
  });
})();
