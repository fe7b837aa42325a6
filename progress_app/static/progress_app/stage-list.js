/** The stages of a task as list items, made from the page's own <template> and then patched in place. */
import { FINAL } from "./states.js";
import { durationText, percentText } from "./wording.js";
import { say } from "./words.js";

const STATE_TEXTS = { pending: "to do", running: "running", done: "done", stopped: "stopped" };

/** Show a task's stages in the list; `template` holds one item. Only what has changed is touched. */
export function paintStages(list, template, { state, stages: told }) {
  const stages = told ?? [];
  list.hidden = stages.length === 0;
  while (list.children.length > stages.length) list.lastElementChild.remove();
  while (list.children.length < stages.length) list.append(template.content.cloneNode(true));
  stages.forEach((stage, index) => paintStage(list.children[index], { ...stage, state: stateOf(stage, state) }));
}

/** What ran when its task ended runs no more. */
function stateOf(stage, taskState) {
  if (stage.state !== "running" || !FINAL.has(taskState)) return stage.state;
  return taskState === "succeeded" ? "done" : "stopped";
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
  return stage.state === "pending" ? 0 : (stage.percent ?? 0);
}

function write(item, part, text) {
  const element = item.querySelector(`[data-part=${part}]`);
  if (element && element.textContent !== text) element.textContent = text;
}
