"""The engine's own rate: what a batch could reach if everything else cost nothing."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from i2s_trt.arrays import WPlus

if TYPE_CHECKING:
    from i2s_trt.synthesizer import Synthesizer


def engine_rate(synthesizers: "Sequence[Synthesizer]", latents: WPlus, batch: int) -> float:
    """Pictures a second of the engine alone: rendered as `run_batch` renders, and dropped.

    Args:
        synthesizers: a thread for each, as for `run_batch`.
        latents: w_plus float32 [N, L, D], as many as are to be rendered.
        batch: latents rendered at a time.
    """
    groups = iter([latents[start : start + batch] for start in range(0, len(latents), batch)])
    lock = threading.Lock()

    def render(synthesizer: "Synthesizer") -> Callable[[], None]:
        def work() -> None:
            while True:
                with lock:
                    group = next(groups, None)
                if group is None:
                    return
                synthesizer(group)

        return work

    threads = [threading.Thread(target=render(synthesizer)) for synthesizer in synthesizers]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(latents) / (time.perf_counter() - start)
