"""The photographs that ship in scikit-image's wheel: something real to embed, offline."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.decode import decode


@dataclass(frozen=True)
class Example:
    """A photograph and the square of it that is embedded.

    Attributes:
        file: name in scikit-image's data folder.
        left, top, side: of the square, in pixels; the face's is placed as FFHQ alignment would.
        credit: source and licence.
    """

    file: str
    left: int
    top: int
    side: int
    credit: str


EXAMPLES = {
    "astronaut": Example("astronaut.png", 136, 16, 180, "Eileen Collins, NASA, public domain"),
    "cat": Example("chelsea.png", 85, 0, 280, "Chelsea, Stefan van der Walt, CC0"),
    "coffee": Example("coffee.png", 100, 0, 400, "Coffee, Rachel Michetti, CC0"),
}


def example_picture(name: str) -> Pixels:
    """The cut-out square of an example, uint8 [side, side, 3].

    Raises:
        EnvironmentFault: scikit-image is not installed.
    """
    example = EXAMPLES[name]
    pixels = decode(example_path(name))
    return pixels[example.top : example.top + example.side, example.left : example.left + example.side]


def example_path(name: str) -> Path:
    """The whole photograph's file. Raises EnvironmentFault when scikit-image is not installed."""
    package = find_spec("skimage")
    if package is None or not package.submodule_search_locations:
        raise EnvironmentFault("the example photographs come with scikit-image", "pip install 'i2s-trt[demo]'")
    return Path(package.submodule_search_locations[0]) / "data" / EXAMPLES[name].file
