"""Runs of studies: kept, measured anew when something changed, failing alone, planned, and locked."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.paper.album import Album
from benchmarks.paper.catalogue import ALIASES, NAMES, chosen_names, study
from benchmarks.paper.embeddings import Embeddings
from benchmarks.paper.lab import Lab
from benchmarks.paper.networks import Networks
from benchmarks.paper.outcome import FILE, Curves, Findings, HeatMap, Media, Outcome, Table, read_outcome, write_outcome
from benchmarks.paper.runner import Event, Runner, digest_sources, sole_user
from benchmarks.paper.settings import QUICK_STEPS, Settings, quick_settings
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import UNTESTABLE, Check, NotTestableError
from i2s_trt.errors import EnvironmentFault, I2sError, UsageError
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from tests.paper.known import known_lab

CHECK = Check("one is below two", 1.0, "<", 2.0)


class Measured:
    """A study that counts how often it is measured."""

    def __init__(self, error: Exception | None = None) -> None:
        self.times, self._error = 0, error

    def study(self, name: str = "counted", pictures: int = 2) -> Study:
        def tasks(lab: Lab) -> Sequence[Task]:
            return lab.standard()[:pictures]

        return Study(name, "Counted", ("Figure 0",), "One is below two.", tasks, self._measure, lambda _lab: 3)

    def _measure(self, lab: Lab, album: Album) -> Findings:
        self.times += 1
        if self._error:
            raise self._error
        lab.embed(lab.standard()[:2])
        return Findings((CHECK,), media=(album.sheet("one", "One", [[lab.mean_picture]]),))


class Bench:
    """A runner that really embeds, with few steps."""

    def __init__(self, folder: Path, toy: Generator, vgg: Vgg16, **changes: object) -> None:
        self.events: list[Event] = []
        store = Embeddings(folder / "embeddings", Networks(toy, {}), vgg)
        settings = replace(Settings(steps=2, perceptual_size=16), **changes)  # type: ignore[arg-type]
        known = known_lab(toy, vgg)
        self.lab = Lab(toy, vgg, known.collection, settings, store)
        self.runner = Runner(self.lab, store, folder, self.events.append)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def test_a_finished_study_is_kept(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    counted = Measured()
    first, second = Bench(tmp_path, toy, vgg), Bench(tmp_path, toy, vgg)
    assert first.runner.run([counted.study()]) == {}
    assert second.runner.run([counted.study()]) == {}
    assert counted.times == 1
    assert first.kinds == ["plan", "begin", "outcome"]
    assert second.kinds == ["plan", "kept"]
    assert first.events[-1].data["verdict"] == second.events[-1].data["verdict"] == "holds"


def test_a_plan_counts_what_is_missing(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    bench, counted = Bench(tmp_path, toy, vgg), Measured()
    plan = bench.runner.plan([counted.study("a", 2), counted.study("b", 3)])
    assert (plan.embeddings, plan.steps) == (3 + 2 * 3, 2 * 9)  # three different ones, and three later ones each
    bench.runner.run([counted.study("a", 2)])
    after = bench.runner.plan([counted.study("a", 2), counted.study("b", 3)])
    assert (len(after.studies), after.embeddings) == (1, 1 + 3)


@pytest.mark.parametrize("change", [{"steps": 3}, {"seed": 1}, {"threshold": 0.5}], ids=str)
def test_other_settings_are_measured_anew(
    change: dict[str, object], tmp_path: Path, toy: Generator, vgg: Vgg16
) -> None:
    counted = Measured()
    Bench(tmp_path, toy, vgg).runner.run([counted.study()])
    Bench(tmp_path, toy, vgg, **change).runner.run([counted.study()])
    assert counted.times == 2


@pytest.mark.parametrize("damage", ["cut", "no picture", "other format"])
def test_a_damaged_outcome_is_measured_anew(damage: str, tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    counted = Measured()
    Bench(tmp_path, toy, vgg).runner.run([counted.study()])
    result = tmp_path / "counted" / FILE
    if damage == "cut":
        result.write_bytes(result.read_bytes()[:-40])
    elif damage == "no picture":
        (tmp_path / "counted" / "one.png").unlink()
    else:
        result.write_text(json.dumps({**json.loads(result.read_text()), "format": 99}))
    Bench(tmp_path, toy, vgg).runner.run([counted.study()])
    assert counted.times == 2


def test_a_study_that_fails_does_not_stop_the_others(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    bench, good = Bench(tmp_path, toy, vgg), Measured()
    failing = Measured(I2sError("the loss went wrong", "do better"))
    errors = bench.runner.run([failing.study("bad"), good.study("good")])
    assert list(errors) == ["bad"]
    assert good.times == 1
    assert bench.events[2].data["error"] == "the loss went wrong\n  hint: do better"
    bench.runner.run([failing.study("bad")])
    assert failing.times == 2


def test_a_fault_of_the_machine_stops_everything(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    bench, good = Bench(tmp_path, toy, vgg), Measured()
    with pytest.raises(EnvironmentFault):
        bench.runner.run([Measured(EnvironmentFault("the disk is full")).study("bad"), good.study("good")])
    assert good.times == 0


def test_what_cannot_be_tested_says_why(tmp_path: Path, toy: Generator, vgg: Vgg16) -> None:
    bench = Bench(tmp_path, toy, vgg)
    bench.runner.run([Measured(NotTestableError("it has no faces")).study()])
    assert bench.events[-1].data == {
        "verdict": UNTESTABLE,
        "reason": "it has no faces",
        "seconds": pytest.approx(0, abs=9),
    }


def test_one_run_at_a_time_and_no_leftovers(tmp_path: Path) -> None:
    (tmp_path / "figure1").mkdir()
    (tmp_path / "figure1" / ".result.json.abc.tmp").write_text("half")
    with sole_user(tmp_path):
        assert not list(tmp_path.rglob("*.tmp"))
        with pytest.raises(UsageError, match="another run"), sole_user(tmp_path):
            pass
    with sole_user(tmp_path):
        pass


def test_an_outcome_survives_its_file(tmp_path: Path) -> None:
    findings = Findings(
        (CHECK, Check("nothing", float("nan"), ">", 0.5, "of it", "x")),
        (Table("t", ("", "paper: a", "b"), (("row", None, 1.5), ("other", 2.0, "words"))),),
        (Curves("c", "x", "y", (0.0, 1.0), {"line": [1.0, 2.0]}, logarithmic=True),),
        (HeatMap("h", ("a", "b"), ((0.0, 1.0), (1.0, 0.0)), "mm"),),
        (Media("one.png", "One"),),
        ("a note",),
    )  # fmt: skip
    (tmp_path / "one.png").write_bytes(b"")
    write_outcome(tmp_path, Outcome("x", "key", findings, 1.5))
    read = read_outcome(tmp_path, "key")
    assert read is not None
    assert repr(read.findings) == repr(replace(findings, curves=read.findings.curves))
    assert read.findings.curves == findings.curves
    assert read.verdict == "does not hold"
    assert read_outcome(tmp_path, "other key") is None


def test_the_catalogue_names_every_table_and_figure_of_the_paper() -> None:
    shown = {name for item in map(study, NAMES) for name in item.shows}
    wanted = {f"Table {i}" for i in (1, 2, 3)} | {f"Figure {i}" for i in range(1, 26) if i != 24} | {"Videos"}
    assert shown == wanted
    for item in map(study, NAMES):
        assert item.claim.endswith(".")
        assert item.title


@pytest.mark.parametrize(
    ("words", "names"),
    [(["all"], list(NAMES)), (["Figure13", "table1"], ["table1", "table2"]), (["figure22"], ["figure9"])],
)
def test_studies_are_chosen_by_any_of_their_names(words: list[str], names: list[str]) -> None:
    assert chosen_names(words) == names
    assert all(ALIASES[alias] in NAMES for alias in ALIASES)


@pytest.mark.parametrize("words", [[], ["figure99"], ["table1", "nonsense"]])
def test_an_unknown_study_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError, match="no study named"):
        chosen_names(words)


@pytest.mark.parametrize("length", [1.6, 4.0, 8.0])
def test_quick_settings_follow_the_scale_of_w(length: float) -> None:
    settings = quick_settings(length, 384)
    assert settings.steps == QUICK_STEPS
    assert settings.learning_rate / length == pytest.approx(0.05 / 384**0.5, rel=0.01)
    assert settings.threshold / length == pytest.approx(0.25, rel=0.01)


def test_full_settings_are_the_papers() -> None:
    options = Settings().options
    assert (options.steps, options.learning_rate, options.beta1, options.beta2) == (5000, 0.01, 0.9, 0.999)
    assert (options.space, options.init, options.objective.perceptual_size) == ("w+", "mean", 256)
    assert Settings().threshold == 1.0


def test_code_that_changes_moves_or_goes_has_another_digest(tmp_path: Path) -> None:
    for name in ("a.py", "room/b.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    found = [digest_sources(tmp_path)]
    (tmp_path / "notes.txt").write_text("2")
    assert digest_sources(tmp_path) == found[0]
    (tmp_path / "room/b.py").write_text("2")
    found.append(digest_sources(tmp_path))
    (tmp_path / "room/b.py").rename(tmp_path / "b.py")
    found.append(digest_sources(tmp_path))
    (tmp_path / "b.py").unlink()
    found.append(digest_sources(tmp_path))
    assert len(set(found)) == 4
