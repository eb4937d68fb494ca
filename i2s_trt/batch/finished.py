"""A batch of which nothing is left to be done: seen before anything is started that would do it."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from i2s_trt.batch.channel import Channel
from i2s_trt.batch.crew import Edited, Site
from i2s_trt.batch.jobs import BatchLatent, jobs_of
from i2s_trt.batch.journal import Commit, read_commits
from i2s_trt.batch.options import BatchOptions, Rendering
from i2s_trt.batch.output_folder import JOURNAL
from i2s_trt.batch.stages import Stage
from i2s_trt.edit.recipe.load import Variant
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.encode import SUFFIXES


def is_finished(
    latents: Sequence[BatchLatent], variants: Sequence[Variant], folder: Path, options: BatchOptions, digest: str
) -> bool:
    """Whether a resumed batch with the model of a digest would find everything there."""
    if not options.resume:
        return False
    found = {commit.output: (commit.key, commit.size) for commit in read_commits(folder / JOURNAL)}
    setting, suffix = Rendering(model_digest=digest).setting(options), SUFFIXES[options.picture_format]
    jobs = (job for latent in latents for job in jobs_of(latent, variants, suffix, setting))
    return bool(found) and all(found.get(job.output) == (job.key, _size(folder / job.output)) for job in jobs)


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return -1


class NoCrew:
    """For a finished batch; see `Crew`."""

    def capacity(self, _options: BatchOptions, /) -> int:
        """None comes."""
        return 1

    def stages(self, site: Site) -> Sequence[Stage]:
        """One that fails what comes all the same: somebody has removed it meanwhile."""

        def refuse(incoming: Channel[Edited]) -> Iterator[Commit]:
            for item in incoming:
                site.fail(item.job.output, EnvironmentFault("it was removed meanwhile", "run the same command again"))
                yield from ()

        return [Stage([refuse], 1)]
