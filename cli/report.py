"""`i2s-trt report`: files of results as one page."""

from pathlib import Path
from typing import Annotated

import typer

from cli import options as opt
from cli.console import Console
from i2s_trt.errors import UsageError

_FORMATS = {"html": ".html", "markdown": ".md"}


def report(
    results: Annotated[list[Path], typer.Argument(help="Files of i2s-trt bench; several are shown side by side.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page; report.html or report.md if left out.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="html or markdown; by the output's ending if left out.")
    ] = "",
    json: opt.Json = False,
) -> None:
    """Write a report on measured results: the paper's budget first, then everything that was measured.

    The page needs nothing beside it, and every number on it names its place in the results.

    Example: i2s-trt report results.json -o report.html
    """
    from benchmarks.report.html import to_html
    from benchmarks.report.make import make_report, read_sources
    from benchmarks.report.markdown import to_markdown
    from i2s_trt.files import write_bytes

    console = Console(json)
    chosen = format_ or ("markdown" if output is not None and output.suffix == ".md" else "html")
    if chosen not in _FORMATS:
        raise UsageError(f"--format {chosen!r} is not one of {', '.join(_FORMATS)}", "write --format html")
    path = output or Path("report").with_suffix(_FORMATS[chosen])
    if path.resolve() in {source.resolve() for source in results}:
        raise UsageError(f"the report would overwrite the results {path}", "name another file with -o")
    document = make_report(read_sources(results))
    write = to_html if chosen == "html" else to_markdown
    write_bytes(path, write(document).encode())
    console.event("report", path=str(path), format=chosen, sections=[section.anchor for section in document.sections])
    console.say(f"report:   {path}")
