"""The grid: rows and columns of engines, what they share broadcast to them, their results gathered.

```
                   activations_0          activations_1
                        v                      v
 index_0, weights_0 -> [engine 0, 0] -----> [engine 0, 1]        commands -> every engine that they are for
                        |                      |
 index_1, weights_1 -> [engine 1, 0] -----> [engine 1, 1]
                        v                      v
                     results_0              results_1
```
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...hierarchy import add_shared
from ...stream import packet
from ...stream.fork import Fork
from ..config import EngineConfig, EnginePort
from ..drain import result_layout
from ..engine import Engine
from ..layouts import COMMAND, INDEX, Opcode
from ..loader import unit_layout
from ..skipped import skipped_bits
from .gather import Gather, gathered_layout
from .tile import MemoryTile


class Grid(wiring.Component):
    """Engines that compute a layer together; protocol in ``docs/grid.md``.

    Ports: streams ``commands`` (in, ``COMMAND``); of each row r ``index_r`` and ``weights_r`` (in), of each
    column c ``activations_c`` (in) and ``results_c`` (out, ``gathered_layout``), as an engine's; ``busy``
    (out), any engine's or a command waits; ``fault`` (out), that of all walkers together.

    Under an AXI4 master results are not gathered: ``results_r_c`` are each engine's. There is ``clear`` (in),
    a reset of all that is in the grid, and with registers around that ``skipped`` (out), of all rows.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.rows, self.columns = config.grid
        self.axi4 = config.port is EnginePort.AXI4
        super().__init__(
            {
                "commands": In(stream.Signature(COMMAND)),
                **{f"index_{row}": In(stream.Signature(INDEX)) for row in range(self.rows)},
                **{f"weights_{row}": In(stream.Signature(config.bus)) for row in range(self.rows)},
                **{
                    f"activations_{column}": In(stream.Signature(unit_layout(config)))
                    for column in range(self.columns)
                },
                **self._results(),
                "busy": Out(1),
                "fault": Out(2),
                **({"clear": In(1)} if self.axi4 else {}),
                **({"skipped": Out(skipped_bits(config))} if config.wrapper else {}),
            }
        )

    def _results(self) -> dict[str, Out]:
        rows, columns = range(self.rows), range(self.columns)
        if self.axi4:
            own = stream.Signature(packet(result_layout(self.config)))
            return {f"results_{row}_{column}": Out(own) for row in rows for column in columns}
        gathered = stream.Signature(gathered_layout(self.config, self.rows))
        return {f"results_{column}": Out(gathered) for column in columns}

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        one = self.config.engine
        reset = self.clear if self.axi4 else None
        rows, columns = range(self.rows), range(self.columns)
        engines: list[list[Any]] = [
            [
                add_shared(m, platform, "engine", f"engine_{row}_{column}", lambda: Engine(one), reset=reset)
                for column in columns
            ]
            for row in rows
        ]

        every = [engine for row in engines for engine in row]
        command = self.commands.payload
        to = [command.to_rows[row] & command.to_columns[column] for row in rows for column in columns]
        takers = [engine.commands for engine in every]
        tiles: list[Any] = []
        if self.config.grid_tile_words:
            for column in columns:
                tile = add_shared(
                    m, platform, "tile", f"tile_{column}", lambda: MemoryTile(self.config), reset=reset
                )
                tiles.append(tile)
                takers.append(tile.commands)
                to.append((command.opcode == Opcode.NOTHING) & command.to_columns[column])
        fields = {"iterations": command.iterations, "passes": command.blocks}
        fields["units"] = Cat(command.rows, command.width)
        for tile in tiles:
            m.d.comb += [getattr(tile.commands.payload, name).eq(value) for name, value in fields.items()]
        self._broadcast(m, platform, "commands", self.commands, takers, Cat(to))
        for row in rows:
            for name in ("index", "weights"):
                ports = [getattr(engine, name) for engine in engines[row]]
                self._broadcast(m, platform, f"{name}_{row}", getattr(self, f"{name}_{row}"), ports)
        for column in columns:
            down = [engines[row][column] for row in rows]
            activations = getattr(self, f"activations_{column}")
            if tiles:
                wiring.connect(m, wiring.flipped(activations), tiles[column].incoming)
                activations = tiles[column].outgoing
            ports = [engine.activations for engine in down]
            self._broadcast(m, platform, f"activations_{column}", activations, ports)
            if self.axi4:
                for row, engine in enumerate(down):
                    wiring.connect(
                        m, engine.results, wiring.flipped(getattr(self, f"results_{row}_{column}"))
                    )
                continue
            gather: Any = add_shared(
                m, platform, "gather", f"gather_{column}", lambda: Gather(one, self.rows)
            )
            for engine, port in zip(down, gather.incoming, strict=True):
                wiring.connect(m, engine.results, port)
            wiring.connect(m, gather.outgoing, wiring.flipped(getattr(self, f"results_{column}")))
        m.d.comb += [
            self.busy.eq(
                Cat(
                    self.commands.valid,
                    *(engine.busy for engine in every),
                    *(~tile.idle for tile in tiles),
                ).any()
            ),
            self.fault.eq(Cat(Cat(engine.fault[bit] for engine in every).any() for bit in range(2))),
        ]
        if self.axi4:
            # All is in reset: what clears a core that is not has nothing to do.
            m.d.comb += [engine.clear.eq(0) for engine in every]
        if self.config.wrapper:
            # Each row takes an entry of its index once, in its first engine, too.
            m.d.comb += self.skipped.eq(sum(engines[row][0].skipped for row in rows))
        return m

    def _broadcast(
        self, m: Module, platform: object, name: str, source: Any, ports: list[Any], to: Value | None = None
    ) -> None:
        """Broadcast a stream to ``ports``, where ``to`` says to which of them.

        A port whose payload has another shape gets its fields elsewhere.
        """
        takers = len(ports)
        reset = self.clear if self.axi4 else None
        fork = add_shared(m, platform, f"fork_{takers}", f"fork_{name}", lambda: Fork(takers), reset=reset)
        m.d.comb += [
            fork.valid.eq(source.valid),
            source.ready.eq(fork.ready),
            fork.to.eq(~0 if to is None else to),
        ]
        for index, port in enumerate(ports):
            m.d.comb += [port.valid.eq(fork.offers[index]), fork.readies[index].eq(port.ready)]
            if port.payload.shape() == source.payload.shape():
                m.d.comb += Value.cast(port.payload).eq(Value.cast(source.payload))
