// The page holds a body in each language; all but the one that is shown are templates. Switching swaps the two.
(() => {
  "use strict";
  const shown = () => document.querySelector("div.body");
  const named = () => new URLSearchParams(location.search).get("lang"); // ?lang=zh: what a link asks for comes first
  const stored = () => { try { return localStorage.getItem("language"); } catch { return null; } };
  const folds = () => [...shown().querySelectorAll("main details:not(#samples details)")];

  // The section that is being read, and where on the screen it begins: it stays there in the other language.
  const place = () => {
    const sections = [...shown().querySelectorAll("main > section[id]")];
    const read = sections.findLast((section) => section.getBoundingClientRect().top <= innerHeight / 3);
    return read && scrollY > 0 ? [read.id, read.getBoundingClientRect().top] : null;
  };
  const returnTo = (spot) => {
    const section = spot && document.getElementById(spot[0]);
    if (section) scrollBy({ top: section.getBoundingClientRect().top - spot[1], behavior: "instant" });
  };

  const speak = (language) => {
    const template = document.querySelector(`template.body[lang="${CSS.escape(language)}"]`);
    if (!template) return;
    const body = shown();
    const spot = place();
    const open = folds().map((part) => part.open);
    const kept = Object.assign(document.createElement("template"), { className: "body", lang: body.lang });
    kept.content.append(...body.childNodes);
    const next = Object.assign(document.createElement("div"), { className: "body", lang: language });
    next.append(template.content);
    template.replaceWith(kept);
    body.replaceWith(next);
    document.documentElement.lang = language;
    folds().forEach((part, number) => { if (number in open) part.open = open[number]; });
    document.dispatchEvent(new CustomEvent("spoken"));
    returnTo(spot);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-language]");
    if (!button) return;
    if (named()) history.replaceState(null, "", location.pathname + location.hash);
    const before = button.closest("div.body").lang;
    try { localStorage.setItem("language", button.dataset.language); } catch { /* the choice then lasts as long as the page */ }
    speak(button.dataset.language);
    document.querySelector(`button[data-language="${CSS.escape(before)}"]`)?.focus({ preventScroll: true });
  });
  document.addEventListener("DOMContentLoaded", () => {
    const language = named() ?? stored();
    if (language && language !== document.documentElement.lang) speak(language);
  });
})();
