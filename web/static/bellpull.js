// What every page does with scripts on: times in the reader's zone, the colour switch, copy buttons, and htmx
// under a strict policy. Everything here improves a page that can already be read without it.
"use strict";

// --- htmx: only this policy may turn text into HTML, and a data block must be JSON -------------------------
(() => {
  if (!window.htmx) return;
  const rules = {
    createHTML: (text) => text,
    // The only inline scripts of ours are data blocks; they never run, and they must parse.
    createScript: (text) => {
      JSON.parse(text);
      return text;
    },
  };
  const policy = window.trustedTypes ? window.trustedTypes.createPolicy("bellpull", rules) : rules;
  htmx.registerExtension("bellpull", { init: (api) => api.initSecurity(policy) });
  document.addEventListener("htmx:after:swap", () => enhance(document));
  document.addEventListener("htmx:error", () => say("The page could not be refreshed. Is the program still running?"));
})();

// --- times ------------------------------------------------------------------------------------------------
const TIME_STYLES = {
  time: { dateStyle: "medium", timeStyle: "short" },
  seconds: { dateStyle: "medium", timeStyle: "medium" },
  date: { dateStyle: "medium" },
};
const AGO_STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [7 * 86400, "day", 86400],
];
const LANGUAGE = document.documentElement.lang || "en";
// The page's language with the reader's own habits for dates where they agree: en pages, British order.
const LOCALE = navigator.languages.find((tag) => tag.startsWith(LANGUAGE + "-")) || (LANGUAGE === "en" ? "en-GB" : LANGUAGE);
window.bellpullLocale = LOCALE;
const RELATIVE = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 5) return RELATIVE.format(0, "second");
  for (const [below, unit, size] of AGO_STEPS) {
    if (distance < below) return RELATIVE.format(Math.round(seconds / size), unit);
  }
  return new Intl.DateTimeFormat(LOCALE, TIME_STYLES.time).format(moment);
}

function showTimes(root) {
  for (const element of root.querySelectorAll("time.when")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const style = element.dataset.style;
    element.textContent =
      style === "ago" ? ago(moment) : new Intl.DateTimeFormat(LOCALE, TIME_STYLES[style] || TIME_STYLES.time).format(moment);
  }
}

// --- a word to those who listen to the page -----------------------------------------------------------------
function say(text) {
  const live = document.getElementById("live");
  if (live) live.textContent = text;
}

// --- colours ------------------------------------------------------------------------------------------------
const THEME_NAMES = { "": "as the system", light: "light", dark: "dark" };

function nextTheme(theme) {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const order = dark ? ["", "light", "dark"] : ["", "dark", "light"];
  return order[(order.indexOf(theme) + 1) % order.length];
}

function setUpThemeSwitch() {
  const button = document.querySelector("[data-theme-switch]");
  if (!button) return;
  const name = button.querySelector("[data-theme-name]");
  const show = () => {
    const theme = document.documentElement.dataset.theme || "";
    name.textContent = THEME_NAMES[theme];
    button.title = `Colours: ${THEME_NAMES[theme]}`;
  };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    const theme = nextTheme(document.documentElement.dataset.theme || "");
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    try {
      if (theme) localStorage.setItem("bellpull-theme", theme);
      else localStorage.removeItem("bellpull-theme");
    } catch (error) {
      console.debug("no storage for the theme", error);
    }
    show();
    document.dispatchEvent(new CustomEvent("bellpull:theme"));
  });
}

// --- copy -----------------------------------------------------------------------------------------------------
function setUpCopy(root) {
  for (const button of root.querySelectorAll("button[data-copy][hidden]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = button.parentElement.querySelector("code").textContent;
      const label = button.querySelector("span");
      const before = label.textContent;
      try {
        await navigator.clipboard.writeText(text);
        label.textContent = "Copied";
        say("Copied");
      } catch (error) {
        console.debug("the browser refused to copy", error);
        label.textContent = "Press Ctrl+C";
        getSelection().selectAllChildren(button.parentElement.querySelector("code"));
      }
      setTimeout(() => (label.textContent = before), 2000);
    });
  }
}

// --- all of it --------------------------------------------------------------------------------------------------
function enhance(root) {
  showTimes(root);
  setUpCopy(root);
  if (window.bellpullPlots) window.bellpullPlots(root);
}

document.addEventListener("DOMContentLoaded", () => {
  setUpThemeSwitch();
  enhance(document);
  // Relative times age.
  setInterval(() => showTimes(document), 15000);
});
