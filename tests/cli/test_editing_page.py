"""docs/editing.md: its recipe loads and every command on it runs, on latents in place of the demo's."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.edit.recipe.operations import OPERATIONS
from i2s_trt.edit.sources import LatentSource
from i2s_trt.latents import Latent, save_latent
from i2s_trt.seeds import w_plus_from_seed
from tests.cli.support import invoke

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "editing.md").read_text()
DEMO = ("portrait", "solemn", "smiling")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_command_on_the_page_makes_what_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator = load_generator()
    (tmp_path / "demo").mkdir()
    for seed, name in enumerate(DEMO):
        latent = Latent(w_plus_from_seed(generator, seed), model_digest=generator.digest)
        save_latent(tmp_path / f"demo/{name}.safetensors", latent)
    (recipe,) = blocks("toml")
    (tmp_path / "recipe.toml").write_text(recipe)
    lines = [line for block in blocks("sh") for line in block.splitlines() if not line.startswith("i2s-trt demo")]
    for line in lines:
        words = shlex.split(line)
        done = invoke(*words[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        assert (tmp_path / words[words.index("-o") + 1]).exists()
    assert len(lines) == 8
    assert {path.name for path in tmp_path.glob("editing-*")} == pictures_shown()


def pictures_shown() -> set[str]:
    return set(re.findall(r"\(pictures/(editing-[a-z]+\.[a-z]+)\)", PAGE))


def test_pictures_exist() -> None:
    assert {name for name in pictures_shown() if not (DOCS / "pictures" / name).exists()} == set()


def test_every_operation_and_key_of_a_recipe_is_described() -> None:
    for kind, operation in OPERATIONS.items():
        (row,) = re.findall(rf"^\| `{kind}` \| (.*)", PAGE, re.MULTILINE)
        for name in operation.model_fields:
            assert f"`{operation.key(name)}`" in row, (kind, name)
    assert "| `chain` |" in PAGE


def test_the_example_of_a_mistake_is_what_is_said(tmp_path: Path) -> None:
    from i2s_trt.edit.recipe.load import load_recipe
    from i2s_trt.errors import UsageError

    np.save(tmp_path / "smile.npy", np.ones((1, 384)))
    text = blocks("toml")[0].replace("strength = { from = -0.6, to = 0.6, steps = 3 }", 'strength = "strong"')
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        load_recipe(tmp_path / "recipe.toml", LatentSource.of(load_generator()))
    assert caught.value.args[0].removeprefix(f"{tmp_path}/") in PAGE
