"""`i2s-trt paste-back`: edited pictures into the photographs that they were cut from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from i2s_trt.errors import ImageError, UsageError

if TYPE_CHECKING:
    from i2s_trt.photographs.record import Alignment

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_QUALITY = 95


def paste_back(
    picture: Annotated[Path, typer.Argument(help="The edited picture.")],
    photograph: Annotated[Path, typer.Argument(help="The photograph that it was cut from.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The result: .png, .jpg or .webp.")] = Path(
        "pasted.png"
    ),
    where: Annotated[
        Path | None,
        typer.Option(
            help="What says where the picture lies: a latent of i2s-trt embed, or a PNG of i2s-trt align. Left out: "
            "the picture itself."
        ),
    ] = None,
    mask: Annotated[
        str, typer.Option(help="face pastes the face's oval, picture all of it; auto takes face for aligned faces.")
    ] = "auto",
    feather: Annotated[
        float, typer.Option(min=0, max=0.5, help="Width of the soft border, as a share of the picture.")
    ] = 0.12,
    colour_match: Annotated[
        bool, typer.Option("--colour-match/--no-colour-match", help="Match colours along the soft border.")
    ] = True,
    restore: Annotated[
        float,
        typer.Option(
            min=0, max=255, help="Keep the photograph's own detail where the picture changed by fewer levels; 0 never."
        ),
    ] = 8.0,
    json: opt.Json = False,
) -> None:
    """Lay an edited picture into its photograph, with a soft border and matched colours.

    Example: i2s-trt paste-back smiling.png photo.jpg --where out/photo.safetensors -o smiling-photo.png
    """
    from i2s_trt.images.decode import decode
    from i2s_trt.images.fit import fit_to
    from i2s_trt.photographs.paste import PasteOptions
    from i2s_trt.photographs.paste import paste_back as paste
    from i2s_trt.photographs.record import find_alignment

    console = Console(json)
    if mask not in ("auto", "face", "picture"):
        raise UsageError(f"--mask {mask!r} is not one of auto, face, picture")
    if output.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{output} does not name a picture", f"end it in one of {', '.join(_SUFFIXES)}")
    if output.resolve() in (picture.resolve(), photograph.resolve()):
        raise UsageError(f"the result would overwrite {output}", "name another file with -o")
    alignment = find_alignment(where or picture)
    pixels = decode(photograph)
    _check(console, alignment, photograph, pixels.shape[:2], _digest(pixels))
    chosen = ("face" if alignment.kind == "ffhq" else "picture") if mask == "auto" else mask
    options = PasteOptions(chosen, feather, colour_match, restore)  # type: ignore[arg-type]  # checked above
    edited = decode(picture)
    before = None if alignment.kind == "ffhq" else fit_to(pixels, edited.shape[:2], alignment.kind)
    _write(output, paste(pixels, edited, alignment.quad, options, unedited=before))
    console.event("pasted", path=str(output), mask=chosen)
    console.say(f"result:   {output}")


def _check(console: Console, alignment: "Alignment", photograph: Path, size: tuple[int, ...], digest: str) -> None:
    """The photograph must be the one, or at least measure the same."""
    if tuple(alignment.size) != size:
        raise ImageError(
            f"{photograph} is {size[1]} x {size[0]} pixels; the picture was cut from {alignment.photograph}, "
            f"{alignment.size[1]} x {alignment.size[0]}",
            "name that photograph, as it was then",
        )
    if alignment.digest != digest:
        console.event("warning", message="the photograph has changed since the picture was cut from it")
        console.note(f"note: {photograph} has changed since the picture was cut from it")


def _digest(pixels: object) -> str:
    from i2s_trt.images.fit import picture_digest

    return picture_digest(pixels)  # type: ignore[arg-type]


def _write(path: Path, pixels: object) -> None:
    from i2s_trt.files import write_bytes
    from i2s_trt.images.encode import encoder

    kind = path.suffix.lower().lstrip(".").replace("jpg", "jpeg")
    write_bytes(path, encoder(kind, _QUALITY)(pixels))  # type: ignore[arg-type]
