"""GPU kernels, compiled here for GPUs that are not: what they need, what they move, and what a step should take.

Nothing of it is measured: registers and the like are read from machine code, times follow from bytes and a card's
stated rates. The first run on a card is held against them.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmarks.speed.bench import Bench, Produced, skipping
from benchmarks.speed.schema import Case, Figure, Progress, Row, Skip
from benchmarks.speed.suites.models import resolutions

if TYPE_CHECKING:
    from benchmarks.speed.kernels.cards import Architecture, Card
    from benchmarks.speed.kernels.launches import Launch, Variant
    from benchmarks.speed.kernels.trace import Operation

PREDICTED_CARDS = ("H100", "H200")
_BATCHES = (1, 8)
_PRECISIONS = ("fp32", "tf32", "bf16")
_QUICK_ARCHITECTURE = 90
NOT_MEASURED = "computed from bytes, products and the card's stated rates; not measured"


def run(bench: Bench) -> Produced:
    """Machine code first, then every layer's bytes, then the whole step."""
    from benchmarks.speed.kernels.build import require_triton
    from benchmarks.speed.kernels.cards import ARCHITECTURES, CARDS

    models, missing = resolutions(bench, "kernels of")
    with skipping("kernels", missing):
        require_triton()
    yield from missing
    if any(skip.what == "kernels" for skip in missing):
        return
    architectures = [a for a in ARCHITECTURES if not bench.quick or a.capability == _QUICK_ARCHITECTURE]
    cards = [card for card in CARDS if not bench.quick or card.name in PREDICTED_CARDS]
    for architecture in architectures:
        variants = _variants(list(models), architecture.bfloat16)
        for done, variant in enumerate(variants):
            yield Progress(f"{variant.label} for {architecture.name}", done, len(variants))
            skipped: list[Skip] = []
            with skipping(f"{variant.label} for {architecture.name}", skipped):
                yield _needs(variant, architecture)
            yield from skipped
    for model, resolution in models.items():
        yield from _layers(model, resolution, cards)
        for batch in _BATCHES:
            yield Progress(f"a step of {model}, batch {batch}", 0, 1)
            yield from _steps(model, resolution, batch)


def _variants(models: list[str], bfloat16: bool) -> "list[Variant]":
    """All machine code that steps of these models need, in 16 bits and in 32."""
    precisions = ("bf16" if bfloat16 else "fp16", "fp32")
    launches = (one for model in models for precision in precisions for one in step_launches(model, precision))
    return list(dict.fromkeys(launch.variant for launch in launches))


def step_launches(model: str, precision: str, batch: int = 1) -> "list[Launch]":
    """The launches of our kernels in a step, the layers forward and then back."""
    from benchmarks.speed.kernels.launches import recorded_launches
    from benchmarks.speed.kernels.trace import embedding_step

    step = embedding_step(model, batch, precision)
    with recorded_launches() as launches:
        step()
    return launches


def _needs(variant: "Variant", architecture: "Architecture") -> Row:
    """What one kernel's machine code needs."""
    from benchmarks.speed.kernels.build import build

    made = build(variant, architecture)
    occupancy = architecture.occupancy(made.registers, made.shared, variant.warps)
    figures = {
        "registers": Figure(made.registers, "register"),
        "stack": Figure(made.stack, "byte"),
        "shared": Figure(made.shared, "byte"),
        "code": Figure(made.code, "byte"),
        "load": Figure(made.widest, "byte"),
        "wide_part": Figure(100 * made.wide_part, "%"),
        "occupancy": Figure(100 * occupancy, "%"),
    }
    case = Case(f"{variant.label} {variant.tile}, {architecture.name}", "-", 1, precision=variant.precision)
    return Row(case, figures, notes=(f"{variant.warps} warps a program",))


def _layers(model: str, resolution: int, cards: "list[Card]") -> Iterator[Row]:
    """Bytes that each layer's epilogue moves in a step, forward and back, and the least time of that."""
    from benchmarks.speed.kernels.prediction import moving

    for precision in ("bf16", "fp32"):
        launches = step_launches(model, precision)
        for index, own in enumerate(_by_layer(launches)):
            traffic = sum(launch.traffic for launch in own)
            figures = {"traffic": Figure(traffic / 1e6, "MB")}
            figures |= {f"time {card.name}": Figure(moving(traffic, card) * 1e3, "ms") for card in cards}
            programs = min(launch.programs for launch in own)
            yield Row(
                Case(f"layer {index}", model, resolution, precision=precision), figures,
                notes=(NOT_MEASURED, f"{programs} programs at the fewest"),
            )  # fmt: skip


def _by_layer(launches: "list[Launch]") -> "list[list[Launch]]":
    """The launches of each layer, forward and back, without conversions to RGB; backward layers come in reverse."""
    names = ["", *(launch.variant.kernel for launch in launches)]
    colours = ("colours", "colours_backward")  # and the sum behind the latter
    launches = [
        one for one, before in zip(launches, names, strict=False)
        if one.variant.kernel not in colours and before != "colours_backward"
    ]  # fmt: skip
    ends = {"modulate", "activate_modulated"}  # of a layer, forward
    begins = {"products", "differentiate_modulated"}  # backward
    kernels = [launch.variant.kernel for launch in launches]
    turn = min(kernels.index(name) for name in begins if name in kernels)
    ended = [index + 1 for index, name in enumerate(kernels[:turn]) if name in ends]
    begun = [*(index for index, name in enumerate(kernels) if name in begins), len(kernels)]
    forward = [launches[start:end] for start, end in zip([0, *ended], ended, strict=False)]
    backward = [launches[start:end] for start, end in pairwise(begun)]
    return [ahead + back for ahead, back in zip(forward, reversed(backward), strict=True)]


def _steps(model: str, resolution: int, batch: int) -> Iterator[Row]:
    """The whole step on the cards that will be measured first."""
    from benchmarks.speed.kernels.cards import CARDS
    from benchmarks.speed.kernels.trace import embedding_step, traced

    for precision in _PRECISIONS:
        operations = traced(embedding_step(model, batch, precision))
        for card in CARDS:
            if card.name in PREDICTED_CARDS:
                yield _predict(operations, card, Case(f"step on {card.name}", model, resolution, batch, precision))


def _predict(operations: "list[Operation]", card: "Card", case: Case) -> Row:
    from benchmarks.speed.kernels.prediction import START_SECONDS, predicted

    step = predicted(operations, card, case.precision)
    figures = {"time": Figure(step.total, "ms"), "kernels": Figure(step.kernels, "kernel")}
    figures |= {part: Figure(value, "ms") for part, value in step.milliseconds.items()}
    assumed = f"{START_SECONDS * 1e6:g} microseconds for a kernel to start are assumed"
    return Row(case, figures, notes=(NOT_MEASURED, assumed, f"most in {step.longest}"))
