"""The grid of engines with one AXI4 master for everything, and one program in memory.

```
 start --> Descriptors -- commands --> Grid --> results --> ResultBuffers --> WriteChannel --> AW, W, B
                 '-- jobs --> JobRoutes --> ReadClients: each column's activations, each row's index, weights
                                                  '--> ReadChannel <--> AR, R
```
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring

from ...hierarchy import add_shared
from ..axi.descriptors import Descriptors
from ..axi.engine import AxiEngine, connect_results, read_client
from ..config import EngineConfig
from .grid import Grid
from .routes import JobRoutes
from .write import GridWriter


class AxiGrid(AxiEngine):
    """A grid of engines as an AXI4 master; ``docs/grid.md``. Ports and errors are those of ``AxiEngine``."""

    def _engine(self) -> Grid:
        return Grid(self.config)

    def _writer(self) -> GridWriter:
        return GridWriter(self.config)

    def _readers(self, m: Module, descriptors: Descriptors) -> dict[str, Any]:
        m.submodules.routes = routes = JobRoutes(self.config)
        for name in ("load", "index", "weights"):
            wiring.connect(m, getattr(descriptors, name), getattr(routes, name))
        m.d.comb += routes.command.eq(descriptors.commands.payload)
        return {
            f"{name}_{place}": port
            for name, ports in (
                ("activations", routes.loads),
                ("index", routes.indices),
                ("weights", routes.blocks),
            )
            for place, port in enumerate(ports)
        }

    def _client(self, m: Module, platform: object, name: str, ended: Signal) -> Any:
        kind = name.partition("_")[0]
        make = lambda: read_client(self.config, kind)  # noqa: E731
        return add_shared(m, platform, f"read_{kind}", f"read_{name}", make, reset=ended)

    def _write_jobs(self, m: Module, descriptors: Descriptors, write: GridWriter) -> None:
        routes = m.submodules.routes
        wiring.connect(m, descriptors.write, routes.write)
        for row, ports in enumerate(routes.writes):
            for column, port in enumerate(ports):
                wiring.connect(m, port, write.jobs[row][column])

    def _write_units(self, m: Module, engine: Grid, write: GridWriter) -> None:
        for row, ports in enumerate(write.units):
            for column, port in enumerate(ports):
                connect_results(m, getattr(engine, f"results_{row}_{column}"), port)


def axi_engine(config: EngineConfig) -> AxiEngine:
    """Return the engine with an AXI4 master, or the grid of them."""
    return AxiGrid(config) if config.is_grid else AxiEngine(config)
