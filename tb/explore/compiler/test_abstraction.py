"""Abstractions: the paper's channels and memories, files, and what is refused in one line."""

import dataclasses

import pytest

from tileloom.config import from_plain, to_plain
from tileloom.errors import ConfigError
from tileloom_explore.compiler.abstraction import OVERLAYS, PRESETS, Abstraction, load_abstraction

GIB = 1 << 30


@pytest.mark.parametrize("name", PRESETS)
def test_plain_values_and_back(name, tmp_path):
    grid = load_abstraction(name)
    assert from_plain(Abstraction, to_plain(grid)) == grid
    path = tmp_path / "grid.toml"
    path.write_text("\n".join(f"{key} = {value}" for key, value in to_plain(grid).items()))
    assert load_abstraction(str(path)) == grid


def test_shared_memory_tiles_as_the_paper_has_them():
    for name in OVERLAYS:
        grid = load_abstraction(f"aie2-{name}")
        assert f"{grid.rows}x{grid.columns}" == name
        tiles = 2 if name == "8x2" else 1
        assert grid.activation_room == grid.weight_room == tiles * 512 << 10
        # A channel of 4 GB/s for activations, one for weights, both for writes.
        assert (grid.load_rate, grid.weight_rate, grid.write_rate) == tuple(
            tiles * rate * GIB for rate in (4, 4, 8)
        )
        assert grid.operations * grid.clock == 256_000


def test_dedicated_memory_tiles_as_the_paper_has_them():
    # Two of four tiles have weights: each loads with 8 GB/s, and serves two columns.
    grid = load_abstraction("aie2-4x4-dedicated")
    assert grid.activation_room == grid.weight_room == 256 << 10
    assert grid.load_rate == grid.weight_rate == grid.write_rate == 4 * GIB


def test_engines_have_their_ports():
    grid = load_abstraction("engine-2x4")
    assert grid.streams and grid.tile_pixels == 4
    # An AXI4 port of 16 bytes a cycle: read by activations and weights, written as fast.
    assert 4 * (grid.load_rate + grid.weight_rate) == 4 * grid.write_rate == 16 * 10**9
    assert (grid.activation_channel, grid.weight_channel, grid.result_channel) == (8e9, 16e9, 8e9)


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_abstraction("aie2-2x2").rows = 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rows = 0\ncolumns = 2", "rows: must be from 1 to 64, not 0"),
        ("columns = 2", "rows: missing, and there is no default"),
        ("rows = 2\ncolumns = 2\ntile_bytes = 0", "tile_bytes: must be from 1 to"),
        ("rows = 2\ncolumns = 2\nddr_chanel = 1", "ddr_chanel: no such field; did you mean ddr_channel?"),
        ('rows = "2"\ncolumns = 2', 'rows: must be a whole number, not "2"'),
        ("rows = 2\ncolumns = 4\nweight_tiles = 4", "weight_tiles: must be from 0 to 3, not 4"),
        ("rows = 2\ncolumns = 4\nweight_tiles = 1", "3 of a kind cannot be dealt evenly to 4 columns"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(text, message, tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_abstraction(str(path))
    assert str(error.value).startswith(f"{path}: ") and message in str(error.value)


@pytest.mark.parametrize("name", ["aie2", "aie3-4x4", "aie2-0x4", "engine-2x2.json", ""])
def test_unknown_grids_are_refused(name):
    with pytest.raises(ConfigError, match=r"neither a grid such as aie2-4x4 nor a \.toml file"):
        load_abstraction(name)
