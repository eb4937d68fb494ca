"""`i2s-trt align`: faces cut out of photographs as FFHQ has them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import face_options as faces
from cli import options as opt
from cli.console import Console
from cli.embed_inputs import find_sources
from cli.interrupts import stop_requests
from i2s_trt.errors import EXIT_INTERRUPTED, EXIT_SOME_FAILED, EnvironmentFault, I2sError, UsageError

if TYPE_CHECKING:
    from i2s_trt.photographs.people import FacePreparer
    from i2s_trt.photographs.prepare import Source

_FFHQ_SIZE = 1024


def align(
    photographs: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    output: opt.Output = Path("aligned"),
    size: Annotated[
        int | None,
        typer.Option(min=8, max=4096, help=f"Pixels a side of the aligned pictures; {_FFHQ_SIZE} if left out."),
    ] = None,
    face: faces.WhichFace = "largest",
    landmarks: faces.LandmarksFile = None,
    detector: faces.DetectorFile = None,
    json: opt.Json = False,
) -> None:
    """Cut faces out of photographs, upright and centred as in FFHQ.

    Each PNG remembers where it was cut from, so that paste-back and embed know.

    Example: i2s-trt align photo.jpg -o aligned
    """
    from i2s_trt.embedding.run.outputs import unique_names
    from i2s_trt.files import make_folder
    from i2s_trt.images.fit import Square
    from i2s_trt.photographs.people import FacePreparer

    console = Console(json)
    options = replace(faces.align_options(True, face, landmarks), warn_small=size is not None)
    prepare = FacePreparer(Square(size or _FFHQ_SIZE), faces.detector_from(detector), options)
    found = find_sources(photographs)
    folder = make_folder(output)
    failed: list[I2sError] = []
    with console.progress() as bar, stop_requests() as should_stop:
        sources: list[Source] = prepare.expand(found) if options.which == "all" else list(found)
        outputs = [folder / f"{name}.png" for name in unique_names(sources)]
        _spare(found, outputs)
        for number, (source, path) in enumerate(zip(sources, outputs, strict=True)):
            if should_stop():
                console.note("interrupted")
                raise typer.Exit(EXIT_INTERRUPTED)
            try:
                _align_one(console, prepare, source, path)
            except EnvironmentFault:
                raise
            except I2sError as error:
                failed.append(error)
                console.event("failed", name=path.stem, error=str(error))
                console.note(f"error: {error}")
            bar.show("photographs", number + 1, len(sources))
    console.event("end", finished=len(sources) - len(failed), output=str(folder))
    if failed and len(failed) == len(sources):
        raise typer.Exit(failed[0].exit_code)
    console.say(f"results:  {folder}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _spare(photographs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Refuse to write over a photograph."""
    originals = {photograph.resolve() for photograph in photographs}
    for path in outputs:
        if path.resolve() in originals:
            raise UsageError(f"the results would overwrite {path}", "name another folder with -o")


def _align_one(console: Console, prepare: "FacePreparer", source: "Source", path: Path) -> None:
    from i2s_trt.photographs.quad import quad_side
    from i2s_trt.photographs.record import alignment_of, write_aligned

    prepared = prepare(source)
    alignment = alignment_of(prepared.record)
    if alignment is None:
        raise AssertionError("a prepared picture always has an alignment")
    write_aligned(path, prepared.pixels, alignment)
    for message in prepared.warnings:
        console.note(f"note: {path.stem}: {message}")
    side = quad_side(alignment.quad)
    console.event("aligned", name=path.stem, path=str(path), warnings=list(prepared.warnings), **prepared.record)
    console.say(f"{path.stem}: a face {side:.0f} pixels wide, in {path}")
