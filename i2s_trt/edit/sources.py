"""Latents by name: a file, `seed:7`, `seed:7@3` with a label, or `mean`. One word wherever a latent is asked for."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from i2s_trt.arrays import Array, WPlus
from i2s_trt.deltas import Delta, TunedLatent, delta_of, mixed, noise_delta
from i2s_trt.edit.direction import Direction, read_direction
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import LatentError
from i2s_trt.latents import fit_latents, fitting_latents, read_latents

if TYPE_CHECKING:
    from i2s_trt.models.generator import Generator
Sample = Callable[[int, int | None], WPlus]
T = TypeVar("T")
MEAN = "mean"
_SEED = re.compile(r"seed:(\d{1,10})(?:@(\d{1,6}))?")
_LARGEST_SEED = 2**32 - 1


class LatentSource:
    """Finds latents and directions of one model.

    Args:
        space: of the model.
        sample: gives w_plus [L, D] of a seed and a label, or None for no label; None where seeds cannot be drawn.
        folder: that relative file names start from.
        any_model: accept latents that were made with another model.
        noise: gives the model's own noise maps [H, W]; none where they are unknown.

    Attributes:
        directions_read: every direction that this source, or one that is `beside` another file, has read.
    """

    def __init__(
        self,
        space: LatentSpace,
        sample: Sample | None = None,
        folder: Path = Path(),
        *,
        any_model: bool = False,
        noise: Callable[[], Sequence[Array]] = tuple,
    ) -> None:
        self.space, self._noise = space, noise
        self._sample, self._folder, self._any_model = sample, folder, any_model
        self._known: dict[str, WPlus] = {}
        self._known_deltas: dict[str, Delta | None] = {}
        self._known_directions: dict[str, WPlus] = {}
        self.directions_read: list[Direction] = []

    @classmethod
    def of(cls, generator: "Generator", *, any_model: bool = False) -> "LatentSource":
        """The source of a generator's latents, with files named from the current folder."""

        def sample(seed: int, label: int | None) -> WPlus:
            from i2s_trt.seeds import w_plus_from_seed

            return w_plus_from_seed(generator, seed, label=label)

        def noise() -> list[Array]:
            return [map_[0, 0].cpu().numpy() for map_ in generator.synthesis.stored_noise()]

        return cls(LatentSpace.of(generator), sample, any_model=any_model, noise=noise)

    def beside(self, path: Path) -> "LatentSource":
        """The same source, with relative names starting where a file stands."""
        source = LatentSource(self.space, self._sample, path.parent, any_model=self._any_model, noise=self._noise)
        source.directions_read = self.directions_read
        return source

    def latent(self, text: str) -> WPlus:
        """w_plus float32 [L, D] of `mean`, `seed:N`, `seed:N@LABEL` or a file that holds one latent.

        Raises:
            LatentError: unreadable, several latents, or made for another model; with the file's name.
        """
        if text not in self._known:
            self._known[text] = self._find(text)
        return self._known[text]

    def delta(self, text: str) -> Delta | None:
        """What the latent of that name changes in the model; None for nothing. Raises LatentError as `delta_of`."""
        if text == MEAN or _SEED.fullmatch(text):
            return None
        if text not in self._known_deltas:
            self._known_deltas[text] = self.delta_of(self._folder / text)
        return self._known_deltas[text]

    def delta_of(self, path: Path) -> Delta | None:
        """What the latent in a file changes in the model; None for nothing.

        Raises:
            LatentError: unreadable, or several latents; the delta is damaged, or of another latent or model.
        """
        return _only(self.tuned(path), path).delta

    def tuned(self, path: Path) -> list[TunedLatent]:
        """Every latent in a file; one that is alone with what it changes in the model.

        That is its noise maps, and the delta beside the file. Raises LatentError as `delta_of` does.
        """
        found = read_latents(path)
        latents = fit_latents(found, path, cast("Generator", self.space), any_model=self._any_model)
        if len(found) != 1:
            return [TunedLatent(w_plus) for w_plus in latents]
        noise = noise_delta(found[0].noise, self._noise(), self.space.digest)
        delta = mixed([(noise, 1.0), (delta_of(path, latents[0], self.space.digest), 1.0)])
        return [TunedLatent(latents[0], delta)]

    def latents(self, path: Path) -> list[WPlus]:
        """Every w_plus [L, D] in a file. Raises LatentError as `latent` does."""
        return fitting_latents(path, cast("Generator", self.space), any_model=self._any_model)

    def direction(self, text: str) -> Direction:
        """The direction in a file. Raises LatentError as `latent` does."""
        direction = read_direction(self._folder / text)
        try:
            direction.for_space(self.space, any_model=self._any_model)
        except LatentError as error:
            raise LatentError(f"{text}: {error.args[0]}", error.hint) from error
        return direction

    def direction_vector(self, text: str) -> WPlus:
        """The direction in a file, repeated for every layer: float32 [L, D]. Raises LatentError as `latent` does."""
        if text not in self._known_directions:
            direction = self.direction(text)
            self._known_directions[text] = direction.for_space(self.space, any_model=self._any_model)
            self.directions_read.append(direction)
        return self._known_directions[text]

    def sampled(self, seed: int, label: int | None = None) -> WPlus:
        """w_plus [L, D] of a seed. Raises LatentError where it cannot be drawn, UsageError for a label that is none."""
        if self._sample is None or seed > _LARGEST_SEED:
            raise LatentError(f"seed:{seed} cannot be drawn", f"seeds go from 0 to {_LARGEST_SEED}")
        return self._sample(seed, label)

    def _find(self, text: str) -> WPlus:
        if text == MEAN:
            return self.space.mean
        if match := _SEED.fullmatch(text):
            return self.sampled(int(match[1]), None if match[2] is None else int(match[2]))
        return _only(self.latents(self._folder / text), text)


def _only(found: list[T], file: object) -> T:
    if len(found) != 1:
        raise LatentError(f"{file} holds {len(found)} latents where one is needed", "save one of them in a file")
    return found[0]
