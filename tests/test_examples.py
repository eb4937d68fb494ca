"""The examples run as they stand, with fewer steps."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from i2s_trt import load_generator
from i2s_trt.arrays import Pixels
from i2s_trt.images.decode import decode
from i2s_trt.latents import read_latent
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from i2s_trt.video.read import read_frames, read_info

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_has_a_test_and_says_how_it_is_run() -> None:
    paths = sorted(EXAMPLES.glob("*.py"))
    assert [path.stem for path in paths] == ["folder", "morph_seeds", "smile"]
    for path in paths:
        assert f"python examples/{path.name} " in path.read_text().split('"""')[1]


@pytest.mark.usefixtures("rough_curvature")
def test_smile(tmp_path: Path, astronaut: Path) -> None:
    kept, smiling = tmp_path / "kept.png", tmp_path / "smiling.png"
    module: Any = example("smile")
    module.main(astronaut, kept, steps=6, strength=0.0)
    module.main(astronaut, smiling, steps=6)
    first, second = decode(kept), decode(smiling)
    assert first.shape == second.shape == (128, 128, 3)
    assert (first != second).any()


def test_folder(tmp_path: Path, astronaut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, output = tmp_path / "photographs", tmp_path / "latents"
    folder.mkdir()
    (folder / "astronaut.png").write_bytes(astronaut.read_bytes())
    (folder / "notes.txt").write_text("no picture")
    module: Any = example("folder")
    module.main(folder, output, steps=3)
    first = read_latent(output / "astronaut.safetensors")
    assert first.extra["steps_done"] == 3
    assert "notes.txt: " in capsys.readouterr().out
    module.main(folder, output, steps=3)
    assert "astronaut" not in capsys.readouterr().out


def render_seed(seed: int) -> Pixels:
    generator = load_generator("demo")
    pictures = TorchSynthesizer(generator)(w_plus_from_seed(generator, seed)[None])
    return np.asarray(pictures[0])


def test_morph_seeds(tmp_path: Path) -> None:
    module: Any = example("morph_seeds")
    module.main(3, 8, tmp_path / "video.mp4", frames=5)
    assert read_info(tmp_path / "video.mp4").frames == 5
    first, *_, last = read_frames(tmp_path / "video.mp4")
    ends = [render_seed(seed) for seed in (3, 8)]
    for frame, end in zip((first, last), ends, strict=True):
        assert np.abs(frame.astype(int) - end).mean() < 6
