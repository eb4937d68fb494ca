"""`i2s-trt style-transfer`: the content of one latent in the colours of another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from cli.edit_inputs import LATENT, Engine, RenderPrecision, layers_of, open_model, stem
from cli.edit_outputs import Edited, check_output, is_sheet, rendered, write_folder, write_sheet
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.open import Opened
    from i2s_trt.arrays import Pixels

_TABLE = "table.png"


def style_transfer(
    latents: Annotated[
        list[str], typer.Argument(help=f"CONTENT and STYLE; with --table any number of contents. {LATENT}")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="FILE.png for a labelled sheet, or a folder for all."),
    ] = Path("styled"),
    from_layer: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="First layer that the style gives; if left out the middle one, or the row before in a StyleGAN2.",
        ),
    ] = None,
    layers: Annotated[str, typer.Option(help="Layers that the style gives, as 9-17 or 8,9,12.")] = "",
    table: Annotated[
        bool, typer.Option("--table", help="Every content in every style, as in the paper's Figure 23.")
    ] = False,
    style: Annotated[
        list[str] | None, typer.Option(help="A style of the table; the contents are styles too if left out.")
    ] = None,
    model: opt.Model = "demo",
    device: opt.Device = "auto",
    engine: Engine = "auto",
    precision: RenderPrecision = "auto",
    any_model: opt.AnyModel = False,
    json: opt.Json = False,
) -> None:
    """Replace the fine layers of one latent by another's (the paper's section 4.2).

    Example: i2s-trt style-transfer ann.safetensors painting.safetensors -o styled
    """
    console = Console(json)
    check_output(output)
    contents, styles = _name(latents, style or [], table)
    opened = open_model(console, model, device, engine, precision, any_model)
    chosen = _layers(from_layer, layers, opened.generator.num_layers)
    edits = [_mix(opened, content, other, chosen) for other in styles for content in contents]
    with console.progress() as bar:
        pictures = list(rendered(bar, opened, edits))
        if not is_sheet(output):
            write_folder(console, opened, output, edits, iter(pictures))
        if is_sheet(output) or table:
            sheet = _sheet(opened, contents, styles, pictures)
            write_sheet(console, output if is_sheet(output) else output / _TABLE, sheet)


def _name(latents: list[str], styles: list[str], table: bool) -> tuple[list[str], list[str]]:
    """Contents and styles."""
    if table:
        return latents, styles or latents
    if len(latents) != 2 or styles:
        raise UsageError(
            f"a style transfer needs a content and a style, not {len(latents) + len(styles)} latents",
            "name two latents, or add --table",
        )
    return latents[:1], latents[1:]


def _layers(first: int | None, text: str, count: int) -> "Sequence[int] | None":
    """The layers that the style gives; None for the upper half."""
    if first is not None:
        if text:
            raise UsageError("--from-layer and --layers say the same thing twice", "give one of them")
        return range(first, max(count, first + 1))  # a first layer that the model lacks stays in, to be refused
    return layers_of(text)


def _mix(opened: "Opened", content: str, style: str, layers: "Sequence[int] | None") -> Edited:
    from i2s_trt.edit.operations import crossover

    chosen = list(opened.source.space.style_layers if layers is None else layers)
    w_plus = crossover(opened.source.latent(content), opened.source.latent(style), chosen)
    record = {"operation": "crossover", "content": content, "style": style, "layers": chosen}
    return Edited(f"{stem(content)}-as-{stem(style)}", "", w_plus, record, opened.source.delta(content))


def _sheet(
    opened: "Opened", contents: "Sequence[str]", styles: "Sequence[str]", pictures: "Sequence[Pixels]"
) -> "Pixels":
    """The paper's Figure 23: contents above the columns, styles before the rows."""
    from i2s_trt.deltas import TunedLatent
    from i2s_trt.edit.render import render_tuned
    from i2s_trt.images.compose import sheet

    named, source = list(dict.fromkeys([*contents, *styles])), opened.source
    latents = (TunedLatent(source.latent(text), source.delta(text)) for text in named)
    own = render_tuned(opened.choice.synthesizer, latents)
    known = dict(zip(named, own, strict=True))
    width = len(contents)
    rows = [[known[style], *pictures[r * width : (r + 1) * width]] for r, style in enumerate(styles)]
    top = [None, *(known[content] for content in contents)]
    return sheet([top, *rows], column_labels=["", *map(stem, contents)], row_labels=["", *map(stem, styles)])
