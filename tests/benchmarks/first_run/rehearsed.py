"""What the benchmarks do on a GPU, on the fake one: a program, since the card stays once it is there.

`python -m tests.benchmarks.first_run.rehearsed variants MODEL` with `tests.fake_cuda.environment()`; prints JSON lines.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import cast

import torch

from benchmarks.speed.step_variants import ENGINE, ON_GPU, make_step
from export.registry import GRAPHS
from export.source import GraphSource
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.models.vgg import imagenet_vgg16

_CALLS = 5  # three to warm up, one that records, one that replays


def variants(model: str) -> None:
    """Every variant of the step, and how it is taken in the end."""
    for variant in ON_GPU:
        if variant.name != ENGINE:  # TensorRT's
            step = make_step(variant, model, 1, "cuda")
            for _ in range(_CALLS):
                step()
            kind = cast("partial[None]", step).args[0].kind if isinstance(step, partial) else "eager"
            print(json.dumps({"variant": variant.name, "precision": variant.precision, "captured": kind == "captured"}))


def graphs(model: str) -> None:
    """Graphs of a generator that computes on the card: whether they compute on the CPU all the same."""
    source = GraphSource(lambda: load_generator(model).to("cuda"), imagenet_vgg16)
    for name in ("mapping", "synthesis"):
        graph = GRAPHS[name](source, "fp32")
        (result,) = torch.utils._pytree.tree_leaves(graph.function(*graph.examples.values()))
        print(json.dumps({"graph": name, "device": str(result.device)}))


def strict(_model: str) -> None:
    """What the card refuses."""
    x, graph = torch.ones(3, device="cuda"), torch.cuda.CUDAGraph()

    def waits() -> None:
        with torch.cuda.graph(graph):
            float(x.sum())

    def uploads() -> None:
        with torch.cuda.graph(graph):
            x.copy_(torch.ones(3))

    mistakes: dict[str, Callable[[], object]] = {
        "two devices": lambda: x + torch.ones(3),
        "numpy": x.numpy,
        "waits": waits,
        "uploads": uploads,
    }
    for name, mistake in mistakes.items():
        try:
            mistake()
        except (RuntimeError, TypeError) as error:
            print(json.dumps({"mistake": name, "said": str(error)}))
    with torch.cuda.graph(graph):
        y = torch.zeros(3, device="cuda")
        y += x
        x.mul_(2)
    before = x.tolist()
    for _ in range(2):
        graph.replay()
    print(json.dumps({"before": before, "x": x.tolist(), "y": y.tolist()}))


if __name__ == "__main__":
    {"variants": variants, "graphs": graphs, "strict": strict}[sys.argv[1]](sys.argv[2])
