"""Figure 21: circular artifacts in embedded and in generated pictures, found and highlighted."""

from collections.abc import Sequence

import cv2

from benchmarks.paper.album import Album
from benchmarks.paper.artifacts import Spot, neighbourhood, strongest_spot
from benchmarks.paper.lab import Lab
from benchmarks.paper.outcome import Findings, Media, Table
from benchmarks.paper.study import Study
from benchmarks.paper.verdict import Check
from i2s_trt.arrays import Pixels
from i2s_trt.seeds import w_plus_from_seed

_SAMPLES = 48
_OFTEN = 0.1  # share of pictures
_SHOWN = 6


def checks(generated: Sequence[Spot], embedded: Sequence[Spot]) -> tuple[Check, ...]:
    """Whether artifacts are in what the model makes by itself, and in embeddings too."""
    return (
        Check("share of generated pictures with an artifact", _share(generated), ">", _OFTEN),
        Check("share of embedded pictures with one", _share(embedded), ">", 0.0),
    )


def measure(lab: Lab, album: Album) -> Findings:
    """Searches embeddings of faces and random samples."""
    faces = lab.embed([lab.task(face.pixels) for face in lab.faces(len(lab.collection.pictures))])
    drawn = [w_plus_from_seed(lab.generator, seed) for seed in range(_SAMPLES)]
    in_faces = [strongest_spot(lab.generator, item.w_plus) for item in faces]
    in_samples = [strongest_spot(lab.generator, w_plus) for w_plus in drawn]
    rows = tuple(
        (name, float(len(spots)), _share(spots), max(s.strength for s in spots))
        for name, spots in (("embedded faces", in_faces), ("generated pictures", in_samples))
    )
    heads = ("", "pictures", "share with an artifact", "strongest spot over median, highest")
    order = sorted(range(_SAMPLES), key=lambda i: -in_samples[i].strength)[:_SHOWN]
    made = [lab.render(drawn[i][None])[0] for i in order]
    media = (
        _show(album, "embedded", "Embedded faces, and the neighbourhood of their strongest spot",
              [item.picture for item in faces[:_SHOWN]], in_faces),
        _show(album, "generated", "Generated pictures with the strongest spots", made, [in_samples[i] for i in order]),
    )  # fmt: skip
    table = Table("Spots that outshine their feature maps", heads, rows)
    return Findings(checks(in_samples, in_faces), (table,), media=media)


def _show(album: Album, name: str, caption: str, pictures: Sequence[Pixels], spots: Sequence[Spot]) -> Media:
    """Pictures above their highlighted neighbourhoods."""
    shown = [_mark(picture, spot) for picture, spot in zip(pictures, spots, strict=False)]
    size = (pictures[0].shape[1], pictures[0].shape[0])
    zoomed = [
        cv2.resize(neighbourhood(picture, spot), size, interpolation=cv2.INTER_CUBIC)
        for picture, spot in zip(pictures, spots, strict=False)
    ]
    heads = [f"{spot.strength:.1f}{' artifact' if spot.is_artifact else ''}" for spot in spots[: len(pictures)]]
    return album.sheet(name, caption, [shown, zoomed], columns=heads)


def _mark(picture: Pixels, spot: Spot) -> Pixels:
    marked = picture.copy()
    height, width = picture.shape[:2]
    centre = (round(spot.column * width), round(spot.row * height))
    cv2.circle(marked, centre, max(4, width // 12), (255, 40, 40), max(1, width // 128), cv2.LINE_AA)
    return marked


def _share(spots: Sequence[Spot]) -> float:
    return sum(spot.is_artifact for spot in spots) / len(spots)


STUDY = Study(
    "figure21",
    "Circular artifacts",
    ("Figure 21",),
    "The model by itself makes circular artifacts, and so they are in embedded pictures as well.",
    lambda lab: [lab.task(face.pixels) for face in lab.faces(len(lab.collection.pictures))],
    measure,
)
