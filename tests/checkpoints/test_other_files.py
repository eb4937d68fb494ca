"""Files that are no network of ours: each is named for what it is, with a hint."""

import codecs
import io
import os
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2s_trt.checkpoints.read import read_checkpoint
from i2s_trt.errors import CheckpointError
from tests.checkpoints.builders import EasyDict, Network, Persistent, dumps, network, torch_file
from tests.checkpoints.hostile import Reduced


def message_for(path: Path, data: bytes | None = None) -> str:
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    return str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    message = message_for(tmp_path / "none.pkl")
    assert "No such file or directory" in message
    assert "hint: check the name" in message


def test_folder(tmp_path: Path) -> None:
    assert "Is a directory" in message_for(tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    message = message_for(tmp_path / "net.pkl", b"")
    assert "is empty" in message
    assert "download it again" in message


@pytest.mark.parametrize("start", [b"", b"\r\n  ", codecs.BOM_UTF8])
@pytest.mark.parametrize("page", [b"<!DOCTYPE html><title>Quota exceeded</title>", b"<html></html>", b"<?xml?>"])
def test_web_page(start: bytes, page: bytes, tmp_path: Path) -> None:
    message = message_for(tmp_path / "net.pkl", start + page)
    assert "web page, not a model" in message
    assert "open the download link in a browser" in message


def test_git_lfs_pointer(tmp_path: Path) -> None:
    message = message_for(
        tmp_path / "net.pkl", b"version https://git-lfs.github.com/spec/v1\noid sha256:f277\nsize 3\n"
    )
    assert "Git LFS pointer" in message
    assert "git lfs pull" in message


@pytest.mark.parametrize(
    "data",
    [b"StyleGAN weights, see the readme\n", b"\xff\xd8\xff\xe0JPEG", b"\x93NUMPY", b"(lp0\nI1\na."],
    ids=["text", "jpeg", "npy", "pickle protocol 0"],
)
def test_neither_pickle_nor_pytorch(data: bytes, tmp_path: Path) -> None:
    message = message_for(tmp_path / "net.pkl", data)
    assert "neither a network pickle nor a PyTorch file" in message
    assert "i2s-trt models pull ffhq" in message


def test_npz_archive(tmp_path: Path) -> None:
    np.savez(tmp_path / "latents.npz", w=np.zeros(3))
    assert "restricted loader refused the file" in message_for(tmp_path / "latents.npz")


def test_zip_of_something_else(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "no model")
    assert "restricted loader refused the file" in message_for(tmp_path / "net.zip", stream.getvalue())


def test_stylegan2_tensorflow_with_half_its_variables(tmp_path: Path) -> None:
    one = np.ones(1, "f4")
    names = ["synthesis/4x4/Const/const", "synthesis/4x4/Conv/mod_weight", "mapping/Dense0/weight"]
    gs = network(dict.fromkeys(names, one), {"resolution": 64})
    message = message_for(tmp_path / "net.pkl", dumps((gs, gs, gs)))
    assert "0 styled layers and 1 mapping layers do not make a StyleGAN2 generator" in message


@pytest.mark.parametrize("version", [4, 5])
def test_tensorflow_network_without_styles(version: int, tmp_path: Path) -> None:
    gs = network({"synthesis/4x4/Const/const": np.ones(1, "f4")}, {}, version=version)
    message = message_for(tmp_path / "net.pkl", dumps((gs, gs, gs)))
    assert "is not a StyleGAN1 or StyleGAN2 generator" in message
    assert "i2s-trt models pull ffhq" in message


def test_progan(tmp_path: Path) -> None:
    names = ["4x4/Dense/weight", "4x4/Dense/bias", "4x4/Conv/weight", "8x8/Conv0_up/weight", "ToRGB_lod0/weight"]
    gs = Network("Gs", {name: np.ones(1, "f4") for name in names}, {}, build_func_name="G_paper")
    assert "(built by 'G_paper') is not a StyleGAN1 or StyleGAN2 generator" in message_for(
        tmp_path / "net.pkl", dumps((gs, gs, gs))
    )


def persistent(class_name: str, parts: Mapping[str, Any], **more: Any) -> Persistent:
    """A module of StyleGAN2-ADA's or StyleGAN3's PyTorch code; `parts` by name, each with its own parts."""
    modules = {name: persistent("Part", inner) for name, inner in parts.items()}
    state = {"_parameters": OrderedDict(), "_buffers": OrderedDict(), "_modules": modules, **more}
    return Persistent(class_name, "raise SystemExit('executed')", state)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("generator", "kind"),
    [
        (persistent("Generator", {"mapping": {}, "synthesis": {"input": {}, "L0_36_1024": {}}}), "a StyleGAN3 network"),
        (
            persistent(
                "Generator", {"mapping": {}, "synthesis": {"L0_36_64": {}}}, _init_kwargs={"path_stem": "a.pkl"}
            ),
            "a StyleGAN-XL network",
        ),
        (persistent("TriPlaneGenerator", {"backbone": {"synthesis": {}}}), "an EG3D network"),
        (persistent("Discriminator", {"b64": {}, "b4": {}}), "no StyleGAN2 generator, but 'Discriminator'"),
    ],
    ids=["stylegan3", "stylegan-xl", "eg3d", "discriminator"],
)
def test_other_modules(generator: Persistent, kind: str, protocol: int, tmp_path: Path) -> None:
    data = dumps({"training_set_kwargs": EasyDict(resolution=64), "G_ema": generator}, protocol)
    message = message_for(tmp_path / "net.pkl", data)
    assert f"this is {kind}" in message
    assert "i2s-trt embeds into StyleGAN1 and StyleGAN2" in message


