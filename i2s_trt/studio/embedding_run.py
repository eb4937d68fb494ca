"""One embedding, step by step, in a process of its own: what `embeddings` hands to a child, and what comes back."""

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from i2s_trt.studio.protocol import CURVE, EmbeddingRequest

if TYPE_CHECKING:
    from i2s_trt.deltas import Delta
    from i2s_trt.embedding.embed import EmbedProblem
    from i2s_trt.embedding.steps.state import EmbedState
    from i2s_trt.latents import Latent
    from i2s_trt.photographs.prepare import Prepared

_BETWEEN_FRAMES, _BETWEEN_REPORTS, _BETWEEN_STATES, _BETWEEN_LOOKS = 0.5, 0.1, 5.0, 1.0  # seconds
_QUALITY = 85
_NICE = 5  # previews go first


@dataclass(frozen=True)
class Task:
    """What to embed; picklable.

    Attributes:
        model, device: as for `session.SessionOptions`.
        picture: what is embedded, with its record.
        steps: in all, those done before counted.
        request: schedule, prior and tuning.
        state: file of the run's state, to go on from if it is there.
        stop: a file that ends the run once it is there.
    """

    model: str
    device: str
    picture: "Prepared"
    steps: int
    request: EmbeddingRequest
    state: Path
    stop: Path


@dataclass(frozen=True)
class Progressed:
    """Steps done, those of tuning counted on, and the loss before the latest; a JPEG of where it is, every so often.

    The loss of tuning is another one, and is not told.
    """

    step: int
    loss: float | None
    jpeg: bytes | None = None


@dataclass(frozen=True)
class Ended:
    """The latent that was reached, finished or not, and what the tuning changed, if it came to its end."""

    latent: "Latent"
    delta: "Delta | None" = None


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
    delta = yield from _tune(task, problem, latent)
    yield Ended(replace(latent, extra={**latent.extra, **task.picture.record}), delta)


def _tune(task: Task, problem: "EmbedProblem", latent: "Latent") -> "Generator[Progressed, None, Delta | None]":
    """Tune to the picture, in a thread so that progress can be yielded; None where it was not to be, or was stopped."""
    steps = task.request.tune
    if not steps or latent.status != "finished":
        return None
    from i2s_trt.embedding.options import TuneOptions
    from i2s_trt.embedding.tune import Tuned, Tuner
    from i2s_trt.images.encode import encoder

    encode, items = encoder("jpeg", _QUALITY), SimpleQueue[Progressed | None]()
    shown = time.monotonic()

    def look(step: int, so_far: "Callable[[], Tuned]") -> None:
        nonlocal shown
        due = time.monotonic() - shown >= _BETWEEN_LOOKS
        items.put(Progressed(task.steps + step, None, encode(so_far().picture) if due else None))
        shown = time.monotonic() if due else shown

    tuner = Tuner(problem.generator, problem.embedder.vgg, problem.options.objective, TuneOptions(steps))
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(tuner, latent.w_plus, task.picture.pixels, should_stop=task.stop.exists, look=look)
        future.add_done_callback(lambda _: items.put(None))
        while (item := items.get()) is not None:
            yield item
    tuned = future.result()
    return tuned.delta if len(tuned.losses) == steps else None


def _open(task: Task) -> "tuple[EmbedProblem, EmbedState, float]":
    """The problem, where it begins, and the seconds spent before."""
    from i2s_trt.embedding.embed import EmbedProblem
    from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
    from i2s_trt.session import SessionOptions, open_session
    from i2s_trt.studio.embedding_state import lengthened, load_state

    objective = ObjectiveOptions(prior_weight=task.request.prior)
    options = EmbedOptions(steps=task.steps, schedule=task.request.schedule, objective=objective)
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


def thinned(curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most `CURVE` points: every other one is dropped where there are more, the ends stay."""
    return list(curve) if len(curve) <= CURVE else [*curve[:-1:2], curve[-1]]
