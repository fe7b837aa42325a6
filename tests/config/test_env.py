import stat
from pathlib import Path

import pytest

from config import env


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    return monkeypatch


def test_text_is_stripped_and_empty_means_the_default(given: pytest.MonkeyPatch) -> None:
    given.setenv("SHADE", "  dark ")
    given.setenv("HUE", "  ")
    assert env.text("SHADE") == "dark"
    assert env.text("HUE", "blue") == "blue"


def test_a_text_outside_its_choices_stops(given: pytest.MonkeyPatch) -> None:
    given.setenv("SHADE", "pink")
    with pytest.raises(SystemExit, match=r"SHADE=pink: expected one of dark, light; .*'light'"):
        env.text("SHADE", "light", choices=("dark", "light"))


def test_numbers_within_their_bounds(given: pytest.MonkeyPatch) -> None:
    given.setenv("COUNT", "3")
    given.setenv("WAIT_S", "0.5")
    assert env.integer("COUNT", 1, at_least=3, at_most=3) == 3
    assert env.seconds("WAIT_S", 1.0) == 0.5
    assert env.integer("UNSET_COUNT", 7) == 7
    assert isinstance(env.seconds("UNSET_S", 7), float)


@pytest.mark.parametrize("value", ["x", "1.5", "-1", "99", "nan", "inf"])
def test_a_bad_whole_number_stops_with_what_is_allowed(given: pytest.MonkeyPatch, value: str) -> None:
    given.setenv("COUNT", value)
    with pytest.raises(
        SystemExit, match=rf"COUNT={value}: expected a whole number ≥ 0 and ≤ 9; leave it unset for the default 2"
    ):
        env.integer("COUNT", 2, at_least=0, at_most=9)


@pytest.mark.parametrize("value", ["soon", "-0.1", "nan", "inf"])
def test_a_bad_time_stops(given: pytest.MonkeyPatch, value: str) -> None:
    given.setenv("WAIT_S", value)
    with pytest.raises(SystemExit, match=rf"WAIT_S={value}: expected seconds ≥ 0"):
        env.seconds("WAIT_S", 1.0)


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("Yes", True), ("off", False), ("FALSE", False)])
def test_flags(given: pytest.MonkeyPatch, value: str, meant: bool) -> None:
    given.setenv("SWITCH", value)
    assert env.flag("SWITCH") is meant


def test_a_flag_that_is_neither_stops(given: pytest.MonkeyPatch) -> None:
    given.setenv("SWITCH", "maybe")
    with pytest.raises(SystemExit, match="SWITCH=maybe: expected one of 1, true"):
        env.flag("SWITCH")


def test_a_listing_drops_blanks(given: pytest.MonkeyPatch) -> None:
    given.setenv("NAMES", " a, b,,c ")
    assert env.listing("NAMES") == ["a", "b", "c"]
    assert env.listing("UNSET_NAMES", ["z"]) == ["z"]


def test_a_secret_is_made_once_with_mode_600(tmp_path: Path) -> None:
    kept = tmp_path / "deep" / "key"
    first = env.secret("UNSET_KEY", kept_in=kept)
    assert len(first) >= 50
    assert env.secret("UNSET_KEY", kept_in=kept) == first
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [file.name for file in kept.parent.iterdir()] == ["key"]


def test_a_given_secret_wins_and_is_not_kept(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given.setenv("KEY", "given")
    assert env.secret("KEY", kept_in=tmp_path / "key") == "given"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_in_a_file_that_somebody_named(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mounted").write_text("from a file\n")
    given.setenv("KEY_FILE", str(tmp_path / "mounted"))
    assert env.secret("KEY", kept_in=tmp_path / "key") == "from a file"


@pytest.mark.parametrize(("name", "content"), [("absent", None), ("empty", " \n")])
def test_a_secrets_file_that_holds_nothing_stops(
    given: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str | None
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    given.setenv("KEY_FILE", str(tmp_path / name))
    with pytest.raises(SystemExit, match=rf"KEY_FILE: .*{name} (cannot be read|is empty)"):
        env.secret("KEY", kept_in=tmp_path / "key")
