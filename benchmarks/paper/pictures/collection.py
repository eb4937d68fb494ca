"""The pictures of the studies: 5 classes of 5 as in the paper's Figure 17, bundled or from the user's folders."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from i2s_trt.arrays import Pixels
from i2s_trt.errors import ImageError
from i2s_trt.images.decode import decode, find_pictures
from i2s_trt.images.fit import fit_picture, picture_digest
from i2s_trt.models.spec import GeneratorSpec

FACES = "faces"
A_CLASS = 5  # pictures
EXPRESSIONS = "expressions"
_FACE_NAMES = (FACES, "face", "people", "portraits")
_NEUTRAL = "neutral"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a class.

    Attributes:
        name: of the file, or of what is drawn.
        pixels: uint8 [H, W, 3], of the model's picture size.
        label: its class.
    """

    name: str
    pixels: Pixels
    label: str


@dataclass(frozen=True, eq=False)
class Source:
    """One person with several expressions, `neutral` among them: uint8 [H, W, 3] by expression."""

    name: str
    pixels: Mapping[str, Pixels]

    @property
    def expressions(self) -> list[str]:
        """All but the neutral one."""
        return [name for name in self.pixels if name != _NEUTRAL]


@dataclass(frozen=True, eq=False)
class Collection:
    """What is embedded.

    Attributes:
        pictures: class after class, the faces first.
        sources: people with several expressions.
        origin: for the report.
    """

    pictures: tuple[Picture, ...]
    sources: tuple[Source, ...]
    origin: str

    @property
    def labels(self) -> list[str]:
        """The classes in order."""
        return list(dict.fromkeys(picture.label for picture in self.pictures))

    def of(self, label: str) -> list[Picture]:
        """The pictures of one class."""
        return [picture for picture in self.pictures if picture.label == label]

    def firsts(self, count: int = 1) -> list[Picture]:
        """The first pictures of each class."""
        return [picture for label in self.labels for picture in self.of(label)[:count]]

    def digest(self) -> str:
        """Identifies pictures and classes."""
        state = hashlib.sha256()
        for picture in self.pictures:
            state.update(f"{picture.label} {picture_digest(picture.pixels)}".encode())
        for source in self.sources:
            state.update("".join(f"{k} {picture_digest(v)}" for k, v in source.pixels.items()).encode())
        return state.hexdigest()

    def dealt(self) -> Self:
        """The same pictures dealt to the classes in turn: a control under which claims about classes must fall."""
        labels = self.labels
        places = {label: self.of(label) for label in labels}
        moved = [
            Picture(picture.name, picture.pixels, labels[(row + column) % len(labels)])
            for row, label in enumerate(labels)
            for column, picture in enumerate(places[label])
        ]
        moved.sort(key=lambda picture: labels.index(picture.label))
        return type(self)(tuple(moved), self.sources, f"{self.origin}, dealt to the classes in turn")


def bundled_collection(spec: GeneratorSpec) -> Collection:
    """Drawn faces, photographs, drawn cars, paintings and textures at a model's picture size.

    Raises:
        EnvironmentFault: scikit-image, which brings the photographs, is not installed.
    """
    from benchmarks.paper.pictures.cars import draw_car
    from benchmarks.paper.pictures.paintings import draw_painting
    from benchmarks.paper.pictures.people import EXPRESSIONS as DRAWN
    from benchmarks.paper.pictures.people import FACE_SEEDS, SOURCE_SEEDS, drawn_expression, drawn_face
    from benchmarks.paper.pictures.photographs import photograph
    from benchmarks.paper.pictures.textures import draw_marble, draw_weave

    size = max(spec.resolution, 128)
    classes: dict[str, dict[str, Pixels]] = {
        FACES: {f"face {seed}": drawn_face(seed, size) for seed in FACE_SEEDS},
        "photographs": {name: photograph(name) for name in ("astronaut", "cat", "coffee", "rocket", "camera")},
        "cars": {f"car {seed}": draw_car(seed, size) for seed in range(A_CLASS)},
        "paintings": {f"painting {seed}": draw_painting(seed, size) for seed in range(A_CLASS)},
        "textures": {
            **{name: photograph(name) for name in ("brick", "grass", "gravel")},
            "marble": draw_marble(0, size),
            "weave": draw_weave(0, size),
        },
    }
    sources = [
        Source(f"person {seed}", {name: fit_picture(drawn_expression(seed, name, size), spec) for name in DRAWN})
        for seed in SOURCE_SEEDS
    ]
    return Collection(_fit(classes, spec), tuple(sources), "the bundled pictures")


def read_collection(folder: Path, spec: GeneratorSpec) -> Collection:
    """The first five pictures of each of a folder's subfolders, or of the folder itself when it has none.

    A subfolder named `faces` holds the faces, aligned. A subfolder `expressions` holds one folder a person, with
    pictures named after expressions, one of them `neutral`.

    Raises:
        ImageError: no pictures, or one that cannot be read.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder} is not a folder", "name a folder with a subfolder for each class of pictures")
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    named = {_label(path): find_pictures(path) for path in inner if path.name != EXPRESSIONS}
    named = {label: files for label, files in named.items() if files} or {folder.name: find_pictures(folder)}
    if not any(named.values()):
        raise ImageError(f"{folder} holds no pictures", "put each class of pictures into a subfolder of its own")
    ordered = sorted(named, key=lambda label: label != FACES)
    classes = {label: {path.stem: decode(path) for path in named[label][:A_CLASS]} for label in ordered}
    return Collection(_fit(classes, spec), tuple(_read_sources(folder / EXPRESSIONS, spec)), str(folder))


def _read_sources(folder: Path, spec: GeneratorSpec) -> Sequence[Source]:
    sources = []
    for person in sorted(folder.iterdir()) if folder.is_dir() else ():
        files = {path.stem: path for path in (find_pictures(person) if person.is_dir() else ())}
        if _NEUTRAL not in files or len(files) < 2:
            raise ImageError(
                f"{person} does not hold a person with several expressions",
                f"put {_NEUTRAL}.png and, for example, smile.png into it",
            )
        names = sorted(files, key=lambda name: name != _NEUTRAL)
        sources.append(Source(person.name, {name: fit_picture(decode(files[name]), spec) for name in names}))
    return sources


def _fit(classes: Mapping[str, Mapping[str, Pixels]], spec: GeneratorSpec) -> tuple[Picture, ...]:
    return tuple(
        Picture(name, fit_picture(pixels, spec), label)
        for label, pictures in classes.items()
        for name, pixels in pictures.items()
    )


def _label(folder: Path) -> str:
    return FACES if folder.name.lower() in _FACE_NAMES else folder.name
