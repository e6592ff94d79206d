// What leaves the page: the open item as JSON, and the chosen items as a table.

// The open item with its texts in place of their numbers.
function itemAsJson(item) {
  const { texts, ...rest } = item;
  const answers = item.answers.map((answer) => ({
    ...answer,
    messages: answer.messages?.map(([role, pieces]) => ({ role, content: joined(item, pieces) })),
    rendered: answer.rendered && renderedText(answer, item),
    reasoning: answer.reasoning && joined(item, answer.reasoning),
    lookup: answer.lookup && texts[answer.lookup[language()]],
    timing: answer.timing && texts[answer.timing[language()]],
    route: answer.route?.map(([variant, why]) => ({ variant, reason: texts[why[language()]] })),
    passages: answer.passages?.map((passage) => ({ ...passage, text: Array.isArray(passage.text) ? texts[passage.text[0]] : passage.text })),
    scores: answer.scores?.map(([metric, outcome, figure, why, error]) => ({ metric, outcome, figure, reason: why, error })),
    whole: undefined,
  }));
  return JSON.stringify({ ...rest, input: texts[item.input], answers }, null, 2);
}

// The chosen items as rows, each a list of [column, content]; without texts where the items cannot be read.
async function exportRows(places, selection, items, tell) {
  const { matrix, shown } = selection;
  const rows = new Array(places.length);
  const inOrder = places.map((place, at) => [place, at]).sort(([left], [right]) => left - right); // each chunk is unpacked once
  let told = performance.now();
  for (const [number, [place, at]] of inOrder.entries()) {
    const item = items.readable ? await items.item(place) : null;
    rows[at] = exportRow(place, item, selection, matrix, shown);
    if (performance.now() - told > 250) { told = performance.now(); tell(number / places.length); await new Promise((done) => { setTimeout(done); }); }
  }
  return rows;
}

function exportRow(place, item, selection, matrix, shown) {
  const { mean, known } = selection.spread(place);
  const row = [["task", matrix.tasks[matrix.task[place]]], ["id", matrix.ids[place]], ["question", item ? item.texts[item.input] : matrix.excerpts[place]]];
  if (item) row.push(["expected", (item.targets || []).length > 1 ? item.targets : item.targets?.[0] ?? ""]);
  for (const column of shown) {
    const name = matrix.columns[column];
    const score = selection.values[column][place];
    row.push([`${name}: outcome`, OUTCOMES[selection.codes[column][place]]], [`${name}: value`, Number.isNaN(score) ? null : score]);
    const answer = item?.answers.find((candidate) => candidate.variant === name);
    if (item) row.push([`${name}: answer`, answer?.answer ?? null], [`${name}: reply`, answer?.text ?? null]);
  }
  return [...row, ["mean", known ? Number(mean.toFixed(4)) : null]];
}

// A cell of a table: quoted where it must be; what a spreadsheet would run as a formula begins with an apostrophe.
function csvCell(content) {
  if (typeof content === "number") return String(content);
  const written = content == null ? "" : typeof content === "string" ? content : JSON.stringify(content);
  const safe = /^[\s\u0000-\u001f\u00a0\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(written) || /^[\t\r\n]/.test(written) ? `'${written}` : written;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const asCsv = (rows) => `\ufeff${[(rows[0] ?? []).map(([name]) => name), ...rows.map((row) => row.map(([, content]) => content))]
  .map((cells) => cells.map(csvCell).join(",")).join("\r\n")}\r\n`;

const asJsonLines = (rows) => rows.map((row) => `${JSON.stringify(Object.fromEntries(row))}\n`).join("");

function download(content, name, type) {
  const link = h("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function copyText(content) {
  try { await navigator.clipboard.writeText(content); return true; } catch {
    const field = document.body.appendChild(h("textarea", { class: "visually-hidden" }));
    field.value = content;
    field.select();
    const isDone = document.execCommand("copy"); // where a file may not use the clipboard
    field.remove();
    return isDone;
  }
}
