/* A survey: questions show as soon as their condition holds; at the kiosk, who left makes room for the next person. */
(() => {
  const thanks = document.querySelector("[data-restart]");
  if (thanks) setTimeout(() => location.replace(thanks.dataset.start), Number(thanks.dataset.restart) * 1000);

  const form = document.querySelector("form.survey");
  if (!form) return;

  const given = (code) => [...form.elements]
    .filter((each) => (each.name === code || each.name.startsWith(`${code}.`)) && !each.name.endsWith(".words") && !each.matches(":disabled"))
    .filter((each) => !["radio", "checkbox"].includes(each.type) || each.checked)
    .map((each) => each.value.trim())
    .filter((value) => value && value !== "NA");

  const holds = ({ when, op, value }) => {
    const values = given(when);
    const wanted = Number(value);
    const figures = values.map((each) => Number(each.replace(",", ".")));
    if (!values.length) return false;
    if (op === "IS") return values.includes(value) || figures.includes(wanted);
    if (op === "IS_NOT") return !values.includes(value) && !figures.includes(wanted);
    return figures.some((figure) => (op === "AT_LEAST" ? figure >= wanted : figure <= wanted));
  };

  const inside = [...form.querySelectorAll("[data-when]")].filter((each) => form.querySelector(`[id="q-${each.dataset.when}"]`));
  const show = () => inside.forEach((each) => {
    each.hidden = !holds(each.dataset);
    each.querySelectorAll(":scope > fieldset, textarea, :scope > .field input").forEach((control) => { control.disabled = each.hidden; });
  });
  form.addEventListener("change", show);
  show();

  if (!form.dataset.idle) return;
  const note = form.querySelector("[data-idle-note]");
  const limit = Number(form.dataset.idle) * 1000;
  let touched = Date.now();
  const hasBegun = () => [...form.elements].some(({ type, checked, value }) =>
    ["radio", "checkbox"].includes(type) ? checked && value : ["text", "textarea"].includes(type) && value);
  const touch = () => { touched = Date.now(); note.hidden = true; };
  ["pointerdown", "keydown", "input", "scroll"].forEach((name) => window.addEventListener(name, touch, { passive: true }));
  setInterval(() => {
    const idle = Date.now() - touched;
    if (form.dataset.start === location.pathname && !hasBegun()) return;
    if (idle > limit) location.replace(form.dataset.start);
    else note.hidden = idle < limit - 15000;
  }, 1000);
})();
