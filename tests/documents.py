"""The project's documents as tests read them: fenced blocks, tables, links and code words."""

import re
from dataclasses import dataclass
from pathlib import Path

from config.places import BASE

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")
CODE = re.compile(r"`([^`]+)`")
CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its first line of code."""

    document: str
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


@dataclass(frozen=True)
class Document:
    """A Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(BASE))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def prose(self) -> str:
        """The text without its fenced blocks."""
        return FENCE.sub("", self.text)

    def blocks(self, language: str | None = None) -> list[Block]:
        """Return the fenced blocks, or those of one language."""
        found = [
            Block(self.name, self.text.count("\n", 0, match.start(2)) + 1, match[1], match[2])
            for match in FENCE.finditer(self.text)
        ]
        return [block for block in found if language in (None, block.language)]

    def words_in_code(self) -> list[str]:
        """Return what stands between backticks in the prose; a line break in it is a blank."""
        return [" ".join(code.split()) for code in CODE.findall(self.prose)]

    def links(self) -> list[str]:
        """Return what links and images point at."""
        return [markdown or html for markdown, html in LINK.findall(self.prose)]

    def anchors(self) -> set[str]:
        """Return the names that headings have as targets of links."""
        headings = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}

    def rows(self, first_heading: str) -> list[list[str]]:
        """Return the rows of all tables whose first column is headed so."""
        found: list[list[str]] = []
        inside = False
        for line in self.text.splitlines():
            cells = [cell.strip() for cell in CELL.split(line)[1:-1]] if line.startswith("|") else []
            if cells and inside and not set(line) <= set("|-"):
                found.append(cells)
            inside = bool(cells) and (inside or cells[0] == first_heading)
        return found


README = Document(BASE / "README.md")
SETTINGS = Document(BASE / "docs" / "settings.md")
CHANGELOG = Document(BASE / "CHANGELOG.md")
ALL = [README, CHANGELOG, *(Document(path) for path in sorted((BASE / "docs").glob("*.md")))]
