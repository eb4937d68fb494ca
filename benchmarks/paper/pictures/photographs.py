"""Photographs and photographed textures that ship in scikit-image's wheel."""

from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault
from i2s_trt.images.decode import decode
from i2s_trt.images.examples import example_path, example_picture

# left, top and side of the square that is taken, in pixels
_CROPS = {
    "rocket": ("rocket.jpg", 150, 20, 400),
    "camera": ("camera.png", 60, 20, 400),
    "brick": ("brick.png", 0, 0, 320),
    "grass": ("grass.png", 100, 100, 200),
    "gravel": ("gravel.png", 100, 100, 200),
}


def photograph(name: str) -> Pixels:
    """A square cut-out, uint8 [side, side, 3].

    Args:
        name: `astronaut`, `cat`, `coffee`, `rocket`, `camera`, or the textures `brick`, `grass` and `gravel`.

    Raises:
        EnvironmentFault: scikit-image, or the file in it, is not there.
    """
    if name not in _CROPS:
        return example_picture(name)
    file, left, top, side = _CROPS[name]
    path = example_path("cat").with_name(file)
    if not path.is_file():
        raise EnvironmentFault(
            f"scikit-image came without {file}", "name a folder of your own with --images, or reinstall scikit-image"
        )
    return decode(path)[top : top + side, left : left + side]
