/*
 * The form of a quotation: lines are added and taken away in place, and the totals follow what is typed. Comfort, never a condition:
 * without this file the same buttons ask the server. Money is counted in whole numbers (BigInt), rounded as app/domain/quotations.py does.
 *
 * It runs before forms.js, so that a kept draft with more lines than an empty form finds them. A line taken away stays in the form,
 * hidden and empty: the server leaves it out, and a kept draft forgets it.
 */
(() => {
  "use strict";
  const form = document.querySelector("form[data-quotation]");
  if (!form) return;
  const body = form.querySelector("tbody"), more = form.querySelector("[data-more]"), sums = form.querySelector("[data-sums]");
  const lines = () => [...body.querySelectorAll("tr[data-line]")];
  const field = (line, name) => line.querySelector(`[name$="-${name}"]`);
  const MOST = Number(more.dataset.most), SIZE = `lines:${location.pathname}`;

  /* ── What is typed, exactly ── */

  const scaled = (text, digits) => {
    const found = /^(\d{1,13})(?:[.,](\d{1,4}))?$/.exec(text.trim());
    if (!found) return null;
    const decimals = (found[2] || "").padEnd(digits, "0");
    return decimals.length > digits ? null : BigInt(found[1] + decimals);
  };
  const pesos = (text) => {
    const found = /^(\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+|\d+)(?:,0{1,2})?$/.exec(text.replace(/[\s$]/g, ""));
    return found && BigInt(found[1].replace(/[.,]/g, ""));
  };
  const halfUp = (number, divisor) => (number + divisor / 2n) / divisor;
  const format = new Intl.NumberFormat(document.documentElement.lang.startsWith("en") ? "en" : "es-CO");
  const say = (amount) => `$ ${format.format(amount)}`;

  const count = () => {
    const bases = new Map();
    for (const line of lines()) {
      const quantity = scaled(field(line, "quantity").value, 4), price = pesos(field(line, "price").value);
      const isWhole = quantity !== null && price !== null;
      const subtotal = isWhole ? halfUp(quantity * price, 10000n) : 0n;
      line.querySelector("[data-line-sum]").textContent = isWhole ? say(subtotal) : "";
      const rate = field(line, "vat_rate");
      if (isWhole && quantity) bases.set(rate.value, { words: rate.selectedOptions[0].text, base: (bases.get(rate.value)?.base || 0n) + subtotal });
    }
    show([...bases].sort(([one], [other]) => Number(other) - Number(one)));
  };
  const show = (rates) => {
    let subtotal = 0n, taxes = 0n;
    sums.querySelectorAll("[data-vat]").forEach((row) => row.remove());
    for (const [rate, { words, base }] of rates) {
      const row = document.getElementById("vat-sum").content.firstElementChild.cloneNode(true), tax = halfUp(base * scaled(rate, 2), 10000n);
      const label = row.querySelector("dt");
      label.textContent = label.dataset.words.replace("{rate}", words).replace("{base}", say(base));
      row.querySelector("dd").textContent = say(tax);
      sums.querySelector("[data-whole]").before(row);
      subtotal += base;
      taxes += tax;
    }
    sums.querySelector("[data-subtotal]").textContent = say(subtotal);
    sums.querySelector("[data-total]").textContent = say(subtotal + taxes);
  };

  /* ── Lines ── */

  const add = () => {
    const n = lines().length;
    if (n >= MOST) return null;
    const line = lines()[0].cloneNode(true);
    line.hidden = false;
    line.querySelectorAll(".error").forEach((error) => error.remove());
    for (const each of line.querySelectorAll("input, select")) {
      each.name = each.id = each.name.replace(/^line-\d+-/, `line-${n}-`);
      each.setAttribute("aria-label", each.getAttribute("aria-label").replace(/\d+/, n + 1));
      ["aria-invalid", "aria-describedby"].forEach((name) => each.removeAttribute(name));
      if (each.options) each.value = field(lines()[n - 1], "vat_rate").value; else each.value = "";
    }
    const drop = line.querySelector("[data-drop]");
    drop.value = `drop-${n}`;
    drop.title = drop.title.replace(/\d+/, n + 1);
    drop.setAttribute("aria-label", drop.title);
    line.querySelector("[data-line-sum]").textContent = "";
    body.append(line);
    try { sessionStorage.setItem(SIZE, n + 1); } catch { /* a private window: the lines of a draft are then those of the server */ }
    return line;
  };
  const take = (line) => {
    line.querySelectorAll("input").forEach((each) => { each.value = ""; each.dispatchEvent(new Event("change", { bubbles: true })); });
    line.hidden = true;
    if (!lines().some((each) => !each.hidden)) add();
    more.focus();
    count();
  };

  more.addEventListener("click", (event) => {
    event.preventDefault();
    const line = add();
    if (line) field(line, "description").focus();
  });
  form.querySelector("[data-preview]").hidden = true;
  body.addEventListener("click", (event) => {
    const drop = event.target.closest("[data-drop]");
    if (!drop) return;
    event.preventDefault();
    take(drop.closest("tr"));
  });
  form.addEventListener("input", count);
  form.addEventListener("change", count);
  /* Enter in a cell goes on to the next line, as on a sheet; the last one makes a new one. */
  body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing) return;
    event.preventDefault();
    const shown = lines().filter((line) => !line.hidden), next = shown[shown.indexOf(event.target.closest("tr")) + 1] || add();
    if (next) field(next, "description").focus();
  });
  if (form.dataset.keep === "get") for (let n = Number(sessionStorage.getItem(SIZE) || 0) - lines().length; n > 0; n -= 1) add();
  count();
})();
