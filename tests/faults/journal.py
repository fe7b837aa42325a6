"""What the job bodies of a batch wrote: one line a step, appended by every worker to one file.

A line is `<seconds of the machine's monotonic clock> <event> <task> <attempt>`.
"""

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path


def write(path: Path, event: str, task: str, attempt: int) -> None:
    """Append a line; short enough to be written in one piece."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{time.monotonic():.3f} {event} {task} {attempt}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; `at_s` is the monotonic clock."""

    at_s: float
    event: str
    task: str
    attempt: int


class Journal:
    """The lines of a batch, as they are now."""

    def __init__(self, path: Path) -> None:
        self.lines: list[Line] = []
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            at_s, event, task, attempt = text.split(" ")
            self.lines.append(Line(at_s=float(at_s), event=event, task=task, attempt=int(attempt)))

    def doubled(self, *, forgiven_until_s: float = 0.0) -> set[str]:
        """The tasks of which an attempt began twice, or went on after a later one had begun.

        Args:
            forgiven_until_s: until then a body that was frozen has not yet noticed that it was replaced.

        """
        newest: dict[str, int] = defaultdict(int)
        found: set[str] = set()
        for line in self.lines:
            begins_again = line.event == "begin" and line.attempt == newest[line.task]
            goes_on = line.attempt < newest[line.task] and line.at_s > forgiven_until_s
            if begins_again or goes_on:
                found.add(line.task)
            newest[line.task] = max(newest[line.task], line.attempt)
        return found

    def done(self) -> dict[tuple[str, int], float]:
        """Task and attempt of the bodies that came to their end, each with when, by the monotonic clock."""
        return {(line.task, line.attempt): line.at_s for line in self.lines if line.event == "done"}
