"""`i2s-trt synthesize`: latents or seeds to pictures."""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from cli.edit_inputs import Engine, RenderPrecision, choose_engine
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.deltas import TunedLatent
    from i2s_trt.models.generator import Generator

_MAX_SEEDS = 100_000


def synthesize(
    latents: Annotated[list[Path] | None, typer.Argument(help="Latent files: .safetensors, .npy, .npz, .pt.")] = None,
    output: opt.Output = Path("pictures"),
    model: opt.Model = "demo",
    seeds: Annotated[str, typer.Option(help="Seeds to draw, as 1,2,5-10.")] = "",
    psi: Annotated[
        float | None, typer.Option(help="Truncation of drawn seeds; the model's default if left out.")
    ] = None,
    label: opt.Label = None,
    batch: Annotated[int, typer.Option(min=1, help="Latents rendered at a time.")] = 4,
    device: opt.Device = "auto",
    engine: Engine = "auto",
    precision: RenderPrecision = "auto",
    provider: Annotated[
        str,
        typer.Option(
            help="What ONNX Runtime computes with: auto, cpu, cuda, tensorrt or tensorrt-rtx. auto takes cuda on a "
            "GPU, as the others build engines of their own in every run."
        ),
    ] = "auto",
    any_model: opt.AnyModel = False,
    json: opt.Json = False,
) -> None:
    """Render latents, or random samples by seed, as PNG.

    Example: i2s-trt synthesize --seeds 1-8 -o samples
    """
    console = Console(json)
    numbers = parse_seeds(seeds)
    if psi is not None and not math.isfinite(psi):
        raise UsageError(f"--psi {psi} is not a number to truncate with", "write a value such as 0.7")
    if not latents and not numbers:
        raise UsageError("nothing to render", "name latent files, or draw samples with --seeds 1-8")
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device
    from i2s_trt.edit.render import render_tuned
    from i2s_trt.files import make_folder
    from i2s_trt.images.compose import write_png

    generator = load_generator(model).to(choose_device(device))
    render = choose_engine(console, generator, engine, precision, provider).synthesizer
    folder = make_folder(output)
    wanted = list(_list_wanted(generator, latents or [], numbers, psi, label, any_model))
    with console.progress() as bar:
        pictures = render_tuned(render, (latent for _, latent in wanted), batch)
        for number, ((name, _), picture) in enumerate(zip(wanted, pictures, strict=True), 1):
            write_png(folder / f"{name}.png", picture)
            console.event("picture", path=str(folder / f"{name}.png"))
            bar.show("pictures", number, len(wanted))
    console.say(f"{len(wanted)} picture{'' if len(wanted) == 1 else 's'} in {folder}")


def _list_wanted(
    generator: "Generator",
    latents: Sequence[Path],
    seeds: Sequence[int],
    psi: float | None,
    label: int | None,
    any_model: bool,
) -> "Iterator[tuple[str, TunedLatent]]":
    """Every picture's name and latent, with what it changes in the model; all are read before anything is rendered."""
    from i2s_trt.deltas import TunedLatent
    from i2s_trt.edit.sources import LatentSource
    from i2s_trt.embedding.run.outputs import unique_names
    from i2s_trt.seeds import w_plus_from_seed

    source = LatentSource.of(generator, any_model=any_model)
    for path, name in zip(latents, unique_names(latents), strict=True):
        found = source.tuned(path)
        names = [name] if len(found) == 1 else [f"{name}-{number:04d}" for number in range(len(found))]
        yield from zip(names, found, strict=True)
    for seed in seeds:
        yield f"seed{seed:04d}", TunedLatent(w_plus_from_seed(generator, seed, psi, label))


def parse_seeds(text: str) -> list[int]:
    """`1,2,5-10` -> the numbers. Raises UsageError for anything else."""
    seeds: list[int] = []
    for part in filter(None, text.replace(" ", "").split(",")):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first or last >= 2**32 or last - first >= _MAX_SEEDS:
            raise UsageError(f"--seeds: {part!r} is not a seed or a range of at most {_MAX_SEEDS}", "write 1,2,5-10")
        seeds += range(first, last + 1)
    return seeds
