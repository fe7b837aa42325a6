"""A reporter that only remembers, and one call that profiles bytes with it."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from tasks_app import registry

T = TypeVar("T")

registry.autodiscover()


class Cancelled(BaseException):
    """What the stub raises where a real reporter raises TaskCancelled."""


@dataclass
class StubReporter:
    """Keeps what a job reports."""

    stages: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    planned: dict[str, float] = field(default_factory=dict)
    counts: list[float] = field(default_factory=list)  # after each call that counts
    totals: dict[str, float | None] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    checkpointed: Any = None
    checkpoints: list[Any] = field(default_factory=list)
    fans: list[dict[str, Any]] = field(default_factory=list)
    cancel_after: int | None = None  # calls
    calls: int = 0

    def plan(self, stages: Mapping[str, float]) -> None:
        self.planned = dict(stages)

    @contextmanager
    def stage(
        self, name: str, total: float | None = None, weight: float | None = None, unit: str = ""
    ) -> Iterator[None]:
        self.stages.append(name)
        self.units.append(unit)
        self.totals[name] = total
        self.counts.append(0)
        yield

    def track(self, iterable: Iterable[T], total: float | None = None, unit: str = "") -> Iterator[T]:
        for item in iterable:
            yield item
            self.advance()

    def advance(self, n: float = 1) -> None:
        self.update(current=(self.counts[-1] if self.counts else 0) + n)

    def update(self, current: float | None = None, total: float | None = None, message: str | None = None) -> None:
        self.raise_if_cancelled()
        if current is not None:
            self.counts.append(current)
        if total is not None:
            self.totals[self.stages[-1]] = total
        if message is not None:
            self.messages.append(message)

    def checkpoint(self, data: Any) -> None:
        self.checkpoints.append(data)

    def map(self, job: Any, params: Iterable[Mapping[str, Any]], then: Any = None, **how: Any) -> None:
        self.fans.append({"job": job, "params": list(params), "then": then, **how})

    def log(self, text: str, level: str = "info") -> None:
        self.lines.append((level, text))

    def raise_if_cancelled(self) -> None:
        self.calls += 1
        if self.cancel_after is not None and self.calls > self.cancel_after:
            raise Cancelled

    def attach(self, file: IO[bytes] | Path, name: str) -> None:
        assert not isinstance(file, Path)
        self.files[name] = file.read()


@dataclass
class Profiled:
    """A finished run of profile_csv."""

    result: dict[str, Any]
    reporter: StubReporter

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._file(".json"))
        return document

    @property
    def page(self) -> str:
        return self._file(".html").decode()

    def column(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(column for column in self.document["columns"] if column["name"] == name)
        return found

    def _file(self, suffix: str) -> bytes:
        return next(data for name, data in self.reporter.files.items() if name.endswith(suffix))


def profiled(
    data: bytes | str, name: str = "sales.csv", reporter: StubReporter | None = None, **options: str
) -> Profiled:
    """Profile bytes (text as UTF-8) as the runner would: through the job's form."""
    raw = data.encode() if isinstance(data, str) else data
    reporter = reporter or StubReporter()
    job = registry.get("profile_csv")
    cleaned = job.bind(options, {"upload": SimpleUploadedFile(name, raw)})
    cleaned["upload"] = ContentFile(raw, name=name)
    return Profiled(result=job.function(reporter, **cleaned), reporter=reporter)


def csv_text(names: list[str], rows: list[list[str]]) -> str:
    """Write rows with the csv module, everything quoted."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue()
