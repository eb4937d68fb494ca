"""The models that a suite measures, with a word about those that are not there."""

from benchmarks.speed.bench import Bench, one_line
from benchmarks.speed.schema import Skip
from i2s_trt.errors import I2sError


def resolutions(bench: Bench, what: str) -> tuple[dict[str, int], list[Skip]]:
    """Pixels a side of every model, and why one is left out; `what` is what it is left out of."""
    found: dict[str, int] = {}
    missing: list[Skip] = []
    for model in bench.models:
        try:
            found[model] = _resolution(model)
        except I2sError as error:
            missing.append(Skip(f"{what} {model}", one_line(error)))
    return found, missing


def weight(resolution: int, batch: int) -> float:
    """Weight of a contest for its share of the time: large pictures take long, and single ones matter most."""
    return (1 + resolution / 256) * (4 if batch == 1 else 1)


def _resolution(model: str) -> int:
    from i2s_trt.checkpoints.store import load_weights

    return load_weights(model).spec.resolution
