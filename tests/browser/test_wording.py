"""The pure modules of the widget, in the language they run in."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.lone_page import ORIGIN, serve


@pytest.fixture
def modules(page: Page) -> Page:
    """Open an empty page that can import the modules."""
    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/")
    return page


def _call(page: Page, module: str, calls: list[list[Any]]) -> list[Any]:
    """Call functions of a module: each call is its name and its arguments."""
    script = (
        "async ([module, calls]) => { const it = await import(module); return calls.map(([f, ...a]) => it[f](...a)); }"
    )
    return list(page.evaluate(script, [module, calls]))


def test_figures_in_words(modules: Page) -> None:
    cases: list[tuple[list[Any], str]] = [
        (["percentText", 99.99], "99%"),
        (["percentText", None], ""),
        (["durationText", 0], "0 s"),
        (["durationText", 0.44], "0.4 s"),
        (["durationText", 59.9], "59 s"),
        (["durationText", 65], "1 min 05 s"),
        (["durationText", 7_620], "2 h 07 min"),
        (["elapsedText", 12.4, False], "for 12 s"),
        (["elapsedText", 3.21, True], "took 3.2 s"),
        (["countText", {"current": 4210, "total": 10_000, "unit": "rows"}], "4,210 of 10,000 rows"),
        (["countText", {"current": 4210, "total": None, "unit": ""}], "4,210"),
        (["countText", {"current": 6_430_720, "total": 17_814_834, "unit": "bytes"}], "6.1 of 17 MB"),
        (["countText", {"current": 999, "total": None, "unit": "bytes"}], "999 bytes"),
        (["rateText", {"rate": 1_234_567.8, "unit": "bytes"}], "1.2 MB/s"),
        (["rateText", {"rate": 812.4, "unit": "rows"}], "812 rows/s"),
        (["rateText", {"rate": 0.2, "unit": "files"}], "12 files/min"),
        (["etaText", {"low": 6.1, "high": 8.4}], "7–9 s left"),
        (["etaText", {"low": 170, "high": 230}], "3–4 min left"),
        (["etaText", {"low": 200, "high": 230}], "about 4 min left"),
        (["etaText", None], ""),
        (["stageText", {"stage": {"index": 1, "name": "Load"}, "stages": [{}, {}, {}]}], "Load, 2 of 3"),
        (["waitText", {"queue": {"position": 3, "starts_in_s": 40}}], "number 3 in line, starts in about 40 s"),
        (["waitText", {"queue": {"position": 3, "starts_in_s": 40}}, 33.4], "number 3 in line, starts in about 7 s"),
        (["waitText", {"queue": {"position": 3, "starts_in_s": 40}}, 55], "number 3 in line, starts soon"),
        (["waitText", {"queue": {"position": 3, "starts_in_s": None}}], "number 3 in line"),
        (["waitText", {"queue": {"position": 1, "starts_in_s": None}}], "next in line"),
        (["connectionText", {"state": "reconnecting", "retryAt": 5_000}, 1_200], "reconnecting in 4 s"),
        (["connectionText", {"state": "reconnecting", "retryAt": 0}, 1_200], "reconnecting"),
    ]
    assert _call(modules, "/wording.js", [call for call, _ in cases]) == [said for _, said in cases]


def test_ids_are_read_and_garbage_is_left_out(modules: Page) -> None:
    read = modules.evaluate("""async () => {
        const { parsePositions } = await import("/positions.js");
        return ["task-a%2C.log:12,task-b:3", "", "garbage", "a:x,b:-1,c:1.5,%zz:4,:7,d:99999999999999999999"]
            .map((text) => Object.fromEntries(parsePositions(text)));
    }""")
    assert read == [{"task-a,.log": 12, "task-b": 3}, {}, {}, {"%zz": 4}]


def test_the_wait_is_random_below_a_bound_that_doubles(modules: Page) -> None:
    waits = modules.evaluate("""async () => {
        const { Backoff } = await import("/backoff.js");
        const half = new Backoff({ random: () => 0.5 });
        const waits = Array.from({ length: 8 }, () => half.next());
        half.reset();
        return [...waits, half.next(), new Backoff({ random: () => 0 }).next()];
    }""")
    assert waits == [0.25, 0.5, 1, 2, 4, 8, 10, 10, 0.25, 0]
