// The terminal of a visit: xterm.js on one end of a WebSocket of the workbench (technician/workbench/shells.py).
// Binary messages are keys there and screen here; text is the size there and "it ended" here.
"use strict";
(() => {
  const RETRY_MS = 1500;
  const LINES = 10000;
  const bytes = new TextEncoder();

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return { background: "#14171a", foreground: "#ebe8e2", cursor: "#e2b65a", selectionBackground: "#3b5a5c", fontFamily: style.getPropertyValue("--mono") };
  }

  function connect(element) {
    element.dataset.connected = "";
    const { fontFamily, ...theme } = colours();
    const terminal = bellpullTerminal(element, { scrollback: LINES, fontFamily: fontFamily.trim() || "monospace", fontSize: 13, theme, cursorBlink: true });
    const fit = new FitAddon.FitAddon();
    terminal.loadAddon(fit);
    let socket = null;
    let over = false;

    const send = (data) => {
      if (socket && socket.readyState === WebSocket.OPEN) socket.send(data);
    };
    const resized = () => send(JSON.stringify({ rows: terminal.rows, columns: terminal.cols }));

    function open() {
      const address = new URL(element.dataset.terminal, location.href);
      address.protocol = address.protocol.replace("http", "ws");
      socket = new WebSocket(address);
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () => {
        terminal.reset(); // what is kept there comes again, whole
        fit.fit();
        resized();
      });
      socket.addEventListener("message", (event) => {
        if (typeof event.data !== "string") {
          terminal.write(new Uint8Array(event.data));
          return;
        }
        over = true;
        terminal.options.disableStdin = true;
        terminal.write(`\r\n\x1b[2m${JSON.parse(event.data).ended}\x1b[0m\r\n`);
      });
      socket.addEventListener("close", () => {
        if (!over && element.isConnected) setTimeout(open, RETRY_MS);
      });
    }

    terminal.onData((text) => send(bytes.encode(text)));
    terminal.onBinary((text) => send(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    terminal.onResize(resized);
    terminal.attachCustomKeyEventHandler((event) => {
      // The one key that is ours: out of the terminal, for those who use no mouse.
      if (event.type === "keydown" && event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "f") {
        document.querySelector(".tabs a[aria-current]")?.focus();
        event.preventDefault();
        return false;
      }
      return true;
    });
    new ResizeObserver(() => fit.fit()).observe(element);
    open();
    terminal.focus();
  }

  const find = () => {
    for (const element of document.querySelectorAll("[data-terminal]:not([data-connected])")) connect(element);
  };
  document.addEventListener("htmx:after:swap", find);
  document.addEventListener("DOMContentLoaded", find);
  if (document.readyState !== "loading") find();
})();
