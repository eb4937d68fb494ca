"""The stages of a first run on a GPU: three that check, three that measure what matters most."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from benchmarks.first_run.correctness import Verdict, check_device
from benchmarks.speed.bench import Bench, Produced
from benchmarks.speed.schema import Skip

if TYPE_CHECKING:
    from benchmarks.speed.contender import Contender

ROOT = Path(__file__).resolve().parents[2]
_NEEDED = ("torch", "numpy", "safetensors", "pydantic", "PIL", "cv2", "pytest")
_USEFUL = {
    "triton": "the step's hand-written kernels", "onnx": "exported graphs", "onnxscript": "exported graphs",
    "onnxruntime": "exported graphs", "tensorrt": "engines", "psutil": "the load of other processes",
    "platformdirs": "a folder of its own for models", "skimage": "photographs instead of noise",
}  # fmt: skip
_DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image"}
_STEPS, _QUICK_STEPS = 500, 12
_REFERENCE, _TESTS = 50.0, 65  # seconds
_QUICK_MODEL = "random-16"
Found = Iterator[Verdict | Skip]


def environment(bench: Bench, _output: Path) -> Found:
    """What is installed, and what to do about what is not."""
    for name in _NEEDED:
        yield Verdict(
            f"{name} is installed", find_spec(name) is not None, note="" if find_spec(name) else _install(name)
        )
    for name, use in _USEFUL.items():
        if find_spec(name) is None:
            yield Skip(name, f"without it there is no {use.removeprefix('a ')}; {_install(name)}")
    if bench.on_gpu:
        import torch

        there = torch.cuda.is_available()
        note = torch.cuda.get_device_name() if there else f"torch {torch.__version__}: {_install('torch')}"
        yield Verdict("PyTorch finds a GPU", there, note=note)


def correctness(bench: Bench, _output: Path) -> Found:
    """Losses and pictures against the CPU's."""
    model = _QUICK_MODEL if bench.quick else "demo"
    yield from check_device(model, bench.device, _QUICK_STEPS if bench.quick else _STEPS, _REFERENCE)


def tests(bench: Bench, output: Path) -> Found:
    """The tests that need a GPU, where there is one; without those that wait for a compiler."""
    if not bench.on_gpu:
        yield Skip("pytest -m gpu", "these tests need a GPU")
        return
    files = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.gpu" in path.read_text()]
    result = output / "tests.xml"
    result.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "pytest", "-m", "gpu", "-k", "not compiled", "-p", "no:cacheprovider",
        "--continue-on-collection-errors", f"--junitxml={result}", *map(str, files),
    ]  # fmt: skip
    with (output / "tests.log").open("w") as log:
        subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, timeout=_TESTS, check=False)  # noqa: S603
    yield from test_verdicts(result)


def test_verdicts(result: Path) -> Found:
    """Verdicts from pytest's record, one a test; what it skipped, or could not import, with the reason."""
    for case in ElementTree.parse(result).iter("testcase"):  # noqa: S314  # pytest wrote it
        name = f"{case.get('classname', '')}::{case.get('name', '')}".removeprefix("::")
        skipped, error, failure = (case.find(kind) for kind in ("skipped", "error", "failure"))
        said = " ".join("".join((error if error is not None else case).itertext()).split())
        missing = re.search(r"No module named '[\w.]+'", said) if error is not None else None
        if skipped is not None:
            yield Skip(name, skipped.get("message", ""))
        elif missing:
            yield Skip(name, missing[0])
        else:
            fault = failure if failure is not None else error
            yield Verdict(name, fault is None, note="" if fault is None else (fault.get("message") or "")[:300])


test_verdicts.__test__ = False  # type: ignore[attr-defined]


def step(bench: Bench) -> Produced:
    """The captured step, one picture and eight."""
    from benchmarks.speed.compare import Terms, compare
    from benchmarks.speed.step_variants import BASELINE, FASTEST_ON_GPU, PLAIN, QUICK, StepVariant
    from benchmarks.speed.suites.step import contenders

    first = (FASTEST_ON_GPU, StepVariant("fused captured", "tf32"), StepVariant(PLAIN), StepVariant(BASELINE))
    variants = QUICK if bench.quick or not bench.on_gpu else first
    terms = Terms(seconds=6.0, against=(BASELINE, PLAIN))
    model, side = _model(bench)
    for batch, part in bench.shared(_batches(bench)):
        yield from compare(part, contenders(part, model, side, batch, variants), terms)


def embed(bench: Bench) -> Produced:
    """The fast schedule to the loss where the paper's ends."""
    from benchmarks.speed.suites.embed import compare_schedules

    yield from compare_schedules(bench, *((_QUICK_MODEL, 16) if bench.quick else ("demo", 128)))


def synthesis(bench: Bench) -> Produced:
    """Rendering by PyTorch, ONNX Runtime and TensorRT."""
    from benchmarks.speed.compare import Terms, compare

    for batch, part in bench.shared(_batches(bench)):
        yield from compare(part, list(_renderers(part, batch)), Terms(seconds=6.0, against=("torch",), latency=True))


def _renderers(bench: Bench, batch: int) -> "Iterator[Contender]":
    from benchmarks.speed.suites.synthesis import contenders

    model, side = _model(bench)
    for contender in contenders(bench, model, side, batch):
        if "compiled" not in contender.case.variant:  # takes a minute to begin
            yield contender


def _batches(bench: Bench) -> dict[int, float]:
    return {1: 1.0} if bench.quick else {1: 1.0, 8: 1.0}


def _model(bench: Bench) -> tuple[str, int]:
    return (_QUICK_MODEL, 16) if bench.quick else ("random-1024", 1024)


CHECKS: dict[str, Callable[[Bench, Path], Found]] = {
    "environment": environment, "correctness": correctness, "tests": tests,
}  # fmt: skip
TIMINGS: dict[str, Callable[[Bench], Produced]] = {"step": step, "embed": embed, "synthesis": synthesis}
SECONDS = {"step": 75.0, "embed": 55.0, "synthesis": 50.0}  # after which no measurement begins


@cache
def _install(name: str) -> str:
    wheel = _DISTRIBUTIONS.get(name, name)
    return f"pip install {wheel}, without a network pip install --no-index --find-links FOLDER-OF-WHEELS {wheel}"
