"""Pickles of PyTorch modules that are hostile, broken or mismatched: each is refused, and none runs anything."""

import os
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.storage
from torch import Tensor

from i2s_trt.checkpoints.read import read_checkpoint
from tests.checkpoints.builders import Persistent, dumps, torch_file
from tests.checkpoints.hostile import Reduced
from tests.checkpoints.opcodes import refused
from tests.checkpoints.reference_stylegan2 import Recipe2, raw_state
from tests.checkpoints.writers_stylegan2 import EXECUTED, SOURCE, module_pickle

SMALL = Recipe2()


def numbers_of(tensor: Tensor) -> Any:
    """The old kind of storage, as modules' pickles hold it."""
    return torch.TypedStorage(  # type: ignore[no-untyped-call]
        wrap_storage=tensor.untyped_storage(), dtype=tensor.dtype, _internal=True
    )


def storage(numbers: int = 6, data: bytes | None = None) -> Reduced:
    """What `torch.save` makes of a storage, or other bytes in its place."""
    if data is None:
        data = torch_file(numbers_of(torch.zeros(numbers)), legacy=True)
    return Reduced(torch.storage._load_from_bytes, data)


def view(of: Any, size: Any, stride: Any, offset: Any = 0) -> Reduced:
    """A tensor's view of a storage."""
    return Reduced(torch._utils._rebuild_tensor_v2, of, offset, size, stride, False, OrderedDict())


def with_weight(weight: Any) -> bytes:
    """A network of which one tensor is something else."""
    constant = module({"const": weight})
    parts = {"b4": constant}
    return dumps({"G_ema": module({}, synthesis=module({}, **parts), mapping=module({}))})


def module(parameters: dict[str, Any], **parts: Any) -> Persistent:
    return Persistent("Module", "", {"_parameters": parameters, "_buffers": {}, "_modules": parts})


def test_the_source_of_a_module_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EXECUTED, raising=False)
    with pytest.raises(SystemExit, match="the source was executed"):
        exec(SOURCE, {})
    assert os.environ.pop(EXECUTED) == "yes"
    data = module_pickle(SMALL, raw_state(SMALL))
    assert SOURCE.encode() in data
    (tmp_path / "net.pkl").write_bytes(data)
    assert read_checkpoint(tmp_path / "net.pkl").weights.spec.is_stylegan2
    assert EXECUTED not in os.environ


@pytest.mark.parametrize(
    ("part", "attribute", "value", "words"),
    [
        ("synthesis.b8.conv1.", "conv_clamp", 3.0, "synthesis.b4.conv1.conv_clamp is 256.0 and synthesis.b8.conv1."),
        ("synthesis.b16.torgb.", "conv_clamp", None, "synthesis.b16.torgb.conv_clamp is None"),
        ("synthesis.b4.torgb.", "conv_clamp", "256", "synthesis.b4.torgb.conv_clamp is 256, where a number"),
        ("synthesis.b4.conv1.", "conv_clamp", -1, "synthesis.b4.conv1.conv_clamp is -1, where a number above 0"),
        ("synthesis.b4.conv1.", "conv_clamp", float("nan"), "is nan, where a number above 0"),
        ("mapping.fc1.", "bias_gain", 0.5, "mapping.fc1.bias_gain is 0.5; a network has one for all"),
        ("mapping.fc0.", "bias_gain", 0, "mapping.fc0.bias_gain is 0, where a number above 0"),
        ("mapping.fc0.", "bias_gain", np.zeros(2, np.float32), "mapping.fc0.bias_gain is"),
        ("mapping.fc1.", "activation", "swish", "the activation 'swish'"),
        ("synthesis.b8.conv0.", "activation", "linear", "the activation 'linear'"),
        ("synthesis.b8.conv0.", "use_noise", False, "without noise"),
    ],
)
def test_a_layer_that_computes_something_else(
    part: str, attribute: str, value: Any, words: str, tmp_path: Path
) -> None:
    recipe = replace(SMALL, clamp=256.0)
    data = module_pickle(recipe, raw_state(recipe), altered={part: {attribute: value}})
    message = refused(tmp_path, data)
    assert words in message
    assert "\n  hint: use a StyleGAN1 or StyleGAN2 checkpoint" in message


