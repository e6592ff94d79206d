// Keeps the viewer's pages as they are on the server, and filters the list. Without it they are read once.
(() => {
  "use strict";
  const RUNNING = 1000, QUIET = 5000; // milliseconds between two looks
  const filter = () => document.getElementById("filter");

  const sift = () => {
    const words = (filter()?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let matches = 0;
    const runs = document.querySelectorAll("article.run[id]");
    for (const run of runs) {
      run.hidden = !words.every((word) => run.textContent.toLowerCase().includes(word));
      matches += !run.hidden;
    }
    const note = document.getElementById("no-match");
    if (note) note.hidden = matches > 0 || !runs.length;
  };

  // Whether two elements are equal, but for what the filter hides.
  const same = (old, child) => {
    child.hidden = old.hidden;
    return old.isEqualNode(child);
  };

  // Only what has changed is replaced, so that focus, selection and scrolling stay.
  const renew = (fresh) => {
    const main = document.querySelector("main"), next = fresh.querySelector("main");
    const before = new Map([...main.children].map((child) => [child.id || child.outerHTML, child]));
    let place = main.firstElementChild;
    for (const child of [...next.children]) {
      const old = before.get(child.id || child.outerHTML);
      const node = old && (old.id === "no-match" || same(old, child)) ? old : child;
      if (node !== old && old?.contains(document.activeElement)) queueMicrotask(() => node.querySelector("a")?.focus());
      if (node === place) { place = place.nextElementSibling; } else { main.insertBefore(node, place); }
    }
    while (place) { const last = place; place = place.nextElementSibling; last.remove(); }
    document.body.dataset.live = fresh.body.dataset.live;
    const count = document.querySelector(".tools .count"), now = fresh.querySelector(".tools .count");
    if (count && now) count.textContent = now.textContent;
    if (filter() && fresh.getElementById("filter")) filter().hidden = fresh.getElementById("filter").hidden && !filter().value;
    sift();
  };

  let tag = "";
  const look = async () => {
    if (!document.hidden) {
      try {
        const reply = await fetch(location.href, { cache: "no-cache" });
        document.getElementById("gone").hidden = true;
        if (reply.headers.get("X-Viewer-Page") !== "own") { location.reload(); return; } // the report is there
        if (reply.headers.get("ETag") !== tag) {
          tag = reply.headers.get("ETag");
          renew(new DOMParser().parseFromString(await reply.text(), "text/html"));
        }
      } catch {
        document.getElementById("gone").hidden = false;
      }
    }
    setTimeout(look, document.body.dataset.live === "yes" ? RUNNING : QUIET);
  };

  document.addEventListener("input", (event) => { if (event.target === filter()) sift(); });
  sift();
  setTimeout(look, document.body.dataset.live === "yes" ? RUNNING : QUIET);
})();
