/**
 * How long to wait before the next try: a random time below a bound that doubles ("full jitter"), so that
 * thousands of viewers who lost the same server do not come back in the same moment.
 *
 * All times are seconds. `random` gives numbers in [0, 1); a test passes its own.
 */
export class Backoff {
  #boundS;
  #firstS;
  #mostS;
  #random;

  constructor({ firstS = 0.5, mostS = 20, random = Math.random } = {}) {
    this.#firstS = firstS;
    this.#mostS = mostS;
    this.#random = random;
    this.#boundS = firstS;
  }

  /** The seconds to wait now; each call doubles the bound up to `mostS`. */
  next() {
    const waitS = this.#random() * this.#boundS;
    this.#boundS = Math.min(this.#mostS, this.#boundS * 2);
    return waitS;
  }

  /** Begin anew after a time of health. */
  reset() {
    this.#boundS = this.#firstS;
  }
}
