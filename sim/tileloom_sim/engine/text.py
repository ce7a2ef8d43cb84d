"""What went into an engine and came out of it as text for ``$readmemh``: a transfer, or a beat, a line.

``layer.json`` beside the files says how many bits and lines each has; of an AXI4 master also where in memory
things are, and of a grid which block column of the results each one is.
"""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig, EnginePort

from .axi_harness import AxiRun
from .grid import GridRun, GridStreams
from .harness import INPUTS, Beats, EngineRun, LayerStreams
from .job import Job
from .run import JobRun

LAYER = "layer.json"


def file_names(config: EngineConfig) -> list[str]:
    """Return the names of the files that ``texts`` makes for an engine."""
    if config.port is EnginePort.AXI4:
        return [LAYER, "memory.hex", "results.hex"]
    if not config.is_grid:
        names = [*INPUTS, "results", "results_last"]
    else:
        rows, columns = (range(side) for side in config.grid)
        names = ["commands", *(f"{name}_{row}" for name in ("index", "weights") for row in rows)]
        names += [f"activations_{column}" for column in columns]
        engines = [f"results_{row}_{column}" for row in rows for column in columns]
        names += [name + kind for name in engines for kind in ("", "_last")]
    return [LAYER, *(f"{name}.hex" for name in names)]


def texts(job: Job, run: JobRun) -> dict[str, str]:
    """Return the files of a layer by their names: text, the most significant digit of a line first."""
    config = job.config
    about: dict[str, object] = {"cycles": run.cycles}
    lines: dict[str, tuple[int, list[str]]] = {}
    widths = {
        "commands": 192,
        "index": 16,
        "weights": config.bus,
        "activations": config.k * config.element_bits,
        "results": config.drain_rows * config.n * config.result_bits,
    }

    def add(name: str, transfers: Beats) -> None:
        width = widths[name.partition("_")[0]]
        lines[name] = width, hexadecimal(transfers, width)

    def add_results(name: str, transfers: Beats, last: npt.NDArray[np.bool_]) -> None:
        add(name, transfers)
        lines[f"{name}_last"] = 1, [str(int(mark)) for mark in last]

    if isinstance(run.went_in, LayerStreams):
        assert isinstance(run.came_out, EngineRun)
        for name in INPUTS:
            add(name, getattr(run.went_in, name))
        add_results("results", run.came_out.results, run.came_out.last)
    elif isinstance(run.went_in, GridStreams):
        assert isinstance(run.came_out, GridRun)
        for name, transfers in run.went_in.inputs.items():
            add(name, transfers)
        for row, (results, last) in enumerate(zip(run.came_out.results, run.came_out.last, strict=True)):
            for column, (transfers, marks) in enumerate(zip(results, last, strict=True)):
                add_results(f"results_{row}_{column}", transfers, marks)
    else:
        assert isinstance(run.came_out, AxiRun)
        image = run.went_in
        for name, content in {
            "memory": image.content,
            "results": run.came_out.content[image.part(image.results, image.results_size)],
        }.items():
            lines[name] = config.bus, hexadecimal(_beats(content, config.bus), config.bus)
        about |= {
            "base": image.base,
            "start": image.start,
            "results": image.results,
            "results_bytes": image.results_size,
        }
    if config.is_grid:
        about["block_columns"] = list(job.grid.order)
    about["files"] = {
        f"{name}.hex": {"bits": bits, "lines": len(found)} for name, (bits, found) in lines.items()
    }
    files = {f"{name}.hex": "".join(f"{line}\n" for line in found) for name, (_, found) in lines.items()}
    return {LAYER: json.dumps(about, indent=2) + "\n", **files}


def hexadecimal(transfers: npt.NDArray[np.uint8], bits: int) -> list[str]:
    """Return transfers, rows of bytes with the least significant first, as digits for so many bits."""
    digits = -(-bits // 4)
    return [row.tobytes().hex()[-digits:] for row in transfers[:, ::-1]]


def _beats(content: bytes, bits: int) -> npt.NDArray[np.uint8]:
    """Return bytes as beats of the bus, the last one filled up with zeros."""
    size = bits // 8
    return np.frombuffer(content + bytes(-len(content) % size), np.uint8).reshape(-1, size)
