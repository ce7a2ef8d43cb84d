"""Wrong arguments of a program are told as the command line tells them, before any work."""

from pathlib import Path

import numpy as np
import pytest

import tileloom
from tileloom.errors import UserError

OWN = {"weights": np.ones((4, 4), np.int8), "layout": "KN", "activations": np.ones((2, 4), np.int8)}
IMAGE = {
    "weights": np.ones((2, 1, 1, 3), np.int8),
    "layout": "OHWI",
    "activations": np.ones((2, 2, 3), np.int8),
}


@pytest.mark.parametrize(
    ("preset", "arguments", "message"),
    [
        ("sasp-4x4-int8", {"seed": "a"}, "seed: must be a whole number from 0 to"),
        ("sasp-4x4-int8", {"seed": True}, "seed: must be a whole number from 0 to"),
        ("sasp-4x4-int8", {"simulator": "foo"}, "simulator: must be verilator or icarus, not 'foo'"),
        ("sasp-4x4-int8", {**OWN, "raw": "yes"}, "raw: must be True or False, not 'yes'"),
        ("sasp-4x4-int8", {**OWN, "prune": float("nan")}, "prune: must be a number above 0 and up to 1"),
        ("sasp-4x4-int8", {**OWN, "prune": 0}, "prune: must be a number above 0 and up to 1, not 0"),
        ("sasp-4x4-int8", {**OWN, "prune": "0.5"}, "prune: must be a number above 0"),
        ("sasp-4x4-int8", {**OWN, "per": []}, "per: must be tensor or column, not \\[\\]"),
        ("engine-int8", {"layers": 0}, "layers: must be a whole number from 1 to 100000, not 0"),
        ("engine-int8", {"layers": 1.5}, "layers: must be a whole number"),
        ("engine-int8", {**OWN, "relu": 2}, "relu: must be True or False, not 2"),
        ("engine-int8", {**IMAGE, "stride": 0}, "stride: must be a whole number from 1 to 15, not 0"),
        ("engine-int8", {**IMAGE, "pads": (1,)}, "pads: must be four whole numbers"),
        ("engine-int8", {**IMAGE, "pads": (0, 0, 0, 1.5)}, "pads: must be a whole number from 0 to 255"),
        ("xfu-cv32e40p", {"seed": -1}, "seed: must be a whole number from 0 to"),
        ("sasp-4x4-int8", {"sed": 1}, "sed: no such option; did you mean seed?"),
        ("sasp-4x4-int8", {"waves": 5}, "waves: must be the name of a file, not 5"),
        ("engine-int8", {"waves": ""}, "waves: the name is empty"),
        ("xfu-cv32e40p", {"waves": "none/x.vcd"}, "waves: none/x.vcd: none is not there"),
    ],
)
def test_wrong_arguments(preset: str, arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        tileloom.simulate(preset, **arguments)


@pytest.mark.parametrize(
    ("preset", "arguments", "message"),
    [
        ("stream-8x8-int8", {"flat": "no"}, "flat: must be True or False, not 'no'"),
        ("stream-8x8-int8", {"files": "x.lib"}, "files: must be a list of paths, not 'x.lib'"),
        ("xfu-unit", {"clock_ps": -1}, "clock_ps: must be a number from 10 to 1e"),
        ("engine-int8", {"clock_ps": float("nan")}, "clock_ps: must be a number"),
        ("xfu-unit", {"flats": True}, "flats: no such option; did you mean flat?"),
    ],
)
def test_wrong_arguments_of_synthesis(preset: str, arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        tileloom.synthesise(preset, **arguments)


def test_sizes_may_come_from_numpy() -> None:
    config = tileloom.load("stream-8x8-int8", rows=np.int64(3))
    assert type(config.rows) is int and config.rows == 3


@pytest.mark.parametrize("preset", ["sasp-4x4-int8", "engine-int8", "xfu-cv32e40p"])
def test_waves_overwrite_nothing(preset: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept.vcd"
    kept.write_text("mine")
    with pytest.raises(UserError, match=r"waves: .*kept\.vcd: there already"):
        tileloom.simulate(preset, waves=kept)
    assert kept.read_text() == "mine"
