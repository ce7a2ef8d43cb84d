"""Programs executed by the functional model, and by engines in RTL beside it; results compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tileloom.cli.console import step
from tileloom.errors import CheckError

from ..network.command.options import require_extra
from .abstraction import Abstraction
from .arithmetic import reference
from .compile import compile_network
from .engine.run import Engines
from .graph import Graph
from .program import Program, from_text, to_text
from .run import execute, random_filters
from .timeline import timeline

if TYPE_CHECKING:
    from .prepared.mapped import Mapped


def check_program(
    graph: Graph, whole: Graph, grid: Abstraction, sparsity: float, engines: Engines | None
) -> None:
    """Execute a network's program on random weights and data, engines in RTL beside it if there are any.

    Blocks are missing at other places than in the program that is printed. Raises CheckError where a result
    is not that of the ``whole`` network, which has no tiles.
    """
    rng = np.random.default_rng(0)
    filters = random_filters(whole, sparsity, grid.block, rng)
    images = {
        name: rng.integers(-128, 128, (each.height, each.width, each.channels)).astype(np.int8)
        for name, each in ((name, graph.tensors[name]) for name in graph.inputs)
    }
    with step("Executing the program"):
        program = compile_network(graph, grid, {name: own.kept(grid.block) for name, own in filters.items()})
        read = _as_read(program)
        found = execute(read, graph, grid, filters, images, engines.observe if engines else None)
        expected = reference(whole, filters, images)
        _finish(engines, read, grid)
    for name in graph.outputs:
        wrong = int((found[name] != expected[name]).sum())
        if wrong:
            raise CheckError(f"{name}: {wrong} of {found[name].size} results are not the network's")


def read_prepared_network(path: Path) -> Mapped:
    """Return the network of a file, with the packages that it needs."""
    require_extra()
    from .prepared.mapped import load_mapped

    return load_mapped(path)


def check_prepared(
    mapped: Mapped, graph: Graph, program: Program, grid: Abstraction, data: Path, engines: Engines | None
) -> None:
    """Execute a prepared network's program on its first inference.

    Raises CheckError where a result is not that of the golden models.
    """
    from ..network.data import read_data
    from .prepared.run import compare as compare_prepared
    from .prepared.run import run_prepared

    batches, _ = read_data(data, mapped.prepared.network)
    with step("Executing the program"):
        read = _as_read(program)
        found = run_prepared(mapped, graph, read, grid, batches[0], engines.observe if engines else None)
        _finish(engines, read, grid)
        compare_prepared(mapped, found, batches[0])


def _as_read(program: Program) -> Program:
    """Return a program as its text has it, which is what is executed."""
    return replace(program, steps=from_text(to_text(program.steps)))


def _finish(engines: Engines | None, program: Program, grid: Abstraction) -> None:
    """Run what engines have taken and not run yet, and note what the timeline has for each node."""
    if engines:
        engines.finish()
        engines.beside(timeline(program.steps, grid), grid.clock)
