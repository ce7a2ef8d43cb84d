"""The unit inside CV32E40P's pipeline: three modules, one for each stage that it sits in.

```
        ID             |              EX                       |            WB
                       |                                       |
   word --> Decode     |  rs2, funct2 --> ExecuteStage --------|--> lane, data_type --> Merge --> rd
              |        |                  counter |            |                        ^   ^
              v        |                          v            |                        |   |
   rd is read by the   |  rs1 -----------> LSU's adder --> bus-|--> byte ---------------'   |
   third read port ----|--> store data ------------------------|--> word kept by the LSU ---'
```

What the core has is used: its adder makes rs1 + M*csr[15:1] + o from the operand given here; its register of
store data brings rd as far as EX, and the one of the last word loaded keeps it in WB; ``data_type`` (3 is not
used for anything else), ``data_sign_ext`` and ``bmask_a`` bring along what is being loaded. So the unit adds
18 flip-flops: the counter's 16, and two in ID/EX.

An xDecimate just behind a load of its rd, another xDecimate above all, does not wait for it: when it moves on
to WB, the load before it has been answered, and rd is the word that is written back, or was last.

An instruction in EX is never killed and its load cannot fail (the data bus has no error input, and there is
no PMP), so that leaving EX is the commitment: that is when the counter changes.
"""

from __future__ import annotations

from amaranth.hdl import ClockDomain, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...export import export
from ..config import XfuConfig
from ..decode import Decode
from ..execute import Execute
from ..instruction import COUNTER_BITS

DATA_TYPE = 3
"""An xDecimate in CV32E40P's two bits of ``data_type``, where 0, 1 and 2 are word, half-word and byte."""

PREFIX = "tileloom_xdecimate"
"""The names of the Verilog modules start with it."""


class ExecuteStage(wiring.Component):
    """EX: the counter, and what the load/store unit adds to rs1.

    Members
    -------
    clk, rst_n:
        The core's clock and asynchronous reset, low when active.
    operand_a, operand_b:
        rs1 and rs2 of an xDecimate, rs1 of xdecimate.counter; anything else the core has in EX.
    data_req, data_type, funct2:
        Whether a load or store is in EX, its type, and of an xDecimate funct2.
    swap:
        xdecimate.counter is in EX.
    leaving:
        What is in EX leaves it at this clock edge.
    address_operand:
        For the LSU's adder: M*csr[15:1] + o, or ``operand_b`` of every other instruction.
    lane:
        Byte of rd to replace.
    counter:
        The counter before the instruction in EX.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clk": In(1),
                "rst_n": In(1),
                "operand_a": In(32),
                "operand_b": In(32),
                "data_req": In(1),
                "data_type": In(2),
                "funct2": In(2),
                "swap": In(1),
                "leaving": In(1),
                "address_operand": Out(32),
                "lane": Out(2),
                "counter": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        # The core's flip-flops are reset without a clock, which its clock gate stops until it may fetch.
        core = ClockDomain("core", async_reset=True, local=True)
        m.domains += core
        m.submodules.execute = execute = Execute(self.config)
        counter = Signal(COUNTER_BITS)
        decimate = Signal()
        m.d.comb += [
            core.clk.eq(self.clk),
            core.rst.eq(~self.rst_n),
            decimate.eq(self.data_type == DATA_TYPE),
            execute.funct2.eq(self.funct2),
            execute.counter.eq(counter),
            execute.offsets.eq(self.operand_b),
            self.address_operand.eq(Mux(decimate, execute.displacement, self.operand_b)),
            self.lane.eq(execute.lane),
            self.counter.eq(counter),
        ]
        with m.If(self.leaving & self.swap):
            m.d.core += counter.eq(self.operand_a)
        with m.Elif(self.leaving & self.data_req & decimate):
            m.d.core += counter.eq(counter + 1)
        return m


class Merge(wiring.Component):
    """WB: the word that the load/store unit writes back. No register.

    In place of the core's choice between what the bus answers and what was loaded last: that multiplexer
    merges a byte into rd as well, if each byte chooses for itself.

    Members
    -------
    response:
        The bus answers in this cycle.
    data_type, lane:
        Of the load that is answered.
    loaded:
        The bus's answer, aligned and extended; of an xDecimate the byte in every lane.
    kept:
        The core's register of the last word that was loaded; while an xDecimate waits it holds rd.
    word:
        What is written back when the bus answers, and ``kept`` until it does.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "response": In(1),
                "data_type": In(2),
                "lane": In(2),
                "loaded": In(32),
                "kept": In(32),
                "word": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        for lane in range(4):
            taken = self.response & ((self.data_type != DATA_TYPE) | (self.lane == lane))
            loaded, kept = (word.word_select(lane, 8) for word in (self.loaded, self.kept))
            m.d.comb += self.word.word_select(lane, 8).eq(Mux(taken, loaded, kept))
        return m


def stages(config: XfuConfig | None = None) -> str:
    """Return the Verilog of ``tileloom_xdecimate_decode``, ``_execute`` and ``_merge``.

    Their ports are the members of ``Decode``, ``ExecuteStage`` and ``Merge``.
    """
    config = config or XfuConfig()
    components: dict[str, wiring.Component] = {
        "decode": Decode(config),
        "execute": ExecuteStage(config),
        "merge": Merge(),
    }
    return "\n".join(
        export(
            component,
            f"{PREFIX}_{name}",
            [port for _, _, port in component.signature.flatten(component)],
        ).verilog
        for name, component in components.items()
    )
