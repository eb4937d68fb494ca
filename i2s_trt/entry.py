"""Where the command `i2s-trt` starts: makes sure that its own packages are the ones that get imported."""

import importlib
import sys
from pathlib import Path

from i2s_trt.errors import EXIT_INTERRUPTED
from i2s_trt.threads import wait_politely


def main() -> None:
    """Run the command line."""
    find_floors()
    wait_politely()
    try:
        importlib.import_module("cli.main").run()
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None


def find_floors() -> None:
    """Have `cli`, `benchmarks`, `engines` and `export` be ours, whatever else bears these names.

    In an installed program they lie inside `i2s_trt`, in a checkout beside it.
    """
    library = Path(__file__).resolve().parent
    floors = library / "floors"
    sys.path.insert(0, str(floors if floors.is_dir() else library.parent))
