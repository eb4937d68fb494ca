"""Figure 19: morphing with models of cars, cats and bedrooms."""

from collections.abc import Mapping
from statistics import fmean

import numpy as np

from benchmarks.paper.album import Album
from benchmarks.paper.lab import Lab
from benchmarks.paper.likeness import Likeness
from benchmarks.paper.outcome import Findings, Table
from benchmarks.paper.pictures.collection import Picture
from benchmarks.paper.studies.figure4 import WEIGHTS
from benchmarks.paper.studies.figure18 import own_class, refitted
from benchmarks.paper.study import Study
from benchmarks.paper.task import Task
from benchmarks.paper.verdict import Check, NotTestableError
from i2s_trt.edit.operations import morph
from i2s_trt.seeds import w_plus_from_seed
from i2s_trt.synthesizer import TorchSynthesizer

_FAILING = ("car", "cat")
_SAMPLES = 64


def checks(faces: float, others: Mapping[str, float]) -> tuple[Check, ...]:
    """Whether morphs of cars and cats leave what their models make; from distances to each model's own samples."""
    return tuple(
        Check(f"{name}: distance of what lies between from the model's samples", value, ">", faces, "between faces")
        for name, value in others.items()
    )


def tasks(lab: Lab) -> list[Task]:
    """Two pictures for each model."""
    faces = [lab.task(face.pixels) for face in lab.faces(2)]
    return [*faces, *(task for name in _names(lab) for task in refitted(lab, name, _pair(lab, name)))]


def measure(lab: Lab, album: Album) -> Findings:
    """Morphs by each model, and between faces by the model under study."""
    names = _names(lab)
    faces = lab.embed([lab.task(face.pixels) for face in lab.faces(2)])
    between = list(lab.render(np.stack([morph(faces[0].w_plus, faces[-1].w_plus, weight) for weight in WEIGHTS])))
    usual = fmean(lab.likeness.distance(picture) for picture in between[1:-1])
    others, media = {}, []
    for name in names:
        network = lab.others[name]
        first, last = lab.embed(refitted(lab, name, _pair(lab, name)))
        render = TorchSynthesizer(network)
        pictures = list(render(np.stack([morph(first.w_plus, last.w_plus, weight) for weight in WEIGHTS])))
        samples = [render(w_plus_from_seed(network, seed, psi=1.0)[None])[0] for seed in range(_SAMPLES)]
        others[name] = fmean(map(Likeness(samples).distance, pictures[1:-1]))
        media.append(album.sheet(name, f"A morph by the model {name}", [pictures]))
    rows = (("between faces, by the model under study", usual), *others.items())
    table = Table("Distance of what lies between from each model's samples (theirs = 1)", ("", "distance"), rows)
    judged = {name: value for name, value in others.items() if name in _FAILING}
    reason = "" if judged else f"the store has no model named {' or '.join(_FAILING)}"
    return Findings(checks(usual, judged), (table,), media=tuple(media), untestable=reason)


def _pair(lab: Lab, name: str) -> list[Picture]:
    """Two pictures of the model's own class, or of whatever there is."""
    own = own_class(lab, name)
    return own[:2] if len(own) > 1 else list(lab.collection.pictures[:2])


def _names(lab: Lab) -> list[str]:
    names = list(lab.others)
    if not names:
        raise NotTestableError("the store has no model named car, cat or bedroom (i2s-trt models pull car)")
    if len(lab.collection.pictures) < 2:
        raise NotTestableError("a morph takes two pictures")
    return names


STUDY = Study(
    "figure19",
    "Morphing with other models",
    ("Figure 19",),
    "Morphs fail with the models of cars and cats, whose data are less aligned than faces.",
    tasks,
    measure,
)
