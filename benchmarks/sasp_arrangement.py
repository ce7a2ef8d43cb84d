"""Tiles after each other in memory against row-major, for an array as a coprocessor: cycles by RTL.

    python benchmarks/sasp_arrangement.py [--config sasp-cv32e40p] [--gemm 128,512,32]

TiC-SAT (Amirshahi et al., ASP-DAC 2023) finds up to 2.7 times by arranging the data. Prints, for each
arrangement of X and Y and each memory, cycles and cycles a word.
"""

import argparse

import numpy as np

import tileloom
from tileloom_sim.riscv.run import SASP_CACHES, Conditions
from tileloom_sim.systolic.array_library import Arrangement, run_array
from tileloom_sim.systolic.operands import prepare

MEMORIES = {"single-cycle": None, "caches": SASP_CACHES}


def main() -> None:
    """Run the benchmark."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--config", default="sasp-cv32e40p")
    options.add_argument("--gemm", default="128,512,32", help="M,K,N of the product")
    given = options.parse_args()
    m, k, n = map(int, given.gemm.split(","))
    config = tileloom.load(given.config)
    random = np.random.default_rng(0)
    x, w = (random.normal(size=size).astype(np.float32) for size in ((m, k), (k, n)))
    operands = prepare(config, ("X", x), ("W", w))
    words = m * config.step_interval * -(-k // config.rows) * -(-n // config.columns)
    print(f"{given.config}, {m} x {k} x {n}")
    for memory, caches in MEMORIES.items():
        found = {}
        for arrangement in Arrangement:
            run = run_array(
                config,
                operands.x,
                operands.w,
                arrangement=arrangement,
                conditions=Conditions(caches=caches),
            )
            found[arrangement] = run.cycles
            print(
                f"{memory:12} {arrangement:5} {run.cycles:12,} cycles {run.cycles / words:6.2f} a word",
                flush=True,
            )
        print(f"{memory:12} tiles are {found[Arrangement.ROWS] / found[Arrangement.TILES]:.2f} times as fast")


if __name__ == "__main__":
    main()
