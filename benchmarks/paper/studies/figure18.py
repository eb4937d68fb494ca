"""Figure 18: embedding with models of cars, cats and bedrooms."""

from collections.abc import Mapping
from statistics import fmean

from benchmarks.metrics import explained
from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import Check, NotTestableError
from i2s_trt.images.fit import fit_picture

OTHERS = ("car", "cat", "bedroom")


def checks(main: float, others: Mapping[str, float]) -> tuple[Check, ...]:
    """Whether other models embed worse, from the shares of variance explained."""
    return tuple(
        Check(f"variance that the model {name} explains", value, "<", main, "of the model under study")
        for name, value in others.items()
    )


def tasks(lab: Lab) -> list[Task]:
    """The first pictures of each class by every model, and those of a model's own class."""
    return [*_standard(lab), *(task for name in _names(lab) for task in _tasks_of(lab, name))]


def measure(lab: Lab, album: Album) -> Findings:
    """Means over the first pictures of each class."""
    names, firsts = _names(lab), lab.collection.firsts()
    pairs = zip(firsts, lab.embed(_standard(lab)), strict=True)
    main = fmean(explained(item.picture, picture.pixels) for picture, item in pairs)
    others, media = {}, []
    for name in names:
        wanted = _tasks_of(lab, name)
        embedded = lab.embed(wanted)
        scores = [explained(item.picture, task.picture) for task, item in zip(wanted, embedded, strict=True)]
        others[name] = fmean(scores[: len(firsts)])
        rows = [[task.picture for task in wanted], [item.picture for item in embedded]]
        media.append(album.sheet(name, f"Pictures above their embeddings by the model {name}", rows))
    rows_ = (("the model under study", main), *others.items())
    table = Table("Share of the variance that embeddings explain", ("model", "explained"), tuple(rows_))
    return Findings(checks(main, others), (table,), media=tuple(media))


def own_class(lab: Lab, name: str) -> list[Picture]:
    """The pictures of the class that a model was trained on, if there are any."""
    return lab.collection.of(f"{name}s")


def refitted(lab: Lab, name: str, pictures: list[Picture]) -> list[Task]:
    """Standard embeddings of pictures by another model, at its picture size."""
    spec = lab.others[name].spec
    return [Task(fit_picture(picture.pixels, spec), lab.settings.options, network=name) for picture in pictures]


def _standard(lab: Lab) -> list[Task]:
    return [lab.task(picture.pixels) for picture in lab.collection.firsts()]


def _tasks_of(lab: Lab, name: str) -> list[Task]:
    return refitted(lab, name, [*lab.collection.firsts(), *own_class(lab, name)])


def _names(lab: Lab) -> list[str]:
    names = [name for name in OTHERS if name in lab.others]
    if not names:
        raise NotTestableError(
            f"the store has no model named {', '.join(OTHERS)} (i2s-trt models pull car, or import your own)"
        )
    return names


STUDY = Study(
    "figure18",
    "Embedding with other models",
    ("Figure 18",),
    "Models of cars, cats and bedrooms embed worse than the model of faces.",
    tasks,
    measure,
)
