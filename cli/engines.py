"""`i2s-trt engines`: the engine cache."""

from contextlib import suppress
from typing import Annotated

import typer

from cli import options as opt
from cli.console import Console

app = typer.Typer(help="List and prune built engines.", no_args_is_help=True)


@app.command("list")
def list_command(json: opt.Json = False) -> None:
    """The engines in the cache, with those that would not be loaded and why.

    Example: i2s-trt engines list
    """
    from engines.cache import Entry, all_folders, check, engines_folder

    console = Console(json)
    rows = []
    for folder in all_folders():
        found = check(folder)
        if isinstance(found, Entry):
            key = found.record["key"]
            size, built = found.record["size"], found.record["built"]
            console.event("engine", folder=str(folder), usable=True, **found.record)
            where = ", ".join(key["targets"]) or key["device"] or "any RTX GPU"
            batches = f"{key['profile']['smallest']}-{key['profile']['largest']}"
            what = [key["graph"], key["precision"], batches, f"{key['backend']} {key['version']}", where]
            rows.append([folder.name, *what, f"{size / 2**20:.1f} MiB", built])
        else:
            console.event("engine", folder=str(folder), usable=False, reason=found.reason)
            rows.append([folder.name, "unusable", "", "", "", found.reason, "", ""])
    if rows:
        console.table(["key", "graph", "precision", "batches", "builder", "for", "size", "built"], rows)
    console.say(f"{len(rows)} engine{'' if len(rows) == 1 else 's'} in {engines_folder()}")


@app.command("prune")
def prune_command(
    everything: Annotated[bool, typer.Option("--all", help="Delete the usable ones too.")] = False,
    json: opt.Json = False,
) -> None:
    """Delete engines that would not be loaded: damaged, unfinished, or of a builder that is not installed any more.

    Timings of kernels go with their builder. An engine that is being built is left alone.

    Example: i2s-trt engines prune
    """
    from engines.cache import Entry, all_folders, check, remove
    from engines.timing_cache import timing_files

    console = Console(json)
    builders = _installed()
    freed = count = 0
    for folder in all_folders():
        found = check(folder)
        if not everything and isinstance(found, Entry) and _builder(found.record["key"]) in builders:
            continue
        size = remove(folder)
        if size is None:
            console.note(f"{folder.name} is being built: left alone")
            continue
        freed += size
        count += 1
        console.event("removed", path=str(folder))
    for path in timing_files():
        if everything or not path.name.startswith(tuple(f"{builder}-" for builder in builders)):
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
            console.event("removed", path=str(path))
    console.say(f"removed {count} engine{'' if count == 1 else 's'}, {freed / 2**20:.1f} MiB")


def _builder(key: dict[str, str]) -> str:
    return f"{key['backend']}-{key['version']}"


def _installed() -> set[str]:
    from engines.tensorrt_module import BACKENDS, load_tensorrt
    from i2s_trt.errors import EnvironmentFault

    found = set()
    for backend in BACKENDS:
        with suppress(EnvironmentFault):
            found.add(f"{backend}-{load_tensorrt(backend).__version__}")
    return found
