"""`python -m benchmarks.first_run STAGE`."""

import sys

from benchmarks.first_run.stage import main

sys.exit(main())