@pytest.mark.parametrize(
    ("part", "attribute", "value", "words"),
    [
        ("", "img_resolution", 32, "synthesis.img_resolution is 16, where the rest of the file says 32"),
        ("mapping.", "w_dim", 512, "mapping.w_dim is 512, where the rest of the file says"),
        ("synthesis.", "num_ws", 18, "synthesis.num_ws is 18, where the rest of the file says 6"),
        ("mapping.", "z_dim", np.zeros(2, np.float32), "mapping.z_dim is"),
        ("", "c_dim", "two", "c_dim is two, where a number"),
        ("", "w_dim", float("nan"), "w_dim is nan, where a number"),
    ],
)
def test_halves_that_name_other_sizes(part: str, attribute: str, value: Any, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, module_pickle(SMALL, raw_state(SMALL), altered={part: {attribute: value}}))


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("img_resolution", 1024, "the file says resolution 1024 and holds the tensors of 16"),
        ("w_dim", 512, "the file says w_dim 512 and holds"),
        ("z_dim", 512, "the file says z_dim 512 and holds"),
        ("c_dim", 10, "the file says label_size 10 and holds the tensors of 0"),
        ("num_ws", 18, "the file says num_layers 18 and holds the tensors of 6"),
    ],
)
def test_sizes_that_are_not_those_of_the_tensors(attribute: str, value: int, words: str, tmp_path: Path) -> None:
    altered = {part: {attribute: value} for part in ("", "mapping.", "synthesis.")}
    assert words in refused(tmp_path, module_pickle(SMALL, raw_state(SMALL), altered=altered))


def test_a_file_that_names_no_sizes_is_read(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("img_resolution", "z_dim", "w_dim", "c_dim", "num_ws"))
    altered = dict.fromkeys(("", "mapping.", "synthesis."), nothing)
    (tmp_path / "net.pkl").write_bytes(module_pickle(SMALL, raw_state(SMALL), altered=altered))
    assert read_checkpoint(tmp_path / "net.pkl").weights.spec.resolution == SMALL.resolution


def test_a_storage_that_holds_code(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    evil = torch_file({"hook": Reduced(os.system, f"touch {marker}")}, legacy=True)
    message = refused(tmp_path, with_weight(view(storage(data=evil), (2, 3), (3, 1))), marker)
    assert "restricted loader refused the file" in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "restricted loader"),
        (b"no pickle", "restricted loader"),
        (torch_file({"a": 1}, legacy=True), "not made of numbers"),
        (torch_file(torch.zeros(2)), "restricted loader"),
    ],
    ids=["empty", "text", "dictionary", "zip"],
)
def test_a_storage_that_is_none(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, with_weight(view(storage(data=data), (1,), (1,))))


@pytest.mark.parametrize(
    ("size", "stride", "offset", "words"),
    [
        ((7,), (1,), 0, "larger than the numbers"), ((6,), (1,), 1, "larger than the numbers"),
        ((3, 3), (1, 1), 0, "larger than the numbers"), ((10**9,), (0,), 0, "larger than the numbers"),
        ((2, 2), (5, 1), 0, "larger than the numbers"), ((-1,), (1,), 0, "a shape that no tensor has"),
        ((2,), (-1,), 1, "a shape that no tensor has"), ((2,), (1,), -1, "a shape that no tensor has"),
        ((2, 3), (1,), 0, "a shape that no tensor has"), ([6], [1], 0, "a shape that no tensor has"),
        ((2**40,), (1,), 0, "a shape that no tensor has"), (("6",), (1,), 0, "a shape that no tensor has"),
    ],
    ids=str,
)  # fmt: skip
def test_a_view_beyond_its_storage(size: Any, stride: Any, offset: Any, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, with_weight(view(storage(), size, stride, offset)))


@pytest.mark.parametrize("weight", [5, "text", {"a": 1}, view(3, (1,), (1,))], ids=["number", "text", "dict", "view"])
def test_a_parameter_that_is_no_tensor(weight: Any, tmp_path: Path) -> None:
    assert "synthesis.b4.const is not a tensor" in refused(tmp_path, with_weight(weight))


