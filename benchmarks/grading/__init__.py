"""How well a class is graded: mutants of the textbook layers, right solutions that look otherwise, and the time."""

import os

# A process forks safely with one thread alone, and the libraries read this when they are imported.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
