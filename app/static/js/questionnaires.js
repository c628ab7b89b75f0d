/* Writing a question: another kind shows its fields at once. Without this file a button does it. */
(() => {
  "use strict";
  document.querySelectorAll("[data-changes]").forEach((field) => {
    const button = field.form.querySelector(`[data-changes-by="${field.dataset.changes}"]`);
    button.hidden = true;
    field.addEventListener("change", () => { if (field.form.dataset.restoring !== "1") field.form.requestSubmit(button); });
  });
})();
