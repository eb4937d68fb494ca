"""`i2s-trt models`: the model store."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.checkpoints.catalogue import ModelInfo
    from i2s_trt.models.spec import GeneratorSpec

app = typer.Typer(help="List, import, inspect and fetch models.", no_args_is_help=True)


@app.command("list")
def list_command(json: opt.Json = False) -> None:
    """The models of the store.

    Example: i2s-trt models list
    """
    from i2s_trt.checkpoints.catalogue import list_models, models_folder

    console = Console(json)
    models = list_models(damaged=console.error)
    for model in models:
        console.event("model", **_fields(model))
    console.table(
        ["name", "network", "picture", "layers", "source"],
        [[m.name, m.spec.family, _size(m), str(m.spec.num_layers), m.source] for m in models],
    )
    console.say(f"\nstore: {models_folder()}")


@app.command("info")
def info_command(
    name: Annotated[str, typer.Argument(help="A model's name or path.")] = "demo", json: opt.Json = False
) -> None:
    """Everything known about a model.

    Example: i2s-trt models info demo
    """
    from i2s_trt.checkpoints.store import model_info

    console = Console(json)
    info = model_info(name)
    console.event("model", **_fields(info))
    spec = info.spec
    rows = [
        ["name", info.name],
        ["network", f"{spec.family}, {_size(info)}"],
        ["layers", f"{spec.num_layers} (w+ is {spec.num_layers} x {spec.w_dim}, z {spec.z_dim})"],
        ["channels", ", ".join(f"{c} at {4 * 2**i}" for i, c in enumerate(spec.channels))],
        ["mapping", f"{len(spec.mapping_widths)} layers of {', '.join(map(str, sorted(set(spec.mapping_widths))))}"],
        ["topology", spec.topology if spec.is_stylegan2 else ""],
        ["labels", _labels(spec)],
        ["activations", _bound(spec)],
        ["truncation", _truncation(spec)],
        ["digest", info.digest],
        ["source", f"{info.source} ({info.kind})"],
        ["source sha256", info.source_sha256],
        ["imported", info.created],
        ["licence", info.licence],
        *[["note", note] for note in info.notes],
    ]
    console.table(["", ""], [row for row in rows if row[1]])


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A StyleGAN1 or StyleGAN2 checkpoint: .pkl, .pt, .pth or .safetensors.")],
    name: Annotated[str, typer.Option(help="Name in the store; the file's if left out.")] = "",
    crop: Annotated[str, typer.Option(help="Picture rows of a landscape model, as 64-448.")] = "",
    crop_columns: Annotated[str, typer.Option(help="Picture columns of a portrait model, as 256-768.")] = "",
    licence: Annotated[str, typer.Option(help="Kept with the model.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model of that name.")] = False,
    json: opt.Json = False,
) -> None:
    """Read a checkpoint into the store. Nothing in the file is executed.

    Reads NVIDIA's pickles of both architectures, TensorFlow's and PyTorch's, StyleGAN1's conversions by lernapparat,
    huangzh13, genforce, interfacegan and idinvert, rosinality's StyleGAN2, and e4e, pSp and ReStyle: the
    decoder, and its encoder for `embed --init encoder`.

    Example: i2s-trt models import karras2019stylegan-ffhq-1024x1024.pkl --name ffhq
    """
    from i2s_trt.checkpoints.store import import_model

    console = Console(json)
    spans = {"crop": _span(crop, "--crop"), "crop_columns": _span(crop_columns, "--crop-columns")}
    info = import_model(file, name or file.stem, **spans, licence=licence, overwrite=overwrite)
    _report_import(console, info)


@app.command("identify")
def identify_command(
    file: Annotated[Path, typer.Argument(help="Any checkpoint: .pkl, .pt, .pth or .safetensors.")],
    json: opt.Json = False,
) -> None:
    """Which network a file holds, without importing it. Nothing in the file is executed.

    Example: i2s-trt models identify network-snapshot-025000.pkl
    """
    from i2s_trt.checkpoints.store import identify

    console = Console(json)
    info = identify(file)
    spec = info.spec
    console.event("identified", **_fields(info))
    rows = [
        ["network", f"{spec.family}, {_size(info)}{f', {spec.topology}' if spec.is_stylegan2 else ''}"],
        ["file", f"{info.kind}, {file.stat().st_size / 1e6:,.1f} MB"],
        ["latents", f"w+ of {spec.num_layers} x {spec.w_dim}, z of {spec.z_dim}"],
        ["labels", _labels(spec)],
        ["activations", _bound(spec)],
        ["digest", info.digest],
        ["file's sha256", info.source_sha256],
        *[["note", note] for note in info.notes],
    ]
    console.table(["", ""], [row for row in rows if row[1]])
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._")[:64] or "mine"
    console.say(f"\nto use it: i2s-trt models import {shlex.quote(str(file))} --name {name}")


@app.command("export")
def export_command(
    name: Annotated[str, typer.Argument(help="A model's name or path.")],
    to: Annotated[str, typer.Option("--to", help="genforce (StyleGAN1), rosinality or ada (StyleGAN2).")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="FILE.pt or .pth as its scripts load it, or .safetensors.")
    ],
    json: opt.Json = False,
) -> None:
    """Write a model's weights as another project loads them.

    Example: i2s-trt models export ffhq2 --to rosinality -o ffhq2-rosinality.pt
    """
    from i2s_trt.checkpoints.export_weights import export_weights
    from i2s_trt.checkpoints.store import load_weights

    console = Console(json)
    weights = load_weights(name)
    count = export_weights(weights, to, output)
    spec = weights.spec
    bound, spans = spec.conv_clamp, {"--crop": spec.crop, "--crop-columns": spec.crop_columns}
    parts = [f"{option} {span[0]}-{span[1]}" for option, span in spans.items() if span]
    console.event("exported", path=str(output), to=to, tensors=count, conv_clamp_left_out=bound, crop_left_out=parts)
    console.say(f"{output}: {count} tensors as {to} names them")
    if bound:
        console.say(
            f"  note: its bound on activations, {bound:g}, is no tensor: whoever loads the file has to set conv_clamp,"
        )
        console.say("        and what has no such option computes something else where the bound is reached")
    if parts:
        console.say(
            f"  note: it does not say which part of the output is the picture: import it with {' '.join(parts)}"
        )


@app.command("pull")
def pull_command(
    name: Annotated[
        str, typer.Argument(help="A published model, such as ffhq or ffhq2 (StyleGAN2); a wrong name lists all.")
    ],
    url: Annotated[str, typer.Option(help="A mirror of the same file.")] = "",
    check: Annotated[bool, typer.Option("--check/--no-check", help="Insist on the known digest.")] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model of that name.")] = False,
    json: opt.Json = False,
) -> None:
    """Fetch a published model, check its digest and import it.

    Example: i2s-trt models pull ffhq
    """
    from i2s_trt.checkpoints.sources import download, source
    from i2s_trt.checkpoints.store import import_model
    from i2s_trt.files import file_digest

    console = Console(json)
    item = source(name)
    console.note(f"licence: {item.licence}")
    if check and not item.digest:
        console.note("digest:  its publisher gives none; what arrives is not compared with anything")
    with console.progress() as bar:
        path = download(item, url=url, check=check, report=lambda done, of: bar.show(item.file, done, of))
    console.event("downloaded", path=str(path), sha256=file_digest(path))
    console.say(f"{path}\n  sha256 {file_digest(path)}")
    if item.is_generator:
        info = import_model(path, name, crop=item.crop, licence=item.licence, overwrite=overwrite)
        _report_import(console, info)


def _report_import(console: Console, info: "ModelInfo") -> None:
    console.event("imported", **_fields(info))
    kind, *more = info.kind.split(", ")
    origin = ", ".join([f"from a {kind} file", *more])
    console.say(f"imported {info.name}: {_size(info)}, {info.spec.num_layers} layers, {origin}")
    for note in info.notes:
        console.say(f"  note: {note}")


def _fields(info: "ModelInfo") -> dict[str, object]:
    return {**vars(info), "spec": info.spec.to_json(), "notes": list(info.notes)}


def _labels(spec: "GeneratorSpec") -> str:
    return f"conditional, {spec.label_size} labels" if spec.label_size else ""


def _bound(spec: "GeneratorSpec") -> str:
    return f"at most {spec.conv_clamp:g} in magnitude" if spec.conv_clamp else ""


def _truncation(spec: "GeneratorSpec") -> str:
    """How samples are drawn unless told otherwise."""
    where = "all layers" if spec.truncation_cutoff >= spec.num_layers else f"the first {spec.truncation_cutoff} layers"
    return "none" if spec.truncation_psi == 1 else f"psi {spec.truncation_psi:g} in {where}"


def _size(info: "ModelInfo") -> str:
    height, width = info.spec.picture_size
    return f"{width}x{height}"


def _span(text: str, option: str) -> tuple[int, int] | None:
    if not text:
        return None
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) < int(last)):
        raise UsageError(f"{option} {text!r} is no range", "write 64-448 for 64 to 447")
    return int(first), int(last)
