"""A board's addresses: what is there, what is not, and what is not while the array works."""

from __future__ import annotations

import os
import select
import threading
import tty
from dataclasses import replace

import numpy as np
import pytest

from board.small import made, small
from tileloom.driver.bus import BusError
from tileloom.driver.serial import LinkError, SerialBus
from tileloom.errors import UserError
from tileloom.systolic.board import REGIONS
from tileloom_sim.board.port import opened, serial_port
from tileloom_sim.board.run import multiply
from tileloom_sim.board.simulated import Disturbance, disturbance, simulated

pytestmark = pytest.mark.xdist_group("boards")

TILES, CONTROL = REGIONS["player"] << 28 | 0x8, REGIONS["player"] << 28


def words(*values):
    return np.array(values, "<u4").tobytes()


def test_addresses_without_anything_are_refused_and_the_next_access_goes_on():
    with small("stream") as (_, board):
        bus, sizes = board.bus, board.board.sizes
        behind = REGIONS["results"] << 28 | sizes["results"] * 16
        for address in (0x7000_0000, 0xF000_0000, 0x0000_4000, 0x2000_0040, behind, 0x6800_0000):
            with pytest.raises(BusError):
                bus.read(address, 4)
        for address in (0x7000_0000, 0x0000_0000, 0x3800_0000, 0x6000_0000):
            with pytest.raises(BusError):
                bus.write(address, words(1))
        assert len(bus.read(behind - 16, 16)) == 16
        bus.write(TILES, words(3, 4, 5))
        assert bus.read(TILES, 12) == words(3, 4, 5)


def test_memories_are_out_of_reach_while_tiles_are_under_way():
    """Whatever came of it would be mistaken for a result; the description and the registers stay."""
    with small("stream") as (_, board):
        bus, sizes = board.bus, board.board.sizes
        count = sizes["tiles"]
        bus.write(REGIONS["tiles"] << 28, words(*[0] * count))
        bus.write(REGIONS["weights"] << 28, words(0) * 2 * sizes["weights"])
        bus.write(REGIONS["activations"] << 28, words(0) * 2 * sizes["activations"])
        # As long as that is, twice: the counts may be larger than the memories.
        bus.write(TILES, words(count, 400, 400))
        bus.write(CONTROL, words(1))
        assert bus.read(CONTROL + 4, 4) == words(1)
        with pytest.raises(BusError):
            bus.read(REGIONS["results"] << 28, 4)
        with pytest.raises(BusError):
            bus.write(REGIONS["activations"] << 28, words(1))
        assert bus.read(4, 4) == board.board.rom[4:8]
        while bus.read(CONTROL + 4, 4) != words(0):
            pass
        assert len(bus.read(REGIONS["results"] << 28, 4)) == 4
        assert bus.read(CONTROL + 0x20, 4) == words(count)


@pytest.mark.parametrize("counts", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_a_run_of_nothing_is_none(counts):
    with small("stream") as (_, board):
        board.bus.write(TILES, words(*counts))
        board.bus.write(CONTROL, words(1))
        assert board.bus.read(CONTROL + 4, 4) == words(0)


def test_another_board_than_the_saved_one_is_told():
    _, board, program = made("stream")
    other = replace(board, config={**board.config, "rows": 4})
    message = r"config\.rows is 3 on the board, and 4 in the folder"
    with (
        simulated(program, board.divisor, Disturbance()) as line,
        pytest.raises(UserError, match=message),
        opened(line, "sim:", other),
    ):
        pass


def test_a_line_that_is_dead_is_told():
    _, board, program = made("stream")
    with (
        simulated(program, board.divisor, Disturbance(errors=0.4)) as line,
        pytest.raises(LinkError, match="no answer to 3 requests"),
    ):
        SerialBus(line, tries=3).open()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("errors=2", "errors are from 0 to below 1"),
        ("reset=-1", "reset and seed not negative"),
        ("errors=x", "'x' is no number"),
        ("noise=1", "noise=1: give each of errors, reset, seed once at most"),
        ("seed=1,seed=2", "seed=2: give each"),
    ],
)
def test_disturbances_that_are_none(text, message):
    with pytest.raises(UserError, match=message):
        disturbance(text)
    assert disturbance("errors=1e-3,reset=5") == Disturbance(errors=1e-3, reset=5)


def test_a_product_through_pyserial(rng):
    """The host's own serial port, at a pseudo-terminal whose other end is the simulated board."""
    _, board, program = made("stream")
    master, terminal = os.openpty()
    tty.setraw(master)
    ended = threading.Event()
    with simulated(program, board.divisor, Disturbance()) as simulation:

        def carry():
            while not ended.is_set():
                waiting, _, _ = select.select([master], [], [], 0.001)
                if waiting:
                    simulation.write(os.read(master, 4096))
                if came := simulation.read(64, 200):
                    os.write(master, came)

        thread = threading.Thread(target=carry)
        thread.start()
        try:
            with serial_port(os.ttyname(terminal)) as line, opened(line, "the terminal", None) as found:
                assert found.board == board
                x, w = rng.standard_normal((4, 5)), rng.standard_normal((5, 6))
                result = multiply(found, activations=x, weights=w, layout="KN")
        finally:
            ended.set()
            thread.join()
            os.close(master)
            os.close(terminal)
    assert result.figures["tiles_done"] == 4 and result.values.shape == (4, 6)
