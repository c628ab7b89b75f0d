/*
 * An interview by telephone: one question at a time, one key an answer, each saved as it is given. Without this file the same page has
 * all the questions under each other and saves them by its buttons.
 *
 * Which question comes next is decided here, so that nobody waits for the network; the server decides again what it keeps.
 */
(() => {
  "use strict";
  const call = document.querySelector("[data-call]");
  if (!call) return;
  const AGAIN = 3000, LONGEST = 15000, PATIENCE = 6000;
  const all = (selector, root = call) => [...root.querySelectorAll(selector)];
  const form = call.querySelector("[data-interview]"), ending = call.querySelector("[data-outcome]"), say = call.dataset;
  const asks = all(".ask", form), done = form.querySelector("[data-done]"), told = form.querySelector("[data-told]");
  const NA = "NA";

  call.classList.add("scripted");
  all("[data-scripted]").forEach((each) => { each.hidden = false; });
  all("[data-unscripted]").forEach((each) => { each.hidden = true; });

  /* ── What is answered, and what shows ── */

  const fields = (box) => [...box.elements].filter(({ name }) => name);
  const isGiven = (field) => (field.type === "radio" || field.type === "checkbox" ? field.checked : field.value.trim() !== "");
  const given = (box) => fields(box).filter((field) => isGiven(field) && !field.dataset.words).map(({ value }) => value.trim());
  const rowsOf = (box) => all(".ask-row", box);
  const isAnswered = (box) => (rowsOf(box).length ? rowsOf(box).every((row) => row.querySelector(":checked")) : given(box).length > 0);
  const asked = (code) => asks.find((box) => box.dataset.ask === code);
  const holds = ({ op, value }, before) => {
    const values = given(before).filter((each) => each !== NA);
    if (!values.length) return false;
    if (["ONE", "MANY"].includes(before.dataset.kind)) return values.includes(value) === (op !== "IS_NOT");
    const figures = values.map((each) => Number(each.replace(",", "."))), wanted = Number(value);
    if (op === "IS") return figures.includes(wanted);
    if (op === "IS_NOT") return !figures.includes(wanted);
    return figures.some((figure) => (op === "AT_LEAST" ? figure >= wanted : figure <= wanted));
  };
  const isShown = (box) => {
    if (box.dataset.ask === "w-case") return asks.some((each) => each.dataset.kind === "TEXT" && isShown(each) && isAnswered(each));
    const before = box.dataset.if && asked(box.dataset.if);
    return !before || (isShown(before) && holds(box.dataset, before));
  };
  const steps = () => asks.filter(isShown);
  const questions = () => steps().filter(({ dataset }) => dataset.kind !== "WISH");
  const lacking = () => questions().filter((box) => "required" in box.dataset && !isAnswered(box));
  const numberOf = (box) => box.querySelector(".ask-n").textContent;

  /* ── Saving: one answer after the other in the order they were given, tried again until the server has it ── */

  const queue = new Set(), anew = new Set(); /* answered again while it was on its way */
  let sending = null, timer = 0;
  const note = (text, tone = "") => { told.textContent = text; told.dataset.tone = tone; };
  const renewToken = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const token = answer.redirected ? "" : new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-interview] [name=csrf_token]")?.value;
      if (token) for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = token;
    } catch { /* the next try asks again */ }
  };
  const bodyOf = (box) => {
    const body = new FormData(), names = new Set(fields(box).map(({ name }) => name));
    body.append("csrf_token", form.elements.csrf_token.value);
    body.append("language", form.elements.language.value);
    for (const name of names) {
      const values = fields(box).filter((field) => field.name === name && isGiven(field)).map(({ value }) => value);
      (values.length ? values : [""]).forEach((value) => body.append(name, value));
    }
    return body;
  };
  const refuse = (box, refused) => {
    for (const span of all(".error", box)) { const text = refused[span.id.slice(2, -6)] || ""; span.textContent = text; span.hidden = !text; }
  };
  const send = async (box) => {
    let answer = null, facts = null;
    note(say.saving);
    try {
      answer = await fetch(form.action, { method: "POST", body: bodyOf(box), headers: { Accept: "application/json" }, signal: AbortSignal.timeout(LONGEST) });
      if ([200, 409, 422].includes(answer.status) && !answer.redirected) facts = await answer.json();
    } catch { answer = null; }
    if (!facts) {
      const isOut = answer && (answer.redirected || [400, 401].includes(answer.status));
      note(isOut ? say.out : say.away, "bad");
      if (isOut) await renewToken();
      timer = setTimeout(pump, AGAIN);
      return false;
    }
    if (!anew.delete(box)) queue.delete(box);
    refuse(box, facts.refused);
    note(facts.trouble || say.saved, facts.trouble ? "bad" : "ok");
    if (Object.keys(facts.refused).length) { note(""); show(box); }
    return true;
  };
  const pump = async () => {
    clearTimeout(timer);
    if (sending || !queue.size) return;
    const [box] = queue;
    anew.delete(box);
    sending = send(box);
    const isSaved = await sending;
    sending = null;
    if (isSaved) pump();
  };
  const save = (box) => {
    if (box.dataset.kind === "WISH") return; /* what they agree to goes with the end of the interview */
    if (sending) anew.add(box);
    queue.add(box);
    all("[data-begun]", ending).forEach((each) => { each.hidden = false; });
    pump();
  };
  const flush = async () => {
    const until = Date.now() + PATIENCE;
    pump();
    while (queue.size && Date.now() < until) await new Promise((on) => setTimeout(on, 20));
  };
  window.addEventListener("online", pump);
  let isLeaving = false;
  window.addEventListener("beforeunload", (event) => { if (!isLeaving && queue.size) event.preventDefault(); });

  /* ── One question at a time ── */

  let now = null; /* a question, or the end */
  const focusOn = (element) => element.focus({ preventScroll: true });
  const rowNow = () => now?.querySelector(".ask-row.now");
  const markRow = (row) => rowsOf(now).forEach((each) => each.classList.toggle("now", each === row));
  const count = () => {
    const shown = questions();
    form.querySelector("[data-count]").textContent = shown.includes(now) ? say.of.replace("{n}", numberOf(now)) : "";
    const bar = form.querySelector("[data-progress]");
    bar.max = shown.length;
    bar.value = shown.filter(isAnswered).length;
  };
  const show = (step) => {
    now = step;
    call.dataset.phase = "ask";
    asks.forEach((box) => box.classList.toggle("now", box === step));
    done.classList.toggle("now", step === done);
    all(".call-section", form).forEach((section) => section.classList.toggle("now", section.contains(step)));
    form.querySelector("[data-section]").textContent = step.closest(".call-section")?.dataset.title || "";
    count();
    if (step === done) { lack(); focusOn(form.querySelector("[data-finish]")); }
    else {
      markRow(rowsOf(step).find((row) => !row.querySelector(":checked")) || rowsOf(step)[0]);
      focusOn(step.querySelector("textarea, input[type=text]:not([data-words])") || step);
    }
    form.scrollIntoView({ block: "nearest" });
  };
  const lack = () => {
    const line = done.querySelector("[data-missing]"), missing = lacking();
    line.hidden = !missing.length;
    line.textContent = missing.length ? `${say.lacks}: ${missing.map(numberOf).join(", ")}` : "";
    done.querySelector("[data-thanks]").hidden = missing.length > 0;
  };
  const words = (box) => {
    return box.querySelector("[data-which]:checked") && box.querySelector("[data-words]");
  };
  const onward = () => {
    const list = steps(), at = list.indexOf(now);
    show(list[at + 1] || done);
  };
  const back = () => {
    const row = rowNow(), rows = now === done ? [] : rowsOf(now), list = steps();
    if (row && rows.indexOf(row) > 0) { markRow(rows[rows.indexOf(row) - 1]); return; }
    const before = now === done ? list.at(-1) : list[list.indexOf(now) - 1];
    if (before) { show(before); if (rowsOf(before).length) markRow(rowsOf(before).at(-1)); } else phase("dial");
  };
  /* Go on from what was answered; what needs an answer and has none says so. */
  const leave = () => {
    if (now === done) { finish(); return; }
    if ("required" in now.dataset && !isAnswered(now)) { note(say.needed, "bad"); return; }
    onward();
  };
  const chosen = (field) => {
    const box = now, row = rowNow();
    note("");
    refuse(box, {});
    for (const other of all("input[type=checkbox]", box)) if (other !== field && field.checked && (field.value === NA || other.value === NA)) other.checked = false;
    save(box);
    const which = field.checked && words(box);
    if (which) { focusOn(which); return; }
    if (box.dataset.kind === "MANY") { count(); return; }
    const rows = rowsOf(box);
    if (row && rows.indexOf(row) < rows.length - 1) { markRow(rows[rows.indexOf(row) + 1]); count(); return; }
    if (field.type === "radio" || field.value === NA) onward();
  };
  const nothing = () => {
    const tick = all("input[data-key=x], input[value=NA]", rowNow() || now)[0];
    if (tick) { tick.checked = true; chosen(tick); return; }
    if ("required" in now.dataset) { note(say.needed, "bad"); return; }
    for (const field of fields(now)) if (field.type === "radio" || field.type === "checkbox") field.checked = false; else field.value = "";
    save(now);
    onward();
  };
  const start = () => show(asked(say.at) || questions().find((box) => !isAnswered(box)) || steps().find((box) => !isAnswered(box)) || done);
  const finish = async () => {
    const missing = lacking();
    if (missing.length) { show(missing[0]); return; }
    await flush();
    isLeaving = true;
    form.requestSubmit(form.querySelector("[data-finish]"));
  };
  form.addEventListener("submit", (event) => { if (!isLeaving) { event.preventDefault(); finish(); } });

  /* ── How it ended ── */

  const outcome = () => ending.querySelector("[name=outcome]:checked");
  const phase = (name) => {
    call.dataset.phase = name;
    ending.querySelector("[data-return]").hidden = name !== "end";
    if (name === "end") for (const each of all("[data-unreached] input:checked", ending)) each.checked = false;
    focusOn(name === "dial" ? call.querySelector("[data-start]") : ending);
  };
  const pick = (key) => {
    const isBack = outcome()?.value === "CALL_BACK";
    const radio = all(`input[data-key="${CSS.escape(key)}"]`, ending).find((each) => each.offsetParent && (each.name === "outcome" || isBack));
    if (!radio) return false;
    radio.checked = true;
    if (radio.value === "other") focusOn(ending.querySelector("[type=datetime-local]"));
    return true;
  };
  ending.querySelector("[type=datetime-local]").addEventListener("input", () => { ending.querySelector("[value=other]").checked = true; });
  ending.addEventListener("submit", async (event) => {
    if (isLeaving || !queue.size) { isLeaving = true; return; }
    event.preventDefault();
    await flush();
    isLeaving = true;
    ending.requestSubmit();
  });

  /* ── Keys and presses ── */

  let byPointer = false;
  document.addEventListener("pointerdown", () => { byPointer = true; }, true);
  form.addEventListener("change", ({ target }) => {
    if (!now || !now.contains(target)) return;
    if (target.type === "radio" || target.type === "checkbox") {
      const row = target.closest(".ask-row");
      if (row) markRow(row);
      if (byPointer) chosen(target); else { save(now); count(); }
    } else { save(now); count(); }
  });
  const acts = { back, nothing, next: () => leave(), end: () => phase("end") };
  form.addEventListener("click", ({ target }) => { const act = target.closest("[data-do]")?.dataset.do; if (act) acts[act](); });
  call.querySelector("[data-start]").addEventListener("click", start);
  ending.querySelector("[data-return]").addEventListener("click", () => show(now));

  const keyAsk = (event) => {
    const { key, target } = event, isTyping = target.matches("textarea, input[type=text]");
    const stop = () => event.preventDefault();
    if (key === "Escape") { stop(); phase("end"); return; }
    if (key === "Enter" && !event.shiftKey) {
      if (target.matches("a, button:not([data-finish]), summary")) return;
      stop();
      if (isTyping && now.contains(target)) save(now);
      leave();
      return;
    }
    if (key === "Backspace" && !(isTyping && target.value)) { stop(); back(); return; }
    if (now === done) return;
    if (isTyping) { if (key === "x" && now.dataset.kind === "NUMBER") { stop(); nothing(); } return; }
    if (key === "x") { stop(); nothing(); return; }
    const tick = all(`input[data-key="${CSS.escape(key.toLowerCase())}"]`, rowNow() || now)[0];
    if (!tick) return;
    stop();
    tick.checked = tick.type === "radio" || !tick.checked;
    chosen(tick);
  };
  const keyDial = (event) => {
    const { key, target } = event, isTyping = target.matches("textarea, input:not([type=radio])");
    if (key === "Escape") {
      event.preventDefault();
      if (isTyping) focusOn(ending);
      else if (say.phase === "end") show(now);
      else if (outcome()) outcome().checked = false;
      return;
    }
    if (isTyping) return;
    if (key === "Enter") {
      if (target.matches("a, button:not([data-start]), summary")) return;
      event.preventDefault();
      if (outcome()) ending.requestSubmit(); else if (say.phase === "dial") start();
      return;
    }
    if (key === "Backspace" && say.phase === "end") { event.preventDefault(); show(now); return; }
    if (pick(key.toLowerCase())) event.preventDefault();
  };
  document.addEventListener("keydown", (event) => {
    byPointer = false;
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.documentElement.dataset.keys === "off") return;
    if (event.target.closest("dialog, .side, .top")) return;
    if (say.phase === "ask") keyAsk(event); else keyDial(event);
  });

  if (say.phase === "ask") start(); else phase("dial");
})();
