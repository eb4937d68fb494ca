"""Which device torch computes on, samples by seed, and what the machine is."""

from pathlib import Path

import numpy as np
import pytest
import torch

import i2s_trt
from i2s_trt.devices import choose_device
from i2s_trt.errors import EnvironmentFault, UsageError
from i2s_trt.machine import describe_machine, free_gib, package_version
from i2s_trt.models.generator import Generator
from i2s_trt.seeds import w_plus_from_seed, z_from_seed


def test_devices_by_name() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_gpu_comes_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 2)
    for name, number in (("auto", 2), ("cuda", 2), ("cuda:0", 0), ("cuda:1", 1)):
        assert choose_device(name) == torch.device("cuda", number)
    with pytest.raises(EnvironmentFault, match="no CUDA device cuda:3"):
        choose_device("cuda:3")


@pytest.mark.parametrize("name", ["", "tpu", "cpux", "cuda:", "cuda:x", "cuda:-1", "mps"])
def test_devices_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="no device named") as caught:
        choose_device(name)
    assert "cuda:N" in caught.value.hint


def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(EnvironmentFault, match="no CUDA device cuda:99") as caught:
        choose_device("cuda:99")
    assert "--device cpu" in caught.value.hint


def test_seeds_are_the_originals() -> None:
    assert z_from_seed(0, 3).tolist() == np.array([1.7640524, 0.4001572, 0.978738], np.float32).tolist()


def test_psi_draws_to_the_mean(toy: Generator) -> None:
    np.testing.assert_allclose(w_plus_from_seed(toy, 1, 0.0), toy.mean_w_plus.numpy(), atol=1e-6)
    np.testing.assert_array_equal(w_plus_from_seed(toy, 1), w_plus_from_seed(toy, 1, toy.spec.truncation_psi))


def test_the_machine() -> None:
    machine = describe_machine()
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert machine.packages["torch"] == torch.__version__
    assert package_version("no-such-distribution") == ""
    assert free_gib(Path("/no/such/folder")) > 0


def test_the_librarys_face_is_importable() -> None:
    for name in i2s_trt.__all__:
        assert getattr(i2s_trt, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        getattr(i2s_trt, "nothing")  # noqa: B009
