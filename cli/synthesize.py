"""`i2s-trt synthesize`: latents or seeds to pictures."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options as opt
from cli.console import Console
from cli.edit_inputs import Engine, RenderPrecision, choose_engine
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from engines.synthesizers import GraphSynthesizer
    from i2s_trt.arrays import Array, WPlus
    from i2s_trt.deltas import Delta
    from i2s_trt.models.generator import Generator
    from i2s_trt.synthesizer import TorchSynthesizer

_MAX_SEEDS = 100_000


@dataclass(frozen=True)
class _Wanted:
    """A picture to render: its name, w_plus [L, D], noise maps of its own, and what it changes in the model."""

    name: str
    w_plus: "WPlus"
    noise: "tuple[Array, ...]" = ()
    delta: "Delta | None" = None


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
    from i2s_trt.files import make_folder
    from i2s_trt.images.compose import write_png

    generator = load_generator(model).to(choose_device(device))
    render = choose_engine(console, generator, engine, precision, provider).synthesizer
    folder = make_folder(output)
    wanted = list(_list_wanted(generator, latents or [], numbers, psi, label, any_model))
    with console.progress() as bar:
        for start in range(0, len(wanted), batch):
            chunk = wanted[start : start + batch]
            for one, picture in zip(chunk, _render(generator, render, chunk), strict=True):
                write_png(folder / f"{one.name}.png", picture)
                console.event("picture", path=str(folder / f"{one.name}.png"))
            bar.show("pictures", start + len(chunk), len(wanted))
    console.say(f"{len(wanted)} picture{'' if len(wanted) == 1 else 's'} in {folder}")


def _render(
    generator: "Generator", render: "TorchSynthesizer | GraphSynthesizer", chunk: Sequence[_Wanted]
) -> Iterator[Any]:
    """Pictures of latents, each with its noise and by the model that it is tuned to; those that are alike at once."""
    import numpy as np

    from i2s_trt.edit.render import tuned_synthesizer

    for _, run in groupby(chunk, lambda one: (id(one.noise), id(one.delta))):
        group = list(run)
        noise, delta = group[0].noise, group[0].delta
        own = render if delta is None else tuned_synthesizer(generator, delta)
        yield from (own.with_noise(noise) if noise else own)(np.stack([one.w_plus for one in group]))


def _list_wanted(
    generator: "Generator",
    latents: Sequence[Path],
    seeds: Sequence[int],
    psi: float | None,
    label: int | None,
    any_model: bool,
) -> Iterator[_Wanted]:
    """Every picture; all files are read before anything is rendered."""
    from i2s_trt.deltas import delta_of
    from i2s_trt.embedding.run.outputs import unique_names
    from i2s_trt.latents import fit_latents, read_latents
    from i2s_trt.seeds import w_plus_from_seed

    for path, name in zip(latents, unique_names(latents), strict=True):
        found = read_latents(path)
        fitted = fit_latents(found, path, generator, any_model=any_model)
        for number, (w_plus, latent) in enumerate(zip(fitted, found, strict=True)):
            own = name if len(found) == 1 else f"{name}-{number:04d}"
            delta = delta_of(path, w_plus, generator.digest) if len(found) == 1 else None
            yield _Wanted(own, w_plus, latent.noise, delta)
    for seed in seeds:
        yield _Wanted(f"seed{seed:04d}", w_plus_from_seed(generator, seed, psi, label))


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
