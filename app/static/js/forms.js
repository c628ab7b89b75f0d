/*
 * Forms: what somebody types outlives an ended session, a closed tab and a machine that restarts; a row that is missing is added
 * without leaving. Comfort, never a condition: without this file again.html keeps what was sent, and links open the add page.
 *
 * A draft of each form[data-keep] rests in localStorage for a day, encrypted with a key that the server gives to its writer alone:
 * a computer of the front desk is everybody's, and what is typed there is about citizens. Without HTTPS browsers do not encrypt;
 * then it rests in sessionStorage, which ends with the tab. Passwords, files and hidden fields are never kept.
 */
(() => {
  "use strict";
  const DAY = 86400000, PAUSE = 250, PREFIX = "draft:", SENT = "draft-sent";
  const { user, draftKey } = document.body.dataset;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const fragment = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);
  const isSealing = Boolean(window.crypto?.subtle && navigator.locks);
  const store = isSealing ? localStorage : sessionStorage;
  const drafts = () => Object.keys(store).filter((key) => key.startsWith(PREFIX));
  const parsed = (key) => { try { return JSON.parse(store.getItem(key)); } catch { return null; } };

  /* ── Sealing ── */

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const letters = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
  const secret = isSealing && draftKey ? crypto.subtle.importKey("raw", bytes(draftKey), "AES-GCM", false, ["encrypt", "decrypt"]) : null;
  const seal = async (fields) => {
    if (!isSealing) return { fields };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await secret, new TextEncoder().encode(JSON.stringify(fields)));
    return { iv: letters(iv), data: letters(data) };
  };
  const open = async (key) => {
    const kept = parsed(key);
    if (!kept || !isSealing) return kept;
    try {
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(kept.iv) }, await secret, bytes(kept.data));
      return { at: kept.at, fields: JSON.parse(new TextDecoder().decode(plain)) };
    } catch { return null; } /* of another installation */
  };

  /* ── What a form says ── */

  const NEVER = new Set(["hidden", "password", "file", "submit", "button", "reset", "image"]);
  const named = (form, name) => [...form.elements].filter((field) => field.name === name && !NEVER.has(field.type));
  const isTicked = (field) => field.type === "checkbox" || field.type === "radio";
  const said = (form, name) => named(form, name).flatMap((field) => {
    if (isTicked(field)) return field.checked ? [field.value] : [];
    return field.multiple ? [...field.selectedOptions].map((option) => option.value) : [field.value];
  });
  const say = (form, name, values) => named(form, name).forEach((field, i) => {
    if (isTicked(field)) field.checked = values.includes(field.value);
    else if (field.multiple) [...field.options].forEach((option) => { option.selected = values.includes(option.value); });
    else if (!field.options || [...field.options].some((option) => option.value === values[i])) field.value = values[i] ?? "";
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  const addressOf = (form) => {
    const address = new URL(form.getAttribute("action") || location.href, location.href);
    return address.pathname + address.search;
  };

  /* ── Keeping and giving back ── */

  /* Each tab with the same form open has a place of its own; the lock says that its tab lives, and the tab remembers its place. */
  const place = async (address) => {
    const key = (n) => `${PREFIX}${user}:${address}~${n}`;
    if (!isSealing) return key(1);
    const hold = (n, how) => new Promise((tell) => {
      navigator.locks.request(key(n), how, (lock) => { tell(Boolean(lock)); return lock && new Promise(() => {}); }).catch(() => tell(false));
    });
    const mine = Number(sessionStorage.getItem(`place:${address}`));
    if (mine && await hold(mine, { signal: AbortSignal.timeout(1500) })) return key(mine); /* the page before may still be leaving */
    for (const n of [1, 2, 3, 4, 5]) {
      if (n === mine || !await hold(n, { ifAvailable: true })) continue;
      sessionStorage.setItem(`place:${address}`, n);
      return key(n);
    }
    return null;
  };

  const opened = Date.now();
  const signedOut = () => Number(localStorage.getItem(`draft-out:${user}`));
  const keep = (form) => {
    const names = new Set();
    let key = null, timer = 0, version = 0;
    const write = async () => {
      clearTimeout(timer);
      if (!key || !names.size || signedOut() > opened) return;
      const mine = ++version;
      const sealed = await seal(Object.fromEntries([...names].map((name) => [name, said(form, name)])));
      if (mine !== version) return;
      try { store.setItem(key, JSON.stringify({ at: Date.now(), ...sealed })); form.dataset.kept = "yes"; } catch { /* no room: not kept */ }
    };
    const drop = () => { version += 1; clearTimeout(timer); names.clear(); if (key) store.removeItem(key); };
    const note = ({ target }) => {
      if (!target.name || NEVER.has(target.type)) return;
      names.add(target.name);
      clearTimeout(timer);
      delete form.dataset.kept;
      timer = setTimeout(write, PAUSE);
    };
    const restore = ({ at, fields }) => {
      const lost = Object.entries(fields).filter(([name, values]) => named(form, name).length && String(said(form, name)) !== String(values));
      if (!lost.length) return;
      lost.forEach(([name, values]) => say(form, name, values));
      const notice = fragment("draft-notice");
      const when = new Date(at).toLocaleString(document.documentElement.lang, { weekday: "long", hour: "numeric", minute: "2-digit" });
      notice.querySelector("time").textContent = when;
      notice.querySelector("[data-files]").hidden = !form.querySelector("input[type=file]");
      notice.querySelector("button").addEventListener("click", () => {
        form.reset();
        drop();
        notice.remove();
        form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
      });
      form.prepend(notice);
    };
    form.addEventListener("input", note);
    form.addEventListener("change", note);
    form.addEventListener("submit", () => queueMicrotask(write));
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") write(); });
    all("a[data-cancel]", form).forEach((link) => link.addEventListener("click", drop));
    document.addEventListener("submit", (event) => { if (event.target === form && !event.defaultPrevented && key) sessionStorage.setItem(SENT, key); });
    return (async () => {
      key = await place(addressOf(form));
      const kept = key && await open(key);
      /* What the server answers to a post is what was sent, or what it made of it: newer than any draft. */
      if (kept && form.dataset.keep === "post") Object.keys(kept.fields).forEach((name) => names.add(name));
      else if (kept && !names.size) restore(kept);
      await write(); /* what was typed meanwhile */
    })();
  };

  const forget = () => {
    const isOver = (key) => {
      const at = parsed(key)?.at || 0;
      const mine = key.startsWith(`${PREFIX}${user}:`);
      return Date.now() - at > DAY || (mine && at < signedOut()) || (!mine && store === sessionStorage);
    };
    drafts().filter(isOver).forEach((key) => store.removeItem(key));
  };

  const sent = sessionStorage.getItem(SENT);
  if (user && draftKey) {
    if (sent && document.querySelector("[data-saved]")) store.removeItem(sent);
    sessionStorage.removeItem(SENT);
    forget();
    Promise.all(all("form[data-keep]").map(keep)).then(() => { document.body.dataset.drafts = "ready"; });
    document.querySelector("[data-sign-out]")?.addEventListener("click", () => {
      drafts().filter((key) => key.startsWith(`${PREFIX}${user}:`)).forEach((key) => store.removeItem(key));
      localStorage.setItem(`draft-out:${user}`, Date.now()); /* for the other tabs */
    });
  } else if (sent && store.getItem(sent)) {
    all("[data-kept-here]").forEach((way) => { way.hidden = false; });
    all("[data-kept-below]").forEach((way) => { way.hidden = true; });
  }

  /* ── Create in place ── */

  const create = async (link) => {
    const input = document.getElementById(link.dataset.for);
    const dialog = link.dialog ??= document.body.appendChild(fragment("create-dialog"));
    const body = dialog.querySelector("[data-body]"), trouble = dialog.querySelector("[data-trouble]");
    const fetched = (options = {}) => fetch(link.href, { ...options, headers: { "X-Fragment": "1" } });
    const parse = (text) => new DOMParser().parseFromString(text, "text/html").querySelector("[data-fragment]");
    const show = (part) => {
      body.replaceChildren(document.adoptNode(part));
      body.dispatchEvent(new Event("fresh", { bubbles: true }));
      (body.querySelector("[data-errors]") || body.querySelector("input:not([type=hidden]), select, textarea"))?.focus();
    };
    const fail = () => { trouble.hidden = false; trouble.focus(); };
    const token = "input[name$=csrf_token]";
    const send = async (form, isSecond = false) => {
      const answer = await fetched({ method: "POST", body: new FormData(form) });
      if (answer.status === 201) {
        input.value = (await answer.json()).text;
        body.replaceChildren();
        dialog.close();
        input.dispatchEvent(new Event("change", { bubbles: true }));
        link.nextElementSibling.textContent = link.nextElementSibling.dataset.text;
        return;
      }
      const part = parse(await answer.text());
      if (part) { show(part); return; }
      const fresh = isSecond || answer.status !== 400 ? null : parse(await (await fetched()).text());
      if (!fresh) { fail(); return; }
      form.querySelector(token).value = fresh.querySelector(token).value; /* signed in again in another tab: the old token ended */
      await send(form, true);
    };
    if (!dialog.dataset.ready) {
      dialog.dataset.ready = "yes";
      let isSending = false;
      dialog.addEventListener("close", () => input.focus());
      dialog.addEventListener("click", ({ target }) => { if (target.closest("[data-close]")) dialog.close(); });
      dialog.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (isSending) return;
        isSending = true;
        trouble.hidden = true;
        try { await send(event.target); } catch { fail(); } finally { isSending = false; }
      });
    }
    trouble.hidden = true;
    if (!body.childElementCount) { /* else what was typed there waits */
      try {
        const part = parse(await (await fetched()).text());
        if (!part) throw new Error("no form");
        show(part);
      } catch { window.open(link.href, "_blank", "noopener"); return; }
      const [text, number] = link.dataset.create.split(" ");
      const typed = input.value.includes("·") ? "" : input.value.trim();
      const field = body.querySelector(`[name$="-${/^[\d .\-]+$/.test(typed) ? number : text}"]`);
      if (typed && field) field.value = typed;
    }
    dialog.showModal();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-create]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    create(link);
  });
})();
