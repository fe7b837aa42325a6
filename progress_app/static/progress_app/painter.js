/**
 * One animation frame and one clock for all bars of a page: 200 bars that change together are laid out once.
 *
 * The first news is painted in the next frame; what follows closely waits, for all bars together. Ten bars that are told
 * of five times a second each would else have the browser lay out, raster and draw in nearly every frame.
 *
 * A bar has `paint()`. `tick` and `still` are a pair: between them its figures count on. `forget` ends both for a bar that is gone.
 */
const TICK_MS = 1_000;
const JOIN_MS = 100; // of the 300 within which a report is to be seen

const due = new Set();
const ticking = new Set();
let frame = 0;
let pause = 0;
let clock = 0;

/** Paint the bar soon, once, whatever else comes until then. */
export function paintSoon(bar) {
  due.add(bar);
  if (!pause) frame ||= requestAnimationFrame(paintAll);
}

/** Paint the bar anew each second from now on. */
export function tick(bar) {
  ticking.add(bar);
  clock ||= setInterval(() => ticking.forEach(paintSoon), TICK_MS);
}

/** Nothing in the bar counts on any more. */
export function still(bar) {
  ticking.delete(bar);
  if (ticking.size > 0) return;
  clearInterval(clock);
  clock = 0;
}

/** The bar is gone. */
export function forget(bar) {
  still(bar);
  due.delete(bar);
}

function paintAll() {
  frame = 0;
  pause = setTimeout(goOn, JOIN_MS);
  const bars = [...due];
  due.clear();
  for (const bar of bars) bar.paint();
}

function goOn() {
  pause = 0;
  if (due.size > 0) frame = requestAnimationFrame(paintAll);
}
