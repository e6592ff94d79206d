"""Which numbers of a page nobody explains: the rule, and the walk over a page in a browser that applies it.

A number is a text with a digit. It needs a sentence that says what it is, in `data-explain` of its element, of an
ancestor, or of its column's head (`explanationOf` in assets/explain.js), unless it stands

- in a sentence or a heading, which say it themselves: `p`, `li`, `caption`, `summary`, `h1` to `h5`, outside of tables;
- in a name: `th`, `code`, `.name`, a link to an item;
- in text that is shown as it is: `pre`;
- in the explorer (`#samples`), the record of the method (`#method`), or what cannot be seen (`.visually-hidden`, `script`).
"""

from typing import Any

UNEXPLAINED = """(scope) => {
  const missing = [];
  const root = scope ? document.querySelector(scope) : document.querySelector("main");
  if (!root) return [`no ${scope}`];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!/\\d/.test(node.data)) continue;
    const element = node.parentElement;
    if (element.closest("#samples, #method, pre, code, script, template, .name, .visually-hidden, th, caption, summary, h1, h2, h3, h4, h5, dt, a[href^='#sample=']")) continue;
    const sentence = element.closest("p, li, figcaption");
    if (sentence && !element.closest("svg") && !sentence.closest("td")) continue;
    if (window.explanationOf(element)) continue;
    const section = element.closest("section")?.id ?? "page";
    missing.push(`${section}: “${element.textContent.trim().slice(0, 40)}” in ${element.tagName.toLowerCase()}.${element.getAttribute("class") ?? ""}`);
  }
  return [...new Set(missing)];
}"""


def unexplained(page: Any, scope: str | None = None) -> list[str]:
    """The numbers without an explanation, within `scope` (a selector) or on the whole page."""
    missing: list[str] = page.evaluate(UNEXPLAINED, scope)
    return missing
