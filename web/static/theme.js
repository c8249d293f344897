// Before the first paint: the colours the reader chose, if any. Loaded without defer for that reason.
"use strict";
(() => {
  const themes = ["light", "dark"];
  let chosen = null;
  try {
    chosen = localStorage.getItem("bellpull-theme");
  } catch (error) {
    // Storage is switched off: the system's colours then, and the switch lasts for this page only.
    console.debug("no storage for the theme", error);
  }
  if (themes.includes(chosen)) document.documentElement.dataset.theme = chosen;
})();
