"""The engine's AXI4-Streams in Verilator with the bus models of cocotbext-axi: results and their packets."""

from pathlib import Path

import numpy as np

from support.planned import run_planned
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate

from .layers import random_case

CONFIG = EngineConfig(m=2, k=4, n=8, bus=64, a_words=128, acc_tiles=8, drain_rows=2, axi4_stream_names=True)
INPUTS = ("commands", "index", "weights", "activations")


def test_layers(rng: np.random.Generator, seed: list[int], tmp_path: Path) -> None:
    design = generate(CONFIG)
    cases = [random_case(CONFIG, rng, 7, 20) for _ in range(40)]
    layers = []
    for index, case in enumerate(cases):
        files = {name: str(tmp_path / f"{index}.{name}.npy") for name in INPUTS}
        for name, file in files.items():
            np.save(file, np.ascontiguousarray(getattr(case.streams, name)))
        layers.append({**files, "packets": int(case.last.sum()), "results": str(tmp_path / f"{index}.hex")})
    done = run_planned(design, "engine.stream_bench", {"layers": layers}, folder=tmp_path, seed=seed[1])
    assert done.passed, done.log[-3000:]
    compared = 0
    for case, layer in zip(cases, layers, strict=True):
        packets = [bytes.fromhex(line) for line in Path(layer["results"]).read_text().split("\n")]
        ends = np.flatnonzero(case.last) + 1
        expected = [part.tobytes() for part in np.split(case.units, ends[:-1])]
        assert packets == expected
        compared += len(packets)
    assert compared > 50
