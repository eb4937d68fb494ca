"""VGG-16 against torchvision's layout, written out with plain functions."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor

from i2s_trt.checkpoints.vgg import load_vgg16
from i2s_trt.errors import CheckpointError
from i2s_trt.models import vgg_weights
from i2s_trt.models.vgg import Vgg16, imagenet_vgg16, random_vgg16
from i2s_trt.models.vgg_layout import CONVOLUTIONS, TAPS


def literal(state: dict[str, Tensor], x: Tensor) -> dict[str, Tensor]:
    """VGG-16's published configuration D up to conv4_2: 64 64 M 128 128 M 256 256 256 M 512 512."""
    after: dict[str, Tensor] = {}
    plan: list[str | tuple[int, str]] = [
        (0, "conv1_1"), (2, "conv1_2"), "M", (5, "conv2_1"), (7, "conv2_2"), "M",
        (10, "conv3_1"), (12, "conv3_2"), (14, "conv3_3"), "M", (17, "conv4_1"), (19, "conv4_2"),
    ]  # fmt: skip
    for item in plan:
        if isinstance(item, str):
            x = F.max_pool2d(x, kernel_size=2, stride=2)
            continue
        index, name = item
        x = F.conv2d(x, state[f"features.{index}.weight"], state[f"features.{index}.bias"], padding=1)
        x = after[name] = F.relu(x)
    return after


def torchvision_file(path: Path) -> Path:
    """A state dict laid out as torchvision's, with the classifier that we do not read."""
    torch.manual_seed(0)
    state = {}
    for index, (_, inputs, outputs) in CONVOLUTIONS.items():
        state[f"features.{index}.weight"] = torch.randn(outputs, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
        state[f"features.{index}.bias"] = torch.randn(outputs) * 0.1
    state["features.21.weight"] = torch.zeros(512, 512, 3, 3)
    state["classifier.0.weight"] = torch.zeros(8, 8)
    torch.save(state, path)
    return path


def test_taps_match_the_published_configuration(tmp_path: Path) -> None:
    path = torchvision_file(tmp_path / "vgg16-397923af.pth")
    vgg = load_vgg16(path)
    images = torch.randn(2, 3, 32, 48)
    features = vgg(images)
    expected = literal(torch.load(path, weights_only=True), images)
    assert list(features) == list(TAPS)
    for name in TAPS:
        torch.testing.assert_close(features[name], expected[name], atol=1e-5, rtol=1e-5)
    assert vgg.source.name == f"VGG-16 from {path.name}", "what it was trained on nobody knows"


def test_a_safetensors_file_with_the_same_names_is_read(tmp_path: Path) -> None:
    state = torch.load(torchvision_file(tmp_path / "vgg.pth"), weights_only=True)
    safetensors.torch.save_file(state, tmp_path / "model.safetensors")
    read, same = load_vgg16(tmp_path / "model.safetensors"), load_vgg16(tmp_path / "vgg.pth")
    assert read.source.digest == same.source.digest
    assert read.source.name == "VGG-16 from model.safetensors"
    built_in = load_vgg16(vgg_weights.WEIGHTS)
    assert built_in.source.digest == imagenet_vgg16().source.digest


def test_tap_sizes_and_channels(vgg: Vgg16) -> None:
    shapes = {name: tuple(f.shape) for name, f in vgg(torch.zeros(1, 3, 64, 48)).items()}
    assert shapes == {
        "conv1_1": (1, 64, 64, 48),
        "conv1_2": (1, 64, 64, 48),
        "conv3_2": (1, 256, 16, 12),
        "conv4_2": (1, 512, 8, 6),
    }


def test_features_before_the_activation_become_those_behind_it(vgg: Vgg16) -> None:
    images = torch.randn(1, 3, 16, 16) * 60
    before, after = vgg(images, after_relu=False), vgg(images)
    assert any(bool((before[name] < 0).any()) for name in TAPS)
    for name in TAPS:
        assert torch.equal(F.relu(before[name]), after[name])


def test_only_the_wanted_taps_are_computed(vgg: Vgg16) -> None:
    assert set(vgg(torch.zeros(1, 3, 8, 8), ("conv1_2",))) == {"conv1_2"}
    assert vgg(torch.zeros(1, 3, 8, 8), ()) == {}


def test_random_features_have_the_mean_square_of_their_input_at_every_layer(vgg: Vgg16) -> None:
    coarse = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    images = F.interpolate(coarse, size=(64, 64), mode="bilinear")
    images = images * (64 / images.std())
    for name, feature in vgg(images).items():
        assert 0.5 < float(feature.square().mean() / images.square().mean()) < 2, name


def test_random_features_are_the_same_every_time(vgg: Vgg16) -> None:
    assert random_vgg16().source == vgg.source
    assert "random" in vgg.source.name


@pytest.mark.parametrize("content", [b"", b"not a file of tensors", b"PK\x03\x04 broken zip"])
def test_a_file_that_is_not_vgg_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vgg.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="VGG-16") as caught:
        load_vgg16(path)
    assert "models pull vgg16" in caught.value.hint


def test_a_damaged_safetensors_file_is_refused_as_one(tmp_path: Path) -> None:
    path = tmp_path / "vgg.safetensors"
    path.write_bytes(vgg_weights.WEIGHTS.read_bytes()[:20_000])
    with pytest.raises(CheckpointError, match="no whole safetensors file"):
        load_vgg16(path)


def test_a_state_dict_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"features\.0\.weight"):
        load_vgg16(path)
