"""Hostile pickles: each is refused with an error that names what and a hint, and none runs anything."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.checkpoints.read import read_checkpoint
from tests.checkpoints.builders import dumps, network, network_pickle, static_kwargs, tf_variables
from tests.checkpoints.hostile import Reduced
from tests.checkpoints.opcodes import (
    DTYPE,
    EMPTY_ARRAY,
    TINY,
    array,
    call,
    named,
    program,
    refused,
    text,
)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that an attack would make."""
    return tmp_path / "executed"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "__import__"),
        ("builtins", "getattr"),
        ("builtins", "open"),
        ("__builtin__", "eval"),
        ("subprocess", "Popen"),
        ("subprocess", "check_output"),
        ("runpy", "run_path"),
        ("importlib", "import_module"),
        ("pickle", "loads"),
        ("marshal", "loads"),
        ("types", "CodeType"),
        ("types", "FunctionType"),
        ("functools", "partial"),
        ("operator", "attrgetter"),
        ("copyreg", "_reconstructor"),
        ("webbrowser", "open"),
        ("numpy", "load"),
        ("numpy", "fromfile"),
        ("numpy", "core"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.core.multiarray", "array"),
        ("numpy.core.multiarray", "_reconstruct.__globals__"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy.f2py.crackfortran", "getlincoef"),
        ("torch", "load"),
        ("torch.storage", "_new_with_file"),
        ("dnnlib.util", "call_func_by_name"),
        ("dnnlib.tflib.network", "exec"),
        ("collections", "OrderedDict.fromkeys.__globals__"),
        ("i2s_trt.checkpoints.records", "np"),
    ],
)
def test_global_is_refused_by_name(module: str, name: str, tmp_path: Path, marker: Path) -> None:
    message = refused(tmp_path, program(call(module, name, text(f"touch {marker}"))), marker)
    assert f"refused to load {module}.{name}" in message
    assert "hint: use the original .pkl" in message


@pytest.mark.parametrize("chain", ["_reconstruct.__globals__", "_reconstruct.__class__.__mro__", "scalar.__self__"])
def test_dotted_name_from_the_stack(chain: str, tmp_path: Path) -> None:
    message = refused(tmp_path, program(text("numpy.core.multiarray") + text(chain) + b"\x93"))
    assert f"refused to load numpy.core.multiarray.{chain}" in message


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("place", ["static_kwargs", "variable", "discriminator"])
def test_attack_within_a_whole_network(place: str, protocol: int, tmp_path: Path, marker: Path) -> None:
    attack = Reduced(os.system, f"touch {marker}")
    kwargs: dict[str, Any] = static_kwargs(TINY) | ({"hook": attack} if place == "static_kwargs" else {})
    variables: dict[str, Any] = tf_variables(TINY) | ({"hook": attack} if place == "variable" else {})
    other = attack if place == "discriminator" else None
    message = refused(tmp_path, dumps((None, other, network(variables, kwargs)), protocol), marker)
    assert "system" in message


@pytest.mark.parametrize("end", ["", "\n", "\nraise SystemExit\n"])
def test_build_module_source_is_not_executed(end: str, tmp_path: Path, marker: Path) -> None:
    source = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\ndef G_style(*a, **k): pass" + end
    path = tmp_path / "net.pkl"
    path.write_bytes(network_pickle(TINY, build_module_src=source))
    assert read_checkpoint(path).weights.spec.resolution == 8
    assert not marker.exists()


def test_marker_would_show_execution(tmp_path: Path, marker: Path) -> None:
    pickle.loads(pickle.dumps(Reduced(os.system, f"touch {marker}")))
    assert marker.exists()


@pytest.mark.parametrize(
    ("opcode", "body"),
    [
        ("PERSID", b"Pid\n"),
        ("BINPERSID", b"K\x01Q"),
        ("INST", b"(S'touch'\nios\nsystem\n"),
        ("OBJ", b"(" + named("os", "system") + text("touch") + b"o"),
        ("EXT1", b"\x82\x01"),
        ("EXT2", b"\x83\x01\x00"),
        ("EXT4", b"\x84\x01\x00\x00\x00"),
        ("NEXT_BUFFER", b"\x97"),
        ("READONLY_BUFFER", b"\x97\x98"),
    ],
)
def test_opcode_is_refused_by_name(opcode: str, body: bytes, tmp_path: Path) -> None:
    expected = "NEXT_BUFFER" if opcode == "READONLY_BUFFER" else opcode
    assert f"refused the pickle opcode {expected}," in refused(tmp_path, program(body))


@pytest.mark.parametrize(
    "target",
    [
        named("numpy.core.multiarray", "_reconstruct"),
        named("_codecs", "encode"),
        named("dnnlib.tflib.network", "Network"),
        named("collections", "OrderedDict"),
        b"}",
        b"]",
        b"N",
        text("text"),
    ],
    ids=["function", "codec", "class", "dict class", "dict", "list", "none", "text"],
)
@pytest.mark.parametrize("state", [b"}" + text("__class__") + named("numpy", "dtype") + b"s", b"N}" + b"\x86"])
def test_build_alters_nothing(target: bytes, state: bytes, tmp_path: Path) -> None:
    refused(tmp_path, program(target + state + b"b"))
    path = tmp_path / "net.pkl"
    path.write_bytes(network_pickle(TINY))
    read_checkpoint(path)  # the next file is read as if nothing had happened


def test_network_state_that_is_no_dictionary(tmp_path: Path) -> None:
    body = named("dnnlib.tflib.network", "Network") + b")\x81]b"
    assert "a network's state is not a dictionary" in refused(tmp_path, program(body))


def test_network_without_state(tmp_path: Path) -> None:
    assert "holds no (G, D, Gs)" in refused(tmp_path, program(named("dnnlib.tflib.network", "Network") + b")\x81"))


def test_network_called_as_a_function(tmp_path: Path) -> None:
    refused(tmp_path, program(call("dnnlib.tflib.network", "Network", text("surprise"))))


@pytest.mark.parametrize("code", ["O8", "|O", "S16", "U4", "V8", "f4,O", "M8[s]", "i3", "c8", ""])
def test_dtype_that_is_no_number(code: str, tmp_path: Path) -> None:
    body = array(b"K\x01\x85", bytes(8), call("numpy", "dtype", text(code)))
    assert f"dtype {code!r} is not made of numbers" in refused(tmp_path, program(body))


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("values", [np.array([None, 1]), np.array(["a", "b"]), np.array([b"a"])], ids=str)
def test_variable_of_objects_or_strings(values: Any, protocol: int, tmp_path: Path) -> None:
    refused(tmp_path, dumps(network(tf_variables(TINY) | {"extra": values}, static_kwargs(TINY)), protocol))


def test_array_whose_data_is_an_object(tmp_path: Path) -> None:
    body = EMPTY_ARRAY + b"(K\x01K\x01\x85" + DTYPE + b"\x89]tb"
    assert "not bytes and a dtype" in refused(tmp_path, program(body))


def test_array_without_dtype(tmp_path: Path) -> None:
    assert "not bytes and a dtype" in refused(tmp_path, program(array(b"K\x01\x85", bytes(4), b"N")))


@pytest.mark.parametrize("encoding", ["utf-8", "rot13", "zlib", "unicode_escape"])
def test_codec_other_than_latin1(encoding: str, tmp_path: Path) -> None:
    message = refused(tmp_path, program(call("_codecs", "encode", text("x"), text(encoding))))
    assert "bytes in a form that no network file has" in message
