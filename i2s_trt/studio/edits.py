"""An edit of the page applied to latents: mix, random walk, style, expressions, truncation, in this order.

Everything is done by operations that a recipe has too, in the same order and with the same numbers, so that
`repeat.recipe_of` repeats it bit for bit.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from i2s_trt.arrays import WPlus
from i2s_trt.deltas import TunedLatent, mixed
from i2s_trt.edit import operations
from i2s_trt.edit.recipe.operations import Change, unchanged
from i2s_trt.edit.sources import MEAN
from i2s_trt.edit.space import LatentSpace
from i2s_trt.errors import UsageError
from i2s_trt.latents import refuse_absurd
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.studio.directions import Directions
from i2s_trt.studio.model import StudioModel
from i2s_trt.studio.protocol import DirectionExpression, Edit, MixBase, RandomBase, Walk
from i2s_trt.studio.shelf import Shelf


@dataclass(frozen=True)
class Operation:
    """One operation of an edit.

    Attributes:
        keys: as a recipe has it; files are named as they lie in the shelf's folder.
        apply: w_plus [L, D] -> w_plus [L, D].
        change: what the latent before changes in the model -> what the one after does.
    """

    keys: Mapping[str, Any]
    apply: Callable[[WPlus], WPlus] = field(repr=False)
    change: Change = field(default=unchanged, repr=False)


class Editor:
    """Applies edits of one model's latents.

    Args:
        model: that is open.
        shelf: finds latents.
        directions: finds directions.
    """

    def __init__(self, model: StudioModel, shelf: Shelf, directions: Directions) -> None:
        self._model, self._shelf, self._directions = model, shelf, directions
        self.space = LatentSpace.of(model.generator)

    def tuned(self, edit: Edit) -> TunedLatent:
        """What an edit makes: w_plus float32 [L, D], and what is changed in the model.

        Raises:
            NotOnShelf: it names a latent that is not there.
            LatentError: a latent or its delta belongs to another model, or the result is no latent.
            UsageError: a row or a direction does not exist.
        """
        w_plus, base = self.base(edit), edit.base
        delta = None if isinstance(base, RandomBase) else self._shelf.delta(base_name(edit))
        for operation in self.operations(edit):
            w_plus, delta = operation.apply(w_plus), operation.change(delta)
        refuse_absurd(w_plus, "the edit makes", "take smaller strengths")
        return TunedLatent(w_plus, delta)

    def w_plus(self, edit: Edit) -> WPlus:
        """What an edit makes, float32 [L, D]. Raises as `tuned` does."""
        return self.tuned(edit).w_plus

    def base(self, edit: Edit) -> WPlus:
        """The latent that everything starts from, float32 [L, D]. Raises as `w_plus` does."""
        base = edit.base
        if isinstance(base, RandomBase):
            return w_plus_from_seed(self._model.generator, base.seed)
        return self._shelf.w_plus(base_name(edit))

    def operations(self, edit: Edit) -> Iterator[Operation]:
        """What is done to the base, one after the other. Raises as `w_plus` does."""
        yield from self._mix(edit)
        if edit.walk is not None and edit.walk.position:
            yield self._walk(edit.walk)
        if edit.style is not None and any(edit.style.rows):
            yield self._style(edit.style.name, edit.style.rows)
        for expression in edit.expressions:
            if isinstance(expression, DirectionExpression):
                vector = self._directions.vector(expression.name)
                yield _move(self._directions.file(expression.name), vector, expression.strength)
            else:
                neutral, shown = (self._shelf.w_plus(name) for name in (expression.from_, expression.to))
                yield _express((expression.from_, expression.to), neutral, shown, expression.strength)
        if edit.truncation is not None:
            yield self._truncate(edit.truncation, None)

    def _mix(self, edit: Edit) -> Iterator[Operation]:
        """The other parts of a mix, one at a time; of a sample, another truncation than the model's own."""
        base, spec = edit.base, self._model.generator.spec
        if isinstance(base, RandomBase):
            if base.truncation is not None and base.truncation != spec.truncation_psi:
                if not spec.truncation_psi:
                    raise UsageError("the samples of this model have no truncation to change", "leave it out")
                yield self._truncate(base.truncation / spec.truncation_psi, spec.truncation_cutoff)
        elif isinstance(base, MixBase):
            if not any(part.weight for part in base.parts):
                raise UsageError("every part of the mix weighs nothing", "give one of them a weight above 0")
            sum_of_weights = base.parts[0].weight
            for part in base.parts[1:]:
                if part.weight:
                    sum_of_weights += part.weight
                    yield _morph(part.name, self._shelf.tuned(part.name), 1 - part.weight / sum_of_weights)

    def _walk(self, walk: Walk) -> Operation:
        if walk.to is None:
            name, last = MEAN, self.space.mean
        else:
            name, last = f"seed:{walk.to}", w_plus_from_seed(self._model.generator, walk.to)
        position, wander, seed = walk.position, walk.wander, walk.seed
        steps = {"to": name, "position": position, "wander": wander, "seed": seed}
        return Operation(
            {"operation": "random-walk", **steps},
            lambda w_plus: operations.random_walk(w_plus, last, position, wander, seed),
            lambda delta: mixed([(delta, 1 - position), (None, position)]),
        )

    def _style(self, name: str, rows: list[bool]) -> Operation:
        if len(rows) != self.space.num_layers:
            raise UsageError(
                f"{len(rows)} rows of a style are told, the model has {self.space.num_layers}", "tell each row"
            )
        chosen, style = [row for row, given in enumerate(rows) if given], self._shelf.w_plus(name)
        keys = {"operation": "crossover", "style": f"{name}.safetensors", "layers": chosen}
        return Operation(keys, lambda w_plus: operations.crossover(w_plus, style, chosen))

    def _truncate(self, psi: float, cutoff: int | None) -> Operation:
        mean = self.space.mean
        keys = {"operation": "truncation", "psi": psi} | ({} if cutoff is None else {"cutoff": cutoff})
        return Operation(keys, lambda w_plus: operations.truncate(w_plus, mean, psi, cutoff))


def base_name(edit: Edit) -> str:
    """The latent that an edit starts from, whose photograph it has: of a mix the first, whatever it weighs.

    Raises UsageError for one that starts from none.
    """
    base = edit.base
    if isinstance(base, RandomBase):
        raise UsageError("a sample comes from no photograph", "take an embedded latent as the base")
    return base.parts[0].name if isinstance(base, MixBase) else base.name


def _morph(name: str, second: TunedLatent, weight: float) -> Operation:
    keys = {"operation": "morph", "with": f"{name}.safetensors", "weight": weight}
    return Operation(
        keys,
        lambda w_plus: operations.morph(w_plus, second.w_plus, weight),
        lambda delta: mixed([(delta, weight), (second.delta, 1 - weight)]),
    )


def _express(names: tuple[str, str], neutral: WPlus, expression: WPlus, strength: float) -> Operation:
    files = {"neutral": f"{names[0]}.safetensors", "expression": f"{names[1]}.safetensors"}
    keys = {"operation": "expression", **files, "strength": strength}
    return Operation(keys, lambda w_plus: operations.expression_transfer(w_plus, neutral, expression, strength))


def _move(file: str, vector: WPlus, strength: float) -> Operation:
    keys = {"operation": "direction", "file": file, "strength": strength}
    return Operation(keys, lambda w_plus: operations.move(w_plus, vector, strength))
