/**
 * Who leads among the tabs of one browser: the one that holds a Web Lock. Closing or crashing gives it up at once.
 *
 * A tab that hangs keeps its lock; another may `steal` it, and the former leader learns of that when it wakes.
 */
export class Election {
  #name;
  #owner;
  #asking = null;
  #release = null;

  /** `owner` has `won()` and `deposed()`. */
  constructor(name, owner) {
    this.#name = name;
    this.#owner = owner;
  }

  /** Stand for it: `won` is called when nobody else leads. */
  connect() {
    this.#asking = new AbortController();
    this.#ask({ signal: this.#asking.signal });
  }

  disconnect() {
    this.#asking?.abort();
    this.#asking = null;
    this.#release?.();
    this.#release = null;
  }

  steal() {
    this.#asking?.abort();
    this.#asking = new AbortController();
    this.#ask({ steal: true });
  }

  async #ask(options) {
    const asking = this.#asking;
    try {
      await navigator.locks.request(this.#name, options, () => this.#lead(asking));
    } catch {
      if (asking !== this.#asking || asking.signal.aborted) return; // we have left, or ask anew
      this.#release = null;
      this.#owner.deposed();
      if (asking === this.#asking) this.connect();
    }
  }

  #lead(asking) {
    if (asking !== this.#asking || asking.signal.aborted) return undefined;
    this.#owner.won();
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }
}
