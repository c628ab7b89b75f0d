/*
 * Mostrador: the same pages that the server gives, fetched in place, and a key for everything.
 * Without this file each step is a page of its own and works the same.
 */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const region = () => document.getElementById("counter");
  const said = document.getElementById("counter-said");
  const words = document.getElementById("counter-words").dataset;
  const keys = document.getElementById("counter-keys");
  const box = () => document.getElementById("who");
  const form = () => document.querySelector("form[data-register]");
  const say = (text) => { said.textContent = ""; requestAnimationFrame(() => { said.textContent = text; }); };
  const focusOn = (element) => { if (element) { element.focus(); if (element.select && element.type !== "radio") element.select(); } };
  const isTyping = (target) => target.matches("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=submit], [type=button])");

  /* ── Nothing typed is lost ── */

  const KEPT = ["subject", "body", "request_type", "channel"];
  const typed = () => Boolean(form()) && ["subject", "body"].some((name) => form().elements[name].value.trim());
  window.addEventListener("beforeunload", (event) => { if (typed()) event.preventDefault(); });
  const ask = (text) => document.getElementById("confirm").ask(text);

  /* ── The next page, in place ── */

  const PATIENCE = 30_000;  // milliseconds; asking again is safe, because the server knows the form by its token
  let going = 0, isPosting = false;
  const left = new Map();  // what was typed on a page that is left, for whoever comes back to it
  const written = () => KEPT.map((name) => [name, form().elements[name].value]);
  const swap = (fresh, { isRefusal = false, isDone = false, kept = null }) => {
    const old = form();
    if (isDone) left.delete(old.action);
    else if (typed() && !isRefusal) left.set(old.action, written());
    if (isRefusal) {  // a server cannot give chosen files back
      for (const input of all("input[type=file]", fresh)) input.replaceWith(old.elements[input.name]);
      for (const fold of all("details[id]", fresh)) fold.open ||= Boolean(document.getElementById(fold.id)?.open);
    }
    region().replaceWith(document.adoptNode(fresh));
    region().dispatchEvent(new Event("fresh", { bubbles: true })); /* look-up fields, drafts */
    const now = form();
    if (kept && now) {
      for (const [name, value] of kept) if (value && now.elements[name] && !now.elements[name].value) now.elements[name].value = value;
    }
    wire();
    const wrong = document.querySelector("#counter [aria-invalid=true], #counter .picks:has(.error)");
    focusOn(wrong || document.querySelector("#counter [autofocus]") || box());
    window.scrollTo(0, 0);
    say(region().dataset.said);
  };
  const complain = (text, link) => {
    let note = document.getElementById("counter-trouble");
    if (!note) {
      note = document.createElement("p");
      note.id = "counter-trouble";
      note.className = "flash bad";
      note.setAttribute("role", "alert");
      region().prepend(note);
    }
    note.textContent = text;
    if (!link) return;
    const door = document.createElement("a");
    Object.assign(door, { href: link, target: "_blank", rel: "noopener", textContent: words.door });
    note.append(" ", door);
    door.focus();
  };
  const read = async (url, body) => {
    const answer = await fetch(url, { method: body ? "POST" : "GET", body, headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE) });
    return [answer, new DOMParser().parseFromString(await answer.text(), "text/html")];
  };
  const send = async (url, body) => {
    const [answer, page] = await read(url, body);
    const token = body && answer.status === 400 && page.querySelector("input[name=csrf_token]")?.value;
    if (!token) return [answer, page];
    body.set("csrf_token", token);  // the page was open for too long: once more, with a token of now
    form().elements.csrf_token.value = token;
    return read(url, body);
  };
  const go = async (url, { body = null, kept = null, isBack = false } = {}) => {
    if (isPosting) return;  // its number has to be seen first
    const mine = ++going;
    isPosting = Boolean(body);
    region().setAttribute("aria-busy", "true");
    try {
      const [answer, page] = await send(url, body);
      if (mine !== going) return;
      const fresh = page.getElementById("counter");
      if (fresh) {
        const isRefusal = Boolean(body) && !answer.redirected;
        if (!isRefusal && !isBack) history.pushState(null, "", answer.url);
        document.title = page.title;
        swap(fresh, { isRefusal, isDone: Boolean(body) && !isRefusal, kept });
      } else if (!body && !typed()) {
        location.assign(url);  // the door, or an error that is a page
      } else if (answer.redirected || [400, 401].includes(answer.status)) {
        complain(words.lost, box().form.action);
      } else {
        complain(`${page.querySelector("main h1")?.textContent.trim() || answer.status}. ${words.kept}`);
      }
    } catch {
      if (mine === going) complain(words.down);
    } finally {
      if (mine === going) { isPosting = false; region().removeAttribute("aria-busy"); }
    }
  };
  const attend = (url) => go(url, { kept: form() ? written() : null });
  const leave = async (link) => {
    if (link.hasAttribute("data-leave") && typed() && !(await ask(words.leave))) return;
    go(link.href);
  };
  window.addEventListener("popstate", () => go(location.href, { isBack: true, kept: left.get(location.href) }));

  /* ── The box ── */

  const seeker = (input) => {
    const list = document.createElement("ul");
    list.className = "lookup-options";
    list.id = "who-options";
    list.role = "listbox";
    list.hidden = true;
    list.setAttribute("aria-label", input.labels[0].textContent.trim());
    input.after(list);
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]]) input.setAttribute(name, value);
    let shown = { text: "", rows: [] }, at = -1, timer = 0, asked = 0;
    const close = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
    const point = (index) => {
      const rows = all("[role=option]", list);
      if (!rows.length) return;
      at = (index + rows.length) % rows.length;
      rows.forEach((row, i) => row.setAttribute("aria-selected", String(i === at)));
      rows[at].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", rows[at].id);
    };
    const part = (name, text, number) => { const each = document.createElement(name); each.textContent = text; if (number) each.className = "num"; return each; };
    const show = (text, rows) => {
      shown = { text, rows };
      list.replaceChildren(...rows.map(({ name, document: number, account }, i) => {
        const row = document.createElement("li");
        row.role = "option";
        row.id = `who-option-${i}`;
        row.setAttribute("aria-selected", "false");
        row.append(part("strong", name || "—"), " ", part("span", number, true), " ", part("small", account));
        return row;
      }));
      list.hidden = !rows.length;
      input.setAttribute("aria-expanded", String(rows.length > 0));
      if (rows.length) point(0);
      say(rows.length ? input.dataset.offered.replace("{n}", rows.length) : input.dataset.nobody);
    };
    const seek = async (text) => {
      const mine = ++asked;
      const answer = await fetch(`${input.dataset.seek}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) { location.reload(); return []; }  // the session ended, and nothing is typed yet
      const rows = await answer.json();
      if (mine === asked && input.isConnected) show(text, rows);
      return rows;
    };
    const take = (row) => { close(); input.value = ""; attend(row.url); };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      const text = input.value.trim();
      if (text.length < 2) { close(); shown = { text: "", rows: [] }; return; }
      timer = setTimeout(() => seek(text).catch(() => complain(words.down)), 140);
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" && !list.hidden) { event.preventDefault(); point(at + 1); }
      else if (event.key === "ArrowUp" && !list.hidden) { event.preventDefault(); point(at - 1); }
      else if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
    });
    input.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      clearTimeout(timer);
      const text = input.value.trim();
      if (!text) { input.focus(); return; }
      try {
        const rows = shown.text === text ? shown.rows : text.length < 2 ? [] : await seek(text);
        if (rows.length) take(rows[Math.max(at, 0)]);
        else { close(); attend(input.dataset.new + encodeURIComponent(text)); }
      } catch { complain(words.down); }
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const row = event.target.closest("[role=option]");
      if (row) take(shown.rows[all("[role=option]", list).indexOf(row)]);
    });
    input.addEventListener("blur", close);
  };

  /* ── The form ── */

  const pick = (input) => {
    input.checked = true;
    const group = input.closest(".picks");
    focusOn(group.dataset.next === "request_type" ? document.querySelector("#request_type input:checked, #request_type input") : document.getElementById(group.dataset.next));
  };
  const next = (input) => {
    if (input.closest(".picks")) { pick(input); return; }
    const stops = all("input:not([type=hidden]), textarea, select, [data-submit]", form()).filter((each) => each.offsetParent);
    const stop = stops[stops.indexOf(input) + 1];
    focusOn(stop.closest(".picks")?.querySelector("input:checked") || stop);
  };
  const register = () => form()?.requestSubmit(form().querySelector("[data-submit]"));
  const wire = () => {
    seeker(box());
    const registration = form();
    if (!registration) return;
    registration.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();  // it may be sent again: the server knows it by its token
      go(registration.action, { body: new FormData(registration) });
    });
    registration.addEventListener("keydown", (event) => {
      const { target, key } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const group = target.closest(".picks");
      if (key === "Enter" && !event.defaultPrevented && target.matches("input:not([type=file])")) { event.preventDefault(); next(target); return; }
      if (!group || !target.matches("input, fieldset")) return;
      const chosen = all("input[data-pick]", group).find((each) => each.dataset.pick === key.toUpperCase());
      if (chosen) { event.preventDefault(); pick(chosen); }
    });
  };

  /* ── Keys that work from anywhere: Alt with a letter or digit that no browser in use takes, never AltGr ── */

  const press = (control) => {
    if (control.matches("summary")) {
      control.parentElement.open = !control.parentElement.open;
      focusOn(control.parentElement.open ? control.parentElement.querySelector("select, input") : control);
    } else control.click();
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); register(); return; }
    if (event.key === "Escape" && !event.defaultPrevented) { focusOn(box()); return; }
    if (event.key === "?" && document.documentElement.dataset.keys !== "off" && !isTyping(event.target)) { keys.open = !keys.open; keys.querySelector("summary").focus(); return; }
    if (!event.altKey || event.ctrlKey || event.metaKey || event.getModifierState("AltGraph")) return;
    const digit = /^Digit([0-9])$/.exec(event.code);
    const account = digit && document.querySelector(`#account input[data-pick="${digit[1]}"]`);
    const control = document.querySelector(`#counter [data-key="${event.code}"]`);
    if (account) { event.preventDefault(); pick(account); say(account.closest("label").textContent.trim()); }
    else if (control) { event.preventDefault(); press(control); }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#counter a[data-go]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (link.hasAttribute("data-key") && link.dataset.key !== "KeyO") attend(link.href);
    else leave(link);
  });

  wire();
  if (region().dataset.said && document.querySelector("#counter [aria-invalid=true]")) say(region().dataset.said);
})();
