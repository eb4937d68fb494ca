"""The launcher's file and the Kubernetes manifest in docs/cluster.md, against the schemas of those who read them."""

import copy
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from i2s_trt import __version__
from tests.conftest import DATA

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")
PAGE = Path(__file__).parents[2] / "docs/cluster.md"


def block(word: str) -> dict[str, Any]:
    """The one YAML block of the page that has a word in it."""
    (found,) = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if word in text]
    document: dict[str, Any] = yaml.safe_load(found)
    return document


@pytest.fixture
def job() -> dict[str, Any]:
    return block("kind: RayJob")


def validate_job(document: dict[str, Any]) -> None:
    schema = json.loads((DATA / "rayjob-schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, jsonschema.Draft202012Validator)


def commands() -> Iterator[list[str]]:
    """What the two run of this program."""
    yield shlex.split(block("kind: RayJob")["spec"]["entrypoint"])
    (launched,) = re.findall(r"ray exec cluster\.yaml '(.*?)'", " ".join(PAGE.read_text().split()))
    yield shlex.split(launched)


def test_the_launchers_file_is_one_for_ray() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = block("cluster_name:")
    ready = prepare_config(copy.deepcopy(config)) | {"cluster_synced_files": []}
    validate_config(ready)
    assert {config["provider"]["head_ip"], *config["provider"]["worker_ips"]} == {f"10.0.0.{n}" for n in (1, 2, 3)}
    with pytest.raises(jsonschema.ValidationError, match="head_start_commands"):
        validate_config(ready | {"head_start_commands": []})


def test_the_manifest_is_a_rayjob(job: dict[str, Any]) -> None:
    validate_job(job)
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for pod in (group["template"]["spec"] for group in groups):
        volumes = {volume["name"] for volume in pod["volumes"]}
        (container,) = pod["containers"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        assert container["image"].endswith(f":{__version__}")
    for group in cluster["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


@pytest.mark.parametrize(
    "change",
    [
        {"entryPoint": "i2s-trt"},
        {"shutdownAfterJobFinishes": "yes"},
        {"rayClusterSpec": {"workerGroupSpecs": []}},
    ],
)
def test_the_schema_refuses_what_is_none(job: dict[str, Any], change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate_job({**job, "spec": {**job["spec"], **change}})


@pytest.mark.parametrize("words", list(commands()), ids=lambda words: words[1])
def test_what_they_run_are_commands_of_this_program(words: list[str]) -> None:
    program, command, *arguments = words
    assert program == "i2s-trt"
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert shown.exit_code == 0
    for option in (word for word in arguments if word.startswith("--")):
        assert option in re.sub(r"\x1b\[[0-9;]*m", "", shown.output)
