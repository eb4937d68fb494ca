"""Renders through graphs, whatever runs them: the one synthesizer of every engine."""

import copy
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Self

import numpy as np

from i2s_trt.arrays import Array, Pixels, WPlus
from i2s_trt.deltas import Delta, check_delta, noise_name
from i2s_trt.embedding.options import TuneOptions
from i2s_trt.embedding.tune import tunable
from i2s_trt.models.generator import Generator
from i2s_trt.synthesizer import TorchSynthesizer

Runner = Callable[[Mapping[str, Array]], Mapping[str, Array]]


class GraphSynthesizer:
    """Renders through graphs; a runner is made when its graph is first needed. Threads may share it, as its runners.

    Args:
        generator: gives the sizes, and draws what no graph does.
        runner: makes the runner of `synthesis`, `images`, `preview` or `tuned`.
        draws_tuned: whether the graph `tuned` is to be had; where it is not, PyTorch draws with deltas.
    """

    def __init__(
        self, generator: Generator, runner: Callable[[str], Runner], draws_tuned: Callable[[], bool] = lambda: True
    ) -> None:
        self._generator, self._make, self._draws_tuned = generator, runner, draws_tuned
        self._delta: Delta | None = None
        self._changes: dict[str, Array] = {}
        self._tuned = False  # whether weights are changed, for which there is a graph of its own
        self._runners: dict[str, Runner] = {}
        self._lock = threading.Lock()
        self.resolution = generator.resolution
        self.num_layers = generator.num_layers
        self.w_dim = generator.w_dim

    def tuned(self, delta: Delta | None, /) -> "Self | TorchSynthesizer":
        """The same with a delta's tensors as inputs; PyTorch's where no graph takes them. See `Synthesizer`."""
        other = copy.copy(self)  # shares the runners
        other._delta, other._changes, other._tuned = delta, {}, False
        if delta is None:
            return other
        check_delta(delta, self._generator)
        noise = {name: input_ for name, input_ in self._noise.items() if name in delta.tensors}
        weights = delta.tensors.keys() - noise
        if weights and not (weights <= self._weights and ("tuned" in self._runners or self._draws_tuned())):
            return self._pytorch.tuned(delta)
        other._tuned = bool(weights)
        other._changes = {name: delta.tensors[name] for name in weights}
        other._changes |= {input_: stored + delta.tensors[name] for name, (input_, stored) in noise.items()}
        return other

    def __call__(self, w_plus: WPlus) -> Pixels:
        """Pictures uint8 [N, H, W, 3]; see `Synthesizer`."""
        return self._run("tuned" if self._tuned else "synthesis", w_plus)

    def images(self, w_plus: WPlus) -> Array:
        """Images float32 [N, 3, H, W]; see `Synthesizer`. PyTorch renders those of changed weights."""
        return self._pytorch.tuned(self._delta).images(w_plus) if self._tuned else self._run("images", w_plus)

    def preview(self, w_plus: WPlus) -> Pixels:
        """Small pictures; see `Synthesizer`. PyTorch renders those of changed weights."""
        return self._pytorch.tuned(self._delta).preview(w_plus) if self._tuned else self._run("preview", w_plus)

    @cached_property
    def _weights(self) -> set[str]:
        """The tensors of a delta that the graph `tuned` takes under their own names."""
        return {f"synthesis.{name}" for name in tunable(self._generator, TuneOptions().coarsest)}

    @cached_property
    def _noise(self) -> dict[str, tuple[str, Array]]:
        """The noise maps by their names in a delta: what the graphs call them, and the model's own [1, 1, H, W]."""
        maps = self._generator.synthesis.stored_noise()
        return {noise_name(i): (f"noise_{i}", map_.float().cpu().numpy()) for i, map_ in enumerate(maps)}

    @cached_property
    def _pytorch(self) -> TorchSynthesizer:
        return TorchSynthesizer(self._generator)

    def _run(self, name: str, w_plus: WPlus) -> Array:
        with self._lock:  # others wait: each runner may take half of a GPU's memory
            if name not in self._runners:
                self._runners[name] = self._make(name)
        latents = np.ascontiguousarray(w_plus, np.float32)
        if not len(latents):  # engines take no empty batch
            return self._run(name, np.zeros((1, *latents.shape[1:]), np.float32))[:0]
        (result,) = self._runners[name]({"w_plus": latents, **self._changes}).values()
        return result
