"""The unit inside CV32E40P's pipeline: three modules, one for each stage that it sits in.

```
        ID                            EX                               WB
  instruction --> Decode --> funct2 --> Execute --> operand of ------> load/store unit's response
                    |                   ^  |        the LSU's adder         |
                    |          rs1, rs2 -  +-- counter, lane --------> Merge --> register file,
                    +--> rd through the third read port -------------->   ^      and, where the next
                         (its stall on the load before it left out)       +----- instruction needs it, rd
```

What the core has is used: its adder makes rs1 + M*csr[15:1] + o from the operand given here, its register of
store data brings rd as far as EX, the register of the last word loaded keeps it in WB, and both ``data_type``
(3 is used for nothing else) and ``data_sign_ext`` bring along what is being loaded. So the unit adds 18
flip-flops: the counter's 16, and two in ID/EX.

An instruction in EX is never killed and a load cannot fail (the data bus has no error input; the PMP is not
there), so that leaving EX is the commitment: that is when the counter changes.
"""

from __future__ import annotations

from amaranth.hdl import Cat, ClockDomain, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..export import export
from .config import XfuConfig
from .instruction import COUNTER_BITS, FUNCT2, FUNCT2_COUNTER, FUNCT3, OPCODE

DATA_TYPE = 3
"""An xDecimate in CV32E40P's two bits of ``data_type``, where 0, 1 and 2 are word, half-word and byte."""

PREFIX = "tileloom_xdecimate"
"""The names of the Verilog modules start with it."""


class Decode(wiring.Component):
    """ID: which of the unit's instructions a word is; neither is an illegal instruction. No register.

    Members
    -------
    instruction_i:
        The word, of any opcode.
    load_o, counter_o:
        It is an xdecimate whose M is built; it is xdecimate.counter.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        super().__init__(
            {
                "instruction_i": In(32),
                "load_o": Out(1),
                "counter_o": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        word = self.instruction_i
        rd, rs2, funct2, rs3 = word[7:12], word[20:25], word[25:27], word[27:32]
        ours = Signal()
        m.d.comb += [
            ours.eq((word[:7] == OPCODE) & (word[12:15] == FUNCT3)),
            self.load_o.eq(
                ours & funct2.matches(*(FUNCT2[size] for size in self.config.group_sizes)) & (rs3 == rd)
            ),
            self.counter_o.eq(ours & (funct2 == FUNCT2_COUNTER) & (rs2 == 0) & (rs3 == 0)),
        ]
        return m


class Execute(wiring.Component):
    """EX: the counter, and what the load/store unit adds to rs1.

    Members
    -------
    clk_i, rst_ni:
        The core's clock and asynchronous reset, low when active.
    operand_a_i, operand_b_i:
        rs1 and rs2 of an xDecimate, rs1 of xdecimate.counter; anything else the core has in EX.
    data_req_i, data_type_i, funct2_i:
        Whether a load or store is in EX, its type, and of an xDecimate funct2.
    counter_i, leaving_i:
        xdecimate.counter is in EX; what is in EX leaves it at this clock edge.
    operand_b_o:
        For the LSU's adder: M*csr[15:1] + o, which needs no adder because M is a power of two and o below it,
        or operand_b_i for every other instruction. o is the low log2(M) bits of its field.
    lane_o:
        Byte of rd to replace.
    counter_o:
        The counter before the instruction in EX.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        super().__init__(
            {
                "clk_i": In(1),
                "rst_ni": In(1),
                "operand_a_i": In(32),
                "operand_b_i": In(32),
                "data_req_i": In(1),
                "data_type_i": In(2),
                "funct2_i": In(2),
                "counter_i": In(1),
                "leaving_i": In(1),
                "operand_b_o": Out(32),
                "lane_o": Out(2),
                "counter_o": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        # The core's flip-flops are reset without a clock, which its clock gate stops until it may fetch.
        core = ClockDomain("core", async_reset=True, local=True)
        m.domains += core
        m.d.comb += [core.clk.eq(self.clk_i), core.rst.eq(~self.rst_ni)]

        counter = Signal(COUNTER_BITS)
        decimate = Signal()
        m.d.comb += [
            decimate.eq(self.data_type_i == DATA_TYPE),
            self.lane_o.eq(counter[1:3]),
            self.counter_o.eq(counter),
            self.operand_b_o.eq(Mux(decimate, self._displacement(m, counter), self.operand_b_i)),
        ]
        with m.If(self.leaving_i):
            with m.If(self.counter_i):
                m.d.core += counter.eq(self.operand_a_i)
            with m.Elif(self.data_req_i & decimate):
                m.d.core += counter.eq(counter + 1)
        return m

    def _displacement(self, m: Module, counter: Signal) -> Signal:
        """Return M*csr[15:1] + o."""
        sizes = self.config.group_sizes
        is_4 = Mux(self.funct2_i == FUNCT2[4], 1, 0) if len(sizes) > 1 else int(sizes == (4,))
        if 4 not in sizes:
            is_4 = 0
        # Two 2-bit fields share four bits: the same multiplexer serves 1:4 and, an index of 1:8 and 1:16.
        index, field, pair = Signal(3), Signal(4), Signal(2)
        m.d.comb += [
            index.eq(Mux(is_4, counter[1:4], counter[0:3])),
            field.eq(self.operand_b_i.word_select(index, 4)),
            pair.eq(field.word_select(counter[0], 2)),
        ]
        offsets = {4: pair, 8: field[:3], 16: field}
        displacement = Signal(COUNTER_BITS - 1 + 4)
        with m.Switch(self.funct2_i):
            for size in sizes[:-1]:
                with m.Case(FUNCT2[size]):
                    m.d.comb += displacement.eq(Cat(offsets[size], counter[1:]))
            with m.Default():
                m.d.comb += displacement.eq(Cat(offsets[sizes[-1]], counter[1:]))
        return displacement


class Merge(wiring.Component):
    """WB: the word that the load/store unit writes back. No register.

    Members
    -------
    response_i:
        The bus answers in this cycle.
    data_type_i, lane_i:
        Of the load that is answered.
    loaded_i:
        The bus's answer, aligned and extended; of an xDecimate the byte in every lane.
    kept_i:
        The core's register of the last word that was loaded; for an xDecimate it holds rd.
    word_o:
        What is written back when the bus answers, and ``kept_i`` until it does.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "response_i": In(1),
                "data_type_i": In(2),
                "lane_i": In(2),
                "loaded_i": In(32),
                "kept_i": In(32),
                "word_o": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        for lane in range(4):
            taken = self.response_i & ((self.data_type_i != DATA_TYPE) | (self.lane_i == lane))
            m.d.comb += self.word_o.word_select(lane, 8).eq(
                Mux(taken, self.loaded_i.word_select(lane, 8), self.kept_i.word_select(lane, 8))
            )
        return m


def stages(config: XfuConfig | None = None) -> str:
    """Return the Verilog of ``tileloom_xdecimate_decode``, ``_execute`` and ``_merge``.

    Their ports are the members of ``Decode``, ``Execute`` and ``Merge``.
    """
    config = config or XfuConfig()
    components: dict[str, wiring.Component] = {
        "decode": Decode(config),
        "execute": Execute(config),
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
