/**
 * The task list by keyboard (`/`, `j`, `k`, arrows, `x`, `?`), and a box that ticks every row of the page.
 *
 * Once it has, all that match may be chosen, on the other pages too; a row that is taken away takes that back.
 */
const FIELDS = "input, select, textarea, [contenteditable]";
const search = document.getElementById("search");
const keys = document.getElementById("keys");
const page = document.getElementById("pick-page");
const picked = document.getElementById("picked");
const every = document.getElementById("pick-every"); // null: there is one page
const exported = document.getElementById("export-text");
const picks = [...document.querySelectorAll(".row > .row-pick")];
const idle = picked?.textContent;
const exportOfSome = exported?.textContent;

const ACTIONS = {
  "/": () => search.focus(),
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  x: () => tick(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches(FIELDS) && !event.target.matches("[type=checkbox]");
  const action = ACTIONS[event.key];
  if (!action || isTyping || keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key.startsWith("Arrow") && !event.target.closest(".row")) return; // else they scroll the page
  event.preventDefault();
  action();
});

if (page) {
  delete page.dataset.later;
  page.addEventListener("change", () => {
    for (const pick of picks) pick.checked = page.checked;
    count();
  });
  for (const pick of picks) pick.addEventListener("change", count);
  every?.addEventListener("change", count);
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
  if (every) {
    every.checked &&= page.checked;
    every.parentElement.hidden = !page.checked;
  }
  const isAll = Boolean(every?.checked);
  picked.textContent = isAll ? picked.dataset.all : chosen ? picked.dataset.text.replace("{count}", chosen) : idle;
  exported.textContent = isAll || !chosen ? exported.dataset.all : exportOfSome;
}
