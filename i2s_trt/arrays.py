"""Names for NumPy arrays. To a type checker they are one; to a reader they say what an array holds."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]  # of any shape and type: the docstring beside it says which
Pixels = np.ndarray[Any, Any]  # uint8 [H, W, 3], a picture, or [N, H, W, 3], several
WPlus = np.ndarray[Any, Any]  # float32 [L, D], a point of W+ or a direction in it, or [N, L, D], several
Points = np.ndarray[Any, Any]  # float64 [..., 2], places (x, y) in a picture: (0, 0) is the centre of the first pixel
