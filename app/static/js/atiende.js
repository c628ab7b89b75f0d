/*
 * Comfort, never a condition: every page of Atiende works without this file, except choosing a theme by hand.
 */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* Theme: a cookie that the server reads, so that no page flashes in the wrong one. */
  const root = document.documentElement;
  for (const box of all("[data-themes]")) {
    box.hidden = false;
    const buttons = all("[data-theme-to]", box);
    const mark = () => buttons.forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.themeTo === (root.dataset.theme || ""))));
    box.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-theme-to]");
      if (!button) return;
      const theme = button.dataset.themeTo;
      if (theme) root.dataset.theme = theme;
      else delete root.dataset.theme;
      document.cookie = `theme=${theme};path=/;samesite=lax;max-age=${theme ? 31536000 : 0}`;
      mark();
    });
    mark();
  }

  /* Whoever dictates, or presses keys by accident, can switch the keys of one letter off (WCAG 2.1.4); this browser remembers. */
  const remembered = { get: () => { try { return localStorage.getItem("keys"); } catch { return null; } }, set: (value) => { try { localStorage.setItem("keys", value); } catch { /* it is forgotten with the page */ } } };
  root.dataset.keys = remembered.get() || "on";
  for (const box of all("[data-keys]:not(html)")) {
    box.hidden = false;
    const button = box.querySelector("button");
    const mark = () => button.setAttribute("aria-pressed", String(root.dataset.keys === "on"));
    button.addEventListener("click", () => { root.dataset.keys = root.dataset.keys === "on" ? "off" : "on"; remembered.set(root.dataset.keys); mark(); });
    mark();
  }

  /* "/" goes to the search box and "m" to the counter, unless somebody is typing. */
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details[data-menu][open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
    if (root.dataset.keys === "off") return;
    if (event.key.toLowerCase() === "m") document.querySelector('#rooms a[href="/counter/"]:not([aria-current])')?.click();
    if (event.key !== "/") return;
    const search = document.querySelector("[data-search]");
    if (search) { event.preventDefault(); search.select(); search.focus(); }
  });
  document.addEventListener("click", ({ target }) => {
    all("details[data-menu][open]").forEach((menu) => { if (!menu.contains(target)) menu.open = false; });
  });

  /* What went wrong is read first. */
  document.querySelector("[data-errors]")?.focus();

  /* Forms: ask before what cannot be undone, send once, warn before typed text is lost. */
  const dialog = document.getElementById("confirm");
  const dirty = new Set();
  const sent = new WeakSet();
  let answered = () => {};
  const ask = (text) => new Promise((answer) => {
    answered(false);  // a question that is asked over another one takes its place
    answered = answer;
    dialog.querySelector("p").textContent = text;
    dialog.returnValue = "no";
    dialog.showModal();
  });
  if (dialog) {
    dialog.ask = ask;
    /* The browser tells that it closed a little later: by then the next question may stand there. */
    dialog.addEventListener("close", () => { if (!dialog.open) answered(dialog.returnValue === "yes"); });
  }
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const text = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (text && dialog && !form.dataset.confirmed) {
      event.preventDefault();
      if (await ask(text)) {
        form.dataset.confirmed = "yes";
        form.requestSubmit(event.submitter);
        delete form.dataset.confirmed;
      }
      return;
    }
    if (form.method !== "post") return;
    if (sent.has(form)) { event.preventDefault(); return; }
    if (!event.defaultPrevented && !form.hasAttribute("data-again")) sent.add(form);
    dirty.delete(form);
  });
  const soil = ({ target }) => { if (target.form?.hasAttribute("data-keep")) dirty.add(target.form); };
  document.addEventListener("input", soil);
  document.addEventListener("change", soil);
  document.addEventListener("reset", ({ target }) => dirty.delete(target));
  document.addEventListener("click", ({ target }) => { if (target.closest?.("a[data-cancel]")) dirty.clear(); });
  window.addEventListener("beforeunload", (event) => { if (dirty.size) event.preventDefault(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) all("form").forEach((form) => sent.delete(form)); });

  /* Remote look-up: the field is plain text that the server understands; this offers what to write in it. */
  const look = (input) => {
    const list = document.createElement("ul");
    list.className = "lookup-options";
    list.id = `${input.id}-options`;
    list.role = "listbox";
    list.hidden = true;
    list.setAttribute("aria-label", input.labels[0]?.textContent.trim() || input.name);
    const status = document.createElement("span");
    status.className = "visually-hidden";
    status.role = "status";
    input.after(list, status);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id], ["autocomplete", "off"]]) input.setAttribute(name, value);
    let at = -1, timer = 0, asked = 0;
    const options = () => all("[role=option]", list);
    const close = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
    const point = (index) => {
      const rows = options();
      if (!rows.length) return;
      at = (index + rows.length) % rows.length;
      rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
      rows[at].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", rows[at].id);
    };
    const take = (row) => {
      input.value = row.dataset.value;
      close();
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const show = (rows) => {
      list.replaceChildren(...rows.map(({ text, hint }, i) => {
        const row = document.createElement("li");
        row.role = "option";
        row.id = `${list.id}-${i}`;
        row.dataset.value = text;
        row.setAttribute("aria-selected", "false");
        row.textContent = text;
        if (hint) { const small = document.createElement("small"); small.className = "quiet"; small.textContent = ` ${hint}`; row.append(small); }
        return row;
      }));
      at = -1;
      list.hidden = !rows.length;
      input.setAttribute("aria-expanded", String(rows.length > 0));
      status.textContent = rows.length ? String(rows.length) : input.dataset.nothing || "";
    };
    const seek = async () => {
      const text = input.value.trim();
      if (text.length < 2) { close(); return; }
      const mine = ++asked;
      try {
        const answer = await fetch(`${input.dataset.lookup}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
        if (answer.ok && mine === asked && document.activeElement === input) show(await answer.json());
      } catch { close(); }
    };
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(seek, 160); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); if (list.hidden) seek(); else point(at + 1); }
      else if (event.key === "ArrowUp" && !list.hidden) { event.preventDefault(); point(at - 1); }
      else if (event.key === "Enter" && !list.hidden && at >= 0) { event.preventDefault(); take(options()[at]); }
      else if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); close(); }
    });
    list.addEventListener("mousedown", (event) => { event.preventDefault(); const row = event.target.closest("[role=option]"); if (row) take(row); });
    input.addEventListener("blur", () => { asked += 1; close(); });
  };
  all("input[data-lookup]").forEach(look);
  document.addEventListener("fresh", ({ target }) => all("input[data-lookup]", target).forEach(look)); /* a part of a page that came later */
})();
