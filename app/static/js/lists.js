/* Comfort of the lists: panels open in place, columns move without a trip, chosen rows are counted. Every link works without it. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const place = document.querySelector("[data-panel-here]");
  let opener = null;

  const close = () => { place.replaceChildren(); opener?.focus(); opener = null; };
  const open = async (link) => {
    try {
      const answer = await fetch(link.href, { headers: { "X-Fragment": "panel" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      place.innerHTML = await answer.text();
    } catch { location.assign(link.href); return; }
    opener = link.closest("details")?.querySelector("summary") || link;
    all("details[data-menu][open]").forEach((menu) => { menu.open = false; });
    place.dispatchEvent(new CustomEvent("fresh", { bubbles: true }));
    place.querySelector("input:not([type=hidden]), select, button")?.focus();
    place.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a[data-panel]");
    if (link && place) { event.preventDefault(); open(link); return; }
    if (event.target.closest("[data-panel-close]") && place?.contains(event.target)) { event.preventDefault(); close(); return; }
    const arrow = event.target.closest("[data-order] button");
    if (arrow) {
      event.preventDefault();
      const row = arrow.closest("li");
      const other = arrow.name === "up" ? row.previousElementSibling : row.nextElementSibling;
      if (other) { if (arrow.name === "up") other.before(row); else other.after(row); arrow.focus(); }
    }
  });
  place?.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } });
  place?.addEventListener("submit", ({ target }) => {
    /* An empty control says nothing in an address. */
    if (target.method === "get") all("input", target).forEach((input) => { if (!input.value) input.disabled = true; });
  });

  for (const form of all("[data-bulk]")) {
    const words = form.querySelector("[data-chosen]");
    const count = () => {
      const n = all("input[name=row]:checked", form).length;
      words.hidden = !n;
      words.textContent = words.dataset.words.replace("{n}", n);
    };
    let last = null;
    form.addEventListener("click", (event) => {
      const box = event.target.closest("input[name=row]");
      if (!box) return;
      const boxes = all("input[name=row]", form);
      if (event.shiftKey && last) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
        boxes.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
      }
      last = box;
      count();
    });
    count();
  }
})();
