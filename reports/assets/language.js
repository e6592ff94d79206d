// The page holds a body in each language; all but the one that is shown are templates. Switching swaps the two.
(() => {
  "use strict";
  const shown = () => document.querySelector("div.body");
  const named = () => new URLSearchParams(location.search).get("lang"); // ?lang=zh: what a link asks for comes first
  const stored = () => { try { return localStorage.getItem("language"); } catch { return null; } };

  const speak = (language) => {
    const template = document.querySelector(`template.body[lang="${language}"]`);
    if (!template) return;
    const body = shown();
    const kept = Object.assign(document.createElement("template"), { className: "body", lang: body.lang });
    kept.content.append(...body.childNodes);
    const next = Object.assign(document.createElement("div"), { className: "body", lang: language });
    next.append(template.content);
    template.replaceWith(kept);
    body.replaceWith(next);
    document.documentElement.lang = language;
    document.dispatchEvent(new CustomEvent("spoken"));
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-language]");
    if (!button) return;
    if (named()) history.replaceState(null, "", location.pathname + location.hash);
    try { localStorage.setItem("language", button.dataset.language); } catch { /* the choice then lasts as long as the page */ }
    speak(button.dataset.language);
  });
  document.addEventListener("DOMContentLoaded", () => {
    const language = named() ?? stored();
    if (language && language !== document.documentElement.lang) speak(language);
  });
})();
