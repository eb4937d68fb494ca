"""The manifest of a batch: which output was made from what, as JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from i2s_trt import __version__
from i2s_trt.batch.jobs import Job
from i2s_trt.batch.journal import Commit
from i2s_trt.batch.options import Failure, Rendering
from i2s_trt.files import atomic_write

_FORMAT = 1


def write_manifest(
    path: Path,
    jobs: Iterable[Job],
    commits: Mapping[str, Commit],
    failures: Sequence[Failure],
    rendering: Rendering,
) -> None:
    """Write the manifest, atomically and an entry at a time.

    Args:
        path: of the file.
        jobs: everything the batch was to make.
        commits: by output; jobs without one are left out.
        failures: what is missing, and why.
        rendering: model.

    Raises:
        EnvironmentFault: the disk is full.
    """
    head = {
        "format": _FORMAT,
        "i2s_trt": __version__,
        "model": rendering.model,
        "model_digest": rendering.model_digest,
        "failures": [asdict(failure) for failure in failures],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(head, indent=1)[:-2].encode() + b',\n "outputs": {')
        separator = "\n"
        for entry in _entries(jobs, commits):
            file.write(f"{separator}  {entry}".encode())
            separator = ",\n"
        file.write(b"\n }\n}\n")


def _entries(jobs: Iterable[Job], commits: Mapping[str, Commit]) -> Iterator[str]:
    for job in jobs:
        commit = commits.get(job.output)
        if commit and commit.key == job.key:
            yield f"{json.dumps(job.output)}: {json.dumps(_entry(job, commit))}"


def _entry(job: Job, commit: Commit) -> dict[str, Any]:
    return {
        "latent": job.latent.source,
        "latent_digest": job.latent.digest,
        **({"delta_digest": job.latent.delta_digest} if job.latent.delta_digest else {}),
        "edit": job.variant.edit,
        "parameters": dict(job.variant.parameters),
        "engine": commit.engine,
        **({"threads": commit.threads} if commit.threads else {}),
        "size": commit.size,
        "sha256": commit.sha256,
    }
