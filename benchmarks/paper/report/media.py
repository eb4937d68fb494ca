"""Pictures and videos as parts of a page."""

import base64
from io import BytesIO
from pathlib import Path

from benchmarks.paper.outcome import Media
from benchmarks.report.page import figure_markup
from benchmarks.report.svg import Markup, join, tag

_QUALITY = 92


def media_markup(folder: Path, item: Media) -> Markup:
    """A picture or video with its caption, its bytes within the page."""
    path = folder / item.file
    shown = _video(path, item.caption) if path.suffix == ".mp4" else _picture(path, item.caption)
    return figure_markup(item.caption, shown, kind="media")


def _picture(path: Path, caption: str) -> Markup:
    """A sheet as JPEG at full colour resolution: a tenth of the PNG, which stays beside the page."""
    from PIL import Image

    buffer = BytesIO()  # Pillow gives `optimize` a byte a pixel, and noise needs more
    with Image.open(path) as picture:
        width, height = picture.size
        picture.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    image = _tag("img", src=_data("image/jpeg", buffer.getvalue()), alt=caption, width=width, height=height)
    return tag("div", image, class_="wide")


def _video(path: Path, caption: str) -> Markup:
    """`tag` writes attributes with values; a video's switches have none."""
    source = _data("video/mp4", path.read_bytes())
    opened = _tag("video", src=source, aria_label=caption).removesuffix(">")
    return join(Markup(f"{opened} controls loop muted playsinline></video>"))


def _tag(name: str, **attributes: object) -> Markup:
    """An element without an end tag."""
    return Markup(tag(name, **attributes).removesuffix(f"</{name}>"))


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
