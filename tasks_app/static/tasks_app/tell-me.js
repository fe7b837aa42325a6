/**
 * The button for a notification of the browser, where it has them; its choice holds as long as the page is open.
 *
 * What comes of a click is said beside it: that the browser will tell, or why it cannot and what helps.
 */
let isWanted = false;
let isRefused = false; // told by a click: a page that says so unasked would move under its reader

/** Make the button of the page, which the server may just have drawn anew, work. */
export function offerNotification() {
  const button = document.getElementById("tell-browser");
  if (!button || !("Notification" in window)) return;
  delete button.dataset.later;
  show(button);
  button.addEventListener("click", async () => {
    const isAllowed = isWanted || (await Notification.requestPermission()) === "granted";
    isWanted = isAllowed && !isWanted;
    isRefused = !isAllowed && Notification.permission === "denied";
    show(button);
  });
}

/** Tell these words by the browser, if that was asked for and nobody looks at the page. */
export function notify(words) {
  if (isWanted && document.hidden) new Notification(words, { tag: location.pathname });
}

function show(button) {
  const { refused, insecure, wanted } = button.dataset;
  const note = document.getElementById("tell-note");
  button.setAttribute("aria-pressed", isWanted);
  button.disabled = isRefused;
  note.textContent = isRefused ? (isSecureContext ? refused : insecure) : isWanted ? wanted : "";
  note.hidden = note.textContent === "";
}
