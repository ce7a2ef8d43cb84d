"""What the drivers in C cost a CV32E40P: products on an engine and on an array, no wait states.

Run: python benchmarks/driver.py [--json]
Target: a start, from the call of tileloom_engine_start or tileloom_systolic_start until its last register
write is answered, below 100 cycles of the core. A read behind that write is counted with it.
"""

from __future__ import annotations

import click
import numpy as np

from tileloom.cli.console import print_json, print_table, step
from tileloom.cli.main import Told
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom.families import load
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.design import generate as generate_array
from tileloom_sim.engine.job import Job, make_job
from tileloom_sim.engine.system import Layer, run_layers
from tileloom_sim.systolic.system import Product, run_products

SIZES = ((4, 8, 8), (32, 32, 16))


def product(config: EngineConfig, sizes: tuple[int, int, int]) -> Job:
    """Return a product of random matrices, half of whose blocks are left out."""
    rng = np.random.default_rng(1)
    m, k, n = sizes
    x, w = (rng.integers(-99, 100, shape).astype(np.int8) for shape in ((m, k), (k, n)))
    return make_job(config, ("x", x), ("w", w), "KN", prune=0.5)


def on_array(config: SystolicConfig, sizes: tuple[int, int, int]) -> dict[str, object]:
    """Return the row of a product of random matrices on an array, its data by DMA channels; polled."""
    rng = np.random.default_rng(1)
    m, k, n = sizes
    x = rng.standard_normal((m, k)).astype(np.float32).view(np.uint32)
    asked = Product(x=x, w=rng.integers(-127, 128, (k, n)))
    (run,) = run_products(generate_array(config), config, [asked])
    return {
        "product": " x ".join(map(str, sizes)),
        "on": "array",
        "waits by": "polling",
        "start": run.start_cycles,
        "block busy": run.busy,
        "until the end": run.run_cycles,
    }


@click.command(cls=Told, help=__doc__.split("\n")[0])
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def main(as_json: bool) -> None:
    """Run and print."""
    config = load("engine-int8-axi4", wrapper="axi4")
    shapes = [sizes for sizes in SIZES for _ in range(2)]
    layers = [
        Layer(job=product(config, sizes), interrupts=bool(index % 2)) for index, sizes in enumerate(shapes)
    ]
    with step("Running"):
        runs = run_layers(generate(config), config, layers)
    rows = []
    for shape, layer, run in zip(shapes, layers, runs, strict=True):
        np.testing.assert_array_equal(run.values, layer.job.expected)
        rows.append(
            {
                "product": " x ".join(map(str, shape)),
                "on": "engine",
                "waits by": "interrupt" if layer.interrupts else "polling",
                "start": run.start_cycles,
                "block busy": run.busy,
                "until the end": run.run_cycles,
            }
        )
    with step("Running on an array"):
        rows.append(on_array(load("stream-8x8-int8", wrapper="axi4"), SIZES[0]))
    if as_json:
        print_json(rows)
        return
    print_table("cycles of the driver", list(rows[0]), [list(map(str, row.values())) for row in rows])


if __name__ == "__main__":
    main()
