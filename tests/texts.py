"""What a person reads on a page: its texts, and what its attributes say aloud or on pointing."""

import re
from html.parser import HTMLParser

SAID = {"aria-label", "title", "placeholder", "alt", "aria-valuetext", "aria-description", "label"}
BUTTONS = {"submit", "button", "reset"}
CODE = {"script", "style", "code", "pre"}  # what machines read, or wrote
AROUND = " :·\u203a"  # what stands between texts
WORD = re.compile(r"[^\W\d_]{2,}")


class Texts(HTMLParser):
    """Collects the texts of a page that have a word in them, each without the marks around it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._inside: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in CODE:
            self._inside.append(tag)
        given = dict(attrs)
        for name, value in given.items():
            is_button = tag == "input" and name == "value" and given.get("type") in BUTTONS
            if is_button or name in SAID or (name == "content" and given.get("name") == "description"):
                self._keep(value or "")

    def handle_endtag(self, tag: str) -> None:
        if self._inside[-1:] == [tag]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self._keep(data)

    def _keep(self, text: str) -> None:
        words = " ".join(text.split()).strip(AROUND)
        if WORD.search(words):
            self.found.add(words)
