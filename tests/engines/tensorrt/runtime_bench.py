"""A TensorRT runner on fake hardware, with a plan and a record that are real."""

from typing import Any

import numpy as np
import pytest
import torch

import engines.tensorrt.runtime as runtime_module
from engines.profiles import BatchProfile
from engines.tensorrt.builder import BuildOptions, build_plan
from engines.tensorrt.cache import EngineKey, Entry, build_once
from engines.tensorrt.module import load_tensorrt
from engines.tensorrt.runtime import TensorrtRunner
from export.keys import ExportedGraph
from i2s_trt.arrays import Array, Pixels, WPlus
from i2s_trt.models.generator import Generator
from tests.engines.fake_gpu import FakeDevice, FakeEngine, fake_tensorrt

RTX = "tensorrt-rtx"
PROFILE = BatchProfile(1, 2, 4)


def build(exported: ExportedGraph, backend: str, targets: tuple[str, ...] = ()) -> Entry:
    version = str(load_tensorrt(backend).__version__)
    key = EngineKey("synthesis", "fp32", exported.record["sha256"], backend, version, PROFILE, targets)
    options = BuildOptions(backend, PROFILE, targets)
    return build_once(key, lambda: build_plan(exported.path, exported.record["inputs"], options))[0]


def latents(generator: Generator, count: int, seed: int = 0) -> WPlus:
    random = torch.Generator().manual_seed(seed)
    w = generator.mapping(torch.randn(count, generator.z_dim, generator=random))
    return np.ascontiguousarray(generator.broadcast(w).numpy())


class Bench:
    """A runner on fake hardware; its engine gives every pixel the sum of the latent and the first noise map."""

    def __init__(self, entry: Entry, exported: ExportedGraph, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entry, self.defaults, self.device = entry, exported.defaults, FakeDevice()
        record = entry.record
        self.engine = FakeEngine(
            self.device,
            tuple(tensor["name"] for tensor in record["inputs"]),
            {tensor["name"]: tuple(tensor["shape"]) for tensor in [*record["inputs"], *record["outputs"]]},
            self.compute,
        )
        self.plans: list[bytes] = []
        self.trt = fake_tensorrt(load_tensorrt(RTX), self.deserialize)
        monkeypatch.setattr(runtime_module, "load_tensorrt", lambda _backend: self.trt)

    def deserialize(self, plan: bytes) -> FakeEngine:
        assert self.device.is_current
        self.plans.append(plan)
        return self.engine

    def compute(self, values: dict[str, Array]) -> dict[str, Array]:
        return {"pixels": self.expected(values["w_plus"], values["noise_0"])}

    @staticmethod
    def expected(w_plus: WPlus, noise: Array) -> Array:
        level = np.abs(w_plus.sum((1, 2)) + noise.sum()) % 256
        pixels: Pixels = level.astype(np.uint8)[:, None, None, None]
        return pixels

    def runner(self, **options: Any) -> TensorrtRunner:
        return TensorrtRunner(self.entry, self.defaults, RTX, self.device, **options)
