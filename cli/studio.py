"""`i2s-trt studio`: a page to embed photographs and edit latents with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console
from cli.edit_inputs import Engine, open_model
from i2s_trt.errors import EnvironmentFault, I2sError

if TYPE_CHECKING:
    from engines.open import Opened
    from i2s_trt.studio.model import StudioModel
    from i2s_trt.synthesizer import Synthesizer
AUTO = "auto"
_HOME = "set I2S_TRT_HOME to a folder you may write to"
_SMALL = 256  # pixels a side up to which a picture is done so soon that several threads render one each


def studio(
    model: opt.Model = "demo",
    folder: Annotated[Path, typer.Option("--folder", help="Where the shelf is kept; made if need be.")] = Path(
        "studio"
    ),
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any but this machine's own asks visitors for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any that is free.")] = 8222,
    engine: Engine = AUTO,
    device: opt.Device = AUTO,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    json: opt.Json = False,
) -> None:
    """Serve a page to embed photographs, and to mix, style and change faces as you drag.

    Example: i2s-trt studio --folder faces
    """
    console = Console(json)
    try:
        from i2s_trt.studio.serve import address, bind, make_server
    except ModuleNotFoundError as error:
        raise EnvironmentFault(
            f"the studio needs {error.name}, which is not installed", "pip install 'i2s-trt[studio]'"
        ) from error
    from i2s_trt.studio.door import Door
    from i2s_trt.studio.studio import Studio

    listener = bind(host, port)
    _make(folder)
    door = Door.for_address(host, listener.getsockname()[1], folder)
    chosen = _engine(console, engine, device)
    reason = "" if chosen == engine else "which draws fastest here while sliders move"
    opened = open_model(console, model, device, chosen, "auto", any_model=False, reason=reason)
    with console.progress():
        room = Studio(_model(_from_anywhere(model), opened), folder)
    page = address(door)

    def started() -> None:
        console.event("studio", url=page, folder=str(folder))
        console.say(f"shelf:    {folder} ({len(room.shelf.names())} latents)")
        console.say(f"studio:   {page}")
        console.say("Ctrl-C ends it; the shelf stays")
        if open_page:
            import webbrowser

            webbrowser.open(page)

    try:
        make_server(room, door, started).run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    finally:
        room.close()
    console.say("ended")


def _make(folder: Path) -> None:
    """The shelf's folder, before anything that takes its time. Raises EnvironmentFault, or UsageError."""
    from i2s_trt.files import make_folder

    try:
        make_folder(folder)
    except I2sError as error:
        raise type(error)(str(error.args[0]), "name another --folder for the shelf") from error


def _engine(console: Console, wanted: str, device: str) -> str:
    """ONNX Runtime where it is here and nothing else is asked for: exporting a graph once pays while sliders move."""
    from export.keys import graphs_folder
    from i2s_trt.devices import choose_device
    from i2s_trt.files import make_folder
    from i2s_trt.machine import package_version

    on_cpu = choose_device(device).type == "cpu"
    can = all(package_version(name) for name in ("onnx", "onnxscript", "onnxruntime"))
    if not (wanted == AUTO and on_cpu and can):
        return wanted
    try:
        make_folder(graphs_folder())
    except I2sError as error:  # a user without a home, as in a container
        console.note(f"no graph can be kept, so drawing may take longer: {error.args[0]}; {_HOME}")
        return AUTO
    return "onnxruntime"


def _from_anywhere(model: str) -> str:
    """The model as a command names it that runs in another folder: a path from the root, a name as it is."""
    from i2s_trt.checkpoints.catalogue import find_folder

    path, folder = Path(model), find_folder(model)
    return str(path.absolute()) if folder == path or (folder is None and path.is_file()) else model


def _model(name: str, opened: "Opened") -> "StudioModel":
    """The model with what renders it: on a CPU, where pictures are small, a thread for each core if the engine can."""
    from engines.throughput import for_throughput
    from i2s_trt.studio.model import StudioModel

    choice, generator = opened.choice, opened.generator
    synthesizers: tuple[Synthesizer, ...] = (choice.synthesizer,)
    if generator.resolution <= _SMALL and generator.mean_w.device.type == "cpu":
        synthesizers = for_throughput(choice, generator, exports=False).synthesizers
    return StudioModel(name, generator, synthesizers, choice.engine, choice.precision, str(generator.mean_w.device))
