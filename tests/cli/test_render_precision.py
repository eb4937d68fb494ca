"""`--precision` of the editing commands: what renders is in it, and says so."""

import json
from pathlib import Path

import pytest

from tests.cli.support import I2s, invoke, refused

RECIPE = """
[[edit]]
name = "calm"
operation = "truncation"
psi = 0.5
"""


@pytest.mark.parametrize(
    "command",
    [
        ("morph", "seed:1", "seed:2", "--frames", 2, "-o", "out"),
        ("style-transfer", "seed:1", "seed:2", "-o", "out"),
        ("expression-transfer", "seed:1", "seed:2", "seed:3", "-o", "out"),
        ("edit", "recipe.toml", "--seeds", "1", "-o", "out"),
    ],
    ids=lambda command: str(command[0]),
)
def test_the_precision_is_what_was_asked_for(
    command: tuple[object, ...], i2s: I2s, small: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    run = i2s(*command, "-m", small, "--precision", "bf16", "--json")
    assert run.code == 0, run.err
    (engine,) = [event for event in run.events if event["event"] == "engine"]
    assert (engine["name"], engine["precision"]) == ("torch", "bf16")
    if command[0] == "edit":
        manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
        assert "torch in bf16" in json.dumps(manifest)
    else:
        assert invoke(*command[:-1], tmp_path / "out", "-m", small).output.startswith("engine:   torch in fp32 (")
    refused(invoke(*command[:-1], tmp_path / "out", "-m", small, "--precision", "int4"), 2, "no precision named int4")
