"""Memory and time of profile_csv on a million rows, in a process as bare as a worker's child.

    python -m tests.benchmarks.profile_csv [--rows 1000000] [--check]

Prints the peak memory of the whole process before and after, and rows a second. With --check every figure
is compared with sqlite3 and statistics (in this process, which then needs a few gigabytes).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.jobs.independent import SqliteFigures, differences
from tests.jobs.million import NUMERIC, TEXTS, write_file

KIB_A_MIB = 1024


def peak_mib() -> float:
    """Return the most memory this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_A_MIB


def run(path: Path, out: Path) -> None:
    """Profile the file in this process; leave the JSON report and the cost in a folder."""
    import django  # noqa: PLC0415

    import config.celery  # noqa: F401, PLC0415 (what a worker has loaded before its first task)

    django.setup()
    from django.core.files import File  # noqa: PLC0415

    from tasks_app import registry  # noqa: PLC0415
    from tests.jobs.stub import StubReporter  # noqa: PLC0415

    reporter, before_mib, start_s = StubReporter(), peak_mib(), time.perf_counter()
    with path.open("rb") as file:
        registry.get("profile_csv").function(reporter, upload=File(file, name=str(path)))
    cost = {"seconds": time.perf_counter() - start_s, "before_mib": before_mib, "peak_mib": peak_mib()}
    cost["steps"] = reporter.calls
    (out / "cost.json").write_text(json.dumps(cost))
    for name, data in reporter.files.items():
        (out / f"report{Path(name).suffix}").write_bytes(data)


def check(path: Path, report: Path) -> int:
    """Print each figure that differs from the independent ones; return how many."""
    columns = {column["name"]: column for column in json.loads(report.read_bytes())["columns"]}
    theirs = SqliteFigures(path)
    found = 0
    for name in theirs.names:
        for text in differences(columns[name], theirs.column(name, NUMERIC.get(name), is_text=name in TEXTS)):
            found += 1
            print(f"{name}: {text}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run(*options.child)
        return
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder, "million.csv"), Path(folder)
        write_file(path, options.rows)
        subprocess.run([sys.executable, "-m", "tests.benchmarks.profile_csv", "--child", path, out], check=True)
        cost = json.loads((out / "cost.json").read_text())
        print(f"{options.rows:,} rows, 10 columns, {path.stat().st_size / 1e6:.0f} MB")
        print(f"{cost['seconds']:.1f} s, {options.rows / cost['seconds']:,.0f} rows/s, {cost['steps']} steps")
        print(f"memory of the process: {cost['before_mib']:.0f} MiB before, {cost['peak_mib']:.0f} MiB at its peak")
        if options.check:
            print(f"{check(path, out / 'report.json')} figures differ from sqlite3 and statistics")


if __name__ == "__main__":
    main()
