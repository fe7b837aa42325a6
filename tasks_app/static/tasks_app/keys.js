/** The keys of every page: `?` shows what they are, a digit goes to a page of the menu, `j` and `k` go from job to job. */
const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=file]), select, textarea, [contenteditable]";
const dialog = document.getElementById("keys");
const opener = document.getElementById("keys-open");
const jobs = [...document.querySelectorAll(".card-title a")];

opener.hidden = false;
opener.addEventListener("click", () => dialog.showModal());

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (target.matches(TYPED_IN) || dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  const page = /^[1-9]$/.test(key) && document.querySelectorAll(".top-nav a")[Number(key) - 1];
  if (key === "?") dialog.showModal();
  else if (page) page.click();
  else if (jobs.length > 0 && (key === "j" || key === "k")) step(key === "j" ? 1 : -1);
  else return;
  event.preventDefault();
});

/** Go to the job so many further; from nowhere, to the first or the last. */
function step(by) {
  const here = jobs.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : jobs.length - 1) : here + by;
  jobs[Math.min(jobs.length - 1, Math.max(0, next))].focus();
}
