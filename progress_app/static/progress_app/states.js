/** The states of a task that are the end: nothing more will come. */
export const FINAL = new Set(["succeeded", "failed", "cancelled", "lost"]);
