"""docs/widget.md says what is so: its attributes, events and states against the scripts, its example in Chromium."""

import re
from pathlib import Path

from playwright.sync_api import Page

from config.places import BASE
from progress_app import connections
from progress_app.events import Snapshot, State
from tests.browser import steps
from tests.browser.test_widget import MakeTask
from tests.documents import Document
from tests.stack import Stack

WIDGET = Document(BASE / "docs" / "widget.md")
SCRIPTS = BASE / "progress_app" / "static" / "progress_app"
TEMPLATE = (BASE / "templates" / "progress_app" / "widget.html").read_text(encoding="utf-8")


def _script(name: str) -> str:
    return Path(SCRIPTS / name).read_text(encoding="utf-8")


def _first_cells(heading: str) -> set[str]:
    return {row[0].strip("`") for row in WIDGET.rows(heading)}


def test_every_attribute_is_there() -> None:
    written = set(re.findall(r"data-[a-z-]+", TEMPLATE)) - {"data-part"}
    kept = {f"data-{name}" for name in re.findall(r'"data-([a-z]+)"', _script("bar-view.js"))} - {"data-hidden"}
    read = {"data-" + re.sub(r"[A-Z]", lambda found: f"-{found[0].lower()}", name) for name in _names_read()}
    assert _first_cells("Attribute") == written | kept | read


def _names_read() -> set[str]:
    script = _script("progress-bar.js")
    groups = [re.search(r"const \{ (.*?) \} = this\.dataset", script), re.search(r"configOf\(\{ (.*?) \}\)", script)]
    return {name for group in groups if group for name in group[1].split(", ")}


def test_every_event_is_there() -> None:
    assert _first_cells("Event") == set(re.findall(r'#dispatch\("([a-z-]+)"', _script("progress-bar.js")))


def test_every_state_of_the_connection_is_there() -> None:
    told = re.search(r"CONNECTIONS = \{(.*?)\}", _script("wording.js"), re.DOTALL)
    assert told
    assert _first_cells("State") == set(re.findall(r"^\s+(\w+):", told[1], re.MULTILINE)) | {"reconnecting"}


def test_every_part_is_there() -> None:
    parts = set(re.findall(r'(?:write|parts\.get)\("([a-z-]+)"', _script("bar-view.js")))
    assert parts <= set(WIDGET.words_in_code())


def test_the_example_runs(live: Stack, member: Page, running_task: MakeTask) -> None:
    task = running_task()
    member.goto(f"{live.url}/tasks/{task.pk}/")
    member.evaluate(WIDGET.blocks("js")[0].code)
    steps.expect_connection(member, "live")
    snapshot = Snapshot(task=str(task.pk), state=State.RUNNING, attempt=1, job=task.job, percent=42.5)
    connections.backend().publish(snapshot)
    member.wait_for_function("document.title.startsWith('42 % of task-')")
