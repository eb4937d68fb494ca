"""Puts a run together: model, features, pictures, settings, store of embeddings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.paper.catalogue import NAMES, study
from benchmarks.paper.embeddings import Embeddings, Workers
from benchmarks.paper.lab import Lab
from benchmarks.paper.networks import Networks
from benchmarks.paper.outcome import Outcome
from benchmarks.paper.pictures.collection import Collection, bundled_collection, read_collection
from benchmarks.paper.report.about import describe_run, write_results
from benchmarks.paper.report.page import write_page
from benchmarks.paper.runner import Event, Runner
from benchmarks.paper.settings import Settings, quick_settings
from benchmarks.paper.studies.figure18 import OTHERS
from benchmarks.paper.study import Study
from i2s_trt.checkpoints.catalogue import DEMO, find_folder, read_info
from i2s_trt.checkpoints.store import load_generator
from i2s_trt.embedding.start.distance import typical_distance
from i2s_trt.models.generator import Generator
from i2s_trt.models.vgg import Vgg16
from i2s_trt.training.factor_reader import FactorReader, load_factor_reader


@dataclass(frozen=True)
class Choices:
    """What a user chooses.

    Attributes:
        model: name or path.
        images: folder of pictures; the bundled ones when left out.
        quick: few steps and pictures.
        steps, learning_rate: instead of the settings' own.
        shuffle: deal the pictures to the classes in turn, as a control.
        seed: of all randomness.
    """

    model: str = DEMO
    images: Path | None = None
    quick: bool = False
    steps: int | None = None
    learning_rate: float | None = None
    shuffle: bool = False
    seed: int = 0


class Bench:
    """A lab with its store and its folder of results.

    Args:
        choices: the user's.
        generator: the model, on the device to use.
        vgg: feature network.
        folder: of the results.
        report: called with events.
        on_steps: called with the steps newly done.
        should_stop: asked after each step.
        workers: that embed instead of this process, into the store of `store_in(folder)`.

    Raises:
        ImageError: the user's pictures cannot be read.
        EnvironmentFault: the bundled photographs are missing, or the folder cannot be written.
    """

    def __init__(
        self,
        choices: Choices,
        generator: Generator,
        vgg: Vgg16,
        folder: Path,
        report: Callable[[Event], None] = lambda _event: None,
        on_steps: Callable[[int], None] = lambda _steps: None,
        should_stop: Callable[[], bool] = lambda: False,
        workers: Workers | None = None,
    ) -> None:
        self._choices, self._folder = choices, folder
        self._studies = [study(name) for name in NAMES]
        others = other_models(generator)
        networks = Networks(generator, others)
        embeddings = Embeddings(store_in(folder), networks, vgg, on_steps, should_stop, workers)
        self.lab = Lab(
            generator, vgg, _collection(choices, generator), settings_for(choices, generator), embeddings,
            _reader(generator), others,
        )  # fmt: skip
        self.runner = Runner(self.lab, embeddings, folder, report)

    def finished(self) -> list[tuple[Study, Outcome]]:
        """All studies whose outcome lies in the folder, whichever run left it there."""
        found = ((item, self.runner.finished(item)) for item in self._studies)
        return [(item, outcome) for item, outcome in found if outcome is not None]

    def write_report(self) -> Path:
        """Write `results.json` and the page; returns the page."""
        about, outcomes = describe_run(self.lab, self._choices.model), self.finished()
        write_results(self._folder, about, outcomes)
        return write_page(self._folder, about, outcomes)


def store_in(folder: Path) -> Path:
    """Where embeddings lie in a folder of results."""
    return folder / "embeddings"


def settings_for(choices: Choices, generator: Generator) -> Settings:
    """The paper's settings, or quick ones after the model's scale of w, changed as the user says."""
    length = typical_distance(generator) / generator.num_layers**0.5
    settings = quick_settings(length, generator.w_dim) if choices.quick else Settings()
    steps = settings.steps if choices.steps is None else choices.steps
    rate = settings.learning_rate if choices.learning_rate is None else choices.learning_rate
    return replace(settings, steps=steps, learning_rate=rate, seed=choices.seed)


def other_models(generator: Generator, names: Sequence[str] = OTHERS) -> dict[str, Generator]:
    """The models of Figures 18 and 19 that are in the store, on the same device; never the one under study."""
    found = {name: load_generator(name).to(generator.mean_w.device) for name in names if find_folder(name)}
    return {name: network for name, network in found.items() if network.digest != generator.digest}


def _collection(choices: Choices, generator: Generator) -> Collection:
    spec = generator.spec
    found = bundled_collection(spec) if choices.images is None else read_collection(choices.images, spec)
    return found.dealt() if choices.shuffle else found


def _reader(generator: Generator) -> FactorReader | None:
    """The factor reader knows the built-in model's faces alone."""
    folder = find_folder(DEMO)
    return load_factor_reader() if folder and read_info(folder).digest == generator.digest else None
