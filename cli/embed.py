"""`i2s-trt embed`: photographs to latents, by the paper's algorithm."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options as opt
from cli.console import Console, ProgressBar
from cli.embed_inputs import (
    check_choices,
    check_finite,
    find_sources,
    layer_weights_from,
    noise_from,
    spare_the_sources,
    tidy,
)
from cli.interrupts import stop_requests
from i2s_trt.embedding.options import EmbedOptions, JobOptions, ObjectiveOptions
from i2s_trt.errors import EXIT_INTERRUPTED, EXIT_SOME_FAILED

if TYPE_CHECKING:
    from i2s_trt.embedding.job import JobEvent, JobResult

_DEFAULT = EmbedOptions()
_LOSS = _DEFAULT.objective
_LOSS_PANEL = "Loss (Eq. 1 and 2)"


def embed(
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    output: opt.Output = Path("embedded"),
    model: opt.Model = "demo",
    steps: Annotated[int, typer.Option(min=0, help="Gradient steps; the paper takes 5000.")] = _DEFAULT.steps,
    init: Annotated[str, typer.Option(help="Start from the mean latent, from a random one, or from a latent file.")] = (
        "mean"
    ),
    space: Annotated[str, typer.Option(help="w+, w or z.")] = _DEFAULT.space,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = _DEFAULT.learning_rate,
    noise: Annotated[str, typer.Option(help="stored, resampled at each step, or the seed of other constant noise.")] = (
        "stored"
    ),
    plateau: Annotated[int, typer.Option(min=0, help="Stop after so many steps without progress; 0 never.")] = 0,
    seed: opt.Seed = 0,
    batch: Annotated[int, typer.Option(min=1, help="Pictures embedded together; changes no result.")] = 1,
    fit: Annotated[
        str, typer.Option(help="crop cuts a photograph to the model's proportions, pad adds bars.")
    ] = "crop",
    device: opt.Device = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Keep what is finished, go on with what is not.")] = False,
    features: opt.Features = "auto",
    pixel_weight: Annotated[float, typer.Option(help="lambda_mse.", rich_help_panel=_LOSS_PANEL)] = _LOSS.pixel_weight,
    layers: Annotated[
        str,
        typer.Option(
            help="VGG layers with weights, as conv3_2 or conv1_1=2,conv3_2; none.", rich_help_panel=_LOSS_PANEL
        ),
    ] = ",".join(_LOSS.layer_weights),
    perceptual_size: Annotated[
        int,
        typer.Option(
            min=0, help="Longer side at which VGG looks; 0 for the picture's own.", rich_help_panel=_LOSS_PANEL
        ),
    ] = _LOSS.perceptual_size,
    resize: Annotated[str, typer.Option(help="area or bilinear.", rich_help_panel=_LOSS_PANEL)] = _LOSS.resize,
    input_scale: Annotated[
        str, typer.Option(help="mean-255, normalized, unit or signed.", rich_help_panel=_LOSS_PANEL)
    ] = _LOSS.input_scale,
    before_relu: Annotated[
        bool, typer.Option("--before-relu", help="Compare features before the activation.", rich_help_panel=_LOSS_PANEL)
    ] = False,
    style_image: Annotated[
        Path | None, typer.Option(help="Match this picture's conv4_2 style as well.", rich_help_panel=_LOSS_PANEL)
    ] = None,
    style_weight: Annotated[float, typer.Option(help="Of the style loss.", rich_help_panel=_LOSS_PANEL)] = 1.0,
    json: opt.Json = False,
) -> None:
    """Embed photographs into the latent space (the paper's Algorithm 1).

    Writes for each picture NAME.safetensors (the latent), NAME.png (the embedded image), NAME-strip.png (before and
    after), NAME-curve.csv and NAME-curve.png (the losses).

    Example: i2s-trt embed photo.jpg -o out --steps 1000
    """
    from i2s_trt.embedding.outputs import Outputs, unique_names

    console = Console(json)
    check_finite(learning_rate=learning_rate, pixel_weight=pixel_weight, style_weight=style_weight)
    check_choices(space=space, resize=resize, input_scale=input_scale, fit=fit)
    objective = ObjectiveOptions(
        pixel_weight=pixel_weight,
        layer_weights=layer_weights_from(layers),
        style_weight=style_weight if style_image else 0.0,
        input_scale=input_scale,  # type: ignore[arg-type]  # checked above, like the two below
        after_relu=not before_relu,
        perceptual_size=perceptual_size,
        resize=resize,  # type: ignore[arg-type]
    )
    settings = EmbedOptions(
        steps=steps,
        space=space,  # type: ignore[arg-type]
        learning_rate=learning_rate,
        noise=noise_from(noise),
        seed=seed,
        plateau_steps=plateau,
        objective=objective,
    )
    sources = find_sources(images)
    planned = [Outputs(output, name) for name in unique_names(sources)]
    spare_the_sources(sources, planned)
    if resume:
        tidy(planned)
    files = JobOptions(batch, resume, fit, style_image)  # type: ignore[arg-type]
    results = _run(console, sources, output, model, settings, files, init, features, device)
    _leave(console, results, len(sources), output)


def _run(
    console: Console,
    sources: Sequence[Path],
    output: Path,
    model: str,
    settings: EmbedOptions,
    files: JobOptions,
    init: str,
    features: str,
    device: str,
) -> "list[JobResult]":
    from cli.features import choose_features
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device
    from i2s_trt.embedding.job import EmbedJob
    from i2s_trt.embedding.start import starting_point

    torch_device = choose_device(device)
    generator = load_generator(model).to(torch_device)
    size = f"{generator.spec.picture_size[1]}x{generator.spec.picture_size[0]}"
    console.say(f"model:    {model} ({size}, {generator.num_layers} layers, on {torch_device})")
    console.event(
        "model", name=model, digest=generator.digest, resolution=generator.resolution, device=str(torch_device)
    )
    vgg = choose_features(features, console)
    start = starting_point(init, generator)
    settings = replace(settings, init=start.init, init_digest=start.digest)
    files = replace(files, initial=start.w_plus)
    with console.progress() as bar, stop_requests() as should_stop:
        reporter = _Reporter(console, bar)
        return EmbedJob(generator, vgg, settings, files, output, reporter, should_stop).run(sources)


class _Reporter:
    """Draws the events of a job."""

    def __init__(self, console: Console, bar: ProgressBar) -> None:
        self._console, self._bar = console, bar

    def __call__(self, event: "JobEvent") -> None:
        data = event.data
        self._console.event(event.kind, name=event.name, **data)
        if event.kind == "progress":
            self._bar.show(event.name, data["step"], data["steps"], f"loss {data['loss']:.4g}")
        elif event.kind == "done":
            self._bar.hide()
            self._console.say(_summary(event.name, data))
        elif event.kind == "failed":
            self._console.note(f"error: {data['error']}")
        elif event.kind == "resumed":
            self._console.say(f"{event.name}: going on from step {data['step']}")
        elif event.kind == "skipped":
            self._console.say(f"{event.name}: already embedded with these settings")


def _summary(name: str, data: dict[str, Any]) -> str:
    state = "" if data["status"] == "finished" else f" [{data['status']}]"
    return (
        f"{name}:{state} loss {data['loss_total']:.4g} after {data['steps']} steps in {data['seconds']:.1f} s, "
        f"distance to the mean latent {data['distance_to_mean']:.2f}"
    )


def _leave(console: Console, results: "Sequence[JobResult]", wanted: int, output: Path) -> None:
    """Sum up, and exit as the results deserve."""
    failed = [result for result in results if result.status in ("failed", "diverged")]
    interrupted = len(results) < wanted or any(result.status == "interrupted" for result in results)
    console.event("end", finished=len(results) - len(failed), failed=[r.name for r in failed], output=str(output))
    for result in failed:
        if result.status == "diverged":
            console.note(
                f"error: {result.name}: the loss was no longer finite; the last good latent is kept\n"
                "  mend: use a smaller --learning-rate, or check the model's weights"
            )
    if interrupted:
        console.note("interrupted; go on with the same command and --resume")
        raise typer.Exit(EXIT_INTERRUPTED)
    if failed and len(failed) == wanted and failed[0].error:
        raise typer.Exit(failed[0].error.exit_code)
    console.say(f"results:  {output}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)
