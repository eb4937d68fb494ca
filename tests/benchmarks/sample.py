"""Invented results with something in every suite: no machine was measured for them."""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.speed.schema import Case, Curve, Environment, Figure, Ratio, Results, Row, Skip, Suite

LARGE, SMALL = "random-1024", "demo"
_SIDES = {LARGE: 1024, SMALL: 128}
_STEP_MS = {
    ("baseline", "fp32"): 4105.0, ("eager", "fp32"): 2251.4, ("eager", "bf16"): 1209.0, ("compiled", "fp32"): 1183.0,
    ("compiled", "bf16"): 513.2, ("engine gradient", "fp32"): 1431.0,
}  # fmt: skip


def environment(gpu: str = "") -> Environment:
    """A machine."""
    return Environment(
        device="cuda" if gpu else "cpu",
        system="Linux x86_64",
        python="3.12.4",
        cpu="Example CPU 9000",
        cores=2,
        memory_gib=23.5,
        gpu=gpu,
        driver="580.10" if gpu else "",
        threads=2,
        instructions=("avx2", "avx512f", "amx_bf16"),
        packages={"torch": "2.13.0", "numpy": "2.4.6", "onnxruntime": "1.31.1"},
    )


def spread(value: float, unit: str = "ms", samples: int = 9, width: float = 0.04) -> Figure:
    """A figure whose quartiles lie a little to either side."""
    return Figure(value, unit, samples, value * (1 - width / 2), value * (1 + width))  # type: ignore[arg-type]


def results(speed: float = 1.0, gpu: str = "") -> Results:
    """A file of results of a machine that is `speed` times as fast as another."""
    suites = {
        "machine": suite(rows=machine_rows(speed)),
        "step": suite(
            rows=(*step_rows(speed), *memory_rows("step")),
            ratios=(
                Ratio(step_case("compiled", "bf16"), step_case("baseline", "fp32"), spread(8.01, "x")),
                Ratio(step_case("compiled", "bf16"), step_case("eager", "fp32"), spread(4.39, "x")),
            ),
            skipped=(Skip("captured", "CUDA graphs need a GPU"),),
        ),
        "embed": suite(rows=embed_rows(speed), curves=tuple(embed_curves(speed))),
        "quality": suite(rows=quality_rows(speed), curves=tuple(quality_curves(speed))),
        "synthesis": suite(rows=synthesis_rows(speed)),
        "edit": suite(
            rows=(
                Row(Case("onnxruntime, pipeline", SMALL, 128, 8), {"rate": spread(31.4 * speed, "image/s")}),
                Row(Case("onnxruntime, engine alone", SMALL, 128, 8), {"rate": spread(33.9 * speed, "image/s")}),
            )
        ),
        "build": suite(
            rows=(
                Row(
                    Case("synthesis, tensorrt-rtx", LARGE, 1024, precision="fp16"),
                    {"export": Figure(31.2, "s"), "build": Figure(7.4, "s"), "size": Figure(52.4, "MiB")},
                ),
                Row(Case("mapping, onnxruntime", SMALL, 128), {"export": Figure(2.2, "s"), "size": Figure(4.1, "MiB")}),
            )
        ),
        "scaling": suite(rows=(*scaling_rows(speed), *memory_rows("scaling"))),
    }
    return Results(environment(gpu), suites)


def suite(**content: object) -> Suite:
    """A complete suite."""
    made = Suite(
        status="complete", started="2026-11-22T14:30:00+00:00", seconds=61.2, version="0.1.0 abc1234", load=0.02
    )
    return replace(made, **content)  # type: ignore[arg-type]


def step_case(variant: str, precision: str, model: str = LARGE, batch: int = 1) -> Case:
    """A case of the step suite."""
    return Case(variant, model, _SIDES[model], batch, precision)


def machine_rows(speed: float) -> tuple[Row, ...]:
    rows = [
        Row(Case("copy", "-", 1), {"rate": spread(21.3 * speed, "GB/s")}, notes=("an array of 256 MiB",)),
        Row(Case("product", "-", 1), {"rate": spread(312.0 * speed, "GFLOP/s")}, notes=("2048 x 2048 numbers",)),
        Row(Case("convolution", "-", 1), {"rate": spread(290.0 * speed, "GFLOP/s")}),
        Row(Case("product", "-", 1, precision="bf16"), {"rate": spread(802.0 * speed, "GFLOP/s")}),
    ]
    for model, work in ((LARGE, 192.2), (SMALL, 21.2)):
        for precision, rate in (("fp32", 312.0), ("bf16", 802.0)):
            case = Case("step floor", model, _SIDES[model], precision=precision)
            figures = {
                "time": Figure(work / rate / speed * 1e3, "ms"),
                "work": Figure(work, "GFLOP"),
                "traffic": Figure(work / 67, "GB"),
            }
            rows.append(Row(case, figures))
    return tuple(rows)


