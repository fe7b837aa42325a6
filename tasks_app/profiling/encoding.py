"""The encoding of an upload: settled by the whole file, never by a sample alone.

1. A byte order mark says it. 2. Else UTF-8, if every byte of the file fits: an ASCII head with an é after
50 MB is no rare file. 3. Else charset-normalizer guesses from a sample around the first byte that does not
fit, and a guess counts only if the whole file can be read with it.
"""

import codecs
from dataclasses import dataclass

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

from progress_app.words import fill
from tasks_app.profiling.fault import BadFile
from tasks_app.profiling.filetype import refuse_binary
from tasks_app.profiling.source import Opener

SAMPLE_BYTES = 64 * 1024
CHUNK_BYTES = 1024 * 1024
MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# what may be guessed; the whole list of codecs makes wild guesses on short samples
GUESSES = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256",
    "cp932", "euc_jp", "gb18030", "big5", "cp949",
)  # fmt: skip
DOUBT = 0.5  # charset-normalizer's limit of disorder; its 0.2 refuses short words in columns with digits
LIKELIEST = "cp1252"  # wins where the sample reads the same in several encodings


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """The first place that an encoding cannot read: byte position from 0, line from 1."""

    byte: int
    line: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A Python codec that reads the whole file; `guessed` when nothing in the file proves it."""

    codec: str
    guessed: bool = False


def settle_encoding(opener: Opener, sample: bytes, wanted: str = "") -> Encoding:
    """Return the encoding with which every byte of the file can be read.

    Args:
        opener: opens the file anew.
        sample: its first bytes, at most SAMPLE_BYTES.
        wanted: a codec chosen by the user; empty to detect it.

    Raises:
        BadFile: "wrong_encoding", "unknown_encoding", "nul_byte" or "binary_file".
    """
    marked = next((codec for mark, codec in MARKS if sample.startswith(mark)), "")
    chosen = marked if wanted in {"", "utf-8"} and marked else wanted or _utf16_without_mark(sample)
    if not chosen or chosen == "utf-8":
        refuse_binary(sample)
    flaw = first_flaw(opener, chosen or "utf-8")
    if flaw is None:
        return Encoding(codec=chosen or "utf-8")
    if chosen:
        raise BadFile("wrong_encoding", _wrong_encoding(chosen, flaw))
    return _guess(opener, flaw)


def first_flaw(opener: Opener, codec: str) -> Flaw | None:
    """Read the whole file with a codec; return the first byte it cannot read, or None.

    Raises:
        BadFile: "nul_byte", when a character U+0000 is met.
    """
    decoder = codecs.getincrementaldecoder(codec)()
    taken, line = 0, 1
    with opener() as file:
        while True:
            chunk = file.read(CHUNK_BYTES)
            taken += len(chunk)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                start = taken - len(error.object) + error.start
                broken = error.object[: error.start].count(b"\n")
                return Flaw(byte=start, line=line + broken, value=error.object[error.start])
            if "\0" in text:
                _refuse_nul(line + text[: text.index("\0")].count("\n"))
            line += text.count("\n")
            if not chunk:
                return None


def _refuse_nul(line: int) -> None:
    text = _(
        "Line {line} holds a NUL character, which no CSV file has: the file is damaged, binary, or UTF-16 "
        "read as something else. Export it again as CSV in UTF-8, or choose its encoding in the form."
    )
    raise BadFile("nul_byte", fill(text, line=line))


def _wrong_encoding(codec: str, flaw: Flaw) -> str:
    text = _(
        "Byte {byte} (0x{value}, line {line}) is not valid {codec}. Choose another encoding, or let it be detected."
    )
    return fill(text, byte=flaw.byte, value=f"{flaw.value:02X}", line=flaw.line, codec=codec.upper())


def _guess(opener: Opener, flaw: Flaw) -> Encoding:
    """Guess from a sample around the first byte that is not UTF-8."""
    for codec in _candidates(_sample_around(opener, flaw.byte)):
        if first_flaw(opener, codec) is None:
            return Encoding(codec=codec, guessed=True)
    text = _(
        "Byte {byte} (0x{value}, line {line}) is not UTF-8, and no other encoding "
        "fits the whole file. Choose its encoding in the form, or save the file as UTF-8."
    )
    raise BadFile("unknown_encoding", fill(text, byte=flaw.byte, value=f"{flaw.value:02X}", line=flaw.line))


def _candidates(sample: bytes) -> list[str]:
    names: list[str] = []
    for match in from_bytes(sample, cp_isolation=list(GUESSES), threshold=DOUBT):
        equals = match.could_be_from_charset
        names += [LIKELIEST, *equals] if LIKELIEST in equals else equals
    return list(dict.fromkeys([*names, LIKELIEST]))


def _sample_around(opener: Opener, position: int) -> bytes:
    """Return whole lines around a byte, at most SAMPLE_BYTES."""
    start = max(0, position - SAMPLE_BYTES // 2)
    with opener() as file:
        left = start
        while left and (skipped := file.read(min(CHUNK_BYTES, left))):
            left -= len(skipped)
        sample = file.read(SAMPLE_BYTES)
    line_start = sample.find(b"\n", 0, position - start) + 1 if start else 0
    return sample[line_start:]


def _utf16_without_mark(sample: bytes) -> str:
    """Name UTF-16 by its zeros: Latin text has them in every second byte, and nowhere else."""
    pairs = len(sample) // 2
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if pairs and odd > pairs * 0.4 and even < pairs * 0.05:
        return "utf-16-le"
    if pairs and even > pairs * 0.4 and odd < pairs * 0.05:
        return "utf-16-be"
    return ""
