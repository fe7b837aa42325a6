"""Puts the pictures that tests/browser/test_pictures.py has taken into docs/, made small.

make pictures
"""

from typing import Final, Literal

from PIL import Image

from config.places import BASE
from tests.environment import ARTEFACTS

COLOURS: Final = 96  # the pages have few, and the files a third of the size
NAMES: Final[dict[str, tuple[str, Literal["light", "dark"]]]] = {
    "catalogue": ("catalogue", "light"),
    "screenshot": ("task", "light"),
    "screenshot-dark": ("task", "dark"),
    "tasks": ("tasks", "light"),
    "operations": ("operations", "light"),
    "operations-dark": ("operations", "dark"),
}


def main() -> None:
    """Write each picture of docs/ anew."""
    for file, (name, theme) in NAMES.items():
        picture = Image.open(ARTEFACTS / "screenshots" / f"picture-{name}-{theme}.png").convert("RGB")
        picture.quantize(COLOURS, dither=Image.Dither.NONE).save(BASE / "docs" / f"{file}.png", optimize=True)


if __name__ == "__main__":
    main()
