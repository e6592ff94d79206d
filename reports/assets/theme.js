// Runs before the first paint, so that a dark screen never flashes white.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const next = { auto: "light", light: "dark", dark: "auto" };
  let choice = "auto";
  try { choice = localStorage.getItem("theme") in next ? localStorage.getItem("theme") : "auto"; } catch { /* no storage from some files */ }

  const apply = () => {
    root.dataset.theme = choice === "auto" ? (system.matches ? "dark" : "light") : choice;
    const label = document.querySelector("#theme .choice");
    if (label) label.textContent = label.dataset[choice];
  };
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("spoken", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#theme")) return;
    choice = next[choice];
    try { localStorage.setItem("theme", choice); } catch { /* the choice then lasts as long as the page */ }
    apply();
  });
})();
