"""The crew of one machine: threads that render, encode and write."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from i2s_trt.arrays import Pixels
from i2s_trt.batch.channel import Channel
from i2s_trt.batch.crew import Edited, Site
from i2s_trt.batch.jobs import Job
from i2s_trt.batch.journal import Commit
from i2s_trt.batch.options import BatchOptions
from i2s_trt.batch.output_folder import UnusableName
from i2s_trt.batch.stages import Stage
from i2s_trt.edit.render import render_tuned
from i2s_trt.errors import EnvironmentFault, I2sError
from i2s_trt.images.encode import encoder

if TYPE_CHECKING:
    from i2s_trt.synthesizer import Synthesizer


@dataclass(frozen=True)
class _Picture:
    job: Job
    pixels: Pixels


class ThreadCrew:
    """Renders with synthesizers of this process.

    Args:
        synthesizers: a rendering thread for each; the same one twice if it overlaps its runs itself.
    """

    def __init__(self, synthesizers: "Sequence[Synthesizer]") -> None:
        self._synthesizers = synthesizers

    def capacity(self, options: BatchOptions, /) -> int:
        """Edited latents that wait for the crew at most."""
        return 2 * options.batch * len(self._synthesizers)

    def stages(self, site: Site) -> Sequence[Stage]:
        """Rendering, and writing; see `Crew`."""
        work = _Work(site)
        return [
            Stage([partial(work.render, synthesizer) for synthesizer in self._synthesizers],
                  self.capacity(site.options)),
            Stage([work.write] * site.options.writers, site.options.group),
        ]  # fmt: skip


class _Work:
    """Each method is what a thread of a stage does."""

    def __init__(self, site: Site) -> None:
        self._site, self._options = site, site.options
        self._encode = encoder(site.options.picture_format, site.options.quality)
        self._is_full = False  # the disk: what is left of it is the journal's

    def render(self, synthesizer: "Synthesizer", incoming: Channel[Edited]) -> Iterator[_Picture]:
        while not self._site.fault and (group := incoming.take(self._options.batch, self._options.batch)):
            yield from self._pictures(synthesizer, group)

    def _pictures(self, synthesizer: "Synthesizer", group: Sequence[Edited]) -> Iterator[_Picture]:
        try:
            pictures = list(render_tuned(synthesizer, [item.latent for item in group], len(group)))
        except EnvironmentFault as fault:  # raised once what is rendered is committed
            self._site.fault = self._site.fault or fault
            return
        except I2sError as error:
            if len(group) == 1:
                self._site.fail(group[0].job.output, error)
            else:  # the others may be fine
                for item in group:
                    yield from self._pictures(synthesizer, [item])
            return
        yield from (_Picture(item.job, pixels) for item, pixels in zip(group, pictures, strict=True))

    def write(self, incoming: Channel[_Picture]) -> Iterator[Commit]:
        while group := incoming.take(1, self._options.batch):  # an engine's batch at once: fewer threads are woken
            for picture in group:
                yield from self._write_one(picture.job, picture.pixels)

    def _write_one(self, job: Job, pixels: Pixels) -> Iterator[Commit]:
        if self._is_full:
            return
        try:
            data = self._encode(pixels)
            self._site.outputs.write(job.output, data)
        except UnusableName as error:
            self._site.fail(job.output, error)
        except EnvironmentFault as fault:
            self._is_full, self._site.fault = True, self._site.fault or fault
        else:
            digest = hashlib.sha256(data).hexdigest()
            yield Commit(job.output, job.key, len(data), digest, self._site.engine, self._site.threads)
