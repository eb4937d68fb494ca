"""The step without data: launches, operations and the time that they should take."""

from collections import Counter

import pytest

from benchmarks.speed.bench import Bench
from benchmarks.speed.kernels.cards import CARDS
from benchmarks.speed.kernels.launches import recorded_launches
from benchmarks.speed.kernels.prediction import BANDWIDTH_REACHED, RATE_REACHED, START_SECONDS, predicted
from benchmarks.speed.kernels.trace import CONVOLUTION, EPILOGUE, OTHER, Operation, embedding_step, traced
from benchmarks.speed.roofline import step_work
from benchmarks.speed.runner import produce
from benchmarks.speed.schema import Progress, Row
from benchmarks.speed.suites.kernels import NOT_MEASURED, step_launches
from i2s_trt.models.random_weights import standard_spec
from tests.fused.maps import random_case
from tests.fused.test_gpu import needs_triton

H200 = next(card for card in CARDS if card.name == "H200")


@needs_triton
def test_a_layer_launches_three_kernels_forward_and_three_back() -> None:
    from i2s_trt.fused.gpu import TritonEpilogue

    case = random_case((2, 16, 32, 32), taps=(1.0, 2.0, 1.0))
    x, scale = case.x.to("meta"), case.scale.to("meta")
    epilogue = TritonEpilogue()
    offset = epilogue.offset(case.noise.to("meta"), case.noise_weight.to("meta"), case.bias.to("meta"))
    with recorded_launches() as launches:
        _, kept = epilogue.forward(x, offset, scale, scale, case.layer)
        epilogue.backward(x, kept, scale, case.layer)
    names = [launch.variant.label for launch in launches]
    assert names == ["activate with blur", "moments", "modulate", "products", "add_up", "differentiate with blur"]
    one_map = 4 * 2 * 16 * 32 * 32
    assert launches[2].traffic == 2 * one_map + 4 * scale.numel() * 4  # y and out; mean, inverse, scale, shift
    assert launches[5].traffic == 3 * one_map + 5 * scale.numel() * 4
    assert launches[0].programs == launches[2].programs


@needs_triton
def test_launches_are_given_back_to_triton_afterwards() -> None:
    from triton.runtime.jit import JITFunction

    run = JITFunction.run
    with pytest.raises(ZeroDivisionError), recorded_launches():
        raise ZeroDivisionError
    assert JITFunction.run is run


@needs_triton
def test_a_step_at_1024_is_known_without_computing_it() -> None:
    operations = traced(embedding_step("random-1024", 1, "bf16"))
    parts = Counter(one.part for one in operations)
    assert parts[EPILOGUE] == 18 * 6
    assert parts[CONVOLUTION] == 2 * (17 + 1 + 9)  # layers but the first, colours, features; forward and back
    products = sum(one.flops for one in operations) / 1e9
    # the published count has nearest-neighbour upsampling where ours folds it into fewer products
    assert 0.85 * step_work(standard_spec(1024)).gigaflops < products < step_work(standard_spec(1024)).gigaflops
    assert not [one for one in operations if one.name == "clone" and one.traffic > 1e6]  # no map is copied


@needs_triton
def test_a_batch_moves_more_and_starts_hardly_more() -> None:
    one, eight = (traced(embedding_step("random-64", batch, "fp32")) for batch in (1, 8))
    assert sum(o.flops for o in eight) == pytest.approx(8 * sum(o.flops for o in one))
    assert len(one) <= len(eight) < 1.2 * len(one)


def test_predictions_are_sums_of_what_takes_longer() -> None:
    operations = [
        Operation("a", CONVOLUTION, flops=1e12, traffic=0, wide=False, convolves=True),
        Operation("b", CONVOLUTION, flops=1e12, traffic=0, wide=True, convolves=True),
        Operation("c", OTHER, flops=0, traffic=1e9, wide=True),
    ]
    step = predicted(operations, H200, "bf16")
    seconds = 1 / (989 * RATE_REACHED) + 1 / (494 * RATE_REACHED)  # float32 maps are convolved in TF32
    assert step.milliseconds[CONVOLUTION] == pytest.approx(seconds * 1e3)
    assert step.milliseconds[OTHER] == pytest.approx(1e3 / (4800 * BANDWIDTH_REACHED))
    assert step.milliseconds["starts"] == pytest.approx(3 * START_SECONDS * 1e3)
    assert step.total == pytest.approx(sum(step.milliseconds.values()))
    assert step.longest == CONVOLUTION
    exact = predicted(operations[1:2], H200, "fp32")
    assert exact.milliseconds[CONVOLUTION] == pytest.approx(1e3 / (67 * RATE_REACHED))


@needs_triton
def test_the_suite_reports_machine_code_layers_and_the_step() -> None:
    items = list(produce("kernels", Bench(models=("random-16",), quick=True)))
    rows = [item for item in items if isinstance(item, Row)]
    assert not [item for item in items if not isinstance(item, Row | Progress)]
    code = [row for row in rows if "registers" in row.figures]
    assert {row.case.variant.rsplit(" ", 2)[0] for row in code} == {
        "activate", "activate with blur", "moments", "modulate", "products", "add_up", "differentiate",
        "differentiate with blur",
    }  # fmt: skip
    layers = [row for row in rows if "traffic" in row.figures]
    assert [row.case.variant for row in layers[:6]] == [f"layer {i}" for i in range(6)]
    steps = [row for row in rows if "kernels" in row.figures]
    assert len(steps) == 2 * 2 * 3  # cards, batches, precisions
    assert all(NOT_MEASURED in row.notes for row in [*layers, *steps])
    launches = step_launches("random-16", "fp32")
    first = sum(launch.traffic for launch in (*launches[:3], *launches[-3:]))
    assert layers[6].figures["traffic"].value * 1e6 == pytest.approx(first)


def test_without_triton_the_suite_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.speed.kernels.build.find_spec", lambda _name: None)
    (skip,) = [item for item in produce("kernels", Bench(models=("random-16",))) if not isinstance(item, Progress)]
    assert "pip install 'i2s-trt[kernels]'" in str(skip)
