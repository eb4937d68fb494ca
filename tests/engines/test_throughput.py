"""Engines set up for many pictures: the same pictures, from a synthesizer for each thread."""

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from engines import throughput
from engines.synthesizers import choose_synthesizer
from engines.tensorrt import cache
from engines.tensorrt.cache import Entry
from engines.throughput import for_throughput
from export.keys import ExportedGraph
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import TorchSynthesizer
from tests.engines.tensorrt.runtime_bench import PROFILE, RTX, latents


def test_onnx_runtime_gets_a_session_for_each_core(generator: Generator, exported: ExportedGraph) -> None:
    choice = choose_synthesizer("onnxruntime", generator)
    found = for_throughput(choice, generator)
    cores = len(os.sched_getaffinity(0))
    assert len(set(map(id, found.synthesizers))) == min(cores, 8)
    w_plus = latents(generator, found.batch)
    expected = TorchSynthesizer(generator)(w_plus)
    for synthesizer in found.synthesizers:
        pictures = synthesizer(w_plus)
        np.testing.assert_array_equal(pictures, choice.synthesizer(w_plus))
        assert np.abs(pictures.astype(int) - expected).max() <= 1
    assert exported.path.exists()


def test_torch_on_a_cpu_uses_all_cores_by_itself(generator: Generator) -> None:
    choice = choose_synthesizer("torch", generator)
    assert for_throughput(choice, generator).synthesizers == (choice.synthesizer,)


def test_the_batch_is_the_one_that_the_engine_was_tuned_for(
    generator: Generator, entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entry.record["key"]["profile"]["tuned"] == PROFILE.tuned
    assert throughput._tune_batch(RTX, generator) == throughput._GPU_BATCH  # none for this machine's GPU
    monkeypatch.setattr(cache, "gpu_target", lambda number: ("sm89", "sm86")[number])
    on_second: Any = SimpleNamespace(digest=generator.digest, mean_w=SimpleNamespace(device=torch.device("cuda", 1)))
    assert throughput._tune_batch(RTX, on_second) == throughput._GPU_BATCH
    assert throughput._tune_batch(RTX, generator) == PROFILE.tuned
