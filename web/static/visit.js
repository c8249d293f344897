// The page of a live visit: hears when something changed (technician/workbench/news.py) and lets htmx fetch the parts
// that differ; keys. Without this script the page can be reloaded.
"use strict";
(() => {
  const RETRY_MS = 2000;
  const root = document.querySelector("[data-visit-news]");
  if (!root) return;

  // --- what changed -----------------------------------------------------------------------------------------
  let socket = null;
  function listen() {
    if (document.hidden || socket) return;
    const address = new URL(root.dataset.visitNews, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    socket = new WebSocket(address);
    socket.addEventListener("message", () => htmx.trigger(document.body, "visitnews"));
    socket.addEventListener("close", () => {
      socket = null;
      setTimeout(listen, RETRY_MS);
    });
  }
  // A page nobody looks at asks for nothing: a live list would go on in the receipt.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) socket?.close();
    else listen();
  });
  listen();

  // --- logs that are followed stay at their end, unless somebody has scrolled up -------------------------------
  const NEAR_PX = 60;
  let atEnd = true;
  const lines = () => document.querySelector(".loglines[data-follow]");
  document.addEventListener("htmx:before:swap", () => {
    const box = lines();
    atEnd = !box || box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
  });
  document.addEventListener("htmx:after:swap", () => {
    const box = lines();
    if (box && atEnd) box.scrollTop = box.scrollHeight;
  });

  // --- keys -------------------------------------------------------------------------------------------------
  document.addEventListener("keydown", (event) => {
    const box = event.target instanceof Element ? event.target.closest("[data-send-on-enter]") : null;
    if (!box || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (box.value.trim()) box.form.requestSubmit();
  });

  const typing = (element) => element.closest("input, textarea, select, [contenteditable], .shell-box") !== null;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const here = event.target instanceof Element ? event.target : document.body;
    if (typing(here)) {
      if (event.key === "Escape" && !here.closest(".shell-box")) here.blur();
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
