/**
 * Tells how many tasks have come into the list since it was drawn.
 *
 * A row on the stream names a task and no more: whether it fits what is searched for, the server knows. So when one
 * comes that is not shown, the page is asked for again, seldom, and compared.
 */
import { subscribe } from "../progress_app/event-stream.js";
import { freshPage } from "./fresh-page.js";

const FIRST_AFTER_MS = 500; // tasks come in flocks
const AGAIN_AFTER_MS = 10_000;

class Newcomers {
  #sign;
  #known; // tasks that are shown, or that the server was asked about
  #shown;
  #leave = null;
  #listening = null;
  #isOwed = false; // a stranger came, and the server has not been asked since
  #timer = 0;
  #nextAt = 0;

  constructor(sign) {
    this.#sign = sign;
    this.#shown = idsIn(document);
    this.#known = new Set(this.#shown);
  }

  connect() {
    const { channel, ...config } = this.#sign.dataset;
    this.#leave = subscribe(config, {
      channel,
      rows: (rows) => this.#take(rows),
      snapshot() {},
      reset() {},
      status() {},
    });
    this.#listening = new AbortController();
    document.addEventListener("visibilitychange", () => this.#plan(), { signal: this.#listening.signal });
  }

  disconnect() {
    this.#leave?.();
    this.#listening?.abort();
    clearTimeout(this.#timer);
    this.#leave = this.#listening = null;
    this.#timer = 0;
  }

  #take(rows) {
    const strangers = rows.filter(({ task }) => !this.#known.has(task));
    for (const { task } of strangers) this.#known.add(task);
    this.#isOwed ||= strangers.length > 0;
    this.#plan();
  }

  /** Ask soon, if that is owed and somebody looks. */
  #plan() {
    if (!this.#isOwed || document.hidden) return;
    this.#timer ||= setTimeout(() => this.#ask(), Math.max(FIRST_AFTER_MS, this.#nextAt - Date.now()));
  }

  async #ask() {
    this.#timer = 0;
    this.#isOwed = false;
    this.#nextAt = Date.now() + AGAIN_AFTER_MS;
    try {
      const fresh = await freshPage();
      if (fresh) this.#tell(idsIn(fresh));
    } catch {
      this.#isOwed = true; // the server is away
      this.#plan();
    }
  }

  #tell(ids) {
    const count = ids.filter((id) => !this.#shown.includes(id)).length;
    if (count === 0) return;
    const { one, many } = this.#sign.dataset;
    this.#sign.firstElementChild.textContent = count === 1 ? one : many.replace("{count}", count);
    this.#sign.hidden = false;
  }
}

function idsIn(page) {
  return [...page.querySelectorAll(".row > .row-pick")].map((pick) => pick.value);
}

new Newcomers(document.getElementById("newcomers")).connect();
