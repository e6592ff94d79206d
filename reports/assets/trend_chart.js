// One chart of the trend: lines over the nights, their intervals, what changed, and the values of the night pointed at.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 10, right: 10, bottom: 40, left: 52 };
const BANDS = 2; // lines whose intervals can be told apart as bands; of more they stand at the night that is pointed at
const STYLES = 6; // lines that colours and dashes tell apart

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, content] of Object.entries(attributes)) element.setAttribute(name, content);
  element.append(...children);
  return element;
}

// Round values that divide a range into about four parts.
function ticksOf(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= rough * 0.999);
  const ticks = [];
  for (let place = Math.ceil(low / size - 1e-9); place * size <= high + size * 1e-9; place += 1) ticks.push(place * size);
  return ticks;
}

function decimals(value, chart) {
  if (chart.unit === "%") return 1;
  const size = Math.abs(value);
  return size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
}

const plain = (value, chart) => value.toLocaleString("en", { minimumFractionDigits: decimals(value, chart), maximumFractionDigits: decimals(value, chart) }).replace("-", "−");
const withUnit = (value, chart) => (chart.unit ? `${plain(value, chart)} ${chart.unit}` : plain(value, chart));

class TrendChart {
  constructor(place, chart, trend) {
    Object.assign(this, { place, chart, trend, night: null });
    this.styles = new Map(chart.chosen.map((line, style) => [line, style + 1]));
    this.drawing = h("div", { class: "drawing" });
    this.reading = h("div", { class: "reading", hidden: true, "aria-live": "polite" });
    place.replaceChildren(this.legend(), this.drawing, this.reading);
    new ResizeObserver(() => this.draw()).observe(this.drawing);
  }

  legend() {
    if (this.chart.lines.length < 2) return "";
    const names = this.chart.lines.map((line, number) => {
      const button = h("button", { type: "button", class: "line-choice", "aria-pressed": "false" }, h("span", { class: "swatch" }), line.variant);
      button.addEventListener("click", () => this.toggle(number));
      return button;
    });
    this.buttons = names;
    this.showChoice();
    return h("div", { class: "legend", role: "group", "aria-label": say("lines") }, names);
  }

  toggle(line) {
    if (!this.styles.delete(line)) {
      const taken = new Set(this.styles.values());
      const free = Array.from({ length: STYLES }, (_, place) => place + 1).find((style) => !taken.has(style));
      const [oldest] = this.styles.keys();
      const style = free ?? this.styles.get(oldest);
      if (!free) this.styles.delete(oldest);
      this.styles.set(line, style);
    }
    this.showChoice();
    this.draw();
  }

  showChoice() {
    this.buttons.forEach((button, line) => {
      const style = this.styles.get(line);
      button.className = `line-choice${style ? ` s${style}` : ""}`;
      button.setAttribute("aria-pressed", String(Boolean(style)));
    });
  }

