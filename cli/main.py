"""The `i2s-trt` command: its subcommands, and what becomes of their errors."""

import sys
from inspect import signature
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from cli import (
    align,
    bench,
    build_engines,
    demo,
    doctor,
    edit,
    embed,
    engines,
    experiment,
    expression_transfer,
    models,
    morph,
    paste_back,
    render_clip,
    report,
    studio,
    style_transfer,
    synthesize,
    train_encoder,
)
from cli.console import Console
from i2s_trt import __version__
from i2s_trt.errors import EXIT_USAGE, EnvironmentFault, I2sError, UsageError

app = typer.Typer(
    name="i2s-trt",
    help="Image2StyleGAN: embed photographs into a StyleGAN's W+ space and edit them there.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("align")(align.align)
app.command("paste-back")(paste_back.paste_back)
app.command("embed")(embed.embed)
app.command("render-clip")(render_clip.render_clip)
app.command("synthesize")(synthesize.synthesize)
app.command("morph")(morph.morph)
app.command("style-transfer")(style_transfer.style_transfer)
app.command("expression-transfer")(expression_transfer.expression_transfer)
app.command("edit")(edit.edit)
app.command("studio")(studio.studio)
app.command("train-encoder")(train_encoder.train_encoder)
app.command("build-engines")(build_engines.build_engines)
app.command("bench")(bench.bench)
app.command("report")(report.report)
app.command("experiment")(experiment.experiment)
app.add_typer(models.app, name="models")
app.add_typer(engines.app, name="engines")


def _version(value: bool) -> None:
    if value:
        print(f"i2s-trt {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Image2StyleGAN: embed photographs into a StyleGAN's W+ space and edit them there."""


def run() -> None:
    """Run the command line; every error a user can put right becomes a message and an exit code."""
    console = Console("--json" in sys.argv)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may hold bytes that are no text
    try:
        code = app(prog_name="i2s-trt", standalone_mode=False)
    except Exception as error:
        if hasattr(error, "format_message") and not error.format_message():  # no command: the help has been shown
            raise SystemExit(EXIT_USAGE) from None
        explained = _explain(error)
        if explained is None:
            raise
        _mention_resume(explained)
        console.error(explained)
        raise SystemExit(explained.exit_code) from None
    raise SystemExit(code)


def _explain(error: Exception) -> I2sError | None:
    """The error as one of ours; None for a defect of the program."""
    from i2s_trt.files import explain_os_error

    if isinstance(error, I2sError):
        return error
    if hasattr(error, "format_message"):  # typer's, whether it brings click along or imports it
        return _usage(error)
    if isinstance(error, MemoryError | RuntimeError) and _is_out_of_memory(error):
        return EnvironmentFault(
            "the machine has too little memory for this", "use a smaller --batch or a smaller model"
        )
    if isinstance(error, ModuleNotFoundError):
        return EnvironmentFault(f"the package {error.name} is missing", f"pip install {error.name}, or i2s-trt doctor")
    return explain_os_error(error.filename or "the output", error) if isinstance(error, OSError) else None


def _mention_resume(error: I2sError) -> None:
    """A command that can go on where a full disk stopped it says how."""
    from i2s_trt.files import FREE_SPACE

    name = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    command = next((command for command in app.registered_commands if command.name == name), None)
    if error.hint == FREE_SPACE and command and command.callback and "resume" in signature(command.callback).parameters:
        error.hint += " with --resume: what is finished is kept"


def _usage(error: Any) -> UsageError:
    """A mistake on the command line, without typer's frame and with a hint."""
    command = error.ctx.command_path if getattr(error, "ctx", None) else "i2s-trt"
    return UsageError(error.format_message(), f"{command} --help lists what there is")


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(
        sign in str(error) for sign in ("out of memory", "can't allocate memory")
    )
