"""`i2s-trt engines`: built engines, and the exported graphs that are ONNX Runtime's."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import options as opt
from cli.console import Console

if TYPE_CHECKING:
    from engines.tensorrt.cache import Entry
    from export.keys import ExportedGraph

app = typer.Typer(help="List and prune engines.", no_args_is_help=True)


@app.command("list")
def list_command(json: opt.Json = False) -> None:
    """The engines that are built, the graphs that ONNX Runtime runs as they are, and why one would not be loaded.

    Example: i2s-trt engines list
    """
    from engines.tensorrt.cache import Miss, all_folders, check, engines_folder
    from export.keys import all_graphs, check_graph, graphs_folder

    console = Console(json)
    rows = []
    for folder in all_folders():
        found = check(folder)
        if isinstance(found, Miss):
            console.event("engine", folder=str(folder), usable=False, reason=found.reason)
            rows.append([folder.name, "unusable", "", "", "", found.reason, "", ""])
        else:
            console.event("engine", folder=str(folder), usable=True, **found.record)
            rows.append(_engine_row(found))
    graphs = all_graphs()
    for path in graphs:
        graph = check_graph(path)
        if isinstance(graph, str):
            console.event("graph", path=str(path), usable=False, reason=graph)
            rows.append([f"{path.parent.name}/{path.stem}", "unusable", "", "", "", graph, "", ""])
        else:
            console.event("graph", path=str(path), usable=True, **graph.record)
            rows.append(_graph_row(graph))
    if rows:
        console.table(["key", "graph", "precision", "batches", "builder", "for", "size", "built"], rows)
    engines = len(rows) - len(graphs)
    console.say(
        f"{_count(engines, 'engine')} in {engines_folder()}\n{_count(len(graphs), 'graph')} in {graphs_folder()}"
    )


@app.command("prune")
def prune_command(
    everything: Annotated[bool, typer.Option("--all", help="Delete the usable ones too.")] = False,
    json: opt.Json = False,
) -> None:
    """Delete engines and graphs that would not be loaded: damaged, unfinished, or of other versions than are installed.

    Timings of kernels go with their builder. What is being built or exported is left alone.

    Example: i2s-trt engines prune
    """
    from engines.tensorrt.cache import all_folders, remove
    from engines.tensorrt.timing_cache import timing_files
    from export.keys import ExportedGraph, all_graphs, check_graph
    from export.library import remove_graph

    console = Console(json)
    builders = _list_installed()
    folders = [folder for folder in all_folders() if everything or not _loadable(folder, builders)]
    graphs = [path for path in all_graphs() if everything or not isinstance(check_graph(path), ExportedGraph)]
    engines_gone, engines_freed = _remove_stale(console, folders, remove, "built")
    graphs_gone, graphs_freed = _remove_stale(console, graphs, remove_graph, "exported")
    freed = engines_freed + graphs_freed
    for path in timing_files():
        if everything or not path.name.startswith(tuple(f"{builder}-" for builder in builders)):
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
            console.event("removed", path=str(path))
    console.say(f"removed {_count(engines_gone, 'engine')}, {_count(graphs_gone, 'graph')}, {freed / 2**20:.1f} MiB")


def _engine_row(entry: "Entry") -> list[str]:
    key = entry.record["key"]
    where = ", ".join(key["targets"]) or key["device"] or "any RTX GPU"
    batches = f"{key['profile']['smallest']}-{key['profile']['largest']}"
    what = [key["graph"], key["precision"], batches, f"{key['backend']} {key['version']}", where]
    return [entry.folder.name, *what, _mebibytes(entry.record["size"]), entry.record["built"]]


def _graph_row(graph: "ExportedGraph") -> list[str]:
    key, file = graph.record["key"], graph.path.stat()
    where = "not the CPU" if key["precision"] == "bf16" else "any"
    what = [key["name"], key["precision"], "any", f"onnxruntime {key['onnxruntime']}", where]
    made = datetime.fromtimestamp(file.st_mtime, UTC).isoformat(timespec="seconds")
    return [graph.record["sha256"][:24], *what, _mebibytes(file.st_size), made]


def _remove_stale(
    console: Console, paths: Iterable[Path], remove: Callable[[Path], int | None], done: str
) -> tuple[int, int]:
    """How many were deleted, and the bytes freed."""
    sizes = []
    for path in paths:
        size = remove(path)
        if size is None:
            console.note(f"{path.name} is being {done}: left alone")
            continue
        sizes.append(size)
        console.event("removed", path=str(path))
    return len(sizes), sum(sizes)


def _loadable(folder: Path, builders: set[str]) -> bool:
    from engines.tensorrt.cache import Entry, check

    found = check(folder)
    return isinstance(found, Entry) and f"{found.record['key']['backend']}-{found.record['key']['version']}" in builders


def _list_installed() -> set[str]:
    from engines.tensorrt.module import BACKENDS, load_tensorrt
    from i2s_trt.errors import EnvironmentFault

    found = set()
    for backend in BACKENDS:
        with suppress(EnvironmentFault):
            found.add(f"{backend}-{load_tensorrt(backend).__version__}")
    return found


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
