"""What went into an engine and came out of it as text for ``$readmemh``: a transfer, or a beat, a line.

``layer.json`` beside the files says how many bits and lines each has; of an AXI4 master also where in memory
things are.
"""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import EngineConfig, EnginePort

from .axi_harness import AxiRun
from .harness import INPUTS, LayerStreams
from .run import JobRun

LAYER = "layer.json"


def file_names(config: EngineConfig) -> list[str]:
    """Return the names of the files that ``texts`` makes for an engine."""
    if config.port is EnginePort.AXI4:
        return [LAYER, "memory.hex", "results.hex"]
    return [LAYER, *(f"{name}.hex" for name in INPUTS), "results.hex", "results_last.hex"]


def texts(config: EngineConfig, run: JobRun) -> dict[str, str]:
    """Return the files of a layer by their names: text, the most significant digit of a line first."""
    about: dict[str, object] = {"cycles": run.cycles}
    lines: dict[str, tuple[int, list[str]]] = {}
    if isinstance(run.went_in, LayerStreams):
        assert not isinstance(run.came_out, AxiRun)
        widths = {
            "commands": 192,
            "index": 16,
            "weights": config.bus,
            "activations": config.k * config.element_bits,
            "results": config.drain_rows * config.n * config.result_bits,
        }
        for name in INPUTS:
            lines[name] = widths[name], hexadecimal(getattr(run.went_in, name), widths[name])
        lines["results"] = widths["results"], hexadecimal(run.came_out.results, widths["results"])
        lines["results_last"] = 1, [str(int(last)) for last in run.came_out.last]
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
