/* Comfort of the board: a card is dragged to another column, which sends what its buttons would send. The server decides, and says why not. */
(() => {
  "use strict";
  const board = document.querySelector("[data-board]");
  if (!board) return;
  let card = null;

  const column = (event) => {
    const found = event.target.closest("[data-state]");
    return card && found && !found.contains(card) ? found : null;
  };
  const unmark = () => board.querySelectorAll(".over").forEach((each) => each.classList.remove("over"));

  for (const each of board.querySelectorAll("[data-card]")) each.draggable = Boolean(each.querySelector("form"));
  board.addEventListener("dragstart", (event) => {
    card = event.target.closest?.("[data-card]");
    if (!card) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", card.querySelector("a").textContent);
    card.classList.add("dragged");
  });
  board.addEventListener("dragend", () => { card?.classList.remove("dragged"); card = null; unmark(); });
  board.addEventListener("dragover", (event) => {
    unmark();
    const over = column(event);
    if (over) { event.preventDefault(); over.classList.add("over"); }
  });
  board.addEventListener("drop", (event) => {
    const over = column(event);
    if (!over) return;
    event.preventDefault();
    const form = card.querySelector("form");
    const to = Object.assign(document.createElement("input"), { type: "hidden", name: "to", value: over.dataset.state });
    form.append(to);
    form.submit();
  });
})();
