"""What a program in memory has read and written, dealt out to who does it for a grid.

```
 load --> of each column: activations        index, weights --> of each row        write --> of each engine
```
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.signals import STREAM_JOB, activation_job, job_layout, result_job
from ..config import EngineConfig
from ..layouts import COMMAND


class JobRoutes(wiring.Component):
    """Hands each job to all that its command names, in one cycle; wires alone.

    A LOAD, or a memory tile's command, is for the columns of ``to_columns``, a WRITE for the engines that are
    in ``to_rows`` and ``to_columns``. A CONV is for the rows of ``to_rows``, and only one that is also for
    column 0 has its index and weights read: engines of a row share them, whatever their tiles.

    Ports: ``command`` (in), that of the jobs on offer; streams ``load``, ``index``, ``weights`` and ``write``
    (in), as from ``Descriptors``; streams ``loads[column]``, ``indices[row]``, ``blocks[row]`` and
    ``writes[row][column]`` (out).
    """

    def __init__(self, config: EngineConfig) -> None:
        self.rows, self.columns = config.grid
        of_load, of_stream, of_write = (
            stream.Signature(job_layout(config, bits))
            for bits in (activation_job(config), STREAM_JOB, result_job(config))
        )
        super().__init__(
            {
                "command": In(COMMAND),
                "load": In(of_load),
                "index": In(of_stream),
                "weights": In(of_stream),
                "write": In(of_write),
                "loads": Out(of_load).array(self.columns),
                "indices": Out(of_stream).array(self.rows),
                "blocks": Out(of_stream).array(self.rows),
                "writes": Out(of_write).array(self.rows, self.columns),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        to_rows, to_columns = self.command.to_rows, self.command.to_columns
        rows, columns = range(self.rows), range(self.columns)
        self._deal(m, self.load, [(self.loads[column], to_columns[column]) for column in columns])
        for source, ports in ((self.index, self.indices), (self.weights, self.blocks)):
            self._deal(m, source, [(ports[row], to_rows[row] & to_columns[0]) for row in rows])
        places = [(row, column) for row in rows for column in columns]
        engines = [(self.writes[row][column], to_rows[row] & to_columns[column]) for row, column in places]
        self._deal(m, self.write, engines)
        return m

    def _deal(self, m: Module, source: Any, ports: list[tuple[Any, Value]]) -> None:
        """Offer a job to the ports that it is for once all of them have room."""
        room = [port.ready | ~wanted for port, wanted in ports]
        m.d.comb += source.ready.eq(Cat(room).all())
        for place, (port, wanted) in enumerate(ports):
            others = Cat(room[:place] + room[place + 1 :]).all()
            m.d.comb += [port.payload.eq(source.payload), port.valid.eq(source.valid & wanted & others)]
