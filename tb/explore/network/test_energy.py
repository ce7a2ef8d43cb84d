"""Energy of a network's layers: from what `tileloom power` writes, or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from explore.network.test_command import figures, folder, mistake, run
from tileloom.families import load
from tileloom_explore.network.mapping import map_layer
from tileloom_explore.network.prepared import read_prepared

__all__ = ["folder"]

ENERGIES = {"computing": (7e-10, 9e-10), "loading_weights": (4e-10, 5e-10), "idle": (1e-10, 2e-10)}
LEAKAGE, PERIOD = 300e-6, 2e-9


def measured(path: Path, name: str, **changed: Any) -> Path:
    """Write a report as `tileloom power` does; `tb/synth/test_power.py` holds this form to it."""
    cycles = {
        f"{mode}_cycle_j": dict(zip(("zero_delay", "unit_delay"), values, strict=True))
        for mode, values in ENERGIES.items()
    }
    whole = {"name": name, "library": "cells", "period_ps": 2000.0, "met": True, **cycles}
    whole["leakage_uw"] = {"multiplier": 200.0, "registers": 100.0}
    path.write_text(json.dumps(whole | changed))
    return path


@pytest.mark.parametrize("config", ["stream-8x8-int8", "engine-int8"])
def test_energy_by_layer_in_both_bounds(folder: Path, config: str) -> None:
    calibrate = ["--calibrate", "x.npz"] if config == "engine-int8" else []
    figures("prepare", "m.onnx", "--for", config, "-o", "p.tileloom.npz", *calibrate)
    path = measured(folder / "power.json", config.replace("-", "_"))
    found = figures("run", "p.tileloom.npz", config, "--estimate", "--energy", path)
    assert (found["library"], found["period_ps"]) == ("cells", 2000)
    for layer, tiles in zip(found["layers"], (9, 6), strict=True):  # of 20 x 24 and 24 x 10 weights
        # One vector to an array's tile, whose eight rows take a word each; a block of the engine is 64 bytes,
        # four beats, and up to four places are one cycle.
        computing, loading = tiles, (4 if config == "engine-int8" else 8) * tiles
        for bound in (0, 1):
            values = [energies[bound] for energies in ENERGIES.values()]
            wanted = computing * values[0] + loading * (values[1] - values[2])
            wanted += (layer["cycles"] - computing) * values[2] + layer["cycles"] * LEAKAGE * PERIOD
            assert layer["energy_j"][("zero_delay", "unit_delay")[bound]] == pytest.approx(wanted)
    for bound, total in found["energy_j"].items():
        assert total == pytest.approx(sum(layer["energy_j"][bound] for layer in found["layers"]))
    text = run("run", "p.tileloom.npz", config, "--estimate", "--energy", path)
    assert "energy, zero delay" in " ".join(text.stdout.split())
    assert "energy: cells, clock 2000 ps; of data as power had it" in text.stderr


def test_cycles_that_compute_are_those_of_tiles_that_are_kept(folder: Path) -> None:
    options = ["--sparsity", "tiles:40%"]
    figures("prepare", "m.onnx", "--for", "sasp-8x8-int8", "-o", "p.tileloom.npz", *options)
    prepared, config = read_prepared(Path("p.tileloom.npz")), load("sasp-8x8-int8")
    for layer in prepared.network.layers:
        cost = map_layer(config, layer).cost((1, 1, 5, layer.channels))
        kept = cost.units - cost.skipped
        assert 0 < kept < cost.units
        # On the word port a vector takes eight words, and four weights come in one.
        assert (cost.computing, cost.loading) == (kept * 5 * 8, kept * 8 * 2)


def test_files_of_something_else(folder: Path) -> None:
    figures("prepare", "m.onnx", "--for", "stream-8x8-int8", "-o", "p.tileloom.npz")
    ran = ("run", "p.tileloom.npz", "stream-8x8-int8", "--estimate", "--energy", "e.json")
    path = measured(Path("e.json"), "engine_int8")
    assert mistake(*ran) == "e.json: is of engine_int8, and this runs on stream_8x8_int8; measure that"
    measured(path, "stream_8x8_int8", idle_cycle_j={"zero_delay": -1, "unit_delay": 0})
    assert mistake(*ran).endswith("is negative or no number")
    form = "e.json: not what tileloom power writes of an array or an engine; write it with tileloom power"
    measured(path, "stream_8x8_int8", idle_cycle_j=3)
    assert mistake(*ran).startswith(form)
    for text in ("", "[]", "{", '{"name": "stream_8x8_int8"}', "[" * 10000, "\ud800"):
        path.write_text(text, encoding="utf-16", errors="replace")
        assert mistake(*ran).startswith(form)
        path.write_text(text, encoding="utf-8", errors="replace")
        assert mistake(*ran).startswith(form)
    measured(path, "xfu_cv32e40p")
    options = ["--calibrate", "x.npz"]
    figures("prepare", "m.onnx", "--for", "xfu-cv32e40p", "-o", "x.tileloom.npz", *options)
    told = mistake("run", "x.tileloom.npz", "xfu-cv32e40p", "--estimate", "--energy", "e.json")
    assert told == "--energy: of xDecimate power measures the unit alone, not the core of the kernels"
