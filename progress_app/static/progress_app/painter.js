/**
 * One animation frame and one clock for all bars of a page: 200 bars that change together are laid out once.
 *
 * The first news is painted in the next frame; what follows closely waits, for all bars together. Ten bars that are told
 * of five times a second each would else have the browser lay out, raster and draw in nearly every frame.
 *
 * Bars that are scrolled out of sight are painted once a second: nobody sees them, but a screen reader may read them.
 *
 * A bar is an element with `paint()`. `tick` and `still` are a pair: between them its figures count on. `forget` ends
 * both for a bar that is gone.
 */
const TICK_MS = 1_000;
const JOIN_MS = 100; // of the 300 within which a report is to be seen
const NEAR = { rootMargin: "25%" }; // who scrolls finds them painted

const due = new Set();
const ticking = new Set();
const unseen = new Set();
const late = new Set(); // the unseen ones with something to paint
const eye = new IntersectionObserver((entries) => entries.forEach(look), NEAR);
let frame = 0;
let pause = 0;
let clock = 0;

/** Paint the bar soon, once, whatever else comes until then. */
export function paintSoon(bar) {
  if (unseen.has(bar)) late.add(bar);
  else paintInFrame(bar);
}

function paintInFrame(bar) {
  due.add(bar);
  if (!pause) frame ||= requestAnimationFrame(paintAll);
}

/** Paint the bar anew each second from now on. */
export function tick(bar) {
  ticking.add(bar);
  eye.observe(bar);
  clock ||= setInterval(paintEach, TICK_MS);
}

/** Nothing in the bar counts on any more. */
export function still(bar) {
  ticking.delete(bar);
  eye.unobserve(bar);
  unseen.delete(bar); // its last state is painted at once
  if (ticking.size > 0) return;
  clearInterval(clock);
  clock = 0;
}

/** The bar is gone. */
export function forget(bar) {
  still(bar);
  due.delete(bar);
  late.delete(bar);
}

function paintEach() {
  late.clear();
  ticking.forEach(paintInFrame);
}

function look({ target, isIntersecting }) {
  if (!isIntersecting) unseen.add(target);
  else if (unseen.delete(target) && late.delete(target)) paintInFrame(target);
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
