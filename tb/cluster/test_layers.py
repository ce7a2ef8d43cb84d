"""Cores in a cluster: its runtime, and layers against the golden model."""

from pathlib import Path

import numpy as np
import pytest

from tileloom.cluster.config import ClusterConfig
from tileloom.errors import UserError
from tileloom_golden.requantise import from_ratios, requantise
from tileloom_golden.xfu import layers as golden
from tileloom_golden.xfu.sparsity import prune_nm
from tileloom_sim.cluster.int8 import run_int8_layer
from tileloom_sim.cluster.layers import plan, run_layer
from tileloom_sim.cluster.simulate import Layers, simulate
from tileloom_sim.cluster.system import cluster_system
from tileloom_sim.cluster.tiles import cluster_program
from tileloom_sim.riscv.run import ProgramError, run_program
from tileloom_sim.xfu.layers import Kernel, LayerShape, fully_connected

PROGRAMS = Path(__file__).parent / "programs"
CONFIG = ClusterConfig(cores=2, l1_bytes=32 << 10)
PAPER = LayerShape(rows=256, channels=64, height=8, width=8, kernel=(3, 3), padding=1)


@pytest.mark.parametrize("kernel", Kernel)
def test_plans_fill_l1_and_do_not_overlap(kernel: Kernel) -> None:
    config = ClusterConfig()
    found = plan(config, PAPER, kernel, 8, 8)
    assert found.tiles * found.rows == 256
    places = sorted(found.places.values())
    assert places[0] == 0x20000000
    assert found.places["patch0"] + 8 * found.core_bytes <= 0x20000000 + config.l1_bytes - 8 * 1024
    # Patches of all cores begin in banks of their own, where the kernel lets them.
    starts = [found.places[f"patch{n}"] + i * found.core_bytes for n in (0, 1) for i in range(8)]
    banks = {start // 4 % config.banks for start in starts}
    assert len(banks) == {Kernel.SOFTWARE: 2, Kernel.DENSE_4X2: 8}.get(kernel, 16)
    # Not even the fewest output channels fit here.
    with pytest.raises(UserError, match="bytes of L1 do not hold the layer, "):
        plan(ClusterConfig(l1_bytes=16384), PAPER, kernel, 8, 8)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (Layers(convolution=[24]), "--convolution 24: must be a multiple of 16"),
        (Layers(connected=[64], active=[9]), "--active 9: the cluster has 8 cores"),
    ],
)
def test_layers_that_cannot_be_run_are_told(layers: Layers, message: str) -> None:
    with pytest.raises(UserError, match=message):
        simulate(ClusterConfig(), layers=layers)


@pytest.mark.long
def test_the_runtime() -> None:
    run = run_program(
        cluster_system(CONFIG),
        cluster_program(CONFIG.l1_bytes, {"runtime.c": (PROGRAMS / "runtime.c").read_text()}),
    )
    assert run.exit_code == 0
    nowhere = '#include "cluster.h"\nint main(void) { return (int)CLUSTER_WORD(0x20008000); }\n'
    with pytest.raises(ProgramError, match="core 0 1: an access where nothing is"):
        run_program(cluster_system(CONFIG), cluster_program(CONFIG.l1_bytes, {"nowhere.c": nowhere}))


@pytest.mark.long
@pytest.mark.parametrize("kernel", Kernel)
@pytest.mark.parametrize(
    "layer",
    [
        LayerShape(rows=76, channels=48, height=5, width=7, kernel=(3, 3), stride=1, padding=1),
        LayerShape(rows=9, channels=16, height=7, width=4, kernel=(1, 2), stride=2),
        fully_connected(37, 256),
    ],
    ids=["tiles", "odd", "connected"],
)
def test_layers_on_one_and_two_cores(layer: LayerShape, kernel: Kernel) -> None:
    rng = np.random.default_rng(3)
    activations = rng.integers(-128, 128, (layer.height, layer.width, layer.channels), dtype=np.int8)
    weights = prune_nm(rng.integers(-128, 128, (layer.rows, layer.length), dtype=np.int8), 16)
    numbers = from_ratios(rng.uniform(1e-4, 1e-2, layer.rows), rng.integers(-5000, 5000, layer.rows))
    if layer.kernel is None:
        wanted = golden.fully_connected(activations.reshape(1, -1), weights)
    else:
        patches = golden.im2col(activations, layer.kernel, stride=layer.stride, padding=layer.padding)
        wanted = golden.fully_connected(patches, weights)
    for active in (1, 2):
        run = run_layer(cluster_system(CONFIG), layer, kernel, activations, weights, group=16, active=active)
        assert (run.results == wanted).all()
        assert (run.tiles > 1) == (layer.kernel is None or (layer.rows == 76 and not kernel.sparse))
        assert run.computing < run.cycles < run.simulated
        if kernel is Kernel.SOFTWARE:
            continue
        run = run_int8_layer(
            cluster_system(CONFIG),
            layer,
            kernel,
            activations,
            weights,
            numbers,
            m=16,
            active=active,
            relu=True,
        )
        assert (run.results == requantise(wanted, numbers, relu=True)).all()


@pytest.mark.long
def test_eight_cores_are_seven_times_as_fast() -> None:
    """On the paper's convolution of 64 channels, between the transfers."""
    figures = simulate(ClusterConfig(), layers=Layers(convolution=[64], rows=8, int8=True), seed=1).figures
    found = [run["speed_up_computing"] for run in figures["runs"] if run["cores"] == 8]
    assert len(found) == 5
    assert min(found) > 7
