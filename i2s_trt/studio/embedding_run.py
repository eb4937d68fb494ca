"""One embedding, step by step, in a process of its own: what `embeddings` hands to a child, and what comes back."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from i2s_trt.embedding.embed import EmbedProblem
    from i2s_trt.embedding.steps.state import EmbedState
    from i2s_trt.latents import Latent
    from i2s_trt.photographs.prepare import Prepared

_BETWEEN_FRAMES, _BETWEEN_REPORTS, _BETWEEN_STATES = 0.5, 0.1, 5.0  # seconds
_QUALITY = 85
_NICE = 5  # previews go first


@dataclass(frozen=True)
class Task:
    """What to embed; picklable.

    Attributes:
        model, device: as for `session.SessionOptions`.
        picture: what is embedded, with its record.
        steps: in all, those done before counted.
        schedule: `fast` or `paper`.
        prior: weight of the prior.
        state: file of the run's state, to go on from if it is there.
        stop: a file that ends the run once it is there.
    """

    model: str
    device: str
    picture: "Prepared"
    steps: int
    schedule: str
    prior: float
    state: Path
    stop: Path


@dataclass(frozen=True)
class Progressed:
    """Steps done and the loss before the latest; a JPEG of where it is, every so often."""

    step: int
    loss: float
    jpeg: bytes | None = None


@dataclass(frozen=True)
class Ended:
    """The latent that was reached, finished or not."""

    latent: "Latent"


def embed_in_child(task: Task) -> Iterator[Progressed | Ended]:
    """Embed, and yield progress a few times a second and the result last.

    Raises:
        I2sError: as `session.open_session` does.
    """
    from i2s_trt.memory import kept_memory
    from i2s_trt.studio.embedding_state import keep_state

    with suppress(OSError):
        os.nice(_NICE)
    problem, state, before = _open(task)
    step, running = problem.running(state)
    begun = reported = shown = kept = time.monotonic()
    with kept_memory():
        while running.steps_left(task.steps) > 0 and not task.stop.exists():
            losses, now = step(), time.monotonic()
            if now - reported >= _BETWEEN_REPORTS:
                due = now - shown >= _BETWEEN_FRAMES
                yield Progressed(int(running.step[0]), float(losses[0, 0]), _frame(problem, running) if due else None)
                reported, shown = time.monotonic(), time.monotonic() if due else shown
            if now - kept >= _BETWEEN_STATES:
                keep_state(task.state, running, before + now - begun)
                kept = time.monotonic()
    if running is not state:
        state.take(running)
    spent = before + time.monotonic() - begun
    keep_state(task.state, state, spent)
    (embedding,) = problem.finish(state, spent)
    latent = embedding.latent
    yield Progressed(int(state.step[0]), float(latent.losses["total"]), _frame(problem, state))
    yield Ended(replace(latent, extra={**latent.extra, **task.picture.record}))


def _open(task: Task) -> "tuple[EmbedProblem, EmbedState, float]":
    """The problem, where it begins, and the seconds spent before."""
    from i2s_trt.embedding.embed import EmbedProblem
    from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
    from i2s_trt.session import SessionOptions, open_session
    from i2s_trt.studio.embedding_state import lengthened, load_state

    objective = ObjectiveOptions(prior_weight=task.prior)
    options = EmbedOptions(steps=task.steps, schedule=task.schedule, objective=objective)  # type: ignore[arg-type]
    session = open_session(SessionOptions(model=task.model, device=task.device, embed=options, align=False))
    problem = EmbedProblem(session.embedder(), [task.picture.pixels], None, session.initial)
    fresh = problem.start()
    found = load_state(task.state, type(fresh))
    if found is None:
        return problem, fresh, 0.0
    return problem, lengthened(found[0], task.steps).to(problem.device), found[1]


def _frame(problem: "EmbedProblem", state: "EmbedState") -> bytes:
    """The JPEG of where a run is."""
    import torch

    from i2s_trt.embedding.start.spaces import to_w_plus
    from i2s_trt.images.encode import encoder
    from i2s_trt.images.fit import to_pixels

    generator = problem.generator
    with torch.no_grad():
        w_plus = to_w_plus(generator, state.answer.to(problem.device), problem.options.space)
        pixels: Any = to_pixels(generator.crop(generator.synthesis(w_plus)))[0]
    return encoder("jpeg", _QUALITY)(pixels)
