"""Random matrices for a first GEMM: activations X.npy, 300 x 100, and weights W.npy, 100 x 60, float32.

Run: python examples/matrices.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
rng = np.random.default_rng(1)
for name, shape in (("X", (300, 100)), ("W", (100, 60))):
    np.save(folder / f"{name}.npy", rng.standard_normal(shape, dtype=np.float32))
print(f"{folder / 'X.npy'} (300 x 100) and {folder / 'W.npy'} (100 x 60), float32")
