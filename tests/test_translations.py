"""German is whole: every text of the templates, the code and the browser's modules has its German words."""

import ast
import gettext
import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from config.places import BASE
from progress_app.words import WORDS

CATALOGUE = BASE / "tasks_app" / "locale" / "de" / "LC_MESSAGES"
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
SCRIPTS = BASE / "progress_app" / "static" / "progress_app"


def compiled() -> dict[str, str]:
    with (CATALOGUE / "django.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key[0] if isinstance(key, tuple) else key: text for key, text in catalogue.items()}


def texts() -> Iterator[str]:
    """Each text that is marked for translation."""
    for package in ("progress_app", "tasks_app", "config"):
        for path in (BASE / package).rglob("*.py"):
            yield from marked(path.read_text(encoding="utf-8"))
    for path in (BASE / "templates").rglob("*.*"):
        source = templatize(path.read_text(encoding="utf-8"))
        yield from (ast.literal_eval(f'"{text}"') for text in re.findall(r'gettext\(u?"((?:[^"\\]|\\.)*)"', source))
        found = re.findall(r"gettext\(u?'((?:[^'\\]|\\.)*)'", source)
        yield from (ast.literal_eval(f"'{text}'") for text in found)


def marked(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Name)):
            continue
        first = node.args[0]
        if node.func.id in MARKS and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def test_every_text_has_german_words() -> None:
    known = compiled()
    assert sorted({text for text in texts() if not known.get(text)}) == []


def test_the_compiled_words_are_those_of_the_source() -> None:
    source = (CATALOGUE / "django.po").read_text(encoding="utf-8")
    pairs = re.findall(r'^msgid "(.+)"\nmsgstr "(.+)"$', source, re.MULTILINE)
    assert len(pairs) > 150
    written = {ast.literal_eval(f'"{text}"'): ast.literal_eval(f'"{german}"') for text, german in pairs}
    known = compiled()
    assert {text: known.get(text) for text in written} == written, "make messages after a change of django.po"


def test_the_browser_s_words_are_those_that_the_server_translates() -> None:
    scripts = "".join((SCRIPTS / name).read_text(encoding="utf-8") for name in ("wording.js", "stage-list.js"))
    said = set(re.findall(r'say\(\s*"([^"]+)"', scripts))
    for table in re.findall(r"const (?:STATES|CONNECTIONS|STATE_TEXTS) = \{(.*?)\}", scripts, re.DOTALL):
        said |= set(re.findall(r': "([^"]+)"', table))
    assert sorted(said) == sorted(WORDS)


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files")
def test_a_page_comes_in_the_reader_s_language(client: Client) -> None:
    with translation.override("en"):  # which it ends with: a request leaves its language to the thread
        _asks_in_german(client)


def _asks_in_german(client: Client) -> None:
    assert "Anmelden" in client.get("/login/", headers={"Accept-Language": "de"}).content.decode()
    client.post("/language/", {"language": "de", "next": "/login/"})
    page = client.get("/login/", headers={"Accept-Language": "en"}).content.decode()
    assert '<html lang="de">' in page
    assert "Anmelden" in page


def test_what_failed_has_one_word_in_german() -> None:
    other = re.compile(r"fehlgeschlagen|fehlschl[aä]g", re.IGNORECASE)
    assert [text for text in compiled().values() if other.search(text)] == []
