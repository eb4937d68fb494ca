"""One stage of a first run on a GPU, with its record: what was found, or why it could not end.

`first_gpu_run.sh` calls them: `python -m benchmarks.first_run STAGE` runs one, leaves STAGE.json and says one line.
What is there already is kept. A stage that could not end leaves STAGE.failed.json and is tried again the next time.
"""

import argparse
import json
import os
import time
import traceback
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from benchmarks.first_run.correctness import Verdict
from benchmarks.first_run.stages import CHECKS, ROOT, SECONDS, TIMINGS
from benchmarks.speed.bench import Bench, one_line
from benchmarks.speed.schema import Checked, Environment, Results, Row, Skip, Suite
from i2s_trt.errors import I2sError, UsageError

WRONG = 4  # exit status; Python's own is 1


@dataclass(frozen=True)
class Report(Checked):
    """What a stage that checks something found.

    Attributes:
        stage: its name.
        started: date and time in UTC, ISO 8601.
        seconds: that it took.
        environment: where it ran.
        verdicts: in the order in which they were found.
        skipped: what was not checked, and why.
        quick: whether it was cut down to a trial.
    """

    stage: str
    started: str
    seconds: float
    environment: Environment
    verdicts: tuple[Verdict, ...]
    skipped: tuple[Skip, ...] = ()
    quick: bool = False
    schema: Literal[1] = 1

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return all(verdict.passed for verdict in self.verdicts)


def read_report(path: Path) -> Report:
    """A report from its file. Raises pydantic's ValidationError for what is none."""
    from pydantic import TypeAdapter

    return TypeAdapter(Report).validate_json(path.read_bytes())


def run_stage(stage: str, bench: Bench, output: Path) -> tuple[bool, str]:
    """Run a stage and write its file; whether all is well, and a few words.

    Raises:
        EnvironmentFault: there is no such device, or the file cannot be written.
    """
    from benchmarks.speed.environment import describe_environment
    from benchmarks.speed.results_file import write_results
    from i2s_trt.devices import choose_device
    from i2s_trt.files import write_bytes

    if stage != "environment":
        choose_device(bench.device)
    here, begun = describe_environment(bench.device.partition(":")[0]), time.monotonic()
    started = datetime.now(UTC).isoformat(timespec="seconds")
    if stage in TIMINGS:
        suite = _measure(stage, bench, started)
        write_results(output / f"{stage}.json", Results(here, {stage: suite}))
        return read_verdict(output / f"{stage}.json")
    found = list(CHECKS[stage](bench, output))
    verdicts = tuple(one for one in found if isinstance(one, Verdict))
    skipped = tuple(one for one in found if isinstance(one, Skip))
    seconds = round(time.monotonic() - begun, 1)
    report = Report(stage, started, seconds, here, verdicts, skipped, bench.quick)
    write_bytes(output / f"{stage}.json", json.dumps(asdict(report), indent=1, allow_nan=False).encode())
    return read_verdict(output / f"{stage}.json")


def _measure(stage: str, bench: Bench, started: str) -> Suite:
    from benchmarks.speed.environment import program_version
    from benchmarks.speed.load import load_before
    from benchmarks.speed.runner import added
    from benchmarks.speed.schema import Progress

    begun = time.monotonic()
    suite = Suite("complete", started, 0.0, program_version(), load_before(), bench.quick)
    for item in TIMINGS[stage](bench):
        if not isinstance(item, Progress):
            suite = added(suite, item)
    status: Any = "complete" if bench.left() > 0 else "out of time"
    return Suite(**{**vars(suite), "status": status, "seconds": round(time.monotonic() - begun, 1)})


def kept(path: Path, bench: Bench) -> tuple[bool, str]:
    """The verdict of a file that is there already. Raises UsageError if it is of another device, or of a trial."""
    record = json.loads(path.read_bytes())
    here = (bench.device.partition(":")[0], bench.quick)
    quick = record["quick"] if path.stem in CHECKS else record["suites"][path.stem]["quick"]
    if (record["environment"]["device"], quick) != here:
        trial = ", quick" if quick else ""
        raise UsageError(f"{path} is of {record['environment']['device']}{trial}", "give --fresh, or another --output")
    well, said = read_verdict(path)
    return well, f"{said} (there already)"


def read_verdict(path: Path) -> tuple[bool, str]:
    """What the file of a stage says: whether all is well, and a few words. Raises I2sError for a damaged file."""
    from benchmarks.speed.results_file import read_results

    if path.stem in TIMINGS:
        suite = read_results(path).suites[path.stem]
        words = [_figure(row) for row in suite.rows if "time" in row.figures]
        return bool(suite.rows), "; ".join([*words, *_count(len(suite.skipped))]) or "nothing was measured"
    report = read_report(path)
    wrong = [f"{verdict.what}: {_value(verdict)}" for verdict in report.verdicts if not verdict.passed]
    words = [
        f"{len(report.verdicts) - len(wrong)} of {len(report.verdicts)} checks passed",
        *_count(len(report.skipped)),
    ]
    return report.passed, "; ".join([*words, *wrong])


def _figure(row: Row) -> str:
    case, time_ = row.case, row.figures["time"]
    return f"{case.variant} {case.precision} x{case.batch} {time_.value:.3g} {time_.unit}"


def _value(verdict: Verdict) -> str:
    return f"{verdict.measured:.3g}, not {verdict.limit:g}" if verdict.measured is not None else verdict.note


def _count(skipped: int) -> list[str]:
    return [f"{skipped} skipped"] if skipped else []


def main() -> int:
    """Run one stage; exit code 0 if it is well, 4 if it is not and has said so."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_run", description=__doc__)
    parser.add_argument("stage", choices=[*CHECKS, *TIMINGS])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results/first-gpu-run")
    parser.add_argument("--quick", action="store_true", help="a trial with small numbers")
    parser.add_argument("--fresh", action="store_true", help="again, even where the stage's file is there")
    words = parser.parse_args()
    words.output.mkdir(parents=True, exist_ok=True)
    if find_spec("platformdirs") is None:
        os.environ.setdefault("I2S_TRT_HOME", str(words.output.resolve() / "home"))
    path, failed = words.output / f"{words.stage}.json", words.output / f"{words.stage}.failed.json"
    try:
        bench = Bench(words.device, quick=words.quick).until(SECONDS.get(words.stage, float("inf")))
        if path.is_file() and not words.fresh:
            well, said = kept(path, bench)
        else:
            path.unlink(missing_ok=True)
            well, said = run_stage(words.stage, bench, words.output)
        failed.unlink(missing_ok=True)
    except I2sError as error:
        well, said = False, one_line(error)
        failed.write_text(json.dumps({"stage": words.stage, "reason": said}, indent=1))
    except Exception as error:  # a defect is recorded as well, and the next stage has its turn
        well, said = False, " ".join(f"{type(error).__name__}: {error}".split())[:300]
        failed.write_text(json.dumps({"stage": words.stage, "reason": said, "trace": traceback.format_exc()}, indent=1))
    print(f"{words.stage:<12} {'well ' if well else 'WRONG'} {said}", flush=True)
    return 0 if well else WRONG
