/* A page that renews the parts of its jobs while one is on its way. Without it the page loads itself again. */
(() => {
  "use strict";
  const live = document.querySelector("[data-jobs=live]");
  if (!live) return;
  const EVERY = 2000;

  const renew = (fresh) => {
    const ids = [...fresh.querySelectorAll("[id]")].map((part) => part.id);
    if (ids.join() !== [...live.querySelectorAll("[id]")].map((part) => part.id).join()) { location.reload(); return; }
    ids.forEach((id) => {
      const [old, part] = [document.getElementById(id), fresh.querySelector(`#${CSS.escape(id)}`)];
      if (old.isEqualNode(part)) return;
      const had = old.contains(document.activeElement);
      old.replaceWith(part);
      if (had) (part.querySelector("a, button") || live).focus();
    });
  };

  const look = async () => {
    try {
      const answer = document.hidden ? null : await fetch(location.href, { cache: "no-store" });
      if (answer?.redirected) { location.reload(); return; }
      if (answer?.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-jobs]");
        if (fresh) renew(fresh);
        if (fresh?.dataset.jobs === "over") return;
      }
    } catch { /* the network is away: the next look tells */ }
    setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY);
})();