def test_one_storage_again_and_again(tmp_path: Path) -> None:
    """The bytes are in the file once; what they unfold into is counted each time."""
    data = torch_file(numbers_of(torch.zeros(200_000)), legacy=True)
    parameters = {f"w{i}": view(storage(data=data), (1,), (1,)) for i in range(50)}
    found = dumps({"G_ema": module(parameters, synthesis=module({}, b4=module({})), mapping=module({}))})
    assert len(found) < 2 * len(data)
    assert "repeats itself to exhaust the memory" in refused(tmp_path, found)


def test_modules_nested_without_end(tmp_path: Path) -> None:
    deep = module({})
    for _ in range(12):
        deep = module({}, inner=deep)
    message = refused(tmp_path, dumps({"G_ema": module({}, synthesis=deep, mapping=module({}))}))
    assert "nested too deep" in message


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"_modules": {"synthesis": 5}}, "the part synthesis of the network is not a module"),
        ({"_modules": [1]}, "modules are not named"),
        ({"_modules": {5: module({})}}, "modules are not named"),
        ([], "a module's description is not a class and its state"),
        (None, "a module's description is not a class and its state"),
    ],
    ids=["part", "list of parts", "number for a name", "list", "nothing"],
)
def test_a_module_that_is_none(state: Any, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, dumps({"G_ema": Persistent("Generator", "", state)}))


@pytest.mark.parametrize("protocol", [2, 4])
def test_truncated_anywhere(protocol: int, tmp_path: Path) -> None:
    whole = module_pickle(SMALL, raw_state(SMALL), protocol=protocol)
    for length in range(2, len(whole) - 1, len(whole) // 40):
        assert "truncated or broken" in refused(tmp_path, whole[:length])


def changed(state: dict[str, Tensor], name: str, value: Tensor | None) -> dict[str, Tensor]:
    others = {key: tensor for key, tensor in state.items() if key != name}
    return others if value is None else {**others, name: value}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("synthesis.b8.conv1.weight", None, "lacks the tensor that becomes 'synthesis.layers.2.weight'"),
        ("synthesis.b8.torgb.bias", None, "lacks the tensor that becomes 'synthesis.to_rgb.1.bias'"),
        ("mapping.fc1.bias", None, "lacks the tensor that becomes 'mapping.dense.1.bias'"),
        ("mapping.fc0.weight", None, "0 mapping layers do not make a StyleGAN2 generator"),
        ("synthesis.b16.conv0.bias", None, "the file says resolution 16 and holds the tensors of 8"),
        ("synthesis.b8.conv0.weight", torch.zeros(6, 7, 5, 5), "this architecture has [6, 7, 3, 3]"),
        ("synthesis.b8.conv0.noise_strength", torch.zeros(6), "has shape [6]"),
        ("synthesis.b4.const", torch.full((7, 4, 4), torch.nan), "holds values that are not finite"),
        ("mapping.fc1.weight", torch.zeros(11, 10), "the mapping network ends with 11 values, not 10"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit(name: str, value: Tensor | None, words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, module_pickle(SMALL, changed(raw_state(SMALL), name, value)))


def test_a_filter_that_is_no_row_of_four(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(
        torch_file({**raw_state(SMALL), "synthesis.b8.conv0.resample_filter": torch.eye(4)})
    )
    assert "resampling filter" in refused(tmp_path, (tmp_path / "net.pt").read_bytes())


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (("b4", "b8", "b16"), "the file says architecture 'resnet' and holds the tensors of 'skip'"),
        (("b8",), "its blocks say they are resnet and skip"),
    ],
)
def test_a_topology_that_is_not_that_of_the_tensors(blocks: tuple[str, ...], words: str, tmp_path: Path) -> None:
    altered = {f"synthesis.{block}.": {"architecture": "resnet"} for block in blocks}
    assert words in refused(tmp_path, module_pickle(SMALL, raw_state(SMALL), altered=altered))
