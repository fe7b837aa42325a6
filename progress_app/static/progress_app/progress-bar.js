/**
 * <progress-bar>: brings a server-drawn bar to life. Light DOM; all that it shows was drawn by the server first.
 *
 * Its attributes, its events and what it fills are described in docs/widget.md. Text goes in as text, never as HTML.
 */
import { BarView } from "./bar-view.js";
import { subscribe } from "./event-stream.js";
import { forget, paintSoon, still, tick } from "./painter.js";
import { snapshotOf } from "./rows.js";
import { FINAL } from "./states.js";
import * as wording from "./wording.js";

const BRISK_MS = 500; // between two snapshots: the next one comes before a glide has ended

class ProgressBar extends HTMLElement {
  #leave = null;
  #view = null;
  #snapshot = null;
  #takenAt = 0;
  #isBrisk = false;
  #connection = { state: "connecting", retryAt: 0 };

  connectedCallback() {
    const { channel, logChannel, rowsChannel, snapshotUrl, state } = this.dataset;
    if (!channel || FINAL.has(state)) return;
    this.dataset.watched = ""; // it keeps its height when it ends under somebody's eyes
    this.#view = new BarView(this);
    this.#leave = subscribe(configOf(this.dataset), {
      channel,
      logChannel,
      rowsChannel,
      logPosition: shownPosition(logChannel),
      snapshotUrl,
      snapshot: (snapshot) => this.#take(snapshot),
      row: (row) => this.#take(snapshotOf(row, this.#snapshot)),
      entry: (entry) => this.#dispatch("task-log", entry),
      reset: (channels) => channels.includes(logChannel) && this.#dispatch("task-log-reset", { channels }),
      status: (connection) => this.#connect(connection),
    });
    tick(this);
    paintSoon(this);
  }

  disconnectedCallback() {
    this.#leave?.();
    this.#leave = null;
    forget(this);
  }

  /** The newest snapshot, null before the first. */
  get snapshot() {
    return this.#snapshot;
  }

  /** Show a snapshot that came by another way; `connection` says how, as in event-stream.js. */
  show(snapshot, connection = this.#connection) {
    this.#view ??= new BarView(this);
    this.#connect(connection);
    this.#take(snapshot);
  }

  paint() {
    this.#view.paint(this.#snapshot, this.#takenAt, this.#connection, this.#isBrisk);
  }

  #take(snapshot) {
    this.#view.announce(wording.announcement(this.#snapshot, snapshot));
    this.#snapshot = snapshot;
    this.#isBrisk = Date.now() - this.#takenAt < BRISK_MS;
    this.#takenAt = Date.now();
    if (FINAL.has(snapshot.state)) still(this);
    paintSoon(this);
    this.#dispatch("task-progress", snapshot);
  }

  #connect(connection) {
    const hasChanged = connection.state !== this.#connection.state;
    this.#connection = connection;
    paintSoon(this);
    if (hasChanged) this.#dispatch("task-connection", connection);
  }

  #dispatch(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

function configOf({ eventsUrl, session, tokenUrl, csrfToken, transport, libraryUrl }) {
  return { eventsUrl, session, tokenUrl, csrfToken, transport, libraryUrl };
}

function shownPosition(channel) {
  const shown = channel && document.querySelector(`[data-shows-log="${CSS.escape(channel)}"]`);
  return Number(shown?.dataset.logPosition) || 0;
}

if (!customElements.get("progress-bar")) customElements.define("progress-bar", ProgressBar);
