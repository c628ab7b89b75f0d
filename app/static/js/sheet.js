/*
 * A sheet of paper by keyboard: the key of an answer ticks it and goes on to the next question. Without this file Tab and the arrows do.
 */
(() => {
  "use strict";
  const form = document.querySelector("[data-sheet]");
  if (!form) return;
  const all = (selector, root = form) => [...root.querySelectorAll(selector)];
  all("[data-scripted]").forEach((each) => { each.hidden = false; });

  /* A stop for each question, and for each row of those that have rows. */
  const stops = all(".ask").flatMap((box) => (all(".ask-row", box).length ? all(".ask-row", box) : [box]));
  const stopOf = (element) => stops.find((stop) => stop.contains(element));
  const typing = (stop) => stop.querySelector("textarea, input[type=text]:not([data-words])");
  const go = (index) => {
    const stop = stops[index];
    if (index < 0) { form.elements.number.focus(); form.elements.number.select(); }
    else if (!stop) form.querySelector(".btn-go").focus();
    else (typing(stop) || stop.querySelector("input:checked") || stop.querySelector("input"))?.focus();
    stop?.scrollIntoView({ block: "nearest" });
  };
  const words = (stop) => stop.querySelector("[data-which]:checked") && stop.querySelector("[data-words]");
  const told = () => form.dispatchEvent(new Event("change", { bubbles: true }));

  document.addEventListener("keydown", (event) => {
    const { key, target } = event, stop = stopOf(target);
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const isTyping = target.matches("textarea, input[type=text], input:not([type])");
    if (key === "Enter" && target.matches("select, input, textarea") && !(target.matches("textarea") && event.shiftKey)) {
      event.preventDefault();
      go(stop ? stops.indexOf(stop) + 1 : 0);
      return;
    }
    if (!stop || isTyping || document.documentElement.dataset.keys === "off") return;
    if (key === "ArrowUp") { event.preventDefault(); go(stops.indexOf(stop) - 1); return; }
    const tick = all(`input[data-key="${CSS.escape(key.toLowerCase())}"]`, stop)[0];
    if (tick) {
      event.preventDefault();
      tick.checked = tick.type === "radio" || !tick.checked;
      told();
      const which = tick.checked && words(stop);
      if (which) which.focus(); else if (tick.type === "radio") go(stops.indexOf(stop) + 1); else tick.focus();
    } else if (key.toLowerCase() === "x") {
      event.preventDefault();
      for (const each of all("input:checked", stop)) each.checked = false;
      told();
      go(stops.indexOf(stop) + 1);
    }
  });
})();
