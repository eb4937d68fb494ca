"""`i2s-trt render-clip`: an embedded clip as a video, edited as a whole, with its sound."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options as opt
from cli.clip_latents import by_recipe, find_clip, latents_of, moved
from cli.console import Console
from cli.edit_inputs import Engine, RenderPrecision, choose_engine
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    pass

_EDIT_PANEL = "Edits, in this order"


def render_clip(
    folder: Annotated[Path, typer.Argument(help="The folder of latents that i2s-trt embed CLIP wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The video: .mp4, or .gif without sound.")] = Path(
        "video.mp4"
    ),
    model: opt.Model = "demo",
    steady: Annotated[
        float, typer.Option(min=0, help="Smooth latents over so many frames.", rich_help_panel=_EDIT_PANEL)
    ] = 0.0,
    onto: Annotated[
        Path | None,
        typer.Option(help="A latent of another face, which moves as the clip does.", rich_help_panel=_EDIT_PANEL),
    ] = None,
    strength: Annotated[float, typer.Option(help="How strongly it moves.", rich_help_panel=_EDIT_PANEL)] = 1.0,
    threshold: Annotated[
        float, typer.Option(min=0, help="Layers that move less stay still.", rich_help_panel=_EDIT_PANEL)
    ] = 0.0,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe (TOML), applied to every frame.", rich_help_panel=_EDIT_PANEL)
    ] = None,
    edit: Annotated[str, typer.Option(help="Which of the recipe's edits, by name.", rich_help_panel=_EDIT_PANEL)] = "",
    paste_back: Annotated[
        bool, typer.Option("--paste-back", help="Lay the pictures into the clip's own frames.")
    ] = False,
    clip: Annotated[Path | None, typer.Option(help="The clip, if it is no longer where it was.")] = None,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Copy the clip's sound.")] = True,
    device: opt.Device = "auto",
    engine: Engine = "auto",
    precision: RenderPrecision = "auto",
    any_model: opt.AnyModel = False,
    json: opt.Json = False,
) -> None:
    """Render an embedded clip, as it is or edited.

    Example: i2s-trt render-clip out/talk --onto out/photo.safetensors -o puppet.mp4
    """
    from i2s_trt.checkpoints.store import load_generator
    from i2s_trt.devices import choose_device
    from i2s_trt.edit.sources import LatentSource
    from i2s_trt.video.folder import ClipFolder
    from i2s_trt.video.render import pasted, video_pictures, write_with_sound
    from i2s_trt.video.write import check_video

    console = Console(json)
    home = ClipFolder(folder)
    record = home.read()
    check_video(output, record.info.rate)
    source = find_clip(clip or Path(record.source), record, needed=paste_back)
    if source is not None and output.resolve() == source.resolve():
        raise UsageError(f"the video would overwrite the clip {source}", "name another file with -o")
    generator = load_generator(model).to(choose_device(device))
    latent_source = LatentSource.of(generator, any_model=any_model)
    latents = latents_of(home, generator, any_model)
    latents = moved(latents, latent_source, steady, onto, strength, threshold)
    latents = by_recipe(latents, latent_source, recipe, edit)
    delta = None if onto is None else latent_source.delta_of(onto)
    choice = choose_engine(console, generator, engine, precision)
    heard = source if sound and record.info.has_audio else None
    with console.progress() as bar:

        def shown(pictures: Iterator[Any]) -> Iterator[Any]:
            for number, picture in enumerate(pictures):
                bar.show("frames", number + 1, len(latents))
                yield picture

        pictures = shown(video_pictures(choice.synthesizer.tuned(delta), latents))
        if paste_back and source is not None:
            pictures = pasted(source, record.plan, pictures)
        has_sound = write_with_sound(output, pictures, record.info.rate, heard)
    console.event("video", path=str(output), frames=len(latents), sound=has_sound)
    if sound and record.info.has_audio and not has_sound:
        console.note(
            f"note: {output} is silent: " + ("the clip was not found" if source is None else "it cannot hold it")
        )
    console.say(f"{len(latents)} frames in {output}")
