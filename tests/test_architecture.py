"""The shape of the code: direction of imports, sizes, and what must not stand in a file."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from config.places import BASE

PACKAGES = ("config", "progress_app", "tasks_app")
FILE_LINES = 300
FILE_LINES_MEDIAN = 120
FUNCTION_LINES = 40
FUNCTION_LINES_MOST = 22
MOST = 0.9
GRAB_BAGS = {"utils", "helpers", "common", "misc", "shared", "base_utils"}
# Folders of a home, of a workplace and of somebody's temporary files.
MACHINE_PATH = re.compile(r"(?<![\w.~/:-])/(?:root|home/\w|Users/\w|work|tmp|opt/pypi)\b(?:/|\b)")
# The image's own folders and the tests' temporary ones are no place of one machine.
TEXT = {".py", ".md", ".html", ".js", ".css", ".toml", ".txt", ".yml", ".lua", ".svg", ".conf", ""}
SKIPPED = {".git", ".venv", "var", "node_modules", "__pycache__"}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((BASE / package).rglob("*.py"))]


def project_files() -> list[Path]:
    files: list[Path] = []
    for path in sorted(BASE.iterdir()):
        if path.name in SKIPPED or path.name.endswith("_cache") or path.name == ".hypothesis":
            continue
        files += [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return [file for file in files if not SKIPPED & set(file.parts[len(BASE.parts) :])]


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def function_lines() -> dict[str, int]:
    """Length of each function: its lines but for the docstring."""
    found: dict[str, int] = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                end = node.end_lineno or node.lineno
                docstring = node.body[0] if ast.get_docstring(node) else None
                length = end - node.lineno + 1
                if docstring is not None:
                    length -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
                found[f"{path.relative_to(BASE)}:{node.lineno} {node.name}"] = length
    return found


def test_imports_point_one_way_and_make_no_cycle() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    told = subprocess.run([linter, "--no-logo"], cwd=BASE, check=False, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout


def test_no_file_is_over_its_size() -> None:
    lengths = {str(path.relative_to(BASE)): line_count(path) for path in sources()}
    assert {path: length for path, length in lengths.items() if length > FILE_LINES} == {}


def test_half_of_the_files_are_short() -> None:
    lengths = sorted(filter(None, map(line_count, sources())))
    assert lengths[len(lengths) // 2] <= FILE_LINES_MEDIAN


def test_no_function_is_over_its_size() -> None:
    assert {name: length for name, length in function_lines().items() if length > FUNCTION_LINES} == {}


def test_most_functions_are_short() -> None:
    lengths = function_lines()
    long = {name: length for name, length in lengths.items() if length > FUNCTION_LINES_MOST}
    assert len(long) <= (1 - MOST) * len(lengths), long


def test_no_module_is_a_grab_bag() -> None:
    assert [str(path) for path in sources() if path.stem in GRAB_BAGS or path.parent.name in GRAB_BAGS] == []


def test_the_config_package_is_empty() -> None:
    assert (BASE / "config" / "__init__.py").read_bytes() == b"", "bare Python imports it"


def test_html_stands_in_templates_alone() -> None:
    tag = re.compile(r"</?(?:div|span|p|a|table|tr|td|ul|li|form|input|button|script|section|h[1-6])[\s>]")
    found = {}
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            ast.get_docstring(node, clean=False)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        }
        texts = [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in docstrings
        ]
        if hits := [text for text in texts if tag.search(text)]:
            found[str(path.relative_to(BASE))] = hits
    assert found == {}


def test_no_file_names_a_place_of_one_machine() -> None:
    this = Path(__file__).resolve()
    found = []
    for path in project_files():
        if path.suffix not in TEXT or path == this:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(BASE)}: {hit[0]}" for hit in MACHINE_PATH.finditer(text)]
    assert found == []


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt", "requirements-uv.txt"])
def test_a_lock_is_hashed_and_names_no_address(lock: str) -> None:
    text = (BASE / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert re.findall(r"^-", text, re.MULTILINE) == []
    pins = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==\S+", text, re.MULTILINE)
    assert pins
    assert text.count("--hash=sha256:") >= len(pins)


def test_the_development_lock_holds_the_runtime_lock() -> None:
    pins = [
        set(re.findall(r"^\S+==\S+", (BASE / lock).read_text(encoding="utf-8"), re.MULTILINE))
        for lock in ("requirements.txt", "requirements-dev.txt")
    ]
    assert pins[0] <= pins[1]


def test_the_project_imports_only_what_its_runtime_lock_installs() -> None:
    """The suite runs in the development set, so that nothing else would notice."""
    locked = (BASE / "requirements.txt").read_text(encoding="utf-8")
    installed = set(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==", locked, re.MULTILINE))
    owners = packages_distributions()
    foreign: dict[str, list[str]] = {}
    for path in sources():
        for name in top_imports(path) - set(PACKAGES) - sys.stdlib_module_names:
            if not {canonical(owner) for owner in owners.get(name, [])} & installed:
                foreign.setdefault(name, []).append(str(path.relative_to(BASE)))
    assert foreign == {}


def top_imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))
    locked = (BASE / "requirements-dev.txt").read_text(encoding="utf-8").lower()
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [re.split(r"[\[<>=~ ]", want)[0].lower() for want in wanted]
    assert [name for name in names if not re.search(rf"^{re.escape(name)}(\[|==)", locked, re.MULTILINE)] == []
