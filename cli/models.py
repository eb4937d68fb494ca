"""`i2s-trt models`: the model store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from i2s_trt.errors import UsageError

if TYPE_CHECKING:
    from i2s_trt.checkpoints.catalogue import ModelInfo

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
        ["name", "picture", "layers", "source"],
        [[m.name, _size(m), str(m.spec.num_layers), m.source] for m in models],
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
        ["picture", _size(info)],
        ["layers", f"{spec.num_layers} (w+ is {spec.num_layers} x {spec.w_dim}, z {spec.z_dim})"],
        ["channels", ", ".join(f"{c} at {4 * 2**i}" for i, c in enumerate(spec.channels))],
        ["mapping", f"{len(spec.mapping_widths)} layers of {', '.join(map(str, sorted(set(spec.mapping_widths))))}"],
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
    file: Annotated[Path, typer.Argument(help="A StyleGAN1 checkpoint: a .pkl, .pt or .pth.")],
    name: Annotated[str, typer.Option(help="Name in the store; the file's if left out.")] = "",
    crop: Annotated[str, typer.Option(help="Picture rows of a landscape model, as 64-448.")] = "",
    licence: Annotated[str, typer.Option(help="Kept with the model.")] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a model of that name.")] = False,
    json: opt.Json = False,
) -> None:
    """Read a checkpoint into the store. Nothing in the file is executed.

    Reads the official TensorFlow pickles and the PyTorch conversions of lernapparat, huangzh13, genforce,
    interfacegan and idinvert.

    Example: i2s-trt models import karras2019stylegan-ffhq-1024x1024.pkl --name ffhq
    """
    from i2s_trt.checkpoints.store import import_model

    console = Console(json)
    info = import_model(file, name or file.stem, crop=_crop(crop), licence=licence, overwrite=overwrite)
    _report_import(console, info)


@app.command("pull")
def pull_command(
    name: Annotated[str, typer.Argument(help="ffhq, celebahq, cat, car, bedroom, or vgg16 for the features.")],
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
    with console.progress() as bar:
        path = download(item, url=url, check=check, report=lambda done, of: bar.show(item.file, done, of))
    console.event("downloaded", path=str(path), sha256=file_digest(path))
    console.say(f"{path}\n  sha256 {file_digest(path)}")
    if item.is_generator:
        info = import_model(path, name, crop=item.crop, licence=item.licence, overwrite=overwrite)
        _report_import(console, info)


def _report_import(console: Console, info: "ModelInfo") -> None:
    console.event("imported", **_fields(info))
    console.say(f"imported {info.name}: {_size(info)}, {info.spec.num_layers} layers, from a {info.kind} file")
    for note in info.notes:
        console.say(f"  note: {note}")


def _fields(info: "ModelInfo") -> dict[str, object]:
    return {**vars(info), "spec": info.spec.to_json(), "notes": list(info.notes)}


def _size(info: "ModelInfo") -> str:
    height, width = info.spec.picture_size
    return f"{width}x{height}"


def _crop(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and int(first) < int(last)):
        raise UsageError(f"--crop {text!r} is not a range of rows", "write 64-448 for rows 64 to 447")
    return int(first), int(last)
