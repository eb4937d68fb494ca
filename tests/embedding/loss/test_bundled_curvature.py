"""The built-in model's curvature comes with it: the measured one, as far as a metric sees, and no other's."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.demo.run import OPTIONS
from i2s_trt.embedding.loss import curvature
from i2s_trt.embedding.loss.bundled_curvature import FILE, bundled_curvature, is_bundled, write_bundled
from i2s_trt.embedding.loss.curvature import curvature_key, damped, is_known, measured_curvature, model_curvature
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.errors import EnvironmentFault
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16
from i2s_trt.training.keep_curvature import OBJECTIVES

USUAL = ObjectiveOptions()


def covariance(layers: int = 3, size: int = 20, scale: float = 1e3) -> torch.Tensor:
    """Of numbers whose spread falls over many decades, as a curvature's does."""
    rows = torch.randn(layers, 60, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    blocks = rows * torch.logspace(0, -4, size, dtype=torch.float64)
    return (scale * blocks.transpose(1, 2) @ blocks).float()


def apart(found: torch.Tensor, wanted: torch.Tensor, share: float) -> float:
    """By how much a step's length differs at most, whatever its direction, in the metrics of two curvatures."""
    root = torch.linalg.cholesky(damped(wanted, share))
    both = root.transpose(1, 2) @ torch.linalg.inv(damped(found, share)) @ root
    return float((torch.linalg.eigvalsh(both) - 1).abs().max())


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_what_is_written_is_read_back_as_a_metric_sees_it(tmp_path: Path, scale: float, share: float) -> None:
    wanted = covariance(scale=scale)
    other = covariance(2, 30)
    write_bundled({"key": wanted, "other": other}, tmp_path / "c.safetensors")
    found = bundled_curvature("key", tmp_path / "c.safetensors")
    assert found is not None
    assert (found.shape, found.dtype) == (wanted.shape, torch.float32)
    assert torch.linalg.eigvalsh(found.double()).min() > -1e-6 * found.abs().max()
    assert apart(found, wanted, share) < {0.1: 0.5, 0.5: 0.1}[share]
    again = bundled_curvature("other", tmp_path / "c.safetensors")
    assert again is not None
    assert again.shape == other.shape


def test_another_key_a_damaged_and_a_missing_file_are_none(tmp_path: Path) -> None:
    file = tmp_path / "c.safetensors"
    write_bundled({"key": covariance()}, file)
    assert (is_bundled("key", file), is_bundled("other", file)) == (True, False)
    assert bundled_curvature("other", file) is None
    whole = file.read_bytes()
    flipped = whole[:-900] + bytes([whole[-900] ^ 1]) + whole[-899:]
    for damaged in (flipped, whole[:-5], whole[:4], b"", b"no tensors at all"):
        file.write_bytes(damaged)
        assert bundled_curvature("key", file) is None
    assert bundled_curvature("key", tmp_path / "missing") is None
    with pytest.raises(EnvironmentFault):
        write_bundled({"key": covariance()}, tmp_path / "missing" / "c.safetensors")


@pytest.mark.parametrize("objective", [USUAL, OPTIONS.objective], ids=["usual", "demo"])
def test_the_built_in_model_with_the_usual_objectives_is_never_measured(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, objective: ObjectiveOptions
) -> None:
    demo, features = load_generator(), imagenet_vgg16()
    monkeypatch.setattr(curvature, "measured_curvature", lambda *_: pytest.fail("measured"))
    assert is_known(demo, features, objective)
    assert is_known(demo, features, replace(objective, prior_weight=0.5))
    assert is_known(demo, features, replace(objective, layer_weights=dict(objective.layer_weights)))
    found = model_curvature(demo, features, objective)
    assert found.shape == (12, 384, 384)
    assert list(own_home.rglob("*.safetensors")) == []


def test_other_models_features_and_objectives_are(toy: Generator, vgg: Vgg16) -> None:
    demo, features = load_generator(), imagenet_vgg16()
    assert not is_known(toy, features, USUAL)
    assert not is_known(demo, vgg, USUAL)
    assert not is_known(demo, features, ObjectiveOptions(pixel_weight=2.0))


def test_it_is_that_of_the_weights_that_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few probes find about as much curvature in every layer, where the bundled one says that it is steep."""
    demo, features = load_generator(), imagenet_vgg16()
    bundled = bundled_curvature(curvature_key(demo, features, USUAL))
    assert bundled is not None
    monkeypatch.setattr(curvature, "PROBES", 1)  # at the same 16 latents
    few = measured_curvature(demo, features, USUAL)
    for ours, theirs in zip(bundled.double(), few.double(), strict=True):
        steep = torch.linalg.eigh(ours).eigenvectors[:, -40:]
        seen = (steep.T @ theirs @ steep).trace()
        assert 0.25 < float(seen / (steep.T @ ours @ steep).trace()) < 4
        assert float(seen / theirs.trace()) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES, ids=["usual", "demo"])
def test_measured_anew_they_are_the_same(objective: ObjectiveOptions) -> None:
    demo, features = load_generator(), imagenet_vgg16()
    found = bundled_curvature(curvature_key(demo, features, objective))
    assert found is not None
    measured = measured_curvature(demo, features, objective)
    assert apart(found, measured, 0.1) < 0.5
    assert apart(found, measured, 0.5) < 0.1


def test_weights_together_stay_small() -> None:
    files = [path for path in FILE.parents[1].rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 24e6
