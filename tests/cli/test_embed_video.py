"""Clips through the commands: embedded, edited, written with their sound, and gone on with."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.latents import read_latent, save_latent
from i2s_trt.video.read import read_frames, read_info
from tests.cli.support import I2s, invoke, names, refused, says
from tests.conftest import command
from tests.video.clips import moving_photograph, write_clip

Quick = tuple[object, ...]
CLIP = ("--frame-steps", 2)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = moving_photograph(decode(example_path("astronaut")), 4)
    return write_clip(tmp_path_factory.mktemp("clip") / "talk.mp4", frames)


@pytest.fixture(scope="module")
def out(clip: Path, tmp_path_factory: pytest.TempPathFactory, quick: Quick) -> Path:
    """The clip, embedded, with its face aligned."""
    folder = tmp_path_factory.mktemp("out")
    assert invoke("embed", clip, *quick, *CLIP, "--align", "-o", folder).exit_code == 0
    return folder


def latents(folder: Path) -> Any:
    return np.stack([read_latent(path).w_plus for path in sorted(folder.glob("*.safetensors"))])


def test_a_clip_leaves_videos_latents_and_figures(i2s: I2s, clip: Path, tmp_path: Path, quick: Quick) -> None:
    run = i2s("embed", clip, *quick, *CLIP, "--align", "-o", "out")
    assert run.code == 0, run.err
    assert "talk: 4 frames; the first 5 steps in" in run.out
    assert "from frame to frame latents move" in run.out
    assert names(tmp_path / "out") == ["talk", "talk-frames.csv", "talk-strip.mp4", "talk.mp4"]
    video = read_info(tmp_path / "out/talk.mp4")
    assert (video.frames, video.size, video.has_audio, float(video.rate)) == (4, (16, 16), True, 12.0)
    assert read_info(tmp_path / "out/talk-strip.mp4").size == (16, 36)
    rows = list(csv.DictReader((tmp_path / "out/talk-frames.csv").read_text().splitlines()))
    assert [row["steps"] for row in rows] == ["5", "2", "2", "2"]
    assert float(rows[0]["moved"]) == 0 < float(rows[3]["moved"])


def test_its_events(clip: Path, i2s: I2s, quick: Quick) -> None:
    run = i2s("embed", clip, *quick, *CLIP, "--align", "-o", "out", "--json")
    assert (run.code, run.err) == (0, "")
    kinds = [event["event"] for event in run.events]
    assert (kinds.count("looking"), kinds.count("frame"), kinds[-2:]) == (4, 4, ["clip", "end"])
    figures = run.events[-2]
    assert (figures["frames"], figures["steps"], figures["first_steps"], figures["sound"]) == (4, 2, 5, True)
    assert 0 < figures["flicker"] <= figures["flicker_most"]


def test_a_picture_and_a_clip_and_what_is_neither(
    i2s: I2s, clip: Path, cat: Path, tmp_path: Path, quick: Quick
) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no clip")
    run = i2s("embed", "bad.mp4", cat, clip, *quick, *CLIP, "--frames", 2, "-o", "out")
    says(run, 1, "bad.mp4 is not a clip")
    assert {"chelsea.safetensors", "talk", "talk.mp4"} <= set(names(tmp_path / "out"))
    assert len(latents(tmp_path / "out/talk")) == 2


def test_resuming_does_nothing_twice(clip: Path, out: Path, tmp_path: Path, quick: Quick) -> None:
    shutil.copytree(out, tmp_path / "out")
    (tmp_path / "out/talk/frame-00003.safetensors").unlink()
    before = (tmp_path / "out/talk/frame-00001.safetensors").stat().st_mtime_ns
    arguments = ("embed", clip, *quick, *CLIP, "--align", "-o", tmp_path / "out", "--resume")
    assert invoke(*arguments).exit_code == 0
    assert (tmp_path / "out/talk/frame-00001.safetensors").stat().st_mtime_ns == before
    np.testing.assert_array_equal(latents(tmp_path / "out/talk"), latents(out / "talk"))


@pytest.mark.parametrize("frame", [0, 2])
def test_killed_and_resumed(clip: Path, out: Path, tmp_path: Path, quick: Quick, frame: int) -> None:
    arguments = ("embed", clip, *quick, *CLIP, "--align", "-o", tmp_path)
    words = [str(word) for word in command([*arguments, "--json"])]
    with subprocess.Popen(words, env=os.environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if b'"frame": %d,' % frame in line)
        process.kill()
    assert len(list((tmp_path / "talk").glob("*.safetensors"))) > frame
    assert invoke(*arguments, "--resume").exit_code == 0
    np.testing.assert_array_equal(latents(tmp_path / "talk"), latents(out / "talk"))
    assert {"talk.mp4", "talk-strip.mp4", "talk-frames.csv"} <= set(names(tmp_path))


def test_a_clip_of_other_settings_is_kept_unless_told(clip: Path, out: Path, tmp_path: Path, quick: Quick) -> None:
    shutil.copytree(out, tmp_path / "out")
    arguments = ("embed", clip, *quick, "--frame-steps", 1, "--align", "-o", tmp_path / "out", "--resume")
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert "is kept: frame steps 2 -> 1" in done.output
    np.testing.assert_array_equal(latents(tmp_path / "out/talk"), latents(out / "talk"))
    assert invoke(*arguments, "--overwrite").exit_code == 0
    assert not np.array_equal(latents(tmp_path / "out/talk"), latents(out / "talk"))


def test_the_clip_is_never_overwritten(clip: Path, tmp_path: Path, quick: Quick) -> None:
    shutil.copy(clip, tmp_path)
    refused(invoke("embed", tmp_path / "talk.mp4", *quick, "-o", tmp_path), 2, "would overwrite")
    assert read_info(tmp_path / "talk.mp4").digest == read_info(clip).digest
    refused(invoke("embed", clip, *quick, "--space", "z", "-o", tmp_path / "out"), 2, "in Z")


def render(out: Path, small: Path, video: Path, *words: object) -> list[Any]:
    done = invoke("render-clip", out / "talk", "-m", small, "-o", video, "--engine", "torch", *words)
    assert done.exit_code == 0, done.output
    return list(read_frames(video))


def test_rendered_as_it_is(out: Path, small: Path, tmp_path: Path) -> None:
    found = render(out, small, tmp_path / "video.mp4")
    for frame, expected in zip(found, read_frames(out / "talk.mp4"), strict=True):
        np.testing.assert_array_equal(frame, expected)
    assert read_info(tmp_path / "video.mp4").has_audio
    assert len(render(out, small, tmp_path / "still.mp4", "--no-sound", "--steady", 2)) == 4
    assert not read_info(tmp_path / "still.mp4").has_audio


def test_another_face_moves_as_the_clip_does(out: Path, small: Path, tmp_path: Path) -> None:
    target = read_latent(out / "talk/frame-00000.safetensors")
    other: Any = np.random.default_rng(5).standard_normal(target.w_plus.shape, np.float32)
    save_latent(tmp_path / "other.safetensors", type(target)(other, target.model_digest))
    words = ("--onto", tmp_path / "other.safetensors", "--strength", 3)
    found = render(out, small, tmp_path / "puppet.mp4", *words)
    own = render(out, small, tmp_path / "own.mp4")
    assert np.abs(found[0].astype(int) - own[0]).mean() > 5
    assert np.abs(found[3].astype(int) - found[0]).mean() > 0


def test_a_recipe_for_every_frame(out: Path, small: Path, tmp_path: Path) -> None:
    (tmp_path / "look.toml").write_text('[[edit]]\nname = "calm"\noperation = "truncation"\npsi = [0.0, 0.5]\n')
    words = ("--recipe", tmp_path / "look.toml")
    still = render(out, small, tmp_path / "calm.mp4", *words, "--edit", "calm_0")
    assert np.abs(still[3].astype(int) - still[0]).max() <= 2  # every frame is the mean face
    for edit in ("", "calm"):
        done = invoke("render-clip", out / "talk", "-m", small, "-o", tmp_path / "x.mp4", *words, "--edit", edit)
        refused(done, 2, "no edit named", "calm_0, calm_1")


def test_pasted_back_into_the_frames(clip: Path, out: Path, small: Path, tmp_path: Path) -> None:
    found = render(out, small, tmp_path / "pasted.mp4", "--paste-back")
    frames = list(read_frames(clip))
    assert found[0].shape == frames[0].shape
    change = np.abs(found[2].astype(int) - frames[2]).max(axis=2)
    assert np.median(change) < 12  # the video is coded twice
    assert (change > 40).sum() > 500


def test_a_clip_that_has_moved(clip: Path, out: Path, small: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    document = json.loads((tmp_path / "out/talk/clip.json").read_text())
    (tmp_path / "out/talk/clip.json").write_text(json.dumps({**document, "source": "/none.mp4"}))
    video = tmp_path / "video.mp4"
    done = invoke("render-clip", tmp_path / "out/talk", "-m", small, "-o", video, "--engine", "torch")
    assert done.exit_code == 0
    assert "silent: the clip was not found" in done.output
    refused(invoke("render-clip", tmp_path / "out/talk", "-m", small, "-o", video, "--paste-back"), 2, "--clip")
    render(tmp_path / "out", small, video, "--clip", clip)
    assert read_info(video).has_audio
    other = out / "talk.mp4"
    refused(invoke("render-clip", out / "talk", "-m", small, "-o", video, "--clip", other), 2, "is not the clip")


@pytest.mark.parametrize(
    ("words", "message"), [
        (["-o", "video.avi"], "not a kind of video"), (["--steady", "-1"], "--steady"), (["-m", "demo"], "has shape"),
        (["--onto", "none.safetensors"], "none.safetensors"), (["--recipe", "none.toml"], "none.toml"),
        (["--engine", "magic"], "no engine named magic"),
    ], ids=str,
)  # fmt: skip
def test_bad_values_are_refused(out: Path, small: Path, tmp_path: Path, words: list[str], message: str) -> None:
    done = invoke("render-clip", out / "talk", "-m", small, "-o", tmp_path / "video.mp4", *words)
    refused(done, 2, message)
    assert names(tmp_path) == []


def test_a_folder_that_is_no_clips(tmp_path: Path, small: Path) -> None:
    refused(invoke("render-clip", tmp_path, "-m", small), 2, "not the folder of an embedded clip")


def test_the_first_frame_starts_where_it_is_told(clip: Path, out: Path, tmp_path: Path, quick: Quick) -> None:
    """From a latent, or from what an encoder guesses for it; the others start from the frame before."""
    third = out / "talk" / "frame-00003.safetensors"
    run = ("embed", clip, *quick, "--frame-steps", 0, "--frames", 2, "--steps", 0)
    assert invoke(*run, "--init", third, "-o", tmp_path / "latent").exit_code == 0
    for found in latents(tmp_path / "latent/talk"):
        np.testing.assert_array_equal(found, read_latent(third).w_plus)
