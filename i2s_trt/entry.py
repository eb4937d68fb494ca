"""Where the command `i2s-trt` starts: makes sure that its own packages are the ones that get imported."""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

from i2s_trt.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED
from i2s_trt.threads import wait_politely

_COMPANIONS = ("cli", "benchmarks", "engines", "export")


def main() -> None:
    """Run the command line, unless a foreign package stands in for one of ours."""
    foreign = foreign_packages()
    if foreign:
        for name, place in foreign.items():
            print(f"error: the package '{name}' at {place} is not i2s-trt's", file=sys.stderr)
        print(
            "  mend: start it as i2s-trt rather than python -m i2s_trt, run it from another folder, or uninstall the "
            "package that brings it; a fresh virtual environment always works",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_ENVIRONMENT)
    wait_politely()
    try:
        importlib.import_module("cli.main").run()
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None


def foreign_packages() -> dict[str, str]:
    """Packages that carry our names but do not stand beside `i2s_trt`, with where they are."""
    here = Path(__file__).resolve().parent.parent
    found = {}
    for name in _COMPANIONS:
        spec = find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if here / name not in places[:1]:
            found[name] = str(places[0] if places else (spec and spec.origin) or "(missing)")
    return found
