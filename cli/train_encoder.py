"""`i2s-trt train-encoder`: a network that guesses where an embedding should start."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from cli.interrupts import stop_requests
from i2s_trt.errors import EXIT_INTERRUPTED, ModelError

if TYPE_CHECKING:
    from i2s_trt.checkpoints.encoders import TrainedEncoder
    from i2s_trt.models.generator import Generator
    from i2s_trt.models.vgg import Vgg16


def train_encoder(
    model: opt.Model = "demo",
    presentations: Annotated[int, typer.Option(min=1, help="Samples to learn from, each shown once.")] = 24_000,
    batch: Annotated[int, typer.Option(min=1, help="Samples a step.")] = 16,
    rounds: Annotated[
        int, typer.Option(min=1, max=10, help="How often it looks: more than once, it corrects its own guesses.")
    ] = 1,
    seed: opt.Seed = 0,
    device: opt.Device = "auto",
    features: opt.Features = "imagenet",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Train anew and replace the model's encoder.")] = False,
    json: opt.Json = False,
) -> None:
    """Train an encoder on a model's own samples: pictures to latents, for `embed --init encoder`.

    Needs no photograph. The encoder is kept in the model store and serves this very model alone.

    Example: i2s-trt train-encoder --model demo
    """
    from cli.session_report import choose_features
    from i2s_trt.checkpoints.encoders import encoder_in_file, save_encoder, used_encoder_path
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device

    console = Console(json)
    generator = load_generator(model).to(choose_device(device))
    if encoder_in_file(generator) is not None:
        raise ModelError(
            f"{model} holds an encoder, which embed --init encoder takes",
            f"to train another, import it first: i2s-trt models import {model} --name NAME",
        )
    path = used_encoder_path(generator)
    if path.exists() and not overwrite:
        raise ModelError(f"{model} has an encoder already: {path}", "use it with embed --init encoder, or --overwrite")
    vgg = choose_features(features, console).to(generator.mean_w.device)
    encoder = _train(console, generator, vgg, presentations, batch, rounds, seed)
    if encoder is None:
        console.note("interrupted; nothing was kept")
        raise typer.Exit(EXIT_INTERRUPTED)
    save_encoder(path, encoder)
    left = encoder.recipe["held_out_error"]
    console.event("end", encoder=str(path), model=generator.digest, held_out_error=left)
    console.say(f"encoder:  {path}")
    console.say(f"its guesses for new samples leave {left:.0%} of the error of the mean latent")


def _train(
    console: Console, generator: "Generator", vgg: "Vgg16", presentations: int, batch: int, rounds: int, seed: int
) -> "TrainedEncoder | None":
    from i2s_trt.embedding.loss.curvature import model_curvature
    from i2s_trt.embedding.options import ObjectiveOptions
    from i2s_trt.training.encoder import EncoderEvent, EncoderOptions, train_encoder

    console.say("measuring the model's curvature")
    with console.progress() as bar, stop_requests() as should_stop:
        curvature = model_curvature(generator, vgg, ObjectiveOptions())

        def report(event: EncoderEvent) -> bool:
            bar.show("training the encoder", event.shown, event.of, f"error {event.error:.3f}")
            console.event("progress", shown=event.shown, of=event.of, error=event.error)
            return should_stop()

        return train_encoder(
            generator, curvature, EncoderOptions(presentations, batch, rounds=rounds, seed=seed), report
        )
