"""``tileloom estimate CONFIG``: layers and prepared networks on all families, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from explore.network.test_command import figures, folder
from explore.network.test_energy import measured
from tileloom.cli.main import main

__all__ = ["folder"]


def estimate(*arguments):
    """Return what the command prints as JSON."""
    result = run_estimate(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def run_estimate(*arguments):
    return CliRunner().invoke(main, ["estimate", *map(str, arguments)])


def test_tiles_of_zeros_are_left_out(folder):
    w = np.ones((40, 24), np.int8)
    w[8:32] = 0
    np.save("W.npy", w)
    arguments = ["stream-8x8-int8", "--layer", "64x40x24"]
    (dense,), (pruned,) = estimate(*arguments), estimate(*arguments, "--weights", "W.npy")
    assert (dense["skipped"], pruned["skipped"]) == (0, 9)
    assert dense["transfers"] == {"weights": 120, "activations": 960, "results": 960, "psum_in": 960}
    assert pruned["transfers"] == {"weights": 48, "activations": 384, "results": 384, "psum_in": 384}
    assert pruned["computes"] == pruned["actions"]["multiplications"] == 6 * 64 * 64
    engine = estimate("engine-int8", *arguments[1:], "--weights", "W.npy")[0]
    assert engine["skipped"] == 9 and engine["macs"] == pruned["macs"]


def test_a_convolution_on_every_family(folder):
    text = "9x9x16x24x3"
    rng = np.random.default_rng(1)
    w = rng.integers(1, 100, (24, 3, 3, 16)).astype(np.int8)
    w[:8] = 0
    w.reshape(24, -1, 8)[:, :, 1:] = 0
    np.save("W.npy", w)
    found = {
        config: estimate(config, "--layer", text, "--weights", "W.npy")[0]
        for config in ("stream-8x8-int8", "engine-int8", "xfu-cv32e40p")
    }
    assert found["engine-int8"]["skipped"] == 2 and found["engine-int8"]["macs"] == 81 * 144 * 16
    assert found["stream-8x8-int8"]["units"] == 18 * 3 and found["stream-8x8-int8"]["skipped"] == 18
    assert found["xfu-cv32e40p"]["macs"] == 81 * 24 * 18
    sparse = estimate("xfu-cv32e40p", "--layer", text, "--sparsity", "nm:1:8")[0]
    assert sparse == found["xfu-cv32e40p"]
    assert estimate("xfu-cv32e40p", "--layer", text)[0]["cycles"] > 1.5 * sparse["cycles"]


def test_tiles_of_activations_that_are_zero_are_skipped(folder):
    x = np.ones((64, 64), np.int8)
    x[:32] = 0
    np.save("X.npy", x)
    arguments = ["engine-int8", "--set", "activation_mask=true", "--layer", "64x64x64"]
    (dense,), (masked,) = estimate(*arguments), estimate(*arguments, "--activations", "X.npy")
    assert masked["cycles"] < dense["cycles"]
    assert masked["actions"]["multiplications"] < 0.6 * dense["actions"]["multiplications"]


@pytest.mark.parametrize("config", ["stream-8x8-int8", "engine-int8", "xfu-cv32e40p"])
def test_a_network_as_network_run_has_it(folder, config):
    calibrate = [] if config == "stream-8x8-int8" else ["--calibrate", "x.npz"]
    figures("prepare", "m.onnx", "--for", config, "-o", "p.tileloom.npz", *calibrate)
    options = []
    if config != "xfu-cv32e40p":
        options = ["--energy", measured(Path("power.json"), config.replace("-", "_"))]
    found = estimate(config, "--network", "p.tileloom.npz", *options)
    assert found == figures("run", "p.tileloom.npz", config, "--estimate", *options)
    assert len(found["layers"]) == 2 and ("energy_j" in found) == bool(options)
    for kind in ("transfers", "actions"):
        for name, count in found[kind].items():
            assert count == sum(layer[kind][name] for layer in found["layers"])
    assert run_estimate(config, "--network", "p.tileloom.npz").exit_code == 0


def test_energy_of_a_layer(folder):
    path = measured(Path("power.json"), "engine_int8")
    (found,) = estimate("engine-int8", "--layer", "64x64x64", "--energy", path)
    cycles = found["cycles"]
    assert found["energy_j"]["zero_delay"] > cycles * 1e-10
    assert "energy, zero delay" in " ".join(
        run_estimate("engine-int8", "--layer", "64x64x64", "--energy", path).stdout.split()
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("engine-int8", "--layer: missing; give VECTORSxKxN or HxWxCxNxWINDOW"),
        ("engine-int8 --layer 3x4", "--layer: '3x4' is not VECTORSxKxN or"),
        ("engine-int8 --layer 0x4x4", "--layer: '0x4x4': sizes must be from 1"),
        ("engine-int8 --layer 3x3x4x4x9x1x0", "--layer: '3x3x4x4x9x1x0': "),
        ("engine-int8 --layer 4x4x4 --weights W.npy", "has the shape (40, 24), the layer wants (4, 4)"),
        ("engine-int8 --layer 4x4x4 --weights m.onnx", "--weights: m.onnx: no .npy file"),
        ("stream-8x8-int8 --layer 4x40x24 --weights zero.npy", "--weights: zero.npy: all weights are zero"),
        (
            "engine-int8 --layer 4x4x4 --activations W.npy",
            "--activations: only an engine with",
        ),
        ("engine-int8 --layer 4x4x4 --sparsity nm:1:4", "--sparsity: is for xDecimate"),
        (
            "xfu-cv32e40p --layer 4x4x4 --sparsity nm:1:5",
            "--sparsity: 'nm:1:5' is not what the unit",
        ),
        ("xfu-cv32e40p --layer 9x9x3x8x3 --sparsity nm:1:8", "a row of 27 weights is no whole groups of 1:8"),
        ("xfu-unit --layer 4x4x4", "xfu_unit: the unit alone has no core"),
        ("xfu-cv32e40p --layer 4x4x4 --energy W.npy", "--energy: of xDecimate power measures the unit alone"),
        ("engine-int8 --layer 4x4x4 --network W.npy", "--layer: not with --network"),
        ("engine-int8 --network W.npy", "W.npy: "),
        ("engine-int8 --layer 4x4x4 --count 3", "--count: is for a specification with [[search]]"),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    Path("m.onnx").write_text("no array")
    np.save("W.npy", np.ones((40, 24), np.int8))
    np.save("zero.npy", np.zeros((40, 24), np.int8))
    result = run_estimate(*arguments.split())
    assert result.exit_code == 2 and told in result.stderr, result.stderr
    assert "Traceback" not in result.output