def step_rows(speed: float) -> Iterator[Row]:
    for model, scale in ((LARGE, 1.0), (SMALL, 0.037)):
        for (variant, precision), ms in _STEP_MS.items():
            for batch in (1, 4):
                time = ms * scale * batch ** (0.95 if variant != "baseline" else 1.0) / speed
                yield Row(step_case(variant, precision, model, batch), {"time": spread(time)}, other_load=0.03)


def memory_rows(name: str) -> Iterator[Row]:
    for side, peak in ((128, 701.0), (256, 902.0), (512, 1290.0), (1024, 2480.5)):
        if name == "step" and side < 1024:
            continue
        case = Case("compiled", f"random-{side}", side, precision="bf16")
        yield Row(case, {"peak_memory": Figure(peak, "MiB"), "peak_per_image": Figure(peak, "MiB")})


def embed_rows(speed: float) -> tuple[Row, ...]:
    def row(variant: str, seconds: float, steps: int, loss: float) -> Row:
        figures = {"time": Figure(seconds / speed, "s"), "steps": Figure(steps, "step"), "loss": Figure(loss, "loss")}
        return Row(Case(variant, SMALL, 128, precision="bf16"), figures)

    return (row("paper", 171.3, 5000, 2101.4), row("fast", 4.31, 120, 2099.8))


def embed_curves(speed: float) -> Iterator[Curve]:
    for variant, steps, decay in (("paper", 5000, 400.0), ("fast", 160, 11.0)):
        stride = max(1, steps // 120)
        points = tuple(
            ((step + 1) * 0.0343 / speed, float(step + 1), 2050 + 21000 / (1 + step / decay) ** 2)
            for step in range(0, steps, stride)
        )
        yield Curve(Case(variant, SMALL, 128, precision="bf16"), ("s", "step", "loss"), points)


def quality_rows(speed: float) -> tuple[Row, ...]:
    return tuple(
        Row(Case(method, SMALL, 128), {"set-up": Figure(seconds / speed, "s")}, notes=("invented",))
        for method, seconds in (("fast", 14.2), ("tuned", 3.07))
    )


def quality_curves(speed: float) -> Iterator[Curve]:
    """A face with an identity, and a cat without."""
    for method, factor, steps in (("fast", 0.06, (1, 10, 100)), ("tuned", 0.1, (100, 150))):
        for picture, worse in (("astronaut", 0.0), ("cat", 0.1)):
            identity = ("identity",) if picture == "astronaut" else ()
            points = (
                (step * factor / speed, float(step), 9e4 / step**0.5, 0.2 / step**0.5, 15 + step**0.5,
                 0.3 + step / 400 - worse, *(step / 200 for _ in identity))
                for step in steps
            )  # fmt: skip
            columns = ("s", "step", "features", "mse", "psnr", "ssim", *identity)
            yield Curve(Case(method, SMALL, 128, picture=picture), columns, tuple(points))


def synthesis_rows(speed: float) -> tuple[Row, ...]:
    rows = []
    for variant, ms in (("torch", 1143.0), ("torch compiled", 391.0), ("onnxruntime", 574.0)):
        for batch in (1, 4, 8):
            time = ms * batch**0.93 / speed
            figures = {"time": spread(time), "rate": spread(batch * 1e3 / time, "image/s")}
            figures |= {"p50": Figure(time, "ms", 12), "p90": Figure(time * 1.07, "ms", 12)}
            rows.append(Row(Case(variant, LARGE, 1024, batch), figures))
    return tuple(rows)


def scaling_rows(speed: float) -> Iterator[Row]:
    for side, ms in ((64, 19.0), (128, 55.0), (256, 233.0), (512, 301.0), (1024, 513.0)):
        yield Row(Case("step", f"random-{side}", side, precision="bf16"), {"time": spread(ms / speed)})
        yield Row(Case("synthesis", f"random-{side}", side, precision="bf16"), {"time": spread(ms * 0.3 / speed)})
    for batch in (2, 4, 8, 16, 32):
        case = Case("step", "random-128", 128, batch, "bf16")
        yield Row(case, {"time": spread(55.0 * batch**0.9 / speed)})
