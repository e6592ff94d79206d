// The explorer: filters, matrix and open item follow the address; whatever is chosen changes the address first.

class Explorer {
  constructor(content) {
    this.matrix = new ItemMatrix(content);
    this.items = new PackedItems(content);
    this.texts = new ItemTexts(this.matrix, this.items);
    this.grid = new MatrixGrid(this.matrix, {
      open: (place, column) => this.open(place, this.matrix.columns[this.grid.shown[column]]),
      change: (wanted) => this.change(wanted),
    });
    this.pane = new ItemPane(this.matrix, {
      close: () => this.close(), step: (by) => this.step(by), change: (wanted) => this.change(wanted), copy: () => this.copyItem(),
    });
  }

  // Take over the elements of the page, which are others in each language.
  bind() {
    this.form = byId("filters");
    this.grid.bind();
    this.pane.bind();
    const filter = () => this.change(Object.fromEntries(FIELDS.filter((name) => this.form.elements[name]).map((name) => [name, this.valueOf(name)])));
    let pause;
    this.form.addEventListener("change", filter);
    this.form.elements.q.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(filter, 150); });
    this.form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
    byId("reset").addEventListener("click", () => this.change({ ...stateOf(""), sample: this.state.sample }));
    byId("copy").addEventListener("click", () => this.copyLink());
    byId("keys").addEventListener("click", () => byId("help").showModal());
    byId("as-csv").addEventListener("click", () => this.export(asCsv, "csv", "text/csv"));
    byId("as-jsonl").addEventListener("click", () => this.export(asJsonLines, "jsonl", "application/jsonl"));
  }

  listen() {
    addEventListener("hashchange", () => this.follow());
    document.addEventListener("click", (event) => { // the address that is shown already changes nothing, yet was asked for
      const link = event.target.closest('a[href^="#"]');
      if (link && link.hash.includes("=") && link.hash === location.hash) this.arrive();
    });
    document.addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("spoken", () => { this.bind(); this.read(addressOf(this.state)); this.show(); });
  }

  valueOf(name) {
    const field = this.form.elements[name];
    return field.type === "checkbox" ? (field.checked ? "1" : "") : field.value;
  }

  // Take the state from an address, and leave out the names of another run.
  read(hash) {
    const state = stateOf(hash);
    this.offerSort(state.sort);
    for (const name of FIELDS) {
      const field = this.form.elements[name];
      if (!field) { state[name] = ""; continue; }
      if (field.type === "checkbox") field.checked = state[name] === "1";
      else field.value = state[name];
      if (field.type === "select-one" && field.selectedIndex < 0) { field.value = ""; state[name] = ""; }
    }
    state.pattern = new Map([...state.pattern].filter(([column]) => this.matrix.columns.includes(column)));
    this.state = state;
  }

  // Sorting by a variant is chosen at its column; the field says so.
  offerSort(sort) {
    const field = this.form.elements.sort;
    [...field.options].filter((option) => option.value.startsWith("variant:")).forEach((option) => option.remove());
    const name = sort.slice("variant:".length);
    if (sort.startsWith("variant:") && this.matrix.columns.includes(name)) field.append(h("option", { value: sort }, say("sorted_by", { name })));
  }

  follow() {
    const { hash } = location;
    if (!hash.includes("=")) { // a link to a section of the page leaves the choice as it is; back from an item closes it
      if (this.state.sample && (hash === "" || hash === "#samples")) { this.state.sample = ""; this.show(); }
      return;
    }
    this.read(hash);
    this.show();
    this.arrive();
  }

  change(wanted) {
    const next = { ...this.state, ...wanted };
    const isOpened = next.sample && !this.state.sample;
    history[isOpened ? "pushState" : "replaceState"](null, "", addressOf(next));
    this.read(addressOf(next));
    this.show();
  }

  show() {
    this.selection = new Selection(this.matrix, this.state, this.texts);
    const places = this.selection.places();
    const isSame = this.grid.places?.length === places.length && places.every((place, at) => place === this.grid.places[at]);
    const sample = this.state.sample ? this.matrix.place(this.state.sample) : -1;
    document.querySelector(".explorer").classList.toggle("open", Boolean(this.state.sample));
    document.body.classList.toggle("alone", Boolean(this.state.sample));
    const row = places.indexOf(sample);
    const top = byId("items").scrollTop || this.top || 0;
    if (row >= 0) this.grid.row = row;
    this.grid.show(this.selection, isSame ? this.grid.places : places, sample);
    if (isSame) byId("items").scrollTop = top;
    if (row >= 0) this.grid.reveal();
    this.tell();
    this.showItem(sample);
    this.search();
  }

  async showItem(sample) {
    if (!this.state.sample) { this.pane.hide(); return; }
    if (sample < 0) { this.pane.message(say("no_item", { item: this.state.sample })); return; }
    const { selection } = this;
    try {
      const item = await this.items.item(sample);
      if (selection === this.selection) this.pane.show(item, selection);
    } catch (error) {
      if (selection === this.selection) this.pane.message(error.message);
    }
    if (this.variant) { this.pane.reveal(this.variant); this.variant = ""; }
  }

  // Look through what is not unpacked yet, and show what is found on the way.
  async search() {
    const { selection, state: { q } } = this;
    if (!q || this.texts.complete) return;
    const isWanted = () => selection === this.selection;
    byId("count").dataset.searching = "1";
    try {
      await this.texts.read(isWanted, (share) => { if (isWanted()) this.tell(share); });
    } catch (error) { if (isWanted()) byId("count").textContent = error.message; }
    if (isWanted()) { delete byId("count").dataset.searching; this.show(); }
  }

  tell(share) {
    const { matrix, state, grid } = this;
    const shown = grid.places.length;
    const sentences = [say("count", { n: matrix.total, shown: grouped(shown), count: grouped(matrix.total) })];
    if (state.q && !this.texts.complete) sentences.push(say("searching", { share: Math.round(100 * (share ?? this.texts.next / this.items.chunks)) }));
    else if (state.q && !this.items.readable) sentences.push(say("needs_server"));
    if (state.sample && matrix.place(state.sample) < 0) sentences.push(say("no_item", { item: state.sample }));
    else if (state.sample && grid.row >= 0 && !grid.places.includes(grid.sample)) sentences.push(say("not_chosen", { item: state.sample }));
    byId("count").textContent = sentences.join(" · ");
    byId("reset").hidden = !FIELDS.some((name) => state[name]) && !state.pattern.size;
    document.querySelectorAll("#as-csv, #as-jsonl").forEach((button) => { button.disabled = shown === 0; });
    byId("patterns").replaceChildren(...[...state.pattern].map(([name, outcome]) => h("li", { class: `chip ${outcome}` }, `${name} ${say(outcome)}`)));
  }

  open(place, variant) {
    this.variant = variant;
    this.change({ sample: this.matrix.key(place) });
    if (matchMedia("(max-width: 60rem)").matches) byId("item").querySelector("h3")?.focus();
  }

  close() {
    this.change({ sample: "" });
    byId("items").focus({ preventScroll: true });
  }

  step(by) {
    const { places, row } = this.grid;
    const isOpen = this.state.sample && places.includes(this.grid.sample);
    const next = isOpen ? row + by : row;
    if (!places.length || next < 0 || next >= places.length) return;
    this.open(places[next]);
    const box = document.querySelector(".explorer").getBoundingClientRect();
    if (box.bottom < 80 || box.top > innerHeight - 80) this.arrive();
  }

  // Bring what an address asked for into sight: the list, or the item beside it.
  arrive() {
    byId("samples").scrollIntoView();
    if (this.state.sample) document.querySelector(".explorer").scrollIntoView({ block: "nearest" });
    byId("items").focus({ preventScroll: true });
  }

  press(event) {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest?.("input, select, textarea, dialog[open]")) {
      if (event.key === "Escape" && event.target === this.form.elements.q) byId("items").focus();
      return;
    }
    const actions = { j: () => this.step(1), k: () => this.step(-1), "/": () => this.form.elements.q.focus(), "?": () => byId("help").showModal(),
      c: () => this.state.sample && this.copyItem(), Escape: () => this.state.sample && this.close() };
    if (!Object.hasOwn(actions, event.key)) return;
    event.preventDefault();
    actions[event.key]();
  }

  async copyLink() {
    const isDone = await copyText(location.href.split("#")[0] + addressOf(this.state));
    this.flash(byId("copy"), isDone ? "copied" : "copy_address", "copy_link");
  }

  async copyItem() {
    const button = byId("item-json");
    if (!button) return;
    this.flash(button, (await copyText(itemAsJson(this.pane.item))) ? "copied" : "copy_failed", "copy_json");
  }

  flash(button, message, label) {
    button.textContent = say(message);
    setTimeout(() => { if (button.isConnected) button.textContent = say(label); }, 2000);
  }

  async export(write, ending, type) {
    const { selection } = this;
    const places = [...this.grid.places];
    const tell = (share) => { byId("count").textContent = say("exporting", { share: Math.round(100 * share) }); };
    try {
      const rows = await exportRows(places, selection, this.items, tell);
      download(write(rows), `items.${ending}`, `${type};charset=utf-8`);
      this.tell();
    } catch (error) { byId("count").textContent = error.message; }
  }
}

try {
  const explorer = new Explorer(await unpack(byId("data")));
  explorer.bind();
  explorer.read(location.hash);
  explorer.listen();
  explorer.show();
  if (location.hash.includes("=")) explorer.arrive();
} catch (error) {
  byId("count").textContent = say("cannot_show", { reason: error.message });
  throw error;
}
