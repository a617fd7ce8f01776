"""Pictures of products: those that staff upload, made safe, and any of ours as pixels.

Nothing is fetched from an address: what is not kept here, or drawn here, has no pixels.
"""

import hashlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.utils.translation import gettext as _

from crm.models import Product

if TYPE_CHECKING:
    import numpy as np

MOST_BYTES = 10_000_000
MOST_PIXELS = 40_000_000
LARGEST_SIDE = 1_200
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
Drawer = Callable[[Product], str | None]
_drawers: list[Drawer] = []


class UnusablePicture(Exception):
    """Not a picture that can be shown; the message says why."""


def storage() -> FileSystemStorage:
    """Where uploads lie: a folder of their own, as everybody may see them."""
    return FileSystemStorage(location=settings.PICTURES_ROOT, base_url=settings.PICTURES_URL)


def register_drawer(drawer: Drawer) -> None:
    """Let `drawer` give the SVG of products whose picture is drawn; None for all others."""
    _drawers.append(drawer)


def keep(file: Any) -> str:
    """Keep an uploaded picture and return the address to show it at.

    It is drawn anew as a JPEG of at most 1,200 pixels a side, so that nothing but the picture is
    kept of the file, and named by its content: the same picture twice is one.
    Raises UnusablePicture.
    """
    if file.size > MOST_BYTES:
        raise UnusablePicture(
            _("The file has more than %(most)s MB.") % {"most": MOST_BYTES // 1_000_000}
        )
    picture = _opened(file.read())
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    buffer = io.BytesIO()
    _on_white(picture).save(buffer, "JPEG", quality=85)
    name = f"{hashlib.sha256(buffer.getvalue()).hexdigest()[:24]}.jpg"
    kept = storage()
    if not kept.exists(name):
        kept.save(name, ContentFile(buffer.getvalue()))
    return kept.url(name)


def mark_of(product: Product) -> str:
    """What changes when a product's picture does; empty where none is kept or drawn here."""
    name = _kept_name(product)
    return name or _drawn(product)


def source_of(product: Product) -> bytes | None:
    """The bytes of a product's picture, where it is kept or drawn here."""
    name = _kept_name(product)
    if not name:
        return _drawn(product).encode() or None
    try:
        with storage().open(name) as file:
            return bytes(file.read())
    except OSError:
        return None


def _kept_name(product: Product) -> str:
    if not product.image.startswith(settings.PICTURES_URL):
        return ""
    return product.image.removeprefix(settings.PICTURES_URL).rpartition("/")[2]


def _drawn(product: Product) -> str:
    return next((svg for drawer in _drawers if (svg := drawer(product))), "")


def pixels(source: bytes, *, side: int) -> "np.ndarray":
    """(side, side, 3) uint8 of a picture on a white square. Raises UnusablePicture."""
    import numpy as np
    from PIL import Image

    is_drawn = source.lstrip().startswith(b"<svg")
    picture = _on_white(_opened(_rasterised(source, side) if is_drawn else source))
    picture.thumbnail((side, side))
    square = Image.new("RGB", (side, side), "white")
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return np.asarray(square)


def _rasterised(source: bytes, side: int) -> bytes:
    import resvg_py

    if b"<image" in source:  # it could name any file of this machine
        raise UnusablePicture("a drawing must not hold other pictures")
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=source.decode(), width=side, height=side))
    except ValueError as error:
        raise UnusablePicture(f"not a drawing that can be read: {error}") from error


def _opened(source: bytes) -> Any:
    from PIL import Image, ImageOps

    try:
        picture = Image.open(io.BytesIO(source), formats=FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            most = MOST_PIXELS // 1_000_000
            raise UnusablePicture(
                _("The picture has more than %(most)s megapixels.") % {"most": most}
            )
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        said = _("This is not a picture that can be read (%(kinds)s).")
        raise UnusablePicture(said % {"kinds": ", ".join(FORMATS)}) from error


def _on_white(picture: Any) -> Any:
    """Without transparency, which a JPEG cannot hold."""
    from PIL import Image

    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    ground = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(ground, seen).convert("RGB")
