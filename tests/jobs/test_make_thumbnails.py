"""Thumbnails: good images are made small, and whatever else stands in the archive is refused by name."""

import io
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from progress_app import connections
from tasks_app import lifecycle, outbox, registry, runner
from tasks_app.models import Task
from tasks_app.thumbnails.archive import Limits, contents, opened, read
from tasks_app.thumbnails.picture import thumbnail
from tasks_app.thumbnails.refusal import BadArchive, BadPicture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_db")]
LIMITS = Limits(entries=100, archive_bytes=10**7, image_bytes=10**6, pixels=10**6)


def image(size: tuple[int, int] = (800, 600), form: str = "PNG", mode: str = "RGB", **how: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 128 if mode in "LP1" else None).save(out, form, **how)
    return out.getvalue()


def packed(files: dict[str, bytes] | list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, data)
    return out.getvalue()


class Made:
    """A finished task and what it attached."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def file(self, ending: str) -> bytes:
        with next(a for a in self.task.attachments.all() if a.name.endswith(ending)).file.open() as stored:
            data: bytes = stored.read()
            return data

    @property
    def names(self) -> list[str]:
        return zipfile.ZipFile(io.BytesIO(self.file("-thumbnails.zip"))).namelist()

    @property
    def refused(self) -> dict[str, str]:
        return {one["name"]: one["reason"] for one in json.loads(self.file("report.json"))["refused"]}

    def sizes(self) -> list[tuple[int, int]]:
        archive = zipfile.ZipFile(io.BytesIO(self.file("-thumbnails.zip")))
        images = [name for name in archive.namelist() if not name.endswith(".json")]
        return [Image.open(io.BytesIO(archive.read(name))).size for name in images]


@pytest.fixture
def made(staff: User, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any) -> Callable[..., Made]:
    """Give a function that makes thumbnails of an archive, all steps in this process."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(outbox, "send", lambda *_args, **_options: True)
    monkeypatch.setattr(outbox, "put", lambda _task: None)

    def make(data: bytes, **values: Any) -> Made:
        form = {"edge": 64, "form": "JPEG"} | values
        upload = SimpleUploadedFile("holiday.zip", data)
        task = lifecycle.enqueue("make_thumbnails", user=staff, data=form, files={"upload": upload})
        runner.run(str(task.pk), worker="w")
        for child in task.children.all():
            runner.run(str(child.pk), worker="w")
        if task.children.exists():
            runner.run(str(task.pk), worker="w")
        task.refresh_from_db()
        assert "Traceback" not in task.traceback or task.error_code != "unexpected", task.traceback
        return Made(task)

    return make


def test_each_image_becomes_small_under_its_own_name(made: Callable[..., Made]) -> None:
    found = made(packed({"a.png": image((800, 600)), "sub/b.jpg": image((100, 1000), "JPEG")}))
    assert found.task.result == {"thumbnails": 2, "refused": 0, "batches": 1, "kind": "JPEG"}
    assert found.names == ["a.jpg", "sub/b.jpg", "report.json"]
    assert found.sizes() == [(64, 48), (6, 64)]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "CMYK", "I;16"])
def test_every_mode_can_be_written_as_every_kind(form: str, mode: str) -> None:
    data = image(mode=mode, form="TIFF")
    small = thumbnail(data, edge=32, form=form, most_pixels=10**6)
    assert Image.open(io.BytesIO(small)).format == form


def test_a_small_image_stays_as_it_is() -> None:
    assert Image.open(io.BytesIO(thumbnail(image((5, 7)), edge=64, form="PNG", most_pixels=100))).size == (5, 7)


def test_an_image_that_lies_on_its_side_is_set_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    small = thumbnail(image((400, 200), "JPEG", exif=turned), edge=64, form="JPEG", most_pixels=10**6)
    assert Image.open(io.BytesIO(small)).size == (32, 64)


