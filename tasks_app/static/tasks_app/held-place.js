/**
 * What comes into a page while somebody reads it takes no more room than what it replaces: nothing else moves.
 *
 * It is shown whole as soon as they turn to it: by its button, by a click in it, or with the focus.
 */

/** Whether it lies above or below what the window shows. */
export function isOutOfSight(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom < 0 || top > innerHeight;
}

/** The room that an element has now, for what will replace it. */
export function placeOf(element) {
  const { marginBottom } = getComputedStyle(element);
  return { height: element.offsetHeight, marginBottom, isInSight: !document.hidden && !isOutOfSight(element) };
}

/** Keep an element within this height in pixels until somebody turns to it; a lower one keeps its place free. */
export function holdPlace(element, { height, marginBottom }) {
  element.style.minHeight = `${height}px`;
  element.style.marginBottom = marginBottom;
  if (element.scrollHeight <= height) return;
  element.style.height = element.style.minHeight;
  element.dataset.held = "";
  const show = () => {
    element.style.height = "";
    delete element.dataset.held;
  };
  for (const kind of ["focusin", "click"]) element.addEventListener(kind, show);
}
