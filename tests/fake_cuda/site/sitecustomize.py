"""Python imports this before anything else where this folder is in its path: see `tests.fake_cuda`."""

import os
import traceback

try:
    from tests.fake_cuda.install import install

    install()
except BaseException:  # which Python would report and forget
    traceback.print_exc()
    os._exit(1)