def plain(name: str) -> type:
    """A class of that name and module, which pickles by it and not with its source."""
    module, _, own = name.rpartition(".")
    return type(own, (), {"__module__": module, "__qualname__": own})


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("training.volumetric_rendering.renderer.ImportanceRenderer", "an EG3D network, which renders from a camera"),
        ("training.volumetric_rendering.ray_sampler.RaySampler", "an EG3D network"),
        ("training.triplane.OSGDecoder", "an EG3D network"),
        ("torch.nn.modules.sparse.Embedding", "a StyleGAN-XL network"),
        ("pg_modules.projector.Proj", "a network of Projected GAN or StyleGAN-XL"),
        ("feature_networks.clip.model.CLIP", "a network of Projected GAN or StyleGAN-XL"),
        ("timm.models.efficientnet.EfficientNet", "a network of Projected GAN or StyleGAN-XL"),
        ("torch.nn.modules.linear.Linear", "a network with layers of PyTorch's own"),
    ],
)
def test_other_networks_by_their_plain_classes(
    name: str, kind: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real files have such parts, which are met before the tensors that would tell."""
    known = plain(name)
    for at in range(1, name.count(".") + 1):
        folder = ".".join(name.split(".")[:at])
        monkeypatch.setitem(sys.modules, folder, types.ModuleType(folder))
    setattr(sys.modules[known.__module__], known.__name__, known)
    part = known()
    part.weight = 1
    generator = persistent("TriPlaneGenerator", {"backbone": {}}, part=part)
    message = message_for(tmp_path / "net.pkl", dumps({"D": None, "G_ema": generator}, protocol))
    assert f"this is {kind}" in message
    assert f"(it needs {name})" in message
    assert "i2s-trt embeds into StyleGAN1 and StyleGAN2" in message


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (["style.1.linear.weight_orig", "generator.progression.0.conv1.conv.weight_orig"], "rosinality's style-based"),
        (["progression.0.conv1.weight"], "a different architecture"),
        (["mapping.dense0.weight", "synthesis.early_layer.const"], "StyleGAN2 (genforce)"),
        (["mapping.fc0.weight", "synthesis.input.freqs"], "StyleGAN3"),
        (["mapping.fc0.weight", "synthesis.L0_36_512.weight"], "StyleGAN3"),
        (["mapping.embed_proj.weight", "synthesis.L0_36_512.weight"], "a StyleGAN-XL network"),
        (
            ["backbone.mapping.fc0.weight", "backbone.synthesis.b4.const"],
            "an EG3D network, which renders from a camera",
        ),
    ],
)
@pytest.mark.parametrize("wrapper", ["", "g_running", "g_ema", "state_dict"])
def test_pytorch_networks_refused_by_name(keys: list[str], name: str, wrapper: str, tmp_path: Path) -> None:
    state = {key: torch.zeros(2) for key in keys}
    message = message_for(tmp_path / "net.pt", torch_file({wrapper: state} if wrapper else state))
    assert f"this is {name}" in message or name in message
    assert "i2s-trt models pull ffhq" in message


def test_state_dict_of_an_unknown_network(tmp_path: Path) -> None:
    data = torch_file({"features.0.weight": torch.zeros(2), "features.0.bias": torch.zeros(2)})
    assert "no known StyleGAN conversion has these tensors (features.0.weight, features.0.bias" in message_for(
        tmp_path / "net.pt", data
    )


@pytest.mark.parametrize("tree", [{}, [1, 2], 5, torch.zeros(3), {"g_ema": {}}, {"epoch": 3}], ids=str)
def test_pytorch_file_without_state_dict(tree: Any, tmp_path: Path) -> None:
    assert "no state dict of tensors" in message_for(tmp_path / "net.pt", torch_file(tree))


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_pytorch_file_with_code(legacy: bool, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    state = {"g_mapping.dense0.weight": torch.zeros(2), "hook": Reduced(os.system, f"touch {marker}")}
    message = message_for(tmp_path / "net.pt", torch_file(state, legacy=legacy))
    assert "restricted loader refused the file" in message
    assert "save its state_dict alone" in message
    assert not marker.exists()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_truncated_pytorch_file(legacy: bool, tmp_path: Path) -> None:
    whole = torch_file({"g_mapping.dense0.weight": torch.zeros(100)}, legacy=legacy)
    for length in range(20, len(whole) - 1, len(whole) // 20):
        assert "restricted loader refused the file" in message_for(tmp_path / "net.pt", whole[:length])
