"""One image made small. Its header is read first: pixels are decoded only if there are not too many."""

import io
import warnings
from typing import Final

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from progress_app.words import fill
from tasks_app.thumbnails.refusal import BadPicture

READABLE: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")  # each a decoder that strangers may feed
SUFFIXES: Final = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
PLAIN: Final = {"JPEG": "RGB", "PNG": "RGBA", "WEBP": "RGBA"}  # what is written if the image's own mode is another
QUALITY: Final = 85


def thumbnail(data: bytes, *, edge: int, form: str, most_pixels: int) -> bytes:
    """The image with its longer edge at most `edge` pixels, upright, without its metadata; of an animation the first.

    Args:
        data: the image's file.
        edge: pixels.
        form: a key of SUFFIXES.
        most_pixels: of the image.

    Raises:
        BadPicture: it is no image of a known kind, is broken, or has too many pixels.

    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata and of size, which is checked here
        image = _opened(data)
        if image.width * image.height > most_pixels:
            text = _("it has {width} × {height} pixels; {most} in all are allowed")
            raise BadPicture(fill(text, width=image.width, height=image.height, most=most_pixels))
        try:
            return _scaled(image, edge, form)
        except MemoryError:
            raise
        except Exception as error:  # decoders fail in every way there is
            raise BadPicture(_("it is a broken image")) from error


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=READABLE)
    except Image.DecompressionBombError as error:
        raise BadPicture(_("it has far too many pixels")) from error
    except UnidentifiedImageError as error:
        raise BadPicture(_("it is no image of a known kind ({kinds})").format(kinds=", ".join(READABLE))) from error
    except Exception as error:
        raise BadPicture(_("it is a broken image")) from error


def _scaled(image: Image.Image, edge: int, form: str) -> bytes:
    image.draft("RGB", (edge, edge))  # a JPEG is then decoded at a fraction of its size
    upright = ImageOps.exif_transpose(image)
    plain = upright.convert(PLAIN[form])
    plain.thumbnail((edge, edge))
    out = io.BytesIO()
    plain.save(out, form, quality=QUALITY)
    return out.getvalue()
