/**
 * A live bar in any HTML page: <progress-bar data-embed="address">, where the address is that of a task's widget (on the
 * task's own site, for who is logged in there) or of a shared link (anywhere, for everybody).
 *
 * The server draws the bar, in the reader's language; it takes the place of the element that asked for it. What stands in
 * that element is shown until then, and stays if there is nothing to show.
 */
const ADDRESSES = ["eventsUrl", "snapshotUrl", "sharedUrl", "tokenUrl", "libraryUrl"];

for (const holder of document.querySelectorAll("progress-bar[data-embed]")) fill(holder);

async function fill(holder) {
  const address = new URL(holder.dataset.embed, location.href);
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    const drawn = response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
    const bar = drawn?.querySelector("progress-bar");
    if (bar) await show(bar, drawn, holder, address);
    else holder.dataset.connection = "denied";
  } catch {
    holder.dataset.connection = "offline"; // no network, or a site that does not let this one read
  }
}

async function show(bar, drawn, holder, address) {
  for (const name of ADDRESSES) {
    if (bar.dataset[name]) bar.dataset[name] = new URL(bar.dataset[name], address).href;
  }
  takeAssets(drawn);
  await import("./progress-bar.js"); // it reads the words when it is loaded
  holder.replaceWith(document.adoptNode(bar));
  if (bar.dataset.sharedUrl) (await import("./shared.js")).follow(bar);
}

/** The stylesheet and the words of the reader's language, once a page. */
function takeAssets(drawn) {
  const words = drawn.getElementById("headway-words");
  if (words && !document.getElementById(words.id)) document.head.append(document.adoptNode(words));
  const href = new URL("progress.css", import.meta.url).href;
  if (document.querySelector(`link[href="${CSS.escape(href)}"]`)) return;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href }));
}
