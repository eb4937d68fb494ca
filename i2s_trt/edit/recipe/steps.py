"""Tables of a recipe to the steps they stand for; what is wrong is reported with its place in the document."""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from i2s_trt.arrays import WPlus
from i2s_trt.deltas import Delta
from i2s_trt.edit.recipe.operations import OPERATIONS, Operation, Step
from i2s_trt.edit.sources import LatentSource
from i2s_trt.errors import I2sError, LatentError

Place = tuple[str | int, ...]
CHAIN = "chain"
MOST_STEPS = 100_000


class Fault(NamedTuple):
    """Something wrong at a place: keys and indices that lead there."""

    place: Place
    message: str


class RecipeFaults(Exception):
    """Everything that is wrong with one table."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


def expand(table: dict[str, Any], place: Place, source: LatentSource) -> list[Step]:
    """Every step that a table stands for, in order. Raises RecipeFaults."""
    kind = table.get("operation")
    keys = {key: value for key, value in table.items() if key != "operation"}
    if kind == CHAIN:
        return _chain(keys, place, source)
    if not isinstance(kind, str) or kind not in OPERATIONS:
        raise RecipeFaults(Fault((*place, "operation"), f"write one of {', '.join([*OPERATIONS, CHAIN])}"))
    try:
        operation = OPERATIONS[kind].model_validate(keys)
    except ValidationError as error:
        raise RecipeFaults(*(_explain(item, OPERATIONS[kind], place) for item in error.errors())) from error
    if operation.count() > MOST_STEPS:
        raise RecipeFaults(Fault(place, f"{operation.count()} combinations are more than {MOST_STEPS}"))
    missing = list(_unusable(operation, place, source))
    if missing:
        raise RecipeFaults(*missing)
    return _try(list(operation.expand(kind, source)), place, source)


def _chain(keys: dict[str, Any], place: Place, source: LatentSource) -> list[Step]:
    """Operations one after the other, in every combination of their steps."""
    unknown = [Fault((*place, key), "unknown key; a chain has steps") for key in keys if key != "steps"]
    tables = keys.get("steps")
    if unknown:
        raise RecipeFaults(*unknown)
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise RecipeFaults(Fault((*place, "steps"), "a chain needs [[edit.steps]] tables, one for each operation"))
    links = [expand(table, (*place, "steps", index), source) for index, table in enumerate(tables)]
    count = 1
    for link in links:
        count *= len(link)
    if count > MOST_STEPS:
        raise RecipeFaults(Fault((*place, "steps"), f"{count} combinations are more than {MOST_STEPS}"))
    return [_link(steps) for steps in product(*links)]


def _link(steps: tuple[Step, ...]) -> Step:
    def apply(latent: WPlus) -> WPlus:
        for step in steps:
            latent = step.apply(latent)
        return latent

    def change(delta: Delta | None) -> Delta | None:
        for step in steps:
            delta = step.change(delta)
        return delta

    swept = {f"{number}.{key}": value for number, step in enumerate(steps, 1) for key, value in step.swept.items()}
    arrays = tuple(array for step in steps for array in step.arrays)
    deltas = tuple(digest for step in steps for digest in step.deltas)
    parameters = {"operation": CHAIN, "steps": [dict(step.parameters) for step in steps]}
    return Step(parameters, swept, arrays, apply, change, deltas)


def _unusable(operation: Operation, place: Place, source: LatentSource) -> Iterator[Fault]:
    """The latents and directions that cannot be read, or belong to another model."""
    for name, text in operation.references():
        try:
            operation.array(name, text, source)
            if name in operation.latent_keys:
                source.delta(text)
        except LatentError as error:
            yield Fault((*place, operation.key(name)), error.args[0])


def _try(steps: list[Step], place: Place, source: LatentSource) -> list[Step]:
    """A step applied to zeros: a layer that the model lacks shows before anything is rendered."""
    zeros = np.zeros((source.space.num_layers, source.space.w_dim), np.float32)
    try:
        steps[0].apply(zeros)
    except I2sError as error:
        raise RecipeFaults(Fault(place, f"{error.args[0]}; {error.hint}")) from error
    return steps


def _explain(error: ErrorDetails, operation: type[Operation], place: Place) -> Fault:
    """pydantic's complaint, in our words."""
    known = ", ".join(map(operation.key, operation.model_fields))
    messages = {"missing": "this key is missing", "extra_forbidden": f"unknown key; {known or 'no keys'} can be given"}
    message = messages.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    return Fault((*place, *error["loc"]), message)
