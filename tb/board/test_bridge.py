"""The serial bridge and the host's driver, pins to bus, over a line that damages bits."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator

from tileloom.driver.serial import BusError, Counts, LinkError, SerialBus
from tileloom.serial.bridge import SerialBridge

DIVISOR, PATIENCE, MEMORY = 4, 400, 256


async def wait(ctx, cycles):
    for _ in range(cycles):
        await ctx.tick()


class Board:
    """A bridge with a memory on its bus, in simulation, as a serial port; time goes on while it is read."""

    def __init__(self, rng: np.random.Generator, *, errors: float = 0.0, reset_after: int = 0) -> None:
        self.rng, self.errors, self.reset_after = rng, errors, reset_after
        self.memory = [int(word) for word in rng.integers(1 << 32, size=MEMORY)]
        self.writes: list[tuple[int, int]] = []
        self.cycles = self.damaged = self.resets = 0
        self.timeout = 3_000
        self._waiting: list[int] = []
        self._came = bytearray()
        self.reset = Signal()
        self.bridge = SerialBridge(DIVISOR, PATIENCE)
        self._simulator = Simulator(ResetInserter(self.reset)(self.bridge))
        self._simulator.add_clock(1)
        if reset_after:
            self._simulator.add_testbench(self._resets, background=True)
        for process in (self._line_in, self._line_out, self._reads, self._writes):
            self._simulator.add_testbench(process, background=True)

    def write(self, content: bytes) -> int:
        """Put bytes on the line."""
        for byte in content:
            self._waiting += [0, *(byte >> place & 1 for place in range(8)), 1]
        return len(content)

    def read(self, size: int) -> bytes:
        """Return the bytes that come; fewer where time is up."""
        until = self.cycles + self.timeout
        while len(self._came) < size and self.cycles < until:
            self._run(100)
        found = bytes(self._came[:size])
        del self._came[:size]
        return found

    def _run(self, cycles: int) -> None:
        self.cycles += cycles
        self._simulator.run_until(self.cycles)

    def _bad(self) -> bool:
        bad = bool(self.rng.random() < self.errors)
        self.damaged += bad
        return bad

    async def _resets(self, ctx):
        while True:
            await wait(ctx, self.reset_after)
            ctx.set(self.reset, 1)
            await ctx.tick()
            ctx.set(self.reset, 0)
            self.resets += 1

    async def _line_in(self, ctx):
        while True:
            level = self._waiting.pop(0) ^ self._bad() if self._waiting else 1
            ctx.set(self.bridge.receive, level)
            await wait(ctx, DIVISOR)

    async def _line_out(self, ctx):
        while True:
            while ctx.get(self.bridge.transmit):
                await ctx.tick()
            byte = 0
            await wait(ctx, DIVISOR // 2)
            for place in range(8):
                await wait(ctx, DIVISOR)
                byte |= (ctx.get(self.bridge.transmit) ^ self._bad()) << place
            await wait(ctx, DIVISOR)
            self._came.append(byte)

    async def _reads(self, ctx):
        bridge = self.bridge
        while True:
            address = await self._taken(ctx, bridge.ar)
            inside = address < 4 * MEMORY
            word = self.memory[address // 4] if inside else int(self.rng.integers(1 << 32))
            ctx.set(bridge.r.payload, {"data": word, "resp": 0 if inside else 3})
            await self._given(ctx, bridge.r)

    async def _writes(self, ctx):
        bridge = self.bridge
        while True:
            resets = self.resets
            order = [bridge.aw, bridge.w] if self.rng.integers(2) else [bridge.w, bridge.aw]
            got = {id(port): await self._taken(ctx, port) for port in order}
            address, word = got[id(bridge.aw)], got[id(bridge.w)]
            if self.resets != resets:
                continue  # it is reset with the bridge
            if address < 4 * MEMORY:
                self.memory[address // 4] = word
                self.writes.append((address, word))
            ctx.set(bridge.b.payload, 0 if address < 4 * MEMORY else 2)
            await self._given(ctx, bridge.b)

    async def _taken(self, ctx, port):
        resets = self.resets
        await wait(ctx, 1 + int(self.rng.integers(4)))
        ctx.set(port.ready, 1)
        while True:
            *_, valid, payload = await ctx.tick().sample(port.valid, port.payload)
            if valid or self.resets != resets:
                ctx.set(port.ready, 0)
                return payload if valid else 0

    async def _given(self, ctx, port):
        await wait(ctx, 1 + int(self.rng.integers(4)))
        ctx.set(port.valid, 1)
        resets, ready = self.resets, False
        while not ready and self.resets == resets:
            *_, ready = await ctx.tick().sample(port.ready)
        ctx.set(port.valid, 0)


def words(content: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(content) // 4}I", content))


def some(board: Board, most: int) -> tuple[int, int]:
    """Return where an access begins and how many words it has."""
    size = int(board.rng.integers(1, most + 1))
    return int(board.rng.integers(MEMORY - size)), size


def test_frames_of_any_length(rng):
    board = Board(rng)
    board.timeout = 20_000
    bus = SerialBus(board, sequence=250)
    bus.open()
    for size in (1, 2, 64, 67):
        begin = int(rng.integers(MEMORY - size))
        content = rng.bytes(4 * size)
        assert words(bus.read(4 * begin, 4 * size)) == board.memory[begin : begin + size]
        bus.write(4 * begin, content)
        assert board.memory[begin : begin + size] == words(content)
    assert len(board.writes) == 134 and bus.counts == Counts(answered=11)


def test_damaged_bits_cost_time_and_nothing_else(rng):
    """Each write is carried out once, whatever was damaged, of requests or of answers."""
    board = Board(rng, errors=0.001)
    bus = SerialBus(board, tries=50)
    bus.open()
    wanted = []
    for _ in range(20):
        begin, size = some(board, 6)
        if rng.integers(2):
            content = words(rng.bytes(4 * size))
            wanted += [(4 * (begin + place), word) for place, word in enumerate(content)]
            bus.write(4 * begin, struct.pack(f"<{size}I", *content))
        else:
            assert words(bus.read(4 * begin, 4 * size)) == board.memory[begin : begin + size]
    assert board.writes == wanted and len(wanted) > 8
    assert board.damaged > 3 and bus.counts.again > 1 and bus.counts.answered == 21


def test_a_reset_is_told_wherever_it_comes(rng):
    """What was answered was carried out; behind a reset all is refused until the bus is opened again."""
    board = Board(rng, reset_after=4999)
    bus = SerialBus(board)
    bus.open()
    told = right = 0
    while told < 5:
        begin, size = some(board, 6)
        content = words(rng.bytes(4 * size))
        try:
            bus.write(4 * begin, struct.pack(f"<{size}I", *content))
            assert board.memory[begin : begin + size] == content
            right += 1
        except LinkError as error:
            assert "the board was reset; what was under way is lost: open it" in str(error)
            told += 1
            bus.open()
    assert right > 2 and board.resets >= told


def test_what_is_no_request_is_passed_over(rng):
    """Garbage, frames that stop, commands and lengths that there are not, each with a right checksum."""
    board = Board(rng)
    bus = SerialBus(board)
    bus.open()
    for header in ((9, 3, 1, 0), (9, 1, 0, 0), (9, 1, 65, 0), (9, 2, 65, 0), (9, 0, 1, 0), (9, 2, 127, 0)):
        body = struct.pack("<BBBI", *header) + bytes(4 * header[2] if header[1] == 2 else 0)
        board.write(bytes([0xA5]) + body + struct.pack("<I", zlib.crc32(body)))
        assert board.read(1) == b""
    for size in (1, 5, 20):
        board.write(rng.bytes(size))
        board.read(1)
        assert words(bus.read(0, 8)) == board.memory[:2]
    assert not board.writes


def test_an_error_on_the_bus_ends_a_request_and_the_next_goes_on(rng):
    board = Board(rng)
    bus = SerialBus(board)
    bus.open()
    with pytest.raises(BusError, match=r"0x3fc: one of 3 words from here was answered with an error"):
        bus.read(4 * MEMORY - 4, 12)
    with pytest.raises(BusError):
        bus.write(4 * MEMORY - 4, bytes(range(12)))
    assert board.writes == [(4 * MEMORY - 4, 0x03020100)]
    assert words(bus.read(0, 8)) == board.memory[:2]


def test_nobody_there(rng):
    class Silence:
        """Nobody."""

        def read(self, size):
            """Return nothing."""
            return b""

        def write(self, content):
            """Take all."""
            return len(content)

    with pytest.raises(
        LinkError, match="no answer to 3 requests; is the board programmed, and this its port"
    ):
        SerialBus(Silence(), tries=3).open()
