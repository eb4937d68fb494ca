"""Every suite on the smallest of models: what it yields, not how long it takes."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.speed.bench import Bench
from benchmarks.speed.runner import produce
from benchmarks.speed.schedules import ScheduleRun, schedule_options
from benchmarks.speed.schema import Case, Curve, Item, Progress, Ratio, Row, Skip
from benchmarks.speed.step_variants import BASELINE, ENGINE, ON_CPU, ON_GPU, PLAIN, StepVariant, make_step, variants_for
from benchmarks.speed.suites import embed
from benchmarks.speed.suites.build import empty_cache
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.files import home
from tests.rough_curvature import keep_rough_curvature

BENCH = Bench(models=("random-16",), quick=True)


def items(name: str, bench: Bench = BENCH) -> list[Item]:
    return [item for item in produce(name, bench) if not isinstance(item, Progress)]


def rows(found: list[Item]) -> dict[str, Row]:
    return {f"{item.case.variant} {item.case.precision}": item for item in found if isinstance(item, Row)}


def test_machine_measures_rates_and_derives_floors() -> None:
    found = rows(items("machine"))
    assert {"copy fp32", "product fp32", "convolution bf16", "step floor fp32", "synthesis floor bf16"} <= set(found)
    rates = [found[f"{kind} fp32"].figures["rate"] for kind in ("product", "convolution")]
    rate, bandwidth = max(rates, key=lambda figure: figure.value), found["copy fp32"].figures["rate"]
    floor = found["step floor fp32"].figures
    computing = floor["work"].value / rate.value * 1e3
    moving = floor["traffic"].value / bandwidth.value * 1e3
    assert max(computing, moving) <= floor["time"].value * (1 + 1e-9)
    assert floor["time"].value <= (computing + moving) * (1 + 1e-9)
    assert (rate.unit, bandwidth.unit) == ("GFLOP/s", "GB/s")


def test_step_compares_ours_with_the_baseline() -> None:
    found = items("step")
    beside = rows(found).pop("fused beside another fp32")
    variants = {name: row for name, row in rows(found).items() if row != beside}
    assert set(variants) == {"baseline fp32", "plain fp32", "fused fp32"}
    assert all(row.figures["time"].value > 0 for row in variants.values())
    assert all(row.figures["peak_memory"].value > 50 for row in variants.values())
    assert set(beside.figures) == {"time", "alone", "times"}
    assert beside.figures["times"].value > 0
    pairs = {(r.slower.variant, r.faster.variant) for r in found if isinstance(r, Ratio)}
    assert pairs == {("baseline", "plain"), ("baseline", "fused"), ("plain", "fused")}


def test_synthesis_compares_engines() -> None:
    found = items("synthesis")
    assert set(rows(found)) == {"torch fp32", "onnxruntime fp32"}
    assert {"time", "rate", "p50", "peak_memory"} <= set(rows(found)["torch fp32"].figures)
    (ratio,) = [item for item in found if isinstance(item, Ratio)]
    assert (ratio.slower.variant, ratio.faster.variant) == ("torch", "onnxruntime")


def test_edit_sets_the_pipeline_beside_the_engine() -> None:
    found = rows(items("edit"))
    assert set(found) == {"onnxruntime, engine alone fp32", "onnxruntime, pipeline fp32"}
    for row in found.values():
        assert row.figures["rate"].value * row.figures["time"].value / 1e3 == pytest.approx(4, rel=0.3)
        assert row.notes == ("4 pictures a call",)


def test_build_makes_everything_anew_and_leaves_nothing(own_home: Path) -> None:
    found = items("build")
    onnx = rows(found)["mapping, ONNX fp32"]
    assert onnx.figures["export"].value > 0
    assert onnx.figures["size"].value > 0
    reasons = {item.what: item.reason for item in found if isinstance(item, Skip)}
    for backend in ("tensorrt", "tensorrt-rtx"):
        row = rows(found).get(f"mapping, {backend} fp32")
        assert row is not None or reasons[f"mapping, {backend} fp32 of random-16"]
    assert list(own_home.iterdir()) == []


def test_the_cache_comes_back_even_after_an_error(own_home: Path) -> None:
    def fail() -> None:
        with empty_cache():
            assert home() != own_home
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert home() == own_home


def test_scaling_goes_over_resolutions_and_batches() -> None:
    found = [item for item in items("scaling") if isinstance(item, Row)]
    sizes = [(row.case.variant, row.case.resolution, row.case.batch) for row in found]
    assert sizes == [
        (kind, side, batch) for side, batch in ((16, 1), (32, 1), (32, 2)) for kind in ("step", "synthesis")
    ]
    for row in found:
        assert row.figures["peak_per_image"].value == pytest.approx(row.figures["peak_memory"].value / row.case.batch)


def test_embed_measures_every_schedule() -> None:
    keep_rough_curvature(load_generator("random-16"))
    found = items("embed")
    paper = rows(found)["paper fp32"]
    assert paper.figures["steps"].value == 4
    assert paper.figures["time"].unit == "s"
    assert rows(found)["fast fp32"].figures["steps"].value <= 4
    for curve in (item for item in found if isinstance(item, Curve)):
        assert curve.columns == ("s", "step", "loss")
        assert [point[:2] for point in curve.points] == sorted(point[:2] for point in curve.points)


def made_up(*losses: float, finished: bool = True) -> ScheduleRun:
    """A run of half a second a step."""
    return ScheduleRun(tuple((0.5 * (i + 1), float(i + 1), loss) for i, loss in enumerate(losses)), finished)


def test_the_fast_schedule_is_read_off_where_it_is_as_good_as_the_papers_end() -> None:
    paper, fast = made_up(9, 7, 6, 5), made_up(9, 4.9, 4)
    case = Case("fast", "demo", 128)
    figures = embed.row(case, fast, paper, 0.0).figures
    assert [figures[name].value for name in ("time", "steps", "loss")] == [1.0, 2, 4.9]
    cases = {"paper": Case("paper", "demo", 128), "fast": case}
    (ratio,) = embed.ratio(cases, {"paper": paper, "fast": fast})
    assert (ratio.faster, ratio.figure.value) == (case, 2.0)


def test_a_schedule_that_never_gets_there_has_no_time_and_no_ratio() -> None:
    paper, slow = made_up(9, 7, 5), made_up(9, 8, finished=False)
    case = Case("fast", "demo", 128)
    row = embed.row(case, slow, paper, 0.0)
    assert "time" not in row.figures
    assert row.notes[0].startswith("losses of VGG-16 trained on ImageNet")
    assert row.notes[1:] == ("stopped by the time budget", "did not reach the loss of the paper's schedule")
    assert list(embed.ratio({"paper": case, "fast": case}, {"paper": paper, "fast": slow})) == []
    assert list(embed.ratio({"paper": case, "fast": case}, {"paper": paper})) == []


def test_long_curves_are_thinned_and_keep_their_ends() -> None:
    run = made_up(*(float(10_000 - i) for i in range(5000)))
    thinned = run.thinned()
    assert len(thinned) <= 152
    assert (thinned[0], thinned[-1]) == (run.points[0], run.points[-1])
    assert list(thinned) == sorted(thinned)
    assert made_up(3, 2, 1).thinned() == made_up(3, 2, 1).points


def test_a_schedule_takes_its_steps_and_an_unknown_one_is_refused() -> None:
    for name in ("paper", "fast"):
        options = schedule_options(name, 7, "fp32")
        assert (options.schedule, options.steps) == (name, 7)
    with pytest.raises(UsageError, match="no schedule named slow"):
        schedule_options("slow", 5, "fp32")


@pytest.mark.parametrize(
    "variant",
    [
        *(variant for variant in ON_CPU if variant.name in (BASELINE, PLAIN, "fused")),
        *(pytest.param(variant, marks=pytest.mark.slow) for variant in ON_CPU if variant.name == ENGINE),  # an export
    ],
    ids=str,
)
def test_every_variant_takes_steps_on_the_cpu(variant: StepVariant) -> None:
    step = make_step(variant, "random-16", 2, "cpu")
    for _ in range(2):
        step()


def test_capturing_needs_a_gpu() -> None:
    with pytest.raises(EnvironmentFault, match="on a GPU only"):
        make_step(StepVariant("fused captured"), "random-16", 1, "cpu")


@pytest.mark.gpu
@pytest.mark.parametrize("variant", [variant for variant in ON_GPU if variant.name != ENGINE], ids=str)
def test_every_variant_takes_steps_on_the_gpu(variant: StepVariant) -> None:
    step = make_step(variant, "random-64", 2, "cuda")
    for _ in range(6):
        step()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_ways_are_different_cases_and_have_the_two_references(device: str) -> None:
    for batch in (1, 4):
        variants = variants_for(replace(BENCH, device=device, quick=False), batch)
        assert len({variant.case("m", 16, batch) for variant in variants}) == len(variants)
        assert {StepVariant(BASELINE), StepVariant(PLAIN)} <= set(variants)
