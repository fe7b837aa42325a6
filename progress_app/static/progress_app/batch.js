/**
 * Gathers what comes in one turn of the event loop and hands it on together.
 *
 * A message port marks the end of the turn: timers are held back to one a second in a hidden tab, and a microtask
 * would run after each single event.
 */
export class Batch {
  #items = [];
  #take;
  #port = null;

  /** `take(items)` gets what was gathered, never an empty list. */
  constructor(take) {
    this.#take = take;
  }

  connect() {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => this.flush();
    this.#port = port2;
  }

  disconnect() {
    this.#items = [];
    this.#port?.close();
    this.#port = null;
  }

  add(item) {
    if (this.#items.push(item) === 1) this.#port.postMessage(null);
  }

  /** Hand on at once what was gathered, so that something else may follow it. */
  flush() {
    if (this.#items.length > 0) this.#take(this.#items.splice(0));
  }
}
