"""Have an independent judge look at a finished demo: `python -m benchmarks.judge DEMO_FOLDER -o FILE.json`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.judge.gallery import Demo, control_pictures, demo_cases, example_people, read_demo
from benchmarks.judge.judgement import Judgement, controls, row
from benchmarks.judge.node import MODULES, ask, check_modules, find_node
from benchmarks.judge.tables import refresh_page, to_markdown
from i2s_trt.errors import I2sError
from i2s_trt.files import write_bytes


def judge(demo: Demo, modules: Path) -> Judgement:
    """Show the judge everything. Raises as `ask` does."""
    cases = demo_cases(demo)
    people = example_people(modules, demo.generator.resolution)
    known = control_pictures(demo, people)
    answer = ask({case.name: case.pixels for case in cases} | known, modules)
    verdicts = answer.verdicts
    distances, smiles = controls({name: verdicts[name] for name in ("astronaut", *known)})
    rows = tuple(row(case, verdicts) for case in cases)
    return Judgement(answer.versions, demo.generator.digest, demo.steps, rows, tuple(distances), tuple(smiles))


def main(words: Sequence[str] | None = None) -> int:
    """Judge, write and print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("demo", type=Path, help="folder that i2s-trt demo has made")
    parser.add_argument("-o", "--output", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--modules", type=Path, default=MODULES, help="folder with node_modules, instead of out/judge")
    parser.add_argument("--model", default="demo", help="that the demo was made with")
    parser.add_argument("--page", type=Path, help="page whose tables are to be replaced, such as docs/judge.md")
    chosen = parser.parse_args(words)
    try:
        find_node()
        check_modules(chosen.modules)
        judgement = judge(read_demo(chosen.demo, chosen.model), chosen.modules)
        write_bytes(chosen.output, json.dumps(asdict(judgement), indent=1, allow_nan=False).encode())
        tables = to_markdown(judgement)
        print(tables, end="")
        if chosen.page:
            refresh_page(chosen.page, tables)
    except I2sError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
