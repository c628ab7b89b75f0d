/*
 * Field work on a phone: nothing that was typed, drawn or photographed is lost, with network or without.
 *
 * Each form[data-act] is kept in IndexedDB as it is filled, with pictures and signature, encrypted with the key that the server gives to
 * its writer alone (as drafts are, see forms.js; without HTTPS browsers do not encrypt). Sending puts it in a queue, and it leaves the phone
 * when the server said yes: the token of the form makes a form that is sent twice one act. Comfort, never a condition: without this file the
 * form is posted as any other. The pad, the place and the small pictures serve the forms of the office too.
 */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const { user, draftKey } = document.body.dataset;
  const AGAIN = 20000, LONGEST_SEND = 120000, LONGEST = 1600, PAUSE = 300, MONTH = 30 * 86400000, STORE = "acts";

  /* ── The store: one row for each form, {id, user, state, at, iv, data | plain} ── */

  const asked = (request) => new Promise((tell, fail) => { request.onsuccess = () => tell(request.result); request.onerror = () => fail(request.error); });
  let opened = null;
  const database = () => {
    opened ??= new Promise((tell, fail) => {
      const request = indexedDB.open("field", 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
      request.onsuccess = () => tell(request.result);
      request.onerror = () => { opened = null; fail(request.error); };
    });
    return opened;
  };
  const within = async (how, use) => asked(use((await database()).transaction(STORE, how).objectStore(STORE)));
  const isSealing = Boolean(window.crypto?.subtle && draftKey);
  const secret = isSealing
    ? crypto.subtle.importKey("raw", Uint8Array.from(atob(draftKey), (letter) => letter.charCodeAt(0)), "AES-GCM", false, ["encrypt", "decrypt"]) : null;
  const sealed = async (act) => {
    if (!isSealing) return { plain: act };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const photos = await Promise.all(act.photos.map(async ({ name, type, bytes }) => ({ name, type, bytes: Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("") })));
    const text = new TextEncoder().encode(JSON.stringify({ ...act, photos }));
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await secret, text) };
  };
  const unsealed = async (row) => {
    if (!row || row.user !== user) return null;
    if (row.plain) return row.plain;
    if (!isSealing) return null;
    try {
      const act = JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv: row.iv }, await secret, row.data)));
      act.photos = act.photos.map(({ name, type, bytes }) => ({ name, type, bytes: Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)).buffer }));
      return act;
    } catch { return null; } /* of another installation */
  };
  const rows = async () => (await within("readonly", (store) => store.getAll())).filter((row) => row.user === user);
  const put = async (id, number, state, act, errors = []) => {
    const row = { id, user, number, state, errors, url: act.url, at: Date.now(), ...(await sealed(act)) };
    await within("readwrite", (store) => store.put(row));
  };
  const drop = (id) => within("readwrite", (store) => store.delete(id));

  /* ── What is said about it ── */

  const forms = new Map(); /* those of this page, by the id of their row */
  const board = document.querySelector("[data-queue]");
  const line = board?.querySelector("[data-queue-text]");
  const say = (name) => { if (board) { board.hidden = false; line.hidden = false; line.textContent = line.dataset[name]; line.dataset.state = name; } };
  const list = async () => {
    const place = board?.querySelector("[data-queue-list]");
    if (!place) return;
    const waiting = (await rows()).filter((row) => row.state !== "draft" && !forms.has(row.id));
    place.replaceChildren(...waiting.map((row) => {
      const item = document.createElement("li"), link = document.createElement("a");
      link.href = row.url;
      link.className = "card";
      link.textContent = `${place.dataset.open.replace("#", row.number)}: ${row.state === "queued" ? place.dataset.waiting : place.dataset.toCorrect}`;
      item.append(link);
      if (row.state === "refused") {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-small", textContent: place.dataset.discard });
        button.addEventListener("click", async () => { if (window.confirm(place.dataset.sure.replace("#", row.number))) { await drop(row.id); await list(); } });
        item.append(button);
      }
      return item;
    }));
    if (waiting.length) { board.hidden = false; line.hidden = !line.textContent; }
  };

  /* ── Pad, place, pictures ── */

  const pads = new WeakMap();
  const pad = (form) => {
    const box = form.querySelector("[data-pad]"), field = form.elements.signature;
    if (!box || !field) return;
    box.hidden = false;
    const canvas = box.querySelector("canvas"), pen = canvas.getContext("2d");
    const clear = () => { pen.fillStyle = "#fff"; pen.fillRect(0, 0, canvas.width, canvas.height); };
    const show = (address) => {
      field.value = address;
      clear();
      if (!address) return;
      const picture = new Image();
      picture.onload = () => pen.drawImage(picture, 0, 0);
      picture.src = address;
    };
    const at = (event) => { const { left, top, width, height } = canvas.getBoundingClientRect(); return [(event.clientX - left) * canvas.width / width, (event.clientY - top) * canvas.height / height]; };
    let isDrawing = false;
    clear();
    canvas.addEventListener("pointerdown", (event) => {
      isDrawing = true;
      canvas.setPointerCapture(event.pointerId);
      Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#10263b" });
      pen.beginPath();
      pen.moveTo(...at(event));
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => { if (isDrawing) { pen.lineTo(...at(event)); pen.stroke(); } });
    const end = () => {
      if (!isDrawing) return;
      isDrawing = false;
      field.value = canvas.toDataURL("image/png");
      form.dispatchEvent(new Event("input", { bubbles: true }));
    };
    ["pointerup", "pointercancel"].forEach((name) => canvas.addEventListener(name, end));
    box.querySelector("[data-clear]").addEventListener("click", () => { show(""); form.dispatchEvent(new Event("input", { bubbles: true })); });
    if (field.value) show(field.value);
    pads.set(form, show);
  };

  const place = (form) => {
    const box = form.querySelector("[data-place]");
    if (!box || !navigator.geolocation || !isSecureContext) return;
    box.hidden = false;
    const told = box.querySelector("[data-located]");
    box.querySelector("[data-locate]").addEventListener("click", () => navigator.geolocation.getCurrentPosition(({ coords }) => {
      form.elements[named(form, "latitude")].value = coords.latitude.toFixed(6);
      form.elements[named(form, "longitude")].value = coords.longitude.toFixed(6);
      form.elements[named(form, "accuracy")].value = Math.round(coords.accuracy);
      told.textContent = told.dataset.text;
      form.dispatchEvent(new Event("input", { bubbles: true }));
    }, () => { told.textContent = told.dataset.failed; }, { enableHighAccuracy: true, timeout: 20000, maximumAge: 60000 }));
  };
  const named = (form, name) => [...form.elements].map((field) => field.name).find((each) => each === name || each.endsWith(`-${name}`));

  /* A picture of a telephone weighs four times what the acta needs, and the network is what is missing here. */
  const smaller = async (file) => {
    try {
      const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
      const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((tell) => canvas.toBlob(tell, "image/jpeg", 0.82));
      if (blob && blob.size < file.size) return { name: file.name.replace(/\.[^.]*$/, "") + ".jpg", type: "image/jpeg", bytes: await blob.arrayBuffer() };
    } catch { /* not a picture that this browser reads: it goes as it is */ }
    return { name: file.name, type: file.type, bytes: await file.arrayBuffer() };
  };
  const thumbs = async (form, photos) => {
    const box = form.querySelector("[data-thumbs]");
    if (!box) return;
    const items = await Promise.all(photos.map(async (photo) => {
      const item = document.createElement("li"), canvas = Object.assign(document.createElement("canvas"), { width: 96, height: 96 });
      try {
        const bitmap = await createImageBitmap(new Blob([photo.bytes], { type: photo.type }));
        const scale = Math.max(96 / bitmap.width, 96 / bitmap.height);
        canvas.getContext("2d").drawImage(bitmap, (96 - bitmap.width * scale) / 2, (96 - bitmap.height * scale) / 2, bitmap.width * scale, bitmap.height * scale);
        canvas.setAttribute("aria-hidden", "true");
        item.append(canvas);
      } catch { /* its name is enough */ }
      item.append(Object.assign(document.createElement("span"), { textContent: photo.name }));
      return item;
    }));
    box.replaceChildren(...items);
  };

  /* ── A form: kept while it is filled, given back, queued ── */

  const fieldsOf = (form) => [...form.elements].filter((field) => field.name && field.name !== "csrf_token" && !["file", "submit", "button"].includes(field.type));
  const read = (form, photos) => ({
    url: location.pathname, name: form.dataset.name, photos,
    file: named(form, "photos"),
    fields: fieldsOf(form).filter((field) => field.type !== "radio" && field.type !== "checkbox" || field.checked).map((field) => [field.name, field.value]),
  });
  const fill = (form, act) => {
    const said = new Map(act.fields);
    fieldsOf(form).forEach((field) => {
      if (field.type === "radio") field.checked = said.get(field.name) === field.value;
      else if (said.has(field.name)) field.value = said.get(field.name);
    });
    if (said.get("signature")) pads.get(form)?.(said.get("signature"));
  };
  const mark = (form, errors) => {
    all("[data-refusal]", form).forEach((each) => each.remove());
    const general = document.createElement("ul");
    errors.forEach(({ field, text }) => {
      const note = Object.assign(document.createElement("span"), { className: "error", textContent: text });
      note.dataset.refusal = "";
      const control = field && form.elements[field];
      const box = (control?.[0] || control)?.closest?.(".field");
      if (box) box.append(note);
      else general.append(Object.assign(document.createElement("li"), { textContent: text }));
    });
    if (general.childElementCount) {
      const box = Object.assign(document.createElement("div"), { className: "errors", role: "alert" });
      box.dataset.refusal = "";
      box.append(general);
      form.prepend(box);
    }
    form.querySelector("[data-refusal]")?.scrollIntoView({ block: "center" });
  };

  const keep = async (form) => {
    const id = `${user}:${form.dataset.act}:${form.dataset.name}`;
    let photos = [], timer = 0, isQueued = false;
    const write = async (state = "draft") => {
      clearTimeout(timer);
      try { await put(id, form.dataset.number, state, read(form, photos)); form.dataset.kept = state; return true; } catch { say("full"); return false; }
    };
    const note = () => { if (isQueued) return; delete form.dataset.kept; clearTimeout(timer); timer = setTimeout(write, PAUSE); };
    const input = form.elements[named(form, "photos")];
    form.addEventListener("input", note);
    form.addEventListener("change", async ({ target }) => {
      if (target === input && input.files.length) {
        photos = [...photos, ...(await Promise.all([...input.files].map(smaller)))].slice(-5);
        input.value = ""; /* they are kept here; the next press adds to them */
        await thumbs(form, photos);
      }
      note();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      isQueued = true;
      if (await write("queued")) await flush();
      else if ((await post(read(form, photos)).catch(() => null))?.ok) location.replace(location.pathname); /* no room to keep it */
      isQueued = false;
    }, true);
    const row = await within("readonly", (store) => store.get(id)).catch(() => null);
    const kept = await unsealed(row);
    if (kept) {
      fill(form, kept);
      photos = kept.photos;
      await thumbs(form, photos);
      form.closest("details")?.setAttribute("open", "");
      say({ draft: "kept", queued: "savedHere", refused: "refused" }[row.state]);
      if (row.state === "refused") mark(form, row.errors);
    }
    forms.set(id, form);
  };

  /* ── Sending ── */

  const token = async (url) => {
    const answer = await fetch(url, { headers: { "X-Keep": "1" }, cache: "no-store" });
    if (answer.redirected || !answer.ok) return answer.redirected ? "" : null;
    return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("input[name=csrf_token]")?.value ?? null;
  };
  const post = async (act) => {
    const address = new URL(document.querySelector("[data-worker]")?.dataset.worker || location.href, location.href);
    const csrf = await token(new URL("./", address).pathname);
    if (csrf === "") return null;
    const body = new FormData();
    act.fields.forEach(([name, value]) => body.append(name, value));
    act.photos.forEach(({ name, type, bytes }) => body.append(act.file, new Blob([bytes], { type }), name));
    body.append("csrf_token", csrf || "");
    return fetch(act.url, { method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(LONGEST_SEND) });
  };
  const send = async (row) => {
    const act = await unsealed(row);
    if (!act) return "queued";
    const answer = await post(act);
    if (!answer || answer.redirected || answer.status === 401) return "signIn";
    if (answer.ok) { await drop(row.id); return "sent"; }
    if (answer.status >= 500 || answer.status === 429) return "queued";
    const said = await answer.json().catch(() => ({ errors: [] }));
    await put(row.id, row.number, "refused", act, said.errors);
    if (forms.has(row.id)) mark(forms.get(row.id), said.errors);
    return answer.status === 422 ? "refused" : "gone";
  };
  /* Every page of this phone may send; one at a time does. */
  let isSending = false;
  const flush = async () => {
    const waiting = (await rows()).filter((row) => row.state === "queued");
    if (!waiting.length || isSending) return;
    const work = async () => {
      isSending = true;
      say("sending");
      let last = "savedHere";
      for (const row of waiting) {
        const result = await send(row).catch(() => "queued");
        last = { queued: "savedHere", sent: "sent", refused: "refused", gone: "gone", signIn: "signIn" }[result];
        if (result === "sent" && forms.has(row.id)) { location.replace(location.pathname); break; }
      }
      say(last);
      isSending = false;
      await list();
    };
    if (navigator.locks) await navigator.locks.request("field-send", work); else await work();
  };

  /* ── Beginning ── */

  all("form.fieldwork").forEach((form) => { pad(form); place(form); });
  const root = document.querySelector("[data-worker]");
  if (!root || !user || !window.indexedDB) { document.body.dataset.field = "ready"; return; }
  const remember = (worker) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => { document.body.dataset.offline = "ready"; };
    const isAnother = localStorage.getItem("field-user") !== user; /* a phone that goes from hand to hand */
    localStorage.setItem("field-user", user);
    worker?.postMessage({ forget: isAnother, keep: [
      new URL("./", new URL(root.dataset.worker, location)).pathname, ...all(".orders a").map((link) => link.pathname).filter((path) => path.startsWith("/tecnico/")), location.pathname,
      ...all("link[rel=stylesheet], link[rel=icon]").map((link) => link.href), ...all("script[src]").map((script) => script.src), ...all("svg use").map((use) => use.href.baseVal.split("#")[0]),
    ] }, [port2]);
  };
  if (navigator.serviceWorker) {
    navigator.serviceWorker.register(root.dataset.worker).then(() => navigator.serviceWorker.ready).then(({ active }) => {
      if (navigator.onLine) remember(active);
    }).catch(() => {});
    document.querySelector("[data-sign-out]")?.addEventListener("click", () => navigator.serviceWorker.controller?.postMessage({ forget: true }));
  }
  const forget = async () => Promise.all((await rows()).filter((row) => row.state === "draft" && Date.now() - row.at > MONTH).map((row) => drop(row.id)));
  Promise.all([...all("form[data-act]").map(keep), forget()]).then(flush).then(list).catch(() => {}).then(() => { document.body.dataset.field = "ready"; });
  addEventListener("online", flush);
  setInterval(flush, AGAIN);
})();
