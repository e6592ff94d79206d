// The items: unpack, filter, page. The filter lives in the address, so that what one sees can be sent to someone else.

const PAGE = 25;
const byId = (id) => document.getElementById(id);
const form = byId("filters");
const NAMES = ["task", "variant", "metric", "outcome", "retrieval", "q", "disagree"].filter((name) => form.elements[name]);
let data;
let state = {};

async function unpack() {
  const packed = atob(byId("data").textContent);
  const bytes = new Uint8Array(packed.length);
  for (let place = 0; place < packed.length; place += 1) bytes[place] = packed.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const content = JSON.parse(await new Response(stream).text());
  const order = new Map(content.variants.map(([variant], place) => [variant, place]));
  content.answering = new Map(content.variants);
  content.first = new Map(); // by task: a plain object has entries of its own, such as constructor
  for (const [task, metric] of content.metrics) if (!content.first.has(task)) content.first.set(task, metric);
  for (const item of content.items) {
    item.answers.sort((one, other) => order.get(one.variant) - order.get(other.variant));
    for (const answer of item.answers) answer.name = answer.variant;
  }
  return content;
}

function judge(item, answer) {
  const metric = state.judged?.[0] === item.task ? state.judged[1] : data.first.get(item.task);
  const found = (answer.scores || []).find((score) => score[0] === metric);
  return found ? [found[1], found[2]] : ["unknown", null];
}

function haystack(item) {
  item.search ??= [item.id, data.texts[item.input], ...(item.targets || []), ...(item.options || []), ...item.answers.flatMap((answer) =>
    [answer.text, typeof answer.answer === "string" ? answer.answer : JSON.stringify(answer.answer)])].join("\n").toLowerCase();
  return item.search;
}

const visible = (item) => item.answers.filter((answer) => !state.variant || data.answering.get(state.variant).includes(answer.variant));

function matches(item) {
  if (state.sample) return `${item.task}/${item.id}` === state.sample;
  if (state.task && item.task !== state.task) return false;
  if (state.judged && item.task !== state.judged[0]) return false;
  if (state.variant && !visible(item).length) return false;
  const wanted = (answer) => (!state.outcome || judge(item, answer)[0] === state.outcome)
    && (!state.retrieval || answer.retrieved === state.retrieval);
  if ((state.outcome || state.retrieval) && !visible(item).some(wanted)) return false;
  if (state.disagree) {
    const outcomes = new Set(item.answers.map((answer) => judge(item, answer)[0]));
    if (!outcomes.has("right") || !outcomes.has("wrong")) return false;
  }
  return !state.q || haystack(item).includes(state.q.toLowerCase());
}

function address(wanted) {
  const parts = new URLSearchParams();
  for (const name of [...NAMES, "page", "sample"]) {
    if (wanted[name] && !(name === "page" && wanted.page === 1)) parts.set(name, wanted[name]);
  }
  return `#${parts.size ? parts : "samples"}`;
}

function read() {
  const hash = location.hash.slice(1);
  const parts = new URLSearchParams(hash.includes("=") ? hash : "");
  state = Object.fromEntries([...NAMES, "sample"].map((name) => [name, parts.get(name) ?? ""]));
  state.page = Math.max(1, Number.parseInt(parts.get("page") ?? "1", 10) || 1);
  for (const name of NAMES) {
    const field = form.elements[name];
    if (field.type === "checkbox") field.checked = state[name] === "1";
    else field.value = state[name];
    if (field.type === "select-one" && field.selectedIndex < 0) { field.value = ""; state[name] = ""; } // a name of another run
  }
  return hash.includes("=");
}

function show() {
  state.judged = state.metric ? data.metrics.find((pair) => pair.join(".") === state.metric) : null;
  const found = data.items.filter(matches);
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  state.page = Math.min(state.page, pages);
  const shown = found.slice((state.page - 1) * PAGE, state.page * PAGE);
  byId("items").replaceChildren(...shown.map((item) => card(item, visible(item), {
    texts: data.texts, judge, link: address({ sample: `${item.task}/${item.id}` }), alone: Boolean(state.sample) })));
  const many = data.items.length.toLocaleString("en");
  byId("count").textContent = state.sample
    ? (found.length ? `Item ${state.sample} alone, of ${many}` : `There is no item ${state.sample} in this run`)
    : `${found.length.toLocaleString("en")} of ${many} items`;
  byId("reset").textContent = state.sample ? "Show all items" : "Reset";
  byId("reset").hidden = !state.sample && !NAMES.some((name) => state[name]);
  form.hidden = Boolean(state.sample);
  document.body.classList.toggle("alone", Boolean(state.sample));
  byId("pages").hidden = pages < 2;
  byId("page").textContent = `Page ${state.page.toLocaleString("en")} of ${pages.toLocaleString("en")}`;
  byId("previous").disabled = state.page <= 1;
  byId("next").disabled = state.page >= pages;
}

function change(wanted) {
  history.replaceState(null, "", address(wanted));
  read();
  show();
}

function arrive() {
  byId("samples").scrollIntoView();
  byId("items").focus({ preventScroll: true });
}

function turn(by) {
  change({ ...state, page: state.page + by });
  arrive();
}

async function copy() {
  const link = location.href.split("#")[0] + address(state);
  let done = true;
  try { await navigator.clipboard.writeText(link); } catch {
    const field = document.body.appendChild(h("textarea", { class: "visually-hidden" }));
    field.value = link;
    field.select();
    done = document.execCommand("copy"); // where a file may not use the clipboard
    field.remove();
  }
  byId("copy").textContent = done ? "Copied" : "Copy the address above";
  setTimeout(() => { byId("copy").textContent = "Copy link"; }, 2000);
}

function listen() {
  const filter = () => change({ ...Object.fromEntries(new FormData(form)), page: 1 });
  let pause;
  form.addEventListener("change", filter);
  form.elements.q.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(filter, 150); });
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  byId("reset").addEventListener("click", () => change({}));
  byId("copy").addEventListener("click", copy);
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  addEventListener("hashchange", () => { // a link to a section of the page leaves the filter as it is
    if (!location.hash.includes("=") && !state.sample) return;
    const asked = read();
    show();
    if (asked) arrive();
  });
  document.addEventListener("click", (event) => { // the address that is shown already changes nothing, yet was asked for
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash.includes("=") && link.hash === location.hash) arrive();
  });
}

try {
  data = await unpack();
  const asked = read();
  listen();
  show();
  if (asked) byId("samples").scrollIntoView();
} catch (error) {
  byId("count").textContent = `The items cannot be shown: ${error.message}. Chrome 80, Firefox 113, Safari 16.4 or newer can.`;
  throw error;
}
