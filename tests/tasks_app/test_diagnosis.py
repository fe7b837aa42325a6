"""What measurements of a stream mean."""

from dataclasses import replace

import pytest

from progress_app.breaker import Condition
from tasks_app import diagnosis
from tasks_app.diagnosis import Finding, Trial, Verdict

HEADERS = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
    "content-encoding": "identity",
}
SENT_S = (0.0, 0.3, 0.6, 0.9, 1.2)
WELL = Trial(status=200, headers=HEADERS, sent_s=SENT_S, arrived_s=tuple(s + 0.01 for s in SENT_S), skew_s=0.1)


def named(trial: Trial) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnosis.of_trial(trial)}


def faulty(trial: Trial) -> set[str]:
    return {check for check, finding in named(trial).items() if finding.verdict is not Verdict.OK}


def test_a_stream_that_flows_is_well() -> None:
    assert faulty(WELL) == set()
    assert "within 10 ms" in named(WELL)["buffering"].text


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"arrived_s": (1.3, 1.3, 1.3, 1.3, 1.31)}, "buffering"),
        ({"arrived_s": ()}, "buffering"),
        ({"arrived_s": (0.1, 0.4)}, "buffering"),
        ({"arrived_s": tuple(s + 1.5 for s in SENT_S)}, "buffering"),
        ({"headers": HEADERS | {"content-encoding": "gzip"}}, "compression"),
        ({"headers": HEADERS | {"cache-control": "max-age=60"}}, "headers"),
        ({"skew_s": -3.0}, "web clock"),
        ({"tried_quiet": True, "cut_after_s": 10.0}, "idle"),
        ({"status": 404}, "stream"),
        ({"status": None, "fault": "Connection refused"}, "stream"),
    ],
)
def test_each_fault_is_named_alone_and_has_a_remedy(changes: dict[str, object], check: str) -> None:
    trial = replace(WELL, **changes)  # type: ignore[arg-type]
    assert faulty(trial) == {check}
    assert named(trial)[check].remedy


def test_an_answer_that_does_not_even_begin_is_held_back_by_a_proxy() -> None:
    held = Trial(sent_s=SENT_S)
    assert faulty(held) == {"stream", "buffering"}
    assert "buffering proxy" in named(held)["buffering"].text


def test_a_proxy_may_keep_the_header_that_was_meant_for_it() -> None:
    kept = {name: value for name, value in HEADERS.items() if name != "x-accel-buffering"}
    assert faulty(replace(WELL, headers=kept)) == set()


def test_a_quiet_stream_that_stays_open_is_well() -> None:
    assert named(replace(WELL, tried_quiet=True))["idle"].verdict is Verdict.OK


def test_http_2_needs_no_remedy() -> None:
    assert not named(replace(WELL, protocol="h2"))["protocol"].remedy
    assert named(WELL)["protocol"].remedy


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (diagnosis.redis(""), Verdict.OK),
        (diagnosis.redis("Connection refused"), Verdict.FAIL),
        (diagnosis.transport("pusher", Condition.WORKS), Verdict.OK),
        (diagnosis.transport("pusher", Condition.AWAY), Verdict.WARN),
        (diagnosis.transport("ably", Condition.REFUSES), Verdict.FAIL),
        (diagnosis.workers(1), Verdict.OK),
        (diagnosis.workers(0), Verdict.FAIL),
        (diagnosis.maintenance(14.0), Verdict.OK),
        (diagnosis.maintenance(61.0), Verdict.WARN),
        (diagnosis.maintenance(None), Verdict.WARN),
        (diagnosis.maintenance(None, first_in_s=14.2), Verdict.OK),
        (diagnosis.clock("redis clock", 2.5), Verdict.WARN),
    ],
)
def test_what_stands_behind_the_stream_is_judged(finding: Finding, verdict: Verdict) -> None:
    assert finding.verdict is verdict
    assert bool(finding.remedy) is (verdict is not Verdict.OK)
