"""The `i2s-trt` command: its subcommands, and what becomes of their errors."""

import os
import sys
from typing import Annotated

import typer

from cli import demo, doctor, embed, models, synthesize
from cli.console import Console
from i2s_trt import __version__
from i2s_trt.errors import EXIT_INTERRUPTED, EnvironmentFault, I2sError

app = typer.Typer(
    name="i2s-trt",
    help="Image2StyleGAN: embed photographs into a StyleGAN's W+ space and edit them there.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("embed")(embed.embed)
app.command("synthesize")(synthesize.synthesize)
app.add_typer(models.app, name="models")


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
    """Run the command line; every error a user can mend becomes a message and an exit code."""
    console = Console("--json" in sys.argv)
    try:
        app()
    except I2sError as error:
        console.error(error)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        console.note("interrupted")
        raise SystemExit(EXIT_INTERRUPTED) from None
    except MemoryError:
        fault = EnvironmentFault(
            "the machine has too little memory for this", "use a smaller --batch or a smaller model"
        )
        console.error(fault)
        raise SystemExit(fault.exit_code) from None
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
