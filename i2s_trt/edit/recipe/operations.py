"""The operations that a recipe knows and the keys of each: the parameters of the functions in `edit.operations`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from math import prod
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from i2s_trt.arrays import WPlus
from i2s_trt.deltas import Delta, mixed
from i2s_trt.edit import operations
from i2s_trt.edit.recipe.values import Layers, Names, Numbers
from i2s_trt.edit.sources import LatentSource

Change = Callable[[Delta | None], Delta | None]


def unchanged(delta: Delta | None) -> Delta | None:
    """Most edits: the model stays as the latent has it."""
    return delta


@dataclass(frozen=True)
class Step:
    """An operation with one value for each of its keys.

    Attributes:
        parameters: the values, as JSON values.
        swept: those among them that differ from step to step.
        arrays: the latents and directions that they name.
        apply: w_plus [L, D] -> w_plus [L, D].
        change: what a latent changes in the model -> what the edited one does.
        deltas: digests of those that it mixes in.
    """

    parameters: Mapping[str, Any]
    swept: Mapping[str, Any]
    arrays: tuple[WPlus, ...] = field(repr=False)
    apply: Callable[[WPlus], WPlus] = field(repr=False)
    change: Change = field(default=unchanged, repr=False)
    deltas: tuple[str, ...] = ()


class Operation(BaseModel):
    """The keys of one operation; those in `swept` hold several values, and every combination makes a step.

    Fields are called as the parameters of `compute`, which takes the latent before them; an alias is the key's name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    compute: ClassVar[Callable[..., WPlus]]
    swept: ClassVar[tuple[str, ...]] = ()
    latent_keys: ClassVar[tuple[str, ...]] = ()
    direction_keys: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def key(cls, name: str) -> str:
        """A field's name in the recipe."""
        return cls.model_fields[name].alias or name

    def references(self) -> Iterator[tuple[str, str]]:
        """Field and text of every latent and direction that is named."""
        for name in self.latent_keys + self.direction_keys:
            texts = getattr(self, name)
            yield from ((name, text) for text in ([texts] if isinstance(texts, str) else texts))

    def array(self, name: str, text: str, source: LatentSource) -> WPlus:
        """The latent or direction [L, D] that a field names. Raises LatentError when it is none of this model's."""
        return source.latent(text) if name in self.latent_keys else source.direction_vector(text)

    def count(self) -> int:
        """How many steps it stands for."""
        return prod(len(getattr(self, name)) for name in self.swept)

    def expand(self, kind: str, source: LatentSource) -> Iterator[Step]:
        """Every combination of the swept values, the first changing slowest. Raises LatentError as `array` does."""
        several = [name for name in self.swept if len(getattr(self, name)) > 1]
        for values in product(*(getattr(self, name) for name in self.swept)):
            chosen = dict(self) | dict(zip(self.swept, values, strict=True))
            written = {self.key(name): value for name, value in chosen.items() if value is not None}
            swept = {self.key(name): chosen[name] for name in several}
            named = {name: self.array(name, chosen[name], source) for name in self.latent_keys + self.direction_keys}
            apply = partial(_apply, type(self).compute, {**chosen, **named, **self._given(source)})
            towards = self.towards(chosen)
            other = None if towards is None else source.delta(towards[0])
            change = unchanged if towards is None else partial(_mix, other, towards[1])
            deltas = () if other is None else (other.digest(),)
            yield Step({"operation": kind, **written}, swept, tuple(named.values()), apply, change, deltas)

    def towards(self, chosen: Mapping[str, Any]) -> tuple[str, float] | None:
        """The latent that these values lead to and how far, 0 to 1: the model goes there as well. None for most."""
        del chosen
        return None

    def _given(self, source: LatentSource) -> Mapping[str, Any]:
        """What `compute` takes from the model."""
        del source
        return {}


def _apply(compute: Callable[..., WPlus], values: Mapping[str, Any], latent: WPlus) -> WPlus:
    return compute(latent, **values)


def _mix(other: Delta | None, share: float, delta: Delta | None) -> Delta | None:
    return mixed([(delta, 1 - share), (other, share)])


class Identity(Operation):
    """The latent as it is."""

    compute = np.copy


class Morph(Operation):
    """Towards another latent (section 4.1)."""

    compute = operations.morph
    swept = ("second", "weight")
    latent_keys = ("second",)
    second: Names = Field(alias="with")
    weight: Numbers = (0.5,)

    def towards(self, chosen: Mapping[str, Any]) -> tuple[str, float]:
        """See `Operation`."""
        return chosen["second"], 1 - chosen["weight"]


class Crossover(Operation):
    """Some layers of another latent, the upper half when left out (section 4.2)."""

    compute = operations.crossover
    swept = ("style",)
    latent_keys = ("style",)
    style: Names
    layers: Layers = None

    def _given(self, source: LatentSource) -> Mapping[str, Any]:
        return {"layers": source.space.style_layers} if self.layers is None else {}


class Expression(Operation):
    """The difference of two other latents (section 4.3)."""

    compute = operations.expression_transfer
    swept = ("strength", "threshold")
    latent_keys = ("neutral", "expression")
    neutral: str
    expression: str
    strength: Numbers = (1.0,)
    threshold: Numbers = (operations.EXPRESSION_THRESHOLD,)
    normalize: bool = False
    layers: Layers = None


class AlongDirection(Operation):
    """A direction from a file."""

    compute = operations.move
    swept = ("direction", "strength")
    direction_keys = ("direction",)
    direction: Names = Field(alias="file")
    strength: Numbers = (1.0,)
    layers: Layers = None


class Truncation(Operation):
    """Towards the mean latent."""

    compute = operations.truncate
    swept = ("psi",)
    psi: Numbers = (0.7,)
    cutoff: int | None = Field(None, ge=0)

    def _given(self, source: LatentSource) -> Mapping[str, Any]:
        return {"mean_w": source.space.mean}


class RandomWalk(Operation):
    """A walk to another latent, the mean face if none is named."""

    compute = operations.random_walk
    swept = ("last", "position", "wander")
    latent_keys = ("last",)
    last: Names = Field(("mean",), alias="to")
    position: Numbers = (0.5,)
    wander: Numbers = (0.5,)
    seed: int = Field(0, ge=0)

    def towards(self, chosen: Mapping[str, Any]) -> tuple[str, float]:
        """See `Operation`."""
        return chosen["last"], chosen["position"]


OPERATIONS: Mapping[str, type[Operation]] = {
    "identity": Identity,
    "morph": Morph,
    "crossover": Crossover,
    "expression": Expression,
    "direction": AlongDirection,
    "truncation": Truncation,
    "random-walk": RandomWalk,
}
