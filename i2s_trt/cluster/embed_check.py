"""What a user may have mistyped, found on the driver: a worker that found it would seem to be at fault."""

from i2s_trt.checkpoints.features import load_features
from i2s_trt.cluster.embed_work import EmbedSettings, attach
from i2s_trt.devices import check_device
from i2s_trt.embedding.run.options import JobOptions
from i2s_trt.embedding.start.point import starting_point
from i2s_trt.files import guard_os_errors
from i2s_trt.models.generator import Generator
from i2s_trt.photographs.prepare import prepare_file
from i2s_trt.session import SessionOptions


def embed_settings(session: SessionOptions, files: JobOptions, generator: Generator) -> EmbedSettings:
    """Settings for workers, with every file that they name read here, as one machine would read it.

    Raises:
        UsageError, ModelError, LatentError, ImageError, EnvironmentFault: as one machine would, in the same words.
    """
    check_device(session.device)
    digests = {"features": load_features(session.features).source.digest}
    if start := starting_point(session.init, generator).digest:
        digests["start"] = start
    if files.style_picture is not None:
        with guard_os_errors(files.style_picture):
            prepare_file(files.style_picture, generator.spec, files.fit)
    return EmbedSettings(session, files, attach(session, files), digests)
