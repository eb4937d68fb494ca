"""Reads and writes files of results: JSON, checked against the schema on reading, whole or not there on writing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.speed.schema import Environment, Results, Suite
from i2s_trt.errors import I2sError, UsageError
from i2s_trt.files import guard_os_errors, write_bytes

_SHOWN_FAULTS = 3


class ResultsError(I2sError):
    """A file that does not hold results."""


def write_results(path: Path, results: Results) -> None:
    """Write a file of results, atomically. Raises EnvironmentFault or UsageError when it cannot be written."""
    write_bytes(path, json.dumps(asdict(results), indent=1, allow_nan=False).encode())


def read_results(path: Path) -> Results:
    """The results in a file.

    Raises:
        ResultsError: it is not JSON, of another schema, or some value is missing, unknown or impossible; says where.
    """
    from pydantic import ValidationError

    with guard_os_errors(path):
        if not path.is_file():
            raise UsageError(f"there is no file {path}", "i2s-trt bench -o results.json makes one")
        data = path.read_bytes()
    try:
        return _adapter().validate_json(data)  # type: ignore[no-any-return]
    except ValidationError as error:
        raise ResultsError(f"{path} does not hold benchmark results: {_faults(error)}", _hint(data)) from error


def merged(old: Results | None, environment: Environment, suites: Sequence[str]) -> Results:
    """The results to go on from: suites that will be measured again are dropped, the others stay.

    Raises:
        UsageError: the old ones are of another machine, or of other versions.
    """
    if old is None:
        return Results(environment)
    differing = [name for name, value in vars(environment).items() if getattr(old.environment, name) != value]
    if differing:
        raise UsageError(
            f"the file holds results of another machine or other versions: {', '.join(differing)} differ",
            "name another file with -o; i2s-trt report shows several files side by side",
        )
    return replace(old, suites={name: suite for name, suite in old.suites.items() if name not in suites})


def with_suite(results: Results, name: str, suite: Suite) -> Results:
    """The results with a suite added or replaced."""
    return replace(results, suites={**results.suites, name: suite})


@cache
def json_schema() -> dict[str, Any]:
    """The JSON schema of a file of results."""
    return _adapter().json_schema()  # type: ignore[no-any-return]


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Results)


def _faults(error: Any) -> str:
    faults = error.errors(include_url=False)
    shown = "; ".join(f"{_place(fault['loc'])}: {fault['msg']}" for fault in faults[:_SHOWN_FAULTS])
    return shown + (f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else "")


def _place(location: Sequence[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).lstrip(".") or "the file"


def _hint(data: bytes) -> str:
    try:
        schema = json.loads(data)["schema"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "measure again with i2s-trt bench"
    newer = isinstance(schema, int) and schema != Results.schema
    return f"schema {schema} belongs to another version of i2s-trt: use that one" if newer else "measure again"
