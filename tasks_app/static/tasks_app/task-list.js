/** The task list by keyboard (`/`, `j`, `k`, `x`, `?`), and a box that ticks every row of the page. */
const FIELDS = "input, select, textarea, [contenteditable]";
const search = document.getElementById("search");
const keys = document.getElementById("keys");
const page = document.getElementById("pick-page");
const picked = document.getElementById("picked");
const picks = [...document.querySelectorAll(".row > .row-pick")];
const idle = picked?.textContent;

const ACTIONS = {
  "/": () => search.focus(),
  j: () => step(1),
  k: () => step(-1),
  x: () => tick(),
  "?": () => keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches(FIELDS) && !event.target.matches("[type=checkbox]");
  const action = ACTIONS[event.key];
  if (!action || isTyping || keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  action();
});

if (page) {
  page.hidden = false;
  page.addEventListener("change", () => {
    for (const pick of picks) pick.checked = page.checked;
    count();
  });
  for (const pick of picks) pick.addEventListener("change", count);
  count();
}

/** Go to the row so many further; from nowhere, to the first or the last. */
function step(by) {
  const links = [...document.querySelectorAll(".row-title a")];
  const here = links.findIndex((link) => link.closest(".row").contains(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by;
  links[Math.min(links.length - 1, Math.max(0, next))]?.focus();
}

function tick() {
  document.activeElement.closest(".row")?.querySelector(".row-pick")?.click();
}

function count() {
  const chosen = picks.filter((pick) => pick.checked).length;
  page.checked = chosen > 0 && chosen === picks.length;
  page.indeterminate = chosen > 0 && chosen < picks.length;
  picked.textContent = chosen ? picked.dataset.text.replace("{count}", chosen) : idle;
}
