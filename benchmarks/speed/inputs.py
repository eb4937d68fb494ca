"""What steps are measured on: pictures of noise, and memory enough for them."""

from typing import TYPE_CHECKING

import numpy as np

from i2s_trt.arrays import Pixels
from i2s_trt.errors import EnvironmentFault

if TYPE_CHECKING:
    import torch

    from i2s_trt.models.spec import GeneratorSpec

_GIB_EACH = 3.0  # of an image at 1024x1024 where the whole batch is computed at once


def random_pictures(spec: "GeneratorSpec", count: int) -> list[Pixels]:
    """Pictures of noise, uint8 of the model's size: what is in them changes no time."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*spec.picture_size, 3), dtype=np.uint8) for _ in range(count)]


def targets(spec: "GeneratorSpec", count: int, device: "torch.device") -> "torch.Tensor":
    """The same as tensors [N, 3, H, W] in [-1, 1]."""
    import torch

    from i2s_trt.images.fit import to_target

    return torch.stack([to_target(picture) for picture in random_pictures(spec, count)]).to(device)


def check_memory(spec: "GeneratorSpec", batch: int, device: "torch.device") -> None:
    """Refuse what would not fit when a batch is computed as a whole. Raises EnvironmentFault."""
    needed = _GIB_EACH * batch * (spec.resolution / 1024) ** 2
    free = _free_bytes(device) / 2**30
    if needed > free:
        raise EnvironmentFault(
            f"about {needed:.0f} GiB are needed for {batch} images at once, {free:.0f} are free", "take a smaller model"
        )


def _free_bytes(device: "torch.device") -> float:
    if device.type == "cuda":
        import torch

        return torch.cuda.mem_get_info(device)[0]
    try:
        import psutil
    except ImportError:  # whoever measures without finds out otherwise
        return float("inf")
    return float(psutil.virtual_memory().available)
