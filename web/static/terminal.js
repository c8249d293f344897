// xterm under `style-src 'self'`. xterm writes its colours and sizes into <style> elements, which the policy refuses;
// a constructed stylesheet is allowed, so while a terminal exists its <style> elements are stand-ins that fill one.
//
//   const terminal = bellpullTerminal(element, { rows: 24 });   // needs vendor/xterm.js and xterm.css on the page
"use strict";
(() => {
  function standIn() {
    const element = document.createElement("bellpull-style");
    const sheet = new CSSStyleSheet();
    document.adoptedStyleSheets.push(sheet);
    const write = { set: (text) => sheet.replaceSync(text), get: () => "" };
    Object.defineProperties(element, { textContent: write, innerText: write });
    element.hidden = true;
    element.remove = () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
      Element.prototype.remove.call(element);
    };
    return element;
  }

  const create = Document.prototype.createElement;

  window.bellpullTerminal = (element, options) => {
    // For the whole page, not per terminal: xterm makes style elements again when its theme changes.
    document.createElement = function createElement(name, ...rest) {
      return String(name).toLowerCase() === "style" ? standIn() : create.call(document, name, ...rest);
    };
    const terminal = new Terminal({ screenReaderMode: true, allowProposedApi: false, ...options });
    terminal.open(element);
    return terminal;
  };
})();
