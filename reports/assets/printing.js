// On paper stands the decision, on two pages, and everything else only where it was asked for.
(() => {
  "use strict";
  const root = document.documentElement;
  const folded = [];

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-print]");
    if (!button) return;
    root.classList.toggle("print-everything", button.dataset.print === "everything");
    print();
  });

  // Nothing can be unfolded there: open what tells how the run was computed, and fold it again afterwards.
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details.more:not([open])")) { part.open = true; folded.push(part); }
  });
  addEventListener("afterprint", () => {
    for (const part of folded.splice(0)) part.open = false;
    root.classList.remove("print-everything");
  });
})();
