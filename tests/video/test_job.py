"""A clip embedded frame by frame: warm starts, what is kept, and going on after an interruption."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from i2s_trt.embedding.options import EmbedOptions, ObjectiveOptions
from i2s_trt.embedding.run.job import JobEvent
from i2s_trt.errors import LatentError, UsageError
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path
from i2s_trt.latents import read_latent
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.photographs.people import AlignOptions
from i2s_trt.video.folder import ClipFolder, stacked
from i2s_trt.video.job import ClipJob, ClipResult
from i2s_trt.video.motion import moved
from i2s_trt.video.options import ClipOptions
from i2s_trt.video.plan import plan_clip
from i2s_trt.video.read import ClipInfo
from tests.cli.support import names
from tests.video.clips import moving_photograph, write_clip

OPTIONS = EmbedOptions(steps=6, objective=ObjectiveOptions(layer_weights={}, input_scale="signed"))
CLIP = ClipOptions(frame_steps=2, temporal_weight=1.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = moving_photograph(decode(example_path("astronaut")), 5)
    return write_clip(tmp_path_factory.mktemp("clip") / "talk.mp4", frames)


class Runner:
    """Runs jobs on the toy generator; frames are taken as they are."""

    def __init__(self, generator: Generator, vgg: Vgg16) -> None:
        self.generator, self.vgg = generator, vgg
        self.events: list[JobEvent] = []
        self.planned = 0

    def __call__(
        self, path: Path, folder: Path, clip: ClipOptions = CLIP, stop_after: int = -1, **changes: Any
    ) -> ClipResult:
        self.events, self.planned = [], 0

        def plan(source: Path, info: ClipInfo, options: ClipOptions, report: Any) -> Any:
            self.planned += 1
            return plan_clip(source, info, options.most_frames, self.generator.spec, None, AlignOptions(), 0.0, report)

        def stop() -> bool:
            return 0 <= stop_after <= sum(event.kind == "frame" for event in self.events)

        options = replace(OPTIONS, **changes)
        job = ClipJob(self.generator, self.vgg, options, clip, plan, {}, self.events.append, stop)
        return job.run(path, "talk", folder)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@pytest.fixture(scope="module")
def runner(toy: Generator, vgg: Vgg16) -> Runner:
    return Runner(toy, vgg)


@pytest.fixture(scope="module")
def whole(runner: Runner, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> ClipResult:
    return runner(clip, tmp_path_factory.mktemp("whole") / "talk")


def latents(result: ClipResult) -> Any:
    return stacked(list(result.latents))


def test_every_frame_has_a_latent_and_the_record_says_how(whole: ClipResult) -> None:
    assert (whole.status, len(whole.latents)) == ("finished", 5)
    assert whole.folder is not None
    frames = [f"frame-0000{number}.safetensors" for number in range(5)]
    first = ["frame-00000-curve.csv", "frame-00000-curve.png", "frame-00000-strip.png", "frame-00000.png"]
    assert names(whole.folder.path) == sorted(["clip.json", *first, *frames])
    steps = [latent.extra["steps_done"] for latent in whole.latents]
    assert steps == [6, 2, 2, 2, 2]
    third = read_latent(whole.folder.latent(3))
    assert (third.options["init"], third.options["steps"], third.extra["clip"]) == ("latent", 2, "talk.mp4")
    assert third.extra["alignment"]["kind"] == "crop"
    assert third.extra["moved"] == pytest.approx(moved(latents(whole))[3], rel=1e-4)


def test_the_folder_reads_back(whole: ClipResult) -> None:
    assert whole.folder is not None
    record = whole.folder.read()
    assert (record.info.name, record.plan.kind, len(record.plan.quads)) == ("talk.mp4", "crop", 5)
    np.testing.assert_array_equal(stacked(whole.folder.latents()), latents(whole))


def test_a_frame_starts_from_the_one_before(whole: ClipResult, runner: Runner, clip: Path, tmp_path: Path) -> None:
    still = runner(clip, tmp_path / "talk", replace(CLIP, frame_steps=0))
    assert (latents(still) == latents(still)[0]).all()
    np.testing.assert_array_equal(latents(still)[0], latents(whole)[0])
    assert moved(latents(whole))[1:].min() > 0


def test_the_penalty_holds_frames_together(whole: ClipResult, runner: Runner, clip: Path, tmp_path: Path) -> None:
    held = runner(clip, tmp_path / "talk", replace(CLIP, temporal_weight=1e4))
    assert moved(latents(held)).sum() < moved(latents(whole)).sum()


@pytest.mark.parametrize("stop_after", [0, 1, 3])
def test_going_on_gives_what_an_unbroken_run_gives(
    whole: ClipResult, runner: Runner, clip: Path, tmp_path: Path, stop_after: int
) -> None:
    folder = tmp_path / "talk"
    broken = runner(clip, folder, stop_after=stop_after)
    assert broken.status == "interrupted"
    again = runner(clip, folder, replace(CLIP, resume=True))
    assert again.status == "finished"
    assert runner.planned == 0
    np.testing.assert_array_equal(latents(again), latents(whole))


def test_what_is_finished_is_not_done_again(whole: ClipResult, runner: Runner, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "talk"
    runner(clip, folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = runner(clip, folder, replace(CLIP, resume=True))
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    np.testing.assert_array_equal(latents(again), latents(whole))
    assert runner.kinds().count("frame") == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [({"temporal_weight": 9.0}, "temporal weight 1.0 -> 9.0"), ({"frame_steps": 3}, "frame steps 2 -> 3")],
)
def test_frames_of_other_settings_are_kept_unless_they_are_to_be_replaced(
    runner: Runner, clip: Path, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    folder = tmp_path / "talk"
    first = runner(clip, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    changed = replace(CLIP, resume=True, **change)
    refused = runner(clip, folder, changed)
    assert (refused.status, runner.kinds()) == ("failed", ["failed"])
    assert f"talk was made otherwise and is kept: {words}\n" in str(refused.error)
    assert "--overwrite" in str(refused.error)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    again = runner(clip, folder, replace(changed, overwrite=True))
    assert warnings(runner) == [f"starting afresh; what is there was made otherwise: {words}"]
    np.testing.assert_array_equal(latents(again)[0], latents(first)[0])
    assert not np.array_equal(latents(again)[1], latents(first)[1])
    assert runner.planned == 0
    assert runner(clip, folder, changed).status == "finished"
    assert "warning" not in runner.kinds()


def warnings(runner: Runner) -> list[str]:
    return [event.data["message"] for event in runner.events if event.kind == "warning"]


def test_another_first_frame_or_more_frames_are_other_settings(runner: Runner, clip: Path, tmp_path: Path) -> None:
    folder, resumed = tmp_path / "talk", replace(CLIP, resume=True)
    runner(clip, folder, replace(CLIP, most_frames=2))
    assert "is kept: most frames 2 -> 0, steps 6 -> 7\n" in str(runner(clip, folder, resumed, steps=7).error)
    assert len(latents(runner(clip, folder, replace(resumed, overwrite=True), steps=7))) == 5
    assert "replacing the result that is there: steps 6 -> 7" in warnings(runner)


def test_a_clip_that_is_being_replaced_goes_on(whole: ClipResult, runner: Runner, clip: Path, tmp_path: Path) -> None:
    """Stopped while it replaced frames, a run goes on with frames of the earlier run before it."""
    folder, other = tmp_path / "talk", replace(CLIP, temporal_weight=9.0)
    runner(clip, folder, other)
    runner(clip, folder, stop_after=2)
    again = runner(clip, folder, replace(CLIP, resume=True))
    assert (again.status, runner.planned) == ("finished", 0)
    np.testing.assert_array_equal(latents(again), latents(whole))


def test_an_unfinished_clip_of_other_settings_is_begun_afresh_and_said(
    runner: Runner, clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "talk"
    runner(clip, folder, stop_after=0)
    assert runner(clip, folder, replace(CLIP, resume=True), steps=7).status == "finished"
    assert warnings(runner)[0] == "starting afresh; what is there was made otherwise: steps 6 -> 7"


def test_frames_of_a_longer_clip_do_not_count(runner: Runner, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "talk"
    runner(clip, folder)
    short = runner(clip, folder, replace(CLIP, most_frames=2))
    np.testing.assert_array_equal(stacked(ClipFolder(folder).latents()), latents(short))


def test_a_damaged_frame_is_done_again(whole: ClipResult, runner: Runner, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "talk"
    runner(clip, folder)
    ClipFolder(folder).latent(2).write_bytes(b"damaged")
    (folder / "clip.json").write_text("{}")
    np.testing.assert_array_equal(latents(runner(clip, folder, replace(CLIP, resume=True))), latents(whole))
    assert runner.planned == 1


def test_some_of_the_frames_and_w(runner: Runner, clip: Path, tmp_path: Path) -> None:
    found = runner(clip, tmp_path / "talk", replace(CLIP, most_frames=2), space="w")
    assert len(found.latents) == 2
    assert (latents(found) == latents(found)[:, :1]).all()


def test_a_clip_that_cannot_be_read(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no clip")
    result = runner(tmp_path / "a.mp4", tmp_path / "talk")
    assert (result.status, result.latents, runner.kinds()) == ("failed", (), ["failed"])
    assert "is not a clip" in str(result.error)


def test_a_frame_that_diverges_ends_the_clip(runner: Runner, clip: Path, tmp_path: Path) -> None:
    result = runner(clip, tmp_path / "talk", learning_rate=1e30)
    assert (result.status, len(result.latents)) == ("diverged", 1)


def test_settings_that_make_no_sense(toy: Generator, vgg: Vgg16) -> None:
    with pytest.raises(UsageError, match="in Z"):
        ClipJob(toy, vgg, replace(OPTIONS, space="z"), CLIP, lambda *_: None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="more than 0"):
        ClipOptions(rate_share=0.0)
    for change in ({"frame_steps": -1}, {"temporal_weight": float("nan")}, {"smoothing": -1.0}, {"most_frames": -1}):
        with pytest.raises(UsageError, match="0 or more"):
            ClipOptions(**change)


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other"}', '{"format": "i2s-trt clip 1"}'])
def test_a_damaged_folder(tmp_path: Path, text: str) -> None:
    (tmp_path / "clip.json").write_text(text)
    with pytest.raises(LatentError, match=r"clip\.json is damaged"):
        ClipFolder(tmp_path).read()
    with pytest.raises(LatentError, match="not the folder of an embedded clip"):
        ClipFolder(tmp_path / "none").read()
