"""What a batch makes: latents x variants, one output each."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import NoReturn

from i2s_trt.arrays import WPlus
from i2s_trt.deltas import Delta, TunedLatent, is_delta
from i2s_trt.edit.recipe.load import Variant
from i2s_trt.edit.sources import LatentSource
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.latents import latent_digest

_LATENT_SUFFIXES = {".safetensors", ".npy", ".npz", ".pt", ".pth"}


@dataclass(frozen=True)
class BatchLatent:
    """A latent that is read when its turn comes.

    Attributes:
        name: unique among the batch's latents; part of the outputs' names.
        source: where it comes from, for people.
        digest: of its values; empty when it could not be read.
        read: gives w_plus [L, D]. Raises LatentError.
        delta_digest: of what it changes in the model; empty for nothing.
        read_delta: gives that, read anew each time, since there may be much of it. Raises LatentError.
    """

    name: str
    source: str
    digest: str
    read: Callable[[], WPlus] = field(repr=False, compare=False)
    delta_digest: str = ""
    read_delta: Callable[[], Delta | None] = field(default=lambda: None, repr=False, compare=False)


@dataclass(frozen=True)
class Job:
    """One output to be made.

    Attributes:
        output: file name, different for every job of a batch: variants' names have no hyphen.
        key: digest of everything that determines the output.
    """

    output: str
    latent: BatchLatent
    variant: Variant
    key: str


def jobs_of(latent: BatchLatent, variants: Sequence[Variant], suffix: str, setting: str) -> list[Job]:
    """Every variant of a latent.

    Args:
        latent, variants: what is combined.
        suffix: of the outputs, with the dot.
        setting: whatever else determines an output: model, engine, format.
    """
    names = [f"{latent.name}-{variant.name}{suffix}" for variant in variants]
    tuned = latent.delta_digest and f" {latent.delta_digest}"
    texts = [f"{latent.digest} {variant.digest} {setting}{tuned}" for variant in variants]
    keys = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
    return [Job(name, latent, variant, key) for name, variant, key in zip(names, variants, keys, strict=True)]


def collect_latents(
    paths: Sequence[Path], seeds: Sequence[int], source: LatentSource, label: int | None = None
) -> list[BatchLatent]:
    """The latents in files and folders, and those of seeds. Files that cannot be read fail when their turn comes.

    Args:
        paths: of files and folders.
        seeds: of samples.
        source: reads and draws them.
        label: class of the samples of a conditional model.

    Raises:
        UsageError: there is nothing at all.
    """
    files = [file for path in paths for file in (_files_in(path) if path.is_dir() else [path])]
    if not files and not seeds:
        raise UsageError("there are no latents to edit", "name latent files or a folder of them, or --seeds 1-8")
    names: set[str] = set()
    reader = _Reader(source)
    found = [latent for file in files for latent in _read_file(file, reader, names)]
    return found + [_sample(seed, label, source, names) for seed in seeds]


class _Reader:
    """Reads latents one after the other; the file that was read last is kept, since its others come next."""

    def __init__(self, source: LatentSource) -> None:
        self._source = source
        self._file: Path | None = None
        self._latents: list[WPlus] = []

    def all(self, file: Path) -> list[WPlus]:
        if file != self._file:
            self._file, self._latents = None, []
            self._latents = self._source.latents(file)
            self._file = file
        return self._latents

    def one(self, file: Path, index: int, digest: str) -> WPlus:
        latents = self.all(file)
        if index >= len(latents) or latent_digest(latents[index]) != digest:
            raise _changed(file)
        return latents[index]

    def tuned(self, file: Path) -> list[TunedLatent]:
        return self._source.tuned(file)

    def same_delta(self, file: Path, digest: str) -> Delta | None:
        found = self._source.delta_of(file) if digest else None
        if _digest(found) != digest:
            raise _changed(file)
        return found


def _changed(file: Path) -> LatentError:
    return LatentError(f"{file} has changed since the batch began", "run the batch again with --resume")


def _digest(delta: Delta | None) -> str:
    return "" if delta is None else delta.digest()


def _files_in(folder: Path) -> list[Path]:
    found = (path for path in folder.iterdir() if path.suffix.lower() in _LATENT_SUFFIXES)
    return sorted(path for path in found if not is_delta(path))


def _read_file(file: Path, reader: _Reader, names: set[str]) -> Iterator[BatchLatent]:
    try:
        latents = reader.tuned(file)
    except LatentError as error:
        yield BatchLatent(_unique(file.stem, names), str(file), "", _failing(error))
        return
    several = len(latents) > 1
    for index, (w_plus, delta) in enumerate(latents):
        name = _unique(f"{file.stem}_{index:04d}" if several else file.stem, names)
        digest = latent_digest(w_plus)
        read = _bound(reader, file, index, digest)
        source, delta_digest = f"{file}[{index}]" if several else str(file), _digest(delta)
        yield BatchLatent(name, source, digest, read, delta_digest, partial(reader.same_delta, file, delta_digest))


def _bound(reader: _Reader, file: Path, index: int, digest: str) -> Callable[[], WPlus]:
    return lambda: reader.one(file, index, digest)


def _failing(error: LatentError) -> Callable[[], WPlus]:
    def fail() -> NoReturn:
        raise error

    return fail


def _sample(seed: int, label: int | None, source: LatentSource, names: set[str]) -> BatchLatent:
    text = f"{seed}" if label is None else f"{seed}@{label}"
    digest = hashlib.sha256(f"seed {text}".encode()).hexdigest()  # with the model's, which every key has
    return BatchLatent(_unique(f"seed{seed:04d}", names), f"seed:{text}", digest, lambda: source.sampled(seed, label))


def _unique(name: str, names: set[str]) -> str:
    """The name, with a number if need be, also where file systems ignore case."""
    candidates = (name if number == 1 else f"{name}_{number}" for number in count(1))
    chosen = next(candidate for candidate in candidates if candidate.casefold() not in names)
    names.add(chosen.casefold())
    return chosen
