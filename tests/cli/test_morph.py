"""`i2s-trt morph`: videos, sheets and pictures between latents."""

from pathlib import Path

import av
import numpy as np
import pytest

from i2s_trt.checkpoints.store import load_generator
from i2s_trt.images.decode import decode
from i2s_trt.latents import Latent, save_latent
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer
from tests.cli.support import I2s, invoke, names, refused


def test_a_folder_of_frames_begins_and_ends_with_the_latents_themselves(small: Path, tmp_path: Path) -> None:
    generator = load_generator(small)
    w_plus = np.stack([w_plus_from_seed(generator, seed) for seed in (1, 2)])
    save_latent(tmp_path / "a.safetensors", Latent(w_plus[0], model_digest=generator.digest))
    out = tmp_path / "frames"
    assert invoke("morph", tmp_path / "a.safetensors", "seed:2", "--frames", 5, "-m", small, "-o", out).exit_code == 0
    assert names(out) == [f"frame-{number:05d}.png" for number in range(5)]
    first, last = TorchSynthesizer(generator)(w_plus)
    np.testing.assert_array_equal(decode(out / "frame-00000.png"), first)
    np.testing.assert_array_equal(decode(out / "frame-00004.png"), last)
    assert (decode(out / "frame-00002.png") != first).any()


def test_a_video_through_three_latents_and_back(i2s: I2s, small: Path, tmp_path: Path) -> None:
    words = ("--frames", 4, "--ping-pong", "-m", small, "-o", "new/video.mp4", "--json")
    run = i2s("morph", "seed:1", "seed:2", "mean", *words)
    assert (run.code, run.err) == (0, "")
    assert [event["event"] for event in run.events] == ["engine", "file"]
    with av.open(str(tmp_path / "new/video.mp4")) as video:
        assert len(list(video.decode(video=0))) == 7 + 5
    gif = tmp_path / "walk.gif"
    done = invoke("morph", "seed:1", "mean", "--frames", 6, "--wander", 1, "--rate", 10, "-m", small, "-o", gif)
    assert done.output.splitlines()[-1] == f"{gif}: a video of 10 pictures, 1.0 s"


@pytest.mark.parametrize(
    ("words", "count"), [(("-o", "a.gif"), 8), (("-o", "a.gif", "--one-way"), 5), (("-o", "a.mp4"), 5)], ids=str
)
def test_a_gif_which_plays_for_ever_comes_back_without_a_jump(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], count: int
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("morph", "seed:1", "seed:2", "--frames", 5, "-m", small, *words)
    assert f"a video of {count} pictures" in done.output


@pytest.mark.parametrize("kind", ["mp4", "gif"])
@pytest.mark.parametrize(
    ("words", "seconds"), [
        (("--frames", 8), 2), (("--frames", 5, "--ping-pong"), 2), (("--frames", 90), 3),
        (("--frames", 8, "--seconds", 4), 4), (("--frames", 8, "--rate", 16), 0.5),
    ], ids=str,
)  # fmt: skip
def test_a_video_lasts_long_enough_to_be_seen(
    small: Path, tmp_path: Path, kind: str, words: tuple[object, ...], seconds: float
) -> None:
    path = tmp_path / f"video.{kind}"
    way = () if "--ping-pong" in words else ("--one-way",)
    done = invoke("morph", "seed:1", "seed:2", *words, *way, "-m", small, "-o", path)
    assert done.output.splitlines()[-1].endswith(f" pictures, {seconds:.1f} s")
    with av.open(str(path)) as video:
        times = [frame.time or 0.0 for frame in video.decode(video=0)]
    length = (times[-1] - times[0]) * len(times) / (len(times) - 1)
    assert length == pytest.approx(seconds, rel=0.05)


def test_a_ramp_of_expressions_lasts_as_long(small: Path, tmp_path: Path) -> None:
    trio = ("seed:1", "seed:2", "seed:3", "--strength", "-1:1:7", "-m", small, "-o", tmp_path / "ramp.mp4")
    assert invoke("expression-transfer", *trio).output.splitlines()[-1].endswith("a video of 7 pictures, 2.0 s")
    done = invoke("expression-transfer", *trio, "--seconds", 3.5)
    assert done.output.splitlines()[-1].endswith("a video of 7 pictures, 3.5 s")


@pytest.mark.parametrize(("frames", "columns"), [(4, 4), (16, 4)])
def test_a_sheet_shows_few_frames_in_a_row_and_many_in_a_square(
    small: Path, tmp_path: Path, frames: int, columns: int
) -> None:
    done = invoke("morph", "seed:1", "seed:2", "--frames", frames, "-m", small, "-o", tmp_path / "a.png")
    assert done.exit_code == 0
    height, width, _ = decode(tmp_path / "a.png").shape
    assert width == columns * 20 - 4
    assert height > frames // columns * 20


@pytest.mark.parametrize(
    ("words", "message"), [
        (["seed:1"], "two latents"), (["seed:1", "none.npy"], "none.npy cannot be read"),
        (["seed:1", "seed:2", "--frames", "1"], "1 frame"), (["seed:1", "seed:2", "--easing", "bounce"], "no easing"),
        (["seed:1", "seed:2", "-o", "a.avi"], "a.avi is not a kind of file"),
        (["seed:1", "seed:2", "--rate", "0"], "play 0"), (["seed:1", "seed:2", "--seconds", "0"], "last 0 seconds"),
        (["seed:1", "seed:2", "--seconds", "nan"], "last nan seconds"),
        (["seed:1", "seed:2", "--seconds", "0.1", "-o", "a.gif"], "give 2.4 or more"),
        (["seed:1", "seed:2", "--seconds", "3", "--rate", "9"], "the same thing twice"),
        (["seed:1", "seed:2", "--wander", "-1"], "--wander"),
        (["seed:1", "seed:2", "--engine", "warp"], "no engine named warp"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused_before_anything_is_written(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(invoke("morph", *words, "-m", small), 2, message)
    assert names(tmp_path) == []


def test_a_latent_of_another_model(small: Path, tmp_path: Path) -> None:
    save_latent(tmp_path / "a.safetensors", Latent(np.zeros((6, 24), np.float32), model_digest="f" * 64))
    words = ("morph", tmp_path / "a.safetensors", "mean", "--frames", 2, "-m", small, "-o", tmp_path / "out")
    refused(invoke(*words), 2, "a.safetensors: the latent was made with another model")
    assert invoke(*words, "--any-model").exit_code == 0
