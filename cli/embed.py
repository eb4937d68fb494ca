"""`i2s-trt embed`: photographs to latents, by the paper's algorithm."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import clip_options as clips
from cli import cluster_options as clusters
from cli import face_options as faces
from cli import loss_options as loss
from cli import options as opt
from cli import search_options as search
from cli.console import Console
from cli.embed_inputs import (
    check_choices,
    check_clips,
    check_finite,
    find_sources,
    layer_weights_from,
    noise_from,
    spare_the_sources,
    steps_of,
    tidy,
)
from cli.embed_report import Reporter, leave
from cli.interrupts import stop_requests
from cli.session_report import SessionReport
from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions, TuneOptions
from i2s_trt.embedding.run.options import JobOptions

if TYPE_CHECKING:
    from i2s_trt.embedding.run.job import JobResult
    from i2s_trt.session import SessionOptions
    from i2s_trt.video.options import ClipOptions

_DEFAULT = EmbedOptions()
_LOSS = _DEFAULT.objective
_LAYERS = ",".join(_LOSS.layer_weights)


def embed(
    images: Annotated[list[Path], typer.Argument(help="Pictures, folders of pictures, or clips (.mp4 and others).")],
    output: opt.Output = Path("embedded"),
    model: opt.Model = "demo",
    steps: search.Steps = None,
    schedule: search.Schedule = _DEFAULT.schedule,
    init: search.Start = "mean",
    space: search.Space = _DEFAULT.space,
    learning_rate: search.LearningRate = _DEFAULT.learning_rate,
    noise: search.Noise = "stored",
    label: search.Label = None,
    plateau: search.Plateau = 0,
    seed: opt.Seed = 0,
    batch: search.Batch = 1,
    fit: search.Fit = "crop",
    device: opt.Device = "auto",
    precision: search.Precision = _DEFAULT.precision,
    resume: search.Resume = False,
    overwrite: search.Overwrite = False,
    features: opt.Features = "imagenet",
    tune: search.Tune = 0,
    align: faces.Align = None,
    face: faces.WhichFace = "largest",
    landmarks: faces.LandmarksFile = None,
    detector: faces.DetectorFile = None,
    frame_steps: clips.FrameSteps = 30,
    temporal_weight: clips.TemporalWeight = 3.0,
    smoothing: clips.Smoothing = 1.0,
    most_frames: clips.MostFrames = 0,
    pixel_weight: loss.PixelWeight = _LOSS.pixel_weight,
    layers: loss.Layers = _LAYERS,
    perceptual_size: loss.PerceptualSize = _LOSS.perceptual_size,
    resize: loss.Resize = _LOSS.resize,
    input_scale: loss.InputScale = _LOSS.input_scale,
    before_relu: loss.BeforeRelu = False,
    style_image: loss.StyleImage = None,
    style_weight: loss.StyleWeight = 1.0,
    prior: loss.PriorWeight = _LOSS.prior_weight,
    cluster: clusters.Address = None,
    workers: clusters.Workers = 0,
    worker_cpus: clusters.WorkerCpus = 1.0,
    worker_gpus: clusters.WorkerGpus = None,
    outputs: clusters.OutputsOption = "shared",
    json: opt.Json = False,
) -> None:
    """Embed photographs into the latent space (the paper's Algorithm 1).

    Writes for each picture NAME.safetensors (the latent), NAME.png (the embedded image), NAME-strip.png (before and
    after), NAME-curve.csv and NAME-curve.png (the losses), and with --tune NAME.delta.safetensors (what changes in the
    generator); for each clip the folder NAME with a latent a frame, NAME.mp4 and NAME-strip.mp4 with its sound, and
    NAME-frames.csv.

    Example: i2s-trt embed photo.jpg -o out --steps 1000
    """
    from i2s_trt.embedding.run.outputs import Outputs, unique_names
    from i2s_trt.session import SessionOptions
    from i2s_trt.video.options import ClipOptions

    console = Console(json)
    check_finite(learning_rate=learning_rate, pixel_weight=pixel_weight, style_weight=style_weight, prior=prior)
    check_choices(space=space, resize=resize, input_scale=input_scale, fit=fit, schedule=schedule, precision=precision)
    objective = ObjectiveOptions(
        pixel_weight=pixel_weight,
        layer_weights=layer_weights_from(layers),
        style_weight=style_weight if style_image else 0.0,
        prior_weight=prior,
        input_scale=input_scale,  # type: ignore[arg-type]  # checked above, like the two below
        after_relu=not before_relu,
        perceptual_size=perceptual_size,
        resize=resize,  # type: ignore[arg-type]
    )
    settings = EmbedOptions(
        steps=steps_of(schedule, steps),
        schedule=schedule,  # type: ignore[arg-type]
        space=space,  # type: ignore[arg-type]
        learning_rate=learning_rate,
        noise=noise_from(noise),
        seed=seed,
        label=label,
        plateau_steps=plateau,
        objective=objective,
    )
    shared = clusters.read(cluster, workers, worker_cpus, worker_gpus, outputs)
    sources = find_sources(images)
    planned = [Outputs(output, name) for name in unique_names(sources)]
    spare_the_sources(sources, planned)
    check_clips(sources, space, noise, tune)
    if resume:
        tidy(planned)
    files = JobOptions(batch, resume, overwrite, fit, style_image, tune=TuneOptions(tune))  # type: ignore[arg-type]
    alignment = faces.align_options(bool(align), face, landmarks, fit)  # type: ignore[arg-type]
    options = SessionOptions(model, device, features, precision, init, settings, align, alignment, detector)
    if shared:
        from cli.embed_cluster import embed_on_cluster

        leave(console, *embed_on_cluster(console, shared, options, sources, output, files), output)
        return
    clip = ClipOptions(
        frame_steps, temporal_weight=temporal_weight, smoothing=smoothing, most_frames=most_frames, resume=resume,
        overwrite=overwrite,
    )  # fmt: skip
    results, wanted = _run(console, options, sources, output, files, clip)
    leave(console, results, wanted, output)


def _run(
    console: Console,
    options: "SessionOptions",
    sources: Sequence[Path],
    output: Path,
    files: JobOptions,
    clip: "ClipOptions",
) -> "tuple[list[JobResult], int]":
    """The results, and how many there should be."""
    from cli.embed_clips import embed_clips
    from i2s_trt.session import open_session
    from i2s_trt.video.read import is_clip

    with console.progress():
        session = open_session(options, SessionReport(console))
    photographs = session.photographs
    pictures = photographs.expand([source for source in sources if not is_clip(source)])
    clips = [source for source in sources if is_clip(source)]
    with console.progress() as bar, stop_requests() as should_stop:
        report = Reporter(console, bar, photographs.typical_distance)
        results = session.pictures(output, files, report, should_stop).run(pictures)
        if clips and not should_stop():
            frames = session.clips(clip, report, should_stop)
            results += embed_clips(console, frames, clips, output, session.generator)
    return results, len(pictures) + len(clips)
