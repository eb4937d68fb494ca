"""`bench --device cuda` from end to end where there is no card, on a stand-in that refuses what a card would refuse."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.first_run.stage import read_report
from benchmarks.speed.results_file import read_results
from i2s_trt.checkpoints.catalogue import ModelInfo
from i2s_trt.checkpoints.store import load_generator, save_model
from i2s_trt.models.random_weights import random_weights, standard_spec
from tests.conftest import command
from tests.fake_cuda import NAME, environment
from tests.rough_curvature import keep_rough_curvature

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module", autouse=True)
def _card() -> None:
    """It reaches into PyTorch, which may be made otherwise in versions that it was not written for."""
    if torch.version.cuda:
        pytest.skip("the fake card stands in for CUDA where PyTorch is built without it")
    words = [sys.executable, "-c", "import torch; assert torch.cuda.is_available()"]
    done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode and not torch.__version__.startswith("2.13"):
        pytest.skip(f"the fake card does not fit PyTorch {torch.__version__}: {done.stderr.splitlines()[-1]}")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16x16 pixels, narrow."""
    folder = tmp_path_factory.mktemp("model") / "narrow"
    weights = random_weights(standard_spec(16, 16, 24), seed=3)
    save_model(folder, ModelInfo("narrow", weights.spec, weights.digest(), "random weights"), weights)
    return folder


def on_the_card(words: list[str], folder: Path = ROOT) -> str:
    done = subprocess.run(
        words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rehearsed(part: str, model: Path) -> list[dict[str, Any]]:
    lines = on_the_card([sys.executable, "-m", "tests.benchmarks.first_run.rehearsed", part, str(model)]).splitlines()
    return [json.loads(line) for line in lines]


def test_the_card_is_as_strict_as_a_real_one(model: Path) -> None:
    *refused, graph = rehearsed("strict", model)
    assert [one["mistake"] for one in refused] == ["two devices", "numpy", "waits", "uploads"]
    assert all("capturing" in one["said"] for one in refused[2:])
    assert graph == {"before": [1.0] * 3, "x": [4.0] * 3, "y": [2.0] * 3}


def test_every_variant_of_a_gpu_takes_steps_and_captures_what_it_should(model: Path) -> None:
    found = rehearsed("variants", model)
    assert len(found) == 8
    assert all(one["captured"] == one["variant"].endswith(" captured") for one in found), found


def test_graphs_are_traced_on_the_cpu_wherever_the_generator_is(model: Path) -> None:
    assert rehearsed("graphs", model) == [{"graph": name, "device": "cpu"} for name in ("mapping", "synthesis")]


def test_what_is_tested_on_a_gpu_passes_on_it() -> None:
    """Captured steps, of a tuning too, one for all pictures, and a generator that learns as on the CPU."""
    chosen = "waits_for_nothing or cannot_be_recorded or bf16 or test_embedder or test_trainer or test_tune"
    places = (
        "embedding/steps/test_captured",
        "embedding/test_embedder",
        "training/test_trainer",
        "embedding/test_tune",
    )
    files = [f"{place}.py" for place in places]
    words = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", "-k", chosen]
    printed = on_the_card([*words, *(f"tests/{file}" for file in files)])
    assert "passed" in printed
    assert "skipped" not in printed


@pytest.mark.slow  # every variant of the step is taken above
def test_the_suites_run_from_end_to_end(model: Path, tmp_path: Path) -> None:
    suites = ("machine", "step", "embed", "edit", "quality")
    keep_rough_curvature(load_generator(str(model)))
    options = ["--device", "cuda", "--quick", "-m", model, "-o", tmp_path / "r.json", "--time-budget", 2000]
    on_the_card(command(["bench", *suites, *options]), tmp_path)
    results = read_results(tmp_path / "r.json")
    assert (results.environment.device, NAME in results.environment.gpu) == ("cuda", True)
    assert list(results.suites) == list(suites)
    found = {name: {row.case.variant for row in suite.rows} for name, suite in results.suites.items()}
    assert {"copy", "product", "step floor"} <= found["machine"]
    assert found["step"] == {"baseline", "plain", "fused", "fused captured"}
    assert "paper" in found["embed"]
    assert found["edit"] == {"torch, engine alone", "torch, pipeline"}
    assert found["quality"] == {"fast", "paper", "tuned"}, results.suites["quality"].skipped
    peaks = [row.figures["peak_memory"].value for row in results.suites["step"].rows]
    assert all(10 < peak < 1000 for peak in peaks), peaks


def test_the_first_run_judges_the_captured_step(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "benchmarks.first_run", "correctness", "--quick", "--output", str(tmp_path)]
    assert "11 of 11 checks passed" in on_the_card(words)
    verdicts = {verdict.what: verdict for verdict in read_report(tmp_path / "correctness.json").verdicts}
    assert all(verdicts[f"the step in {precision} is a CUDA graph"].passed for precision in ("fp32", "tf32", "bf16"))
