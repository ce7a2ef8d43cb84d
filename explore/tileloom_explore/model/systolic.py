"""A systolic array as the model sees it: weights stay in the elements, the host has everything else.

The host is the level outside; its accesses are words through the ports. Tiles of zeros are left out, which is
a feature: no weights, activations or results of such a tile are moved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import Sheet
from tileloom.systolic.config import Port, SystolicConfig
from tileloom.systolic.design import timing

from ..systolic.cycles import array_cycles
from .architecture import Architecture, Compute, Feature, Level
from .density import ActualData
from .evaluate import Estimate, evaluate
from .mapping import Loops, Mapping
from .report import figures
from .specification import LayerSpecification
from .workload import Workload, parse_einsum


def layer_of(
    config: SystolicConfig, vectors: int, k: int, n: int, kept: npt.NDArray[np.bool_] | None = None
) -> LayerSpecification:
    """Return Y = X W on an array: ``vectors`` x ``k`` activations, ``k`` x ``n`` weights.

    ``kept`` says which tiles of the weights are computed (tiles along K, tiles along N); None: all. What the
    edges cut short is filled up, as the hardware wants it.
    """
    rows, columns = config.rows, config.columns
    down, across = -(-k // rows), -(-n // columns)
    tensors, terms = parse_einsum("Y[m,n] = X[m,k] * W[k,n]", "systolic")
    sizes = {"m": vectors, "k": down * rows, "n": across * columns}
    # All of a tile moves or none: its zeros count as weights unless all of them are zero.
    density = {}
    if kept is not None:
        density["W"] = ActualData(np.repeat(np.repeat(kept, rows, axis=0), columns, axis=1))
    architecture = Architecture(
        config.label,
        (
            Level(name="host", word=config.activation.width, fanout=rows * columns),
            Level(name="element", word=config.weight.width, size=1 + config.double_buffer, fanout=1),
        ),
        Compute(name="multiply-add"),
        tuple(Feature("host", "skip", tensor, ("W",)) for tensor in ("X", "W", "Y")),
    )
    mapping = Mapping(
        (
            Loops("host", (("n", across), ("k", down)), (("k", rows), ("n", columns))),
            Loops("element", (("m", vectors),), (), ("W",)),
        )
    )
    return LayerSpecification(
        Workload(f"{vectors}x{k}x{n}", sizes, tensors, terms, density), architecture, mapping
    )


def estimate_array(
    config: SystolicConfig, vectors: int, k: int, n: int, kept: npt.NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Return the figures of ``report.figures``, cycles and transfers on the ports those of the array.

    Cycles are a closed form held to the RTL; the transfers are beats of the ports.
    """
    layer = layer_of(config, vectors, k, n, kept)
    assert layer.mapping is not None
    estimate = evaluate(layer.workload, layer.architecture, layer.mapping)
    tiles = _moved(estimate, "W") // (config.rows * config.columns)
    word_port = config.port is Port.WORD
    timetable = timing(config)
    if kept is None:
        kept = np.ones((-(-k // config.rows), -(-n // config.columns)), bool)
    time = array_cycles(config, kept, vectors)
    results = int(estimate.at("host", "Y").updates.actual[0])
    transfers = {
        "weights": tiles * timetable["weight_transfers_per_tile"],
        "activations": _moved(estimate, "X") // (1 if word_port else config.rows),
        "results": results // (1 if word_port else config.columns),
    }
    if not word_port:
        transfers["psum_in"] = transfers["results"]
    units = config.rows * config.columns
    found = figures(estimate)
    found |= {"tiles": tiles, "cycles": float(time), "transfers": transfers}
    found["utilisation"] = found["computes"] / (units * time) if time else 0.0
    return found


def _moved(estimate: Estimate, tensor: str) -> int:
    return int(estimate.at("host", tensor).reads.actual[0])


def port_sheet(found: dict[str, Any]) -> Sheet:
    """Return a table of the transfers on the ports."""
    rows = [(name, f"{count:,}") for name, count in found["transfers"].items()]
    return Sheet(
        f"{found['layer']}: {found['tiles']:,} tiles; transfers on the ports", ("port", "beats"), rows
    )
