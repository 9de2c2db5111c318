"""Commands: those of `roa-fit`, one a module; `fitting.commands.cli` gathers them."""

import os
import sys

# A fit's matrices are so narrow that threads wait for each other; numpy asks once, as it loads.
if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
