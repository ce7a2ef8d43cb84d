"""The unit at CV32E40P's auxiliary port: what is asked for in EX is answered in the same cycle.

```
            EX: operands in registers     |  EX, same cycle              end of the cycle
 request, operation, a, b  ---------------+--> Unit --> result --> core's write port, forwarding
                                          |    ready --> grant and valid (else EX waits)
 leaving (EX is done with the instruction)+-----------------------> Unit changes its state
```

The core repeats a request for as long as EX waits for something else, such as a load in WB: so the unit
executes when the instruction leaves EX. One in EX is never killed (docs/xdecimate.md), so that this commits
it.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....export import export
from ....hierarchy import add_shared
from ...config import WORD_BITS, SystolicConfig
from ..decode import OPERATION_BITS, Decode
from ..generator.memory import port
from ..generator.unit import FetchingUnit
from ..unit import Unit

PREFIX = "tileloom_array"
"""The names of the Verilog modules start with it."""


class Auxiliary(wiring.Component):
    """The unit, in its core's terms.

    Members
    -------
    clk, rst_n:
        The core's clock, not gated, and its reset, low when active: here synchronous, at least one edge long.
    request, operation, a, b:
        In: an instruction of the array is in EX, and its operands.
    leaving:
        In: what is in EX leaves it at this clock edge.
    ready, result:
        Out, in the same cycle: the instruction may leave, and its result.
    memory:
        With an address generator: its memory port.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clk": In(1),
                "rst_n": In(1),
                "request": In(1),
                "operation": In(OPERATION_BITS),
                "a": In(WORD_BITS),
                "b": In(WORD_BITS),
                "leaving": In(1),
                "ready": Out(1),
                "result": Out(WORD_BITS),
                **({"memory": Out(wiring.Signature(port(bits)))} if (bits := config.memory_bits) else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        domain = ClockDomain("sync", local=True)
        m.domains += domain
        generator = self.config.memory_bits is not None
        make = FetchingUnit if generator else Unit
        unit: Any = add_shared(m, platform, "unit", "unit", lambda: make(self.config))
        if generator:
            wiring.connect(m, unit.memory, wiring.flipped(self.memory))
        m.d.comb += [
            domain.clk.eq(self.clk),
            domain.rst.eq(~self.rst_n),
            unit.operation.eq(self.operation),
            unit.a.eq(self.a),
            unit.b.eq(self.b),
            unit.taken.eq(self.request & self.ready & self.leaving),
            self.ready.eq(unit.ready),
            self.result.eq(unit.result),
        ]
        return m


def modules(config: SystolicConfig) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Return the Verilog of ``tileloom_array_decode`` and ``_unit``, and where each module in it is.

    Their ports are the members of ``Decode`` and ``Auxiliary``.
    """
    components: dict[str, wiring.Component] = {
        "decode": Decode(config),
        "unit": Auxiliary(config),
    }
    netlists = [
        export(
            component,
            f"{PREFIX}_{name}",
            [port for _, _, port in component.signature.flatten(component)],
        )
        for name, component in components.items()
    ]
    origins = {module: path for netlist in netlists for module, path in netlist.origins.items()}
    return "\n".join(netlist.verilog for netlist in netlists), origins
