"""The memory tile of a grid's column: each strip comes in once, and goes out as often as is asked for."""

import numpy as np
import pytest

from support.streams import packed, simulate, sink, source
from tileloom.engine.config import EngineConfig
from tileloom.engine.grid.tile import MemoryTile, tile_command

WORDS = 6


@pytest.mark.parametrize("idle", [0.0, 0.5])
def test_strips_come_out_as_often_as_asked_for(idle: float, rng: np.random.Generator) -> None:
    config = EngineConfig(m=2, k=2, n=2, grid_rows=2, grid_tile_words=WORDS)
    dut, layout = MemoryTile(config), tile_command(config)
    commands, incoming, expected = [], [], []
    for _ in range(12):
        fields = {
            "iterations": int(rng.integers(1, 4)),
            "passes": int(rng.integers(1, 4)),
            "units": int(rng.integers(1, WORDS + 1)),
        }
        commands.append(layout.const(fields).as_bits())
        for _ in range(fields["iterations"]):
            strip = [packed(unit, 8) for unit in rng.integers(-128, 128, (fields["units"], 2))]
            incoming += strip
            expected += strip * fields["passes"]
    received: list[int] = []
    when: list[int] = []
    simulate(
        dut,
        sink(dut.outgoing, len(expected), received, rng, idle, raw=True, when=when),
        source(dut.commands, commands, rng, idle),
        source(dut.incoming, incoming, rng, idle),
    )
    assert received == expected


def test_a_unit_passes_in_every_cycle(rng: np.random.Generator) -> None:
    """Strips of a pass each come out two cycles after they come in, one behind the other."""
    config = EngineConfig(m=2, k=2, n=2, grid_rows=2, grid_tile_words=WORDS)
    dut = MemoryTile(config)
    command = tile_command(config).const({"iterations": 9, "passes": 1, "units": 5}).as_bits()
    received: list[int] = []
    when: list[int] = []
    simulate(
        dut,
        sink(dut.outgoing, 45, received, rng, 0.0, raw=True, when=when),
        source(dut.commands, [command], rng, 0.0),
        source(dut.incoming, range(45), rng, 0.0),
    )
    assert received == list(range(45))
    assert when[-1] - when[0] == 44 and when[0] <= 4
