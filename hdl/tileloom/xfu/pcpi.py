"""The unit on PCPI, the coprocessor interface of PicoRV32, with a load port of its own.

PCPI gives an instruction two registers and waits for it, so the unit needs none of ``Unit``'s buffers; what
xdecimate reads besides, the word of offsets, is kept here. docs/hosts.md has how a host is connected.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import XfuConfig
from .decode import Decode
from .execute import Execute
from .instruction import COUNTER_BITS
from .load_port import LoadPort, port_members
from .write_back import WriteBack


class Pcpi(wiring.Component):
    """One instruction at a time: rs1 is the base address, rs2 is rd as it is, offsets come from a register.

    ::

        pcpi_valid  __/-----------\\___    until pcpi_ready, with insn, rs1, rs2 stable; or a reset
        load_req    __/-----\\_________    base + displacement, in the first cycle
        load_rvalid ________/-----\\___
        pcpi_ready  ________/-----\\___    in the cycle of the answer; a swap's in the first cycle
        counter     ==============X===    changes with pcpi_ready

    An xdecimate takes two cycles with memory that answers in the cycle after its request, a swap one. A load
    that fails leaves rd (``pcpi_wr`` is 0) and the counter as they were, and takes one cycle more: the host
    sees ``load_error``, an interrupt line, before it goes on to the next instruction, so that what PicoRV32
    then has in q0 - 4 is the instruction that failed. The line stays until an ``xdecimate.counter``.

    ``pcpi_wait`` is 1 for the unit's instructions and for no others, which PicoRV32 then traps.

    Ports are those of PCPI from the coprocessor's side, and ``load_port.port_members``.
    """

    def __init__(self, config: XfuConfig) -> None:
        self.config = config
        super().__init__(
            {
                "pcpi_valid": In(1),
                "pcpi_insn": In(32),
                "pcpi_rs1": In(32),
                "pcpi_rs2": In(32),
                "pcpi_wr": Out(1),
                "pcpi_rd": Out(32),
                "pcpi_wait": Out(1),
                "pcpi_ready": Out(1),
                **port_members(),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.decode = decode = Decode(self.config)
        m.submodules.execute = execute = Execute(self.config)
        m.submodules.load_port = port = LoadPort()
        m.submodules.write_back = write_back = WriteBack()
        counter = Signal(COUNTER_BITS)
        offsets = Signal(32)
        failed = Signal()  # the load of the instruction that is here, in the cycle before
        port.connect(m, self)
        loaded = Signal()
        swaps = self.pcpi_valid & (decode.swap | decode.swap_offsets)
        m.d.comb += [
            decode.word.eq(self.pcpi_insn),
            execute.funct2.eq(decode.funct2),
            execute.counter.eq(counter),
            execute.offsets.eq(offsets),
            port.load_valid.eq(self.pcpi_valid & decode.decimate & ~failed),
            port.load_address.eq(self.pcpi_rs1 + execute.displacement),
            write_back.rd.eq(self.pcpi_rs2),
            write_back.lane.eq(execute.lane),
            write_back.loaded.eq(port.loaded_byte),
            loaded.eq(port.loaded_valid & ~port.loaded_fault),
            self.pcpi_wait.eq(self.pcpi_valid & (decode.decimate | decode.swap | decode.swap_offsets)),
            self.pcpi_ready.eq(swaps | loaded | failed),
            self.pcpi_wr.eq(~failed),
            self.pcpi_rd.eq(
                Mux(decode.decimate, write_back.result, Mux(decode.swap_offsets, offsets, counter))
            ),
        ]
        m.d.sync += failed.eq(port.loaded_valid & port.loaded_fault)
        with m.If(port.loaded_valid & port.loaded_fault):
            m.d.sync += self.load_error.eq(1)
        with m.If(loaded):
            m.d.sync += counter.eq(counter + 1)
        with m.If(self.pcpi_valid & decode.swap):
            m.d.sync += [counter.eq(self.pcpi_rs1), self.load_error.eq(0)]
        with m.If(self.pcpi_valid & decode.swap_offsets):
            m.d.sync += offsets.eq(self.pcpi_rs1)
        return m
