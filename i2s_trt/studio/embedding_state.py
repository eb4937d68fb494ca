"""The state of an embedding in a file, so that it goes on, or goes on for longer, from exactly where it was."""

from dataclasses import fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from i2s_trt.embedding.steps.lbfgs import MEMORY, QuasiNewtonState
from i2s_trt.embedding.steps.state import FINISHED, RUNNING, EmbedState
from i2s_trt.files import write_bytes


def keep_state(path: Path, state: EmbedState, seconds: float) -> None:
    """Write a state of one image, with the seconds spent on it. Raises EnvironmentFault for a full disk."""
    own = state.select(0)
    tensors = {field.name: getattr(own, field.name).contiguous() for field in fields(own)}
    write_bytes(path, save(tensors, {"seconds": str(seconds)}))


def load_state(path: Path, kind: type[EmbedState]) -> tuple[EmbedState, float] | None:
    """A state of this kind and its seconds; None where there is none, or a damaged one."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            seconds = float((file.metadata() or {})["seconds"])
        return kind(**tensors), seconds
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None


def kept_step(path: Path) -> int:
    """The step at which the state in a file was kept; 0 where there is none, or a damaged one."""
    try:
        with safe_open(path, framework="pt") as file:
            return int(file.get_tensor("step").max())
    except (OSError, SafetensorError, RuntimeError):
        return 0


def lengthened(state: EmbedState, steps: int) -> EmbedState:
    """A state [1, ...] with room for `steps` steps, that runs on if it had but taken all that it might."""
    state = state.select(0)
    missing = steps - state.history.shape[1]
    if missing > 0:
        room = torch.full((1, missing, state.history.shape[2]), torch.nan)
        state.history = torch.cat([state.history, room], dim=1)
    if isinstance(state, QuasiNewtonState):
        short = min(MEMORY, max(steps, 1)) - state.moves.shape[1]
        if short > 0:  # zeros at the front stand for pairs that are not there
            empty = torch.zeros(1, short, state.moves.shape[2])
            state.moves, state.changes = (torch.cat([empty, pairs], dim=1) for pairs in (state.moves, state.changes))
    if int(state.step) < steps:
        state.status = torch.where(state.status == FINISHED, RUNNING, state.status)
    return state