  // The scales: nights at equal distances, values over all that is drawn.
  measure() {
    this.width = Math.max(200, this.drawing.clientWidth);
    this.height = this.width < 520 ? 230 : 280;
    const shown = this.chart.lines.filter((_, line) => this.styles.has(line));
    const ends = (shown.length ? shown : this.chart.lines).flatMap((line) => [...line.v, ...(line.lo ?? []), ...(line.hi ?? [])]).filter((value) => value !== null);
    let [low, high] = ends.length ? [ends.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b))] : [0, 1];
    const pad = 0.06 * (high - low) || Math.abs(high) * 0.1 || 0.1;
    [low, high] = [low - pad, high + pad];
    if (this.chart.unit === "%") [low, high] = [Math.max(0, low), Math.min(100, high)];
    else if (this.chart.least === 0) low = Math.max(0, low);
    this.low = low;
    this.high = high;
  }

  x(night) {
    const room = this.width - MARGIN.left - MARGIN.right;
    const nights = this.trend.nights.length;
    return MARGIN.left + (nights > 1 ? (room * night) / (nights - 1) : room / 2);
  }

  y(value) {
    const room = this.height - MARGIN.top - MARGIN.bottom;
    return MARGIN.top + room * (1 - (Math.min(Math.max(value, this.low), this.high) - this.low) / (this.high - this.low));
  }

  draw() {
    this.measure();
    const picture = svg("svg", { viewBox: `0 0 ${this.width} ${this.height}`, height: this.height, role: "img", tabindex: 0, "aria-label": `${this.place.dataset.description} ${say("keys")}` });
    const order = this.chart.lines.map((_, line) => line).sort((a, b) => this.styles.has(a) - this.styles.has(b));
    picture.append(...this.axes(), ...this.changeMarks());
    for (const line of order) picture.append(...this.line(line));
    this.cursor = svg("g", { class: "cursor" });
    picture.append(this.cursor);
    picture.addEventListener("pointermove", (event) => this.point(event));
    picture.addEventListener("pointerdown", (event) => this.point(event));
    picture.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.read(null); });
    picture.addEventListener("blur", () => this.read(null));
    picture.addEventListener("keydown", (event) => this.step(event));
    this.drawing.replaceChildren(picture);
    if (this.night !== null) this.read(this.night);
  }

  axes() {
    const right = this.width - MARGIN.right;
    const parts = ticksOf(this.low, this.high).flatMap((tick) => [
      svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: this.y(tick), y2: this.y(tick) }),
      svg("text", { class: "tick", x: MARGIN.left - 8, y: this.y(tick) + 4, "text-anchor": "end" }, withUnit(tick, this.chart)),
    ]);
    const nights = this.trend.nights;
    const many = Math.max(1, Math.min(nights.length - 1, Math.floor((right - MARGIN.left) / 110)));
    const places = nights.length > 1 ? Array.from({ length: many + 1 }, (_, part) => Math.round((part * (nights.length - 1)) / many)) : [0];
    for (const place of new Set(places)) {
      const anchor = nights.length === 1 ? "middle" : place === 0 ? "start" : place === nights.length - 1 ? "end" : "middle";
      parts.push(svg("text", { class: "tick", x: this.x(place), y: this.height - 6, "text-anchor": anchor }, nights[place].at.slice(0, 10)));
    }
    return parts;
  }

  // Below the lines a mark for each night from which on something is different.
  changeMarks() {
    const y = this.height - MARGIN.bottom + 12;
    return Object.entries(this.trend.changes).map(([night, changes]) => {
      const x = this.x(Number(night));
      const moves = changes.some((change) => change.moves);
      return svg("path", { class: moves ? "change moves" : "change", d: `M${x},${y - 5}l4,5l-4,5l-4,-5z` });
    });
  }

  line(number) {
    const { v, lo, hi, breaks, shifts } = this.chart.lines[number];
    const style = this.styles.get(number);
    const stretches = [];
    let open = null;
    v.forEach((value, night) => {
      if (value === null || open === null || breaks.includes(night)) open = null;
      if (value === null) return;
      if (open === null) stretches.push((open = []));
      open.push(night);
    });
    const at = (values) => (night) => `${this.x(night).toFixed(1)},${this.y(values[night]).toFixed(1)}`;
    const parts = [];
    if (style && lo && this.styles.size <= BANDS) {
      for (const nights of stretches) {
        const known = nights.filter((night) => lo[night] !== null && hi[night] !== null);
        if (known.length > 1) parts.push(svg("path", { class: `band s${style}`, d: `M${known.map(at(hi)).join("L")}L${[...known].reverse().map(at(lo)).join("L")}Z` }));
        if (known.length === 1) parts.push(svg("line", { class: `range s${style}`, x1: this.x(known[0]), x2: this.x(known[0]), y1: this.y(lo[known[0]]), y2: this.y(hi[known[0]]) }));
      }
    }
    parts.push(svg("path", { class: style ? `curve s${style}` : "curve faint", d: stretches.map((nights) => `M${nights.map(at(v)).join("L")}`).join("") }));
    for (const nights of stretches) if (nights.length === 1) parts.push(svg("circle", { class: style ? `dot s${style}` : "dot faint", cx: this.x(nights[0]), cy: this.y(v[nights[0]]), r: style ? 3.5 : 2 }));
    if (style) for (const [night, before, after] of shifts) parts.push(this.shiftMark(night, before, after, style));
    return parts;
  }

  shiftMark(night, before, after, style) {
    const x = this.x(night);
    const up = after > before ? -1 : 1;
    const tip = this.y(after) + up * 4;
    return svg("g", { class: `shift s${style}` },
      svg("line", { x1: x, x2: x, y1: this.y(before), y2: this.y(after) }),
      svg("path", { d: `M${x},${tip + up * 9}l-6,${-up * 9}h12z` }));
  }

  point(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const nights = this.trend.nights.length;
    const share = (event.clientX - box.left - this.x(0)) / Math.max(1, this.x(nights - 1) - this.x(0));
    this.read(nights > 1 ? Math.round(Math.min(1, Math.max(0, share)) * (nights - 1)) : 0);
  }

  step(event) {
    const last = this.trend.nights.length - 1;
    const next = { ArrowLeft: Math.max(0, (this.night ?? last + 1) - 1), ArrowRight: Math.min(last, (this.night ?? -1) + 1), Home: 0, End: last, Escape: null }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.read(next);
  }

  // What stood where in a night: a line through the chart, and the values beneath it.
  read(night) {
    this.night = night;
    this.reading.hidden = night === null;
    if (night === null) return this.cursor.replaceChildren();
    const x = this.x(night);
    const rows = [...this.styles].map(([line, style]) => ({ ...this.chart.lines[line], style })).filter((line) => line.v[night] !== null).sort((a, b) => b.v[night] - a.v[night]);
    this.cursor.replaceChildren(svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: this.height - MARGIN.bottom }),
      ...rows.filter((line) => line.lo && line.lo[night] !== null).map((line, place) => svg("line", { class: `range s${line.style}`, x1: x + 4 * (place + 1), x2: x + 4 * (place + 1), y1: this.y(line.lo[night]), y2: this.y(line.hi[night]) })),
      ...rows.map((line) => svg("circle", { class: `dot s${line.style}`, cx: x, cy: this.y(line.v[night]), r: 4 })));
    this.reading.replaceChildren(h("p", { class: "night" }, `${this.trend.nights[night].at} UTC · ${this.trend.nights[night].key}`),
      h("ul", { class: "values-at" }, rows.map((line) => h("li", { class: `s${line.style}` }, h("span", { class: "swatch" }), line.variant ? `${line.variant}: ` : "", h("b", {}, withUnit(line.v[night], this.chart)), this.interval(line, night), this.shiftText(line, night)))),
      rows.length < this.chart.lines.length && this.chart.lines.length > 1 ? h("p", { class: "hint" }, say("more_lines")) : "",
      ...(this.trend.changes[night] ?? []).map((change) => h("p", { class: change.moves ? "changed moves" : "changed" }, `◆ ${say(`kind_${change.kind}`)}: ${change.name}`)));
    return undefined;
  }

  interval(line, night) {
    if (!line.lo || line.lo[night] === null) return "";
    return h("span", { class: "interval" }, ` (${plain(line.lo[night], this.chart)}–${plain(line.hi[night], this.chart)})`);
  }

  shiftText(line, night) {
    const shift = line.shifts.find(([place]) => place === night);
    return shift ? ` ${say("shifted", { before: withUnit(shift[1], this.chart), after: withUnit(shift[2], this.chart) })}` : "";
  }
}
