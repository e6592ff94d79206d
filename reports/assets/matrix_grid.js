// The matrix as a grid of which only the rows in sight exist: however many items there are, the page stays small.

const SPARE = 8; // rows above and below those in sight
const WIDE_COLUMNS = 5; // so many variants have room for their figures

class MatrixGrid {
  constructor(matrix, { open, change }) {
    this.matrix = matrix;
    this.open = open; // called with a place and a column, or -1
    this.change = change; // called with what the choice is to be
    this.row = 0;
    this.column = -1; // the item itself
  }

  // Take over the elements of the page, which are others in each language.
  bind() {
    this.element = byId("items");
    this.element.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), { passive: true });
    this.element.addEventListener("keydown", (event) => this.press(event));
    this.element.addEventListener("click", (event) => {
      const cell = event.target.closest("[role=gridcell]");
      if (!cell) return;
      this.row = Number(cell.parentElement.dataset.row);
      this.column = Number(cell.dataset.column);
      this.open(this.places[this.row], this.column);
    });
    this.measure = new ResizeObserver(() => this.draw());
    this.measure.observe(this.element);
  }

  show(selection, places, sample) {
    const isOther = places !== this.places;
    Object.assign(this, { selection, places, sample });
    const { element, matrix } = this;
    this.shown = selection.state.variant ? selection.shown : matrix.columns.map((_, column) => column);
    element.setAttribute("aria-rowcount", places.length + 1);
    element.setAttribute("aria-colcount", this.shown.length + 2);
    element.style.setProperty("--columns", this.shown.length);
    element.classList.toggle("wide", this.shown.length <= WIDE_COLUMNS);
    this.body = h("div", { role: "rowgroup", class: "matrix-body" });
    element.replaceChildren(this.head(), this.body);
    this.height = Math.round(parseFloat(getComputedStyle(element).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize));
    this.body.style.height = `${places.length * this.height}px`;
    this.row = Math.max(0, Math.min(this.row, places.length - 1));
    if (isOther && places.indexOf(sample) < 0) { element.scrollTop = 0; this.row = 0; }
    this.drawn = null;
    this.draw();
  }

  head() {
    const { selection: { state } } = this;
    const name = h("div", { role: "columnheader", class: "item-name", "data-explain": say("item_explained"), tabindex: 0 }, say("item"));
    const columns = this.shown.map((column) => this.columnHead(this.matrix.columns[column], state));
    const share = h("div", { role: "columnheader", class: "share", "data-explain": say("share_explained"), tabindex: 0 }, say("share"));
    return h("div", { role: "rowgroup", class: "matrix-head" }, h("div", { role: "row", "aria-rowindex": 1, class: "matrix-row" }, name, columns, share));
  }

  columnHead(name, state) {
    const isSorted = state.sort === `variant:${name}`;
    const sort = h("button", { type: "button", class: "variant-name", title: say("sort_by", { name }) }, h("span", {}, name),
      isSorted && h("span", { class: "direction", "aria-hidden": "true" }, state.reverse ? "▼" : "▲"));
    sort.addEventListener("click", () => this.change({ sort: `variant:${name}`, reverse: isSorted && !state.reverse ? "1" : "" }));
    const choice = h("select", { class: "pattern", "aria-label": say("pattern", { name }), title: say("pattern", { name }) },
      h("option", { value: "" }, `∗ ${say("any")}`), PATTERN.map((outcome) =>
        h("option", { value: outcome, selected: state.pattern.get(name) === outcome }, `${SIGNS[outcome]} ${say(outcome)}`)));
    choice.classList.toggle("set", state.pattern.has(name));
    choice.addEventListener("change", () => {
      const pattern = new Map(state.pattern);
      pattern.delete(name);
      if (choice.value) pattern.set(name, choice.value);
      this.change({ pattern });
    });
    return h("div", { role: "columnheader", class: "variant-head", "aria-sort": isSorted ? (state.reverse ? "descending" : "ascending") : "none", "data-explain": say("column_explained", { name }) },
      sort, h("span", { class: "pattern-box" }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[state.pattern.get(name)] ?? "∗"), choice));
  }

  draw() {
    const { element, height, places } = this;
    if (!places || !element.isConnected) return;
    const first = Math.max(0, Math.floor(element.scrollTop / height) - SPARE);
    const last = Math.min(places.length, Math.ceil((element.scrollTop + element.clientHeight) / height) + SPARE);
    const drawn = `${first}-${last}-${this.row}-${this.column}-${this.sample}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.body.replaceChildren(...places.slice(first, last).map((place, at) => this.rowOf(place, first + at)));
    const active = this.body.querySelector(".active");
    if (active) element.setAttribute("aria-activedescendant", active.id);
    else element.removeAttribute("aria-activedescendant");
    byId("cell-note").textContent = active?.dataset.explain ?? active?.title ?? "";
  }

  rowOf(place, row) {
    const { matrix, selection, shown } = this;
    const task = matrix.tasks[matrix.task[place]];
    const cell = (column, attributes, ...children) => h("div", { role: "gridcell", "aria-colindex": column + 2, "data-column": column,
      id: `cell-${row}-${column + 1}`, ...attributes, class: `${attributes.class} ${row === this.row && column === this.column ? "active" : ""}` }, children);
    const name = cell(-1, { class: "item-name", title: matrix.excerpts[place] }, h("span", { class: "item-id" }, matrix.tasks.length > 1 && h("span", { class: "hint" }, `${task} `), matrix.ids[place]),
      h("span", { class: "excerpt" }, matrix.excerpts[place]));
    const cells = shown.map((column, at) => cell(at, this.outcomeOf(place, column)[0], this.outcomeOf(place, column)[1]));
    const { mean, known } = selection.spread(place);
    const share = cell(shown.length, { class: "share", "data-explain": say("share_explained") }, known ? `${Math.round(100 * mean)} %` : "–");
    const element = h("div", { role: "row", class: "matrix-row", "aria-rowindex": row + 2, "data-row": row, "data-item": matrix.key(place),
      "aria-label": `${task} ${matrix.ids[place]}`, "aria-selected": String(place === this.sample) }, name, cells, share);
    element.style.transform = `translateY(${row * this.height}px)`;
    return element;
  }

  // The attributes and the content of a cell: a symbol, and the figure where there is room.
  outcomeOf(place, column) {
    const { matrix, selection } = this;
    const code = selection.codes[column][place];
    const score = selection.values[column][place];
    const scale = matrix.scale(place, selection.metric);
    const figure = scale && code !== 0 && code !== 4 ? matrix.figure(score, scale) : "";
    const outcome = OUTCOMES[code];
    const explanation = say("cell_explained", { name: matrix.columns[column], item: matrix.ids[place], outcome: say(outcome), figure: figure && ` (${figure})`, n: code });
    return [{ class: `cell ${outcome}`, "aria-label": `${matrix.columns[column]}: ${say(outcome)} ${figure}`.trim(), "data-explain": explanation },
      [h("span", { class: "sign" }, matrix.sign(code, selection.goodness(place, column))), figure && h("span", { class: "figure" }, figure)]];
  }

  press(event) {
    if (event.target !== this.element || event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    if (event.key === "ArrowLeft") this.column = Math.max(-1, this.column - 1);
    else if (event.key === "ArrowRight") this.column = Math.min(this.shown.length, this.column + 1);
    else if (event.key in steps) this.row = Math.max(0, Math.min(this.places.length - 1, this.row + steps[event.key]));
    else if (event.key === "Enter" || event.key === " ") { if (this.places.length) this.open(this.places[this.row], this.column); }
    else return;
    event.preventDefault();
    this.reveal();
  }

  // Bring the active row into sight, and draw it.
  reveal() {
    const { element, height } = this;
    const head = element.firstElementChild.offsetHeight;
    const top = this.row * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height + head > element.scrollTop + element.clientHeight) element.scrollTop = top + height + head - element.clientHeight;
    this.draw();
  }
}
