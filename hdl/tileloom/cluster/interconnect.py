"""L1's interconnect: masters on one side, banks of words on the other, each with an arbiter."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .arbiter import Arbiter, selected
from .config import ClusterConfig
from .ports import vector


class Bank(wiring.Component):
    """A bank's side: the next of the masters that ask for it, and its request.

    ``requests`` (in) and ``chosen`` (out, the same cycle) have a bit for each master; a bank serves a request
    in every cycle. The other ports are masters' and bank's, without latency.
    """

    def __init__(self, masters: int, row_bits: int) -> None:
        self.masters = masters
        super().__init__(
            {
                "requests": In(masters),
                "chosen": Out(masters),
                "rows": In(vector(row_bits, masters)),
                "we": In(masters),
                "be": In(vector(4, masters)),
                "wdata": In(vector(32, masters)),
                "bank_req": Out(1),
                "bank_we": Out(1),
                "bank_addr": Out(row_bits),
                "bank_be": Out(4),
                "bank_wdata": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        m.submodules.arbiter = arbiter = Arbiter(self.masters)
        chosen = self.chosen
        each = range(self.masters)
        m.d.comb += [
            arbiter.requests.eq(self.requests),
            arbiter.ready.eq(1),
            chosen.eq(arbiter.chosen),
            self.bank_req.eq(self.requests.any()),
            self.bank_we.eq((chosen & self.we).any()),
            self.bank_addr.eq(selected(chosen, [self.rows[i] for i in each])),
            self.bank_be.eq(selected(chosen, [self.be[i] for i in each])),
            self.bank_wdata.eq(selected(chosen, [self.wdata[i] for i in each])),
        ]
        return m


class Interconnect(wiring.Component):
    """Masters to banks: word a of L1 is in bank a mod B, at a / B.

    ::

        cycle    0     1     2     3
        req      ------------\\__________    two masters ask for a bank, this one is second
        gnt      ______/-----\\__________
        rdata    ____________<data>_____    of the bank, which reads in the cycle of the grant

    Ports: for each master ``req``, ``gnt``, ``word`` (its address in words), ``we``, ``be``, ``wdata``, and
    ``rdata`` in the cycle after its grant; for each bank those of the fabric.
    """

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        masters, banks = config.masters, config.banks
        self.bank_bits = (banks - 1).bit_length()
        self.row_bits = (config.bank_words - 1).bit_length()
        super().__init__(
            {
                "req": In(masters),
                "gnt": Out(masters),
                "word": In(vector(self.bank_bits + self.row_bits, masters)),
                "we": In(masters),
                "be": In(vector(4, masters)),
                "wdata": In(vector(32, masters)),
                "rdata": Out(vector(32, masters)),
                "bank_req": Out(banks),
                "bank_we": Out(banks),
                "bank_addr": Out(vector(self.row_bits, banks)),
                "bank_be": Out(vector(4, banks)),
                "bank_wdata": Out(vector(32, banks)),
                "bank_rdata": In(vector(32, banks)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        masters = range(self.config.masters)
        granted = Signal(len(masters))
        for number in range(self.config.banks):
            bank = Bank(len(masters), self.row_bits)
            m.submodules[f"bank{number}"] = bank
            for i in masters:
                wanted = self.word[i][: self.bank_bits] == number
                m.d.comb += [
                    bank.requests[i].eq(self.req[i] & wanted),
                    bank.rows[i].eq(self.word[i][self.bank_bits :]),
                ]
            m.d.comb += [
                bank.we.eq(self.we),
                bank.be.eq(self.be),
                bank.wdata.eq(self.wdata),
                self.bank_req[number].eq(bank.bank_req),
                self.bank_we[number].eq(bank.bank_we),
                self.bank_addr[number].eq(bank.bank_addr),
                self.bank_be[number].eq(bank.bank_be),
                self.bank_wdata[number].eq(bank.bank_wdata),
            ]
            before, granted = granted, Signal(len(masters), name=f"granted{number}")
            m.d.comb += granted.eq(before | bank.chosen)
        m.d.comb += self.gnt.eq(granted)
        rdata = Array(self.bank_rdata[number] for number in range(self.config.banks))
        for i in masters:
            where = Signal(max(self.bank_bits, 1), name=f"bank_of{i}")
            with m.If(self.gnt[i]):
                m.d.sync += where.eq(self.word[i][: self.bank_bits])
            m.d.comb += self.rdata[i].eq(rdata[where])
        return m
