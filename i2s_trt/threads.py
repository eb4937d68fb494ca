"""How the threads of PyTorch's OpenMP library wait for one another.

Left to itself GNU's library lets them spin at every barrier, for a millisecond and more. Alone on a machine that costs
nothing; beside any other busy process each spins on the core that the other one, or its own partner, needs. Spinning
a thousandth as long keeps a lone run as fast, and two at once take turns as they should (docs/embedding.md).
"""

import os
from collections.abc import MutableMapping

SPIN_COUNT = "1000"  # looks before a thread sleeps; the library's own choice is 300,000
_SPINNING = "GOMP_SPINCOUNT"
_SET_BY_USER = (_SPINNING, "OMP_WAIT_POLICY")


def let_threads_sleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have waiting threads give up their core soon, unless the user has chosen how they wait.

    The library reads this when it is loaded: call it before torch is imported. Child processes inherit it.
    """
    if not any(name in environment for name in _SET_BY_USER):
        environment[_SPINNING] = SPIN_COUNT


def waiting(environment: MutableMapping[str, str] = os.environ) -> str:
    """What the environment says about waiting, such as `GOMP_SPINCOUNT=1000`; empty where the library chooses."""
    return ", ".join(f"{name}={environment[name]}" for name in _SET_BY_USER if name in environment)