def test_the_good_ones_are_made_whatever_stands_beside_them(made: Callable[..., Made]) -> None:
    whole = image(form="JPEG", size=(300, 300))
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = packed(
            [
                ("good.jpg", whole),
                ("notes.txt", b"no image at all"),
                ("broken.png", image()[:100]),
                ("cut.jpg", whole[: len(whole) // 2]),
                ("empty.png", b""),
                ("../../etc/passwd.png", image()),
                ("/top.png", image()),
                ("C:\\windows.png", image()),
                ("good.jpg", image()),
                ("GOOD.JPG", image()),
                (link, b"/etc/passwd"),
                ("folder/", b""),
                ("script.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ]
        )
    found = made(data)
    assert found.names == ["good.jpg", "report.json"]
    assert found.refused == {
        "notes.txt": "it is no image of a known kind (JPEG, PNG, GIF, WEBP, BMP, TIFF)",
        "broken.png": "it is a broken image",
        "cut.jpg": "it is a broken image",
        "empty.png": "it is no image of a known kind (JPEG, PNG, GIF, WEBP, BMP, TIFF)",
        "../../etc/passwd.png": "its name leads out of the archive, or is too long",
        "/top.png": "its name leads out of the archive, or is too long",
        "C:\\windows.png": "its name leads out of the archive, or is too long",
        "good.jpg": "another file of the archive has the same name",
        "GOOD.JPG": "another file of the archive has the same name",
        "link.png": "it is a link, not a file",
        "script.svg": "it is no image of a known kind (JPEG, PNG, GIF, WEBP, BMP, TIFF)",
    }
    logged = [entry.text for entry in found.task.log_entries()]
    assert "Refused notes.txt: it is no image of a known kind (JPEG, PNG, GIF, WEBP, BMP, TIFF)." in logged
    assert len(logged) == len(found.refused)


def test_two_images_that_would_have_one_name_get_two(made: Callable[..., Made]) -> None:
    assert made(packed({"a.png": image(), "a.gif": image(form="GIF")})).names == ["a.jpg", "a-2.jpg", "report.json"]


def test_many_images_go_in_batches(made: Callable[..., Made]) -> None:
    found = made(packed({f"{number}.png": image((20, 20)) for number in range(60)}), edge=16)
    assert found.task.result == {"thumbnails": 60, "refused": 0, "batches": 3, "kind": "JPEG"}
    told = connections.backend().read_snapshot(str(found.task.pk))
    assert told is not None
    assert [stage.name for stage in told.stages] == ["Check", "Scale", "Pack"]


def test_a_batch_that_failed_is_named_file_by_file(made: Callable[..., Made], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = registry.get("thumbnail_batch")

    def first_fails(progress: Any, *, places: list[int], **values: Any) -> Any:
        if 0 in places:
            raise registry.JobError("no_disk", "The disk is full.")
        return kept.function(progress, places=places, **values)

    monkeypatch.setitem(registry._jobs, kept.name, replace(kept, function=first_fails))
    found = made(packed({f"{number}.png": image((20, 20)) for number in range(30)}))
    assert (found.task.result or {})["thumbnails"] == 5
    assert found.refused["0.png"] == "its batch did not end well: The disk is full."


# Bombs


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(2_000, 2_000), (60_000, 60_000)])
def test_a_bomb_of_pixels_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(BadPicture, match="pixels"):
        thumbnail(png_of(*size), edge=64, form="JPEG", most_pixels=10**6)


def test_a_bomb_of_bytes_is_refused_unread() -> None:
    data = packed({"bomb.png": b"\0" * (10**6 + 1), "good.png": b"\0"})
    with opened(io.BytesIO(data), LIMITS) as archive:
        found = contents(archive, LIMITS)
    assert found.accepted == (1,)
    assert "1,000,001 bytes" in found.refused[0].reason


def test_an_entry_that_says_less_than_it_unpacks_to_is_refused() -> None:
    data = bytearray(packed({"bomb.png": b"\0" * (2 * 10**6)}))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    with opened(io.BytesIO(bytes(data)), LIMITS) as archive, pytest.raises(BadPicture):
        assert contents(archive, LIMITS).accepted == (0,)
        read(archive, archive.infolist()[0], LIMITS)


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    data = packed({f"{number}.png": b"\0" * 10**6 for number in range(11)})
    with opened(io.BytesIO(data), LIMITS) as archive, pytest.raises(BadArchive, match="11,000,000 bytes"):
        contents(archive, LIMITS)


def test_an_archive_of_too_many_files_is_refused() -> None:
    data = packed({f"{number}": b"" for number in range(101)})
    with opened(io.BytesIO(data), LIMITS) as archive, pytest.raises(BadArchive, match="101 files"):
        contents(archive, LIMITS)


def test_a_directory_that_would_fill_the_memory_is_not_read() -> None:
    data = packed({f"{number:0200d}": b"" for number in range(500)})
    with pytest.raises(BadArchive, match="more than 100 files"), opened(io.BytesIO(data), LIMITS):
        pass


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x05\x06"])
def test_what_is_no_archive_is_named(made: Callable[..., Made], data: bytes) -> None:
    task = made(data or b" ").task
    assert (task.state, task.error_code, task.children.count()) == ("failed", "not_a_zip", 0)


@pytest.mark.parametrize("files", [{}, {"../a.png": b""}, {"a.txt": b"text"}])
def test_an_archive_without_images_is_named(made: Callable[..., Made], files: dict[str, bytes]) -> None:
    task = made(packed(files)).task
    assert (task.state, task.error_code) == ("failed", "no_images")


def test_an_encrypted_file_is_refused() -> None:
    data = bytearray(packed({"secret.png": image((9, 9))}))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<H", data, at + 8, 1)
    with opened(io.BytesIO(bytes(data)), LIMITS) as archive:
        assert contents(archive, LIMITS).refused[0].reason == "it is encrypted"
