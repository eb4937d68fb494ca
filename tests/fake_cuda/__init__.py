"""A CUDA device made of host memory: what asks for `cuda` gets tensors that say so and computes on the CPU.

The machine that runs the tests has no card, and the first minute on one is too dear for typing errors. This stands in
for PyTorch's CUDA and is as strict as the real one where mistakes are made: tensors of two devices do not mix, a tensor
of the card is no NumPy array, its memory is counted, and while a graph is captured nothing is computed, nothing is read
back and nothing copied from pageable memory. A graph is what was dispatched meanwhile, and a replay computes just that.
What it cannot tell: whether kernels compile and are right, and how long anything takes. Triton and torch.compile are
left out: functions run as they are.

`install.install` changes PyTorch for the rest of the process. `environment` is for programs: with it each Python that
they start, their spawned children too, has the card from the beginning.
"""

import os
from pathlib import Path

NAME = "Fake Card"
_SITE = Path(__file__).with_name("site")


def environment() -> dict[str, str]:
    """Variables with which every Python process that has these sources in its path gets the card."""
    paths = (str(_SITE), str(_SITE.parent.parent.parent), os.environ.get("PYTHONPATH", ""))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
