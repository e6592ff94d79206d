// What a number is, in one sentence: when it is pointed at, tapped, or reached by the keyboard.
//
// The sentence stands in `data-explain` of the element itself, of an ancestor within its table cell, of the head of the
// cell's column, or of an ancestor of the table: the nearest one counts. Within a table one cell can be reached by Tab,
// and from there the others by the arrow keys. Escape closes.
(() => {
  "use strict";
  const EXPLAINED = "[data-explain]";
  const columns = new WeakMap(); // table → cell → the columns that it covers

  function layOut(table) {
    const taken = []; // by row, by column
    const places = new Map();
    [...table.rows].forEach((row, y) => {
      let x = 0;
      for (const cell of row.cells) {
        while (taken[y]?.[x]) x += 1;
        places.set(cell, [x, x + cell.colSpan - 1]);
        for (let down = 0; down < (cell.rowSpan || table.rows.length - y); down += 1) {
          for (let right = 0; right < cell.colSpan; right += 1) (taken[y + down] ??= [])[x + right] = true;
        }
      }
    });
    return places;
  }

  function headOf(cell) {
    const table = cell.closest("table");
    if (!table?.tHead || table.tHead.contains(cell)) return null;
    if (!columns.get(table)?.has(cell)) columns.set(table, layOut(table));
    const places = columns.get(table);
    const [first] = places.get(cell);
    const covers = (head) => places.get(head)[0] <= first && first <= places.get(head)[1];
    return [...table.tHead.querySelectorAll("th, td")].reverse().find((head) => head.matches(EXPLAINED) && covers(head)) ?? null;
  }

  // The element that holds the sentence, and the one that it is shown at.
  function explanationOf(element) {
    const cell = element.closest("td, th");
    const own = element.closest(EXPLAINED);
    if (own && (!cell || cell.contains(own))) return { text: own.dataset.explain, at: own };
    const head = cell && headOf(cell);
    if (head) return { text: head.dataset.explain, at: cell };
    return own ? { text: own.dataset.explain, at: cell ?? own } : null;
  }
  window.explanationOf = (element) => explanationOf(element)?.text ?? null;

  const tip = document.createElement("div");
  Object.assign(tip, { id: "explanation", className: "explanation", hidden: true });
  tip.setAttribute("role", "tooltip");
  let at = null;

  function hide() {
    at?.removeAttribute("aria-describedby");
    at = null;
    tip.hidden = true;
  }

  function show(element) {
    const explanation = element?.closest?.("main") ? explanationOf(element) : null;
    if (!explanation?.text) return hide();
    if (at === explanation.at) return undefined;
    hide();
    at = explanation.at;
    at.setAttribute("aria-describedby", tip.id);
    tip.textContent = explanation.text;
    tip.lang = document.documentElement.lang;
    if (!tip.isConnected) document.body.append(tip);
    tip.hidden = false;
    const mark = at.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, mark.left), document.documentElement.clientWidth - width - 8);
    const below = mark.bottom + 6 + height <= innerHeight || mark.top < height + 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${below ? mark.bottom + 6 : mark.top - 6 - height}px`;
    return undefined;
  }

  // One stop of the Tab key for each table, one for each explained element that is in none.
  function makeReachable() {
    for (const element of document.querySelectorAll(`main ${EXPLAINED}`)) {
      if (!element.closest("table") && element.tabIndex < 0) element.tabIndex = 0;
    }
    for (const table of document.querySelectorAll("main table")) {
      const cell = [...table.querySelectorAll("tbody td, tbody th")].find((candidate) => explanationOf(candidate) || candidate.querySelector(EXPLAINED));
      if (cell && !table.querySelector("[tabindex='0']")) cell.tabIndex = 0;
    }
  }

  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  function step(cell, [down, right]) {
    const table = cell.closest("table");
    const rows = [...table.rows];
    for (let y = rows.indexOf(cell.parentNode) + down, x = cell.cellIndex + right; ; y += down, x += right) {
      const next = rows[y]?.cells[down ? Math.min(x, rows[y].cells.length - 1) : x];
      if (!next) return;
      if (!next.getClientRects().length) continue;
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      return;
    }
  }

  document.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") show(event.target); });
  document.addEventListener("click", (event) => { if (!event.target.closest?.("a, button, summary, input, select")) show(event.target); });
  document.addEventListener("focusin", (event) => { if (event.target.matches(":focus-visible")) show(event.target.querySelector?.(`:scope > ${EXPLAINED}`) ?? event.target); });
  document.addEventListener("focusout", hide);
  addEventListener("scroll", () => { if (at && !at.matches(":focus, :hover")) hide(); }, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const cell = event.target;
    if (!(event.key in STEPS) || !cell.matches?.("main td[tabindex], main th[tabindex]") || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    step(cell, STEPS[event.key]);
  });
  document.addEventListener("DOMContentLoaded", makeReachable);
  document.addEventListener("spoken", () => { hide(); makeReachable(); });
})();
