"""A worker's side of editing, in this process."""

from pathlib import Path

import numpy as np
import pytest

from i2s_trt.arrays import Pixels, WPlus
from i2s_trt.cluster.render import Rendered, RenderSettings, RenderWorkshop
from i2s_trt.cluster.tasks import Bench, Done, Failed, Hello, Task
from i2s_trt.deltas import TunedLatent
from i2s_trt.errors import EnvironmentFault, I2sError


class Renderer:
    """Notes the batches; has memory for some pictures, refuses negative latents, and has no GPU for those above 8."""

    def __init__(self, memory: int = 100) -> None:
        self.batches: list[int] = []
        self._memory = memory

    def __call__(self, w_plus: WPlus) -> Pixels:
        self.batches.append(len(w_plus))
        if len(w_plus) > self._memory:
            raise MemoryError
        if (w_plus < 0).any():
            raise I2sError("negative", "take another")
        if (w_plus > 8).any():
            raise EnvironmentFault("no GPU", "look for it")
        return np.full((len(w_plus), 4, 4, 3), 7, np.uint8)


def workshop(renderer: Renderer, takes: int, batch: int = 0, folder: Path | None = None) -> RenderWorkshop:
    hello = Hello("cpu", "none", takes, 2)
    return RenderWorkshop([renderer], RenderSettings(), Bench("w", folder), hello, batch)  # type: ignore[list-item]


def tasks(*values: float) -> list[Task]:
    return [
        Task(f"t{number}.png", TunedLatent(np.full((2, 3), value, np.float32))) for number, value in enumerate(values)
    ]


def test_it_renders_fewer_at_a_time_than_it_takes() -> None:
    renderer = Renderer()
    answer = workshop(renderer, 8, 3).work(tasks(*[1.0] * 8))
    assert (renderer.batches, answer.batch) == ([3, 3, 2], 8)


def test_without_memory_batches_are_halved_and_stay_so() -> None:
    renderer = Renderer(memory=2)
    shop = workshop(renderer, 8)
    answer = shop.work(tasks(*[1.0] * 8))
    assert all(isinstance(outcome, Done) for outcome in answer.outcomes)
    assert (renderer.batches, answer.batch) == ([8, 4, 2, 2, 4, 2, 2], 2)
    assert shop.work(tasks(*[1.0] * 4)).batch == 2
    (only,) = workshop(Renderer(memory=0), 8).work(tasks(1.0)).outcomes
    assert isinstance(only, Failed)
    assert only.kind == "memory"


def test_one_that_fails_leaves_the_others_alone() -> None:
    outcomes = workshop(Renderer(), 3).work(tasks(1.0, -1.0, 1.0)).outcomes
    assert [type(outcome) for outcome in outcomes] == [Done, Failed, Done]
    assert (outcomes[1].message, outcomes[1].hint) == ("negative", "take another")  # type: ignore[union-attr]


@pytest.mark.parametrize("shared", [True, False])
def test_bytes_go_where_they_are_wanted(tmp_path: Path, shared: bool) -> None:
    (outcome,) = workshop(Renderer(), 1, folder=tmp_path if shared else None).work(tasks(1.0)).outcomes
    assert isinstance(outcome, Done)
    rendered: Rendered = outcome.value
    data = (tmp_path / "t0.png").read_bytes() if shared else rendered.data
    assert data is not None
    assert (len(data), rendered.data is None) == (rendered.size, shared)


def test_what_the_machine_cannot_do_is_its_own_fault() -> None:
    shop = workshop(Renderer(), 3)
    before = shop.progress
    outcomes = shop.work(tasks(1.0, 9.0, 1.0)).outcomes
    assert outcomes[1] == Failed("t1.png", "no GPU", "look for it", "machine")
    assert [type(outcome) for outcome in outcomes] == [Done, Failed, Done]
    assert shop.progress > before


def test_a_name_that_cannot_be_is_no_full_disk(tmp_path: Path) -> None:
    folder = tmp_path / "out/.partial/w"
    folder.mkdir(parents=True)
    (task,) = tasks(1.0)
    too_long = Task(f"{'n' * 300}.png", task.payload)
    outcomes = workshop(Renderer(), 2, folder=folder).work([too_long, task]).outcomes
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].kind == "task"
    assert outcomes[0].message.startswith(f"{tmp_path / 'out'}/nnn")
    assert isinstance(outcomes[1], Done)
