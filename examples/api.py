"""The three jobs from Python: generate a small array, multiply two matrices on it, map it to cells.

Run: python examples/api.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np

import tileloom
from tileloom.errors import ConfigError


def main(folder: Path) -> None:
    """Do the jobs, and leave the Verilog and the manifest in ``folder``."""
    # A preset and the fields that differ, or the path of a TOML file.
    config = tileloom.load("stream-8x8-int8", rows=2, columns=3, activation="fp16")

    design = tileloom.generate(config)
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in design.files(folder).items():
        path.write_text(text, encoding="utf-8")
    latency = design.manifest["timing"]["latency_cycles"]
    print(f"{design.name}: {len(design.manifest['ports'])} ports, latency {latency} cycles", flush=True)

    # W as K x N; floats are quantised to the array's INT8. A word that is not the golden model's: CheckError.
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((10, 4)), rng.standard_normal((4, 6))
    print("building a simulator, some seconds where none is kept", flush=True)
    gemm = tileloom.simulate(config, activations=x, weights=w, layout="KN")
    print(f"Y = X W is {gemm.values.shape}, in {gemm.figures['cycles']} cycles, every word as expected")
    assert np.allclose(gemm.values, x @ w, atol=0.1)  # of quantising

    area = tileloom.synthesise(config)  # a library of your own: files=[Path("cells.lib")], clock_ps=2000.0
    print(f"{area.figures['gate_equivalents']:,.0f} gate equivalents, {area.figures['flops']} flip-flops")

    try:
        tileloom.load("stream-8x8-int8", rows=65)
    except ConfigError as error:
        print(f"refused: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
