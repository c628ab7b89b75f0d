/*
 * A checklist by keyboard: each row is saved as its writer leaves it, and what others save appears. Comfort, never a condition: without
 * this file the button saves every row.
 *
 * A row goes with the version that it was read under. Who saved it meanwhile is shown beside what was typed here, and the writer chooses.
 */
(() => {
  "use strict";
  const form = document.querySelector("[data-checklist]");
  if (!form) return;
  const PAUSE = 1500, EVERY = 5000, AGAIN = 10000, LONGEST = 20000;
  const say = form.dataset, told = form.querySelector("[data-told]");
  const parsed = (html) => document.createRange().createContextualFragment(html);
  let stamp = say.stamp, isOver = false;

  /* ── A row ── */

  class Row {
    constructor(box) {
      this.box = box;
      this.id = box.dataset.row;
      this.isMine = Boolean(this.field("ver"));
      this.timer = 0;
      this.sending = null;
      this.isWrong = !box.querySelector("[data-error]").hidden;
      this.clean = box.querySelector(".clash") || this.isWrong ? null : this.text();
    }
    field(name) { return this.box.querySelector(`[name="${name}-${this.id}"]`); }
    get verdict() { return this.box.querySelector(`[name="v-${this.id}"]:checked`)?.value || ""; }
    get isFinding() { return ["PARTLY", "NOT_MET"].includes(this.verdict); }
    get clash() { return this.box.querySelector(".clash"); }
    text() { return this.isMine ? [this.verdict, this.field("n").value.trim(), this.isFinding ? this.field("w").value.trim() : ""].join("\n\u001f") : ""; }
    get isDirty() { return this.isMine && (this.text() !== this.clean || this.field("f").files.length > 0); }
    note(text, tone = "") { const line = this.line(); line.textContent = text; line.dataset.tone = tone; }
    line() {
      let line = this.box.querySelector("[data-line]");
      if (!line) { line = document.createElement("p"); line.className = "quiet small"; line.dataset.line = ""; line.role = "status"; this.box.querySelector("[data-state]").before(line); }
      return line;
    }

    /* Later, unless something else is typed first. */
    soon() { clearTimeout(this.timer); this.timer = setTimeout(() => this.save(), PAUSE); }

    async save() {
      clearTimeout(this.timer);
      if (!this.isMine || !this.isDirty || isOver) return;
      if (this.clash && !this.clash.querySelector(":checked")) return;
      if (this.sending) { await this.sending; return this.save(); }
      if (this.verdict === "NOT_APPLICABLE" && !this.field("n").value.trim()) return; /* its reason is being written */
      this.sending = this.send();
      await this.sending;
      this.sending = null;
    }

    async send() {
      const body = new FormData(), sent = this.text(), files = this.field("f").files;
      const n = files.length;
      for (const field of this.box.querySelectorAll("input, textarea")) {
        if (!field.name || (field.type === "radio" && !field.checked)) continue;
        if (field.type === "file") [...field.files].forEach((file) => body.append(field.name, file));
        else body.append(field.name, field.value);
      }
      body.append("csrf_token", form.elements.csrf_token.value);
      this.note(say.saving);
      let answer, facts = null;
      try {
        answer = await fetch(say.rowUrl.replace(/0$/, this.id), { method: "POST", body, headers: { Accept: "application/json" }, signal: AbortSignal.timeout(LONGEST) });
        if ([200, 409, 422].includes(answer.status) && !answer.redirected) facts = await answer.json();
      } catch { answer = null; }
      if (!facts) {
        const isOut = answer && (answer.redirected || [400, 401].includes(answer.status));
        this.note(isOut ? say.out : say.away, "bad");
        if (isOut) renewToken();
        this.timer = setTimeout(() => this.save(), AGAIN);
        return;
      }
      const row = facts.rows[0];
      show(facts);
      this.renew(row);
      if (answer.status !== 200) { if (row.conflict) this.clean = null; this.note(""); return; }
      if (n && this.field("f").files === files) { this.field("f").value = ""; this.box.querySelector(".attach").open = false; }
      if (this.text() === sent) this.take(row); else { this.clean = this.textOf(row); this.soon(); }
      this.note(say.saved, "ok");
    }

    textOf(row) { return [row.verdict, row.note, row.why].join("\n\u001f"); }

    /* What the server says of the row, its fields left alone. */
    renew(row) {
      if (this.isMine) { this.field("ver").value = row.version; this.field("b").value = row.base; this.box.querySelector(".settle").hidden = row.state.includes("data-action"); }
      this.box.querySelector("[data-state]").replaceChildren(parsed(row.state));
      const error = this.box.querySelector("[data-error]");
      error.textContent = row.conflict ? "" : row.error;
      error.hidden = !error.textContent;
      if (row.conflict !== undefined) {
        const had = this.clash;
        this.box.querySelector("[data-clash]").replaceChildren(parsed(row.conflict));
        if (this.clash && !had && this.box.contains(document.activeElement)) this.clash.querySelector("input[type=radio]").focus();
      }
    }

    /* The fields as they are stored. */
    take(row) {
      if (this.isMine) {
        for (const radio of this.box.querySelectorAll(`[name="v-${this.id}"]`)) radio.checked = radio.value === row.verdict;
        if (this.field("n").value.trim() !== row.note) this.field("n").value = row.note;
        if (this.field("w").value.trim() !== row.why) this.field("w").value = row.why;
        this.clean = this.text();
      } else this.box.querySelector("[data-read]").replaceChildren(parsed(row.read));
      this.version = row.version;
    }
  }

  const rows = [...form.querySelectorAll("[data-row]")].map((box) => new Row(box));
  const rowOf = (element) => rows.find(({ box }) => box.contains(element));
  const show = (facts) => form.querySelector("[data-total]").replaceChildren(parsed(facts.total));
  const renewToken = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const token = answer.redirected ? "" : new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-checklist] [name=csrf_token]")?.value;
      if (token) form.elements.csrf_token.value = token;
    } catch { /* the next try asks again */ }
  };

  form.addEventListener("input", ({ target }) => { if (target.matches("textarea, [type=text]")) rowOf(target)?.soon(); });
  form.addEventListener("change", ({ target }) => rowOf(target)?.save());
  form.addEventListener("focusout", ({ target, relatedTarget }) => { const row = rowOf(target); if (row && !row.box.contains(relatedTarget)) row.save(); });
  window.addEventListener("beforeunload", (event) => { if (!isSubmitted && rows.some((row) => row.isDirty)) event.preventDefault(); });
  let isSubmitted = false;
  form.addEventListener("submit", () => { isSubmitted = true; rows.forEach((row) => clearTimeout(row.timer)); });

  /* ── What others save ── */

  const look = async () => {
    try {
      const answer = document.hidden ? null : await fetch(`${say.news}?stamp=${encodeURIComponent(stamp)}`, { cache: "no-store", headers: { Accept: "application/json" } });
      if (answer?.status === 200 && !answer.redirected) hear(await answer.json());
    } catch { /* the network is away: the next look tells */ }
    if (!isOver) setTimeout(look, EVERY);
  };
  const hear = (facts) => {
    stamp = facts.stamp;
    show(facts);
    if (facts.status !== "OPEN") {
      isOver = true;
      if (rows.some((row) => row.isDirty)) told.textContent = say.moved;
      else location.reload();
      return;
    }
    for (const news of facts.rows) {
      const row = rows.find(({ id }) => id === String(news.id));
      if (!row || row.isDirty || row.sending || row.clash) continue;
      const isNew = row.version !== undefined ? row.version !== news.version : row.isMine && Number(row.field("ver").value) !== news.version;
      row.renew({ ...news, conflict: undefined });
      row.take(news);
      if (isNew) { row.note(""); row.box.classList.add("fresh"); setTimeout(() => row.box.classList.remove("fresh"), 4000); }
    }
  };
  setTimeout(look, EVERY);
  window.addEventListener("online", () => rows.forEach((row) => row.save()));

  /* ── Keys ── */

  let at = rows.findIndex((row) => row.isMine && !row.verdict);
  const mark = (index) => { at = index; rows.forEach(({ box }, i) => box.classList.toggle("now", i === index)); };
  const go = (index) => {
    if (index < 0 || index >= rows.length) return;
    mark(index);
    rows[index].box.focus({ preventScroll: true });
    rows[index].box.scrollIntoView({ block: "nearest" });
  };
  const on = (index) => { if (index < rows.length) go(index); else form.querySelector("[data-save-all]").focus(); };
  const judge = (row, n) => {
    const radio = row.box.querySelectorAll(`[name="v-${row.id}"]`)[n];
    if (!radio) return;
    radio.checked = true;
    if (n === 0) { row.save(); on(rows.indexOf(row) + 1); } else { row.save(); row.field("n").focus(); }
  };
  const leave = (row, target) => {
    if (row.isFinding && target === row.field("n") && !row.box.querySelector(".settle").hidden && !row.field("w").value) { row.field("w").focus(); return; }
    row.save();
    on(rows.indexOf(row) + 1);
  };
  form.addEventListener("focusin", ({ target }) => { const row = rowOf(target); if (row && rows[at] !== row) mark(rows.indexOf(row)); });
  document.addEventListener("keydown", (event) => {
    const { target, key } = event, row = rowOf(target);
    const isTyping = target.matches("textarea, input[type=text]");
    if (row && isTyping) {
      if (key === "Escape") { event.preventDefault(); row.save(); row.box.focus(); }
      else if (key === "Enter" && (event.ctrlKey || event.metaKey || target.type === "text")) { event.preventDefault(); leave(row, target); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.documentElement.dataset.keys === "off") return;
    if (!row && target !== document.body && target.id !== "main") return;
    const isRadio = target.matches("input[type=radio]"), now = rows[at];
    if (key === "j" || (key === "ArrowDown" && !isRadio)) { event.preventDefault(); go(row ? at + 1 : Math.max(at, 0)); }
    else if (key === "k" || (key === "ArrowUp" && !isRadio)) { event.preventDefault(); go(row ? at - 1 : Math.max(at, 0)); }
    else if (!now?.isMine) return;
    else if (/^[1-4]$/.test(key)) { event.preventDefault(); judge(now, Number(key) - 1); }
    else if (key === "n") { event.preventDefault(); mark(at); now.field("n").focus(); }
    else if (key === "e") { event.preventDefault(); now.box.querySelector(".attach").open = true; now.field("f").click(); }
    else if (key === "a") now.box.querySelector("[data-ask]")?.click();
  });
  const asked = rows.findIndex(({ box }) => `#${box.id}` === location.hash);
  if (asked >= 0) go(asked); else if (at >= 0) mark(at);
})();
