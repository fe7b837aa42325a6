/** The stages of a task as list items, made from the page's own <template> and then patched in place. */
import { durationText, percentText } from "./wording.js";
import { say } from "./words.js";

const STATE_TEXTS = { pending: "to do", running: "running", done: "done" };

/** Show these stages in the list; `template` holds one item. Only what has changed is touched. */
export function paintStages(list, template, stages) {
  list.hidden = stages.length === 0;
  while (list.children.length > stages.length) list.lastElementChild.remove();
  while (list.children.length < stages.length) list.append(template.content.cloneNode(true));
  stages.forEach((stage, index) => paintStage(list.children[index], stage));
}

function paintStage(item, stage) {
  item.dataset.state = stage.state;
  item.dataset.depth = stage.depth;
  if (stage.state === "running") item.setAttribute("aria-current", "step");
  else item.removeAttribute("aria-current");
  write(item, "stage-name", say(stage.name));
  write(item, "stage-state", say(STATE_TEXTS[stage.state] ?? stage.state));
  const seconds = durationText(stage.seconds);
  write(item, "stage-note", stage.state === "running" ? percentText(stage.percent) || seconds : seconds);
  item.querySelector("[data-part=stage-fill]")?.setAttribute("width", `${widthOf(stage)}%`);
}

function widthOf(stage) {
  if (stage.state === "done") return 100;
  return stage.state === "running" ? (stage.percent ?? 0) : 0;
}

function write(item, part, text) {
  const element = item.querySelector(`[data-part=${part}]`);
  if (element && element.textContent !== text) element.textContent = text;
}
