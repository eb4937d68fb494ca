"""Table 2 and Figure 13: starting from the mean latent or from a random one, by class."""

from collections.abc import Mapping

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.numbers import TABLE_2, Figures
from benchmarks.paper.outcome import Findings
from benchmarks.paper.pictures.collection import FACES
from benchmarks.paper.studies.common import by_class, compared_table, mean_figures
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import Check

_INITS = ("mean", "random")


def checks(classes: Mapping[str, Mapping[str, Figures]]) -> tuple[Check, ...]:
    """Whether faces start best from the mean latent and everything else from a random one."""
    mean, random = classes[FACES]["mean"], classes[FACES]["random"]
    others = {label: figures for label, figures in classes.items() if label != FACES}
    nearest = min(others, key=lambda label: others[label]["mean"].distance)
    return (
        Check("faces: loss from the mean latent", mean.loss, "<", random.loss, "from a random one"),
        Check("faces: distance to the mean latent, from there", mean.distance, "<", random.distance, "from a random"),
        *(Check(f"{label}: loss from a random latent", row["random"].loss, "<", row["mean"].loss, "from the mean")
          for label, row in others.items()),
        Check("faces: distance to the mean latent", mean.distance, "<", others[nearest]["mean"].distance,
              f"that of {nearest}"),
    )  # fmt: skip


def tasks(lab: Lab) -> list[Task]:
    """Some pictures of each class from both starting points."""
    lab.classes_beside_faces()
    pictures = lab.collection.firsts(lab.settings.per_class)
    return [lab.task(picture.pixels, init=init) for init in _INITS for picture in pictures]


def measure(lab: Lab, album: Album) -> Findings:
    """Means of each class."""
    pictures = lab.collection.firsts(lab.settings.per_class)
    embedded = lab.embed(tasks(lab))
    halves = {"mean": embedded[: len(pictures)], "random": embedded[len(pictures) :]}
    grouped = {init: by_class(pictures, items) for init, items in halves.items()}
    classes = {label: {init: mean_figures(grouped[init][label]) for init in _INITS} for label in lab.collection.labels}
    ours = {f"{label}, {init}": classes[label][init] for label in classes for init in _INITS}
    paper = {f"{label}, {init}": figures for label, row in TABLE_2.items() for init, figures in row.items()}
    table = compared_table("Class and starting point", lab, paper, ours)
    shown = [i for i, picture in enumerate(pictures) if picture in lab.collection.firsts()]
    rows = [[pictures[i].pixels for i in shown], *([halves[init][i].picture for i in shown] for init in _INITS[::-1])]
    media = album.sheet(
        "starts", "From a random latent and from the mean one (Figure 13)", rows,
        columns=[pictures[i].label for i in shown], labels=("picture", "random", "mean"),
    )  # fmt: skip
    return Findings(checks(classes), (table,), media=(media,))


STUDY = Study(
    "table2",
    "Where to start from",
    ("Table 2", "Figure 13"),
    "Faces embed best from the mean latent and end near it; pictures of other classes embed better from a random one.",
    tasks,
    measure,
)
