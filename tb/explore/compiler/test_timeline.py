"""Times: by hand, as the authors' own timelines have them, and the search's closed forms are the steps'."""

import numpy as np
import pytest

from tileloom_explore.compiler.abstraction import Abstraction, load_abstraction
from tileloom_explore.compiler.chains import NodeEmitter, take_spare
from tileloom_explore.compiler.compile import compile_network
from tileloom_explore.compiler.cut import best_plan
from tileloom_explore.compiler.emit import Emitter
from tileloom_explore.compiler.graph import Builder
from tileloom_explore.compiler.memory import Memory
from tileloom_explore.compiler.networks import resnet_50
from tileloom_explore.compiler.picture import draw, only
from tileloom_explore.compiler.run import random_filters
from tileloom_explore.compiler.study import at_sparsity, gains
from tileloom_explore.compiler.timeline import LANES, timeline
from tileloom_explore.compiler.work import Work

from .random_cases import random_graph, random_grid

SIMPLE = Abstraction(
    rows=1,
    columns=1,
    clock=1,
    operations=64,
    ddr_channel=10**6,
    activation_channel=10**6,
    weight_channel=10**6,
    result_channel=10**6,
    input_bytes=64,
)
"""A byte a cycle everywhere, two for writes to DDR, a microsecond each."""


def test_a_convolution_by_hand():
    # 1 x 1, 8 to 8 channels, of 6 rows of 4 pixels: strips of two rows, as the input buffer has 64 bytes.
    net = Builder("hand")
    graph = net.graph(net.conv("conv", net.input("image", 6, 4, 8), 8))
    times = timeline(compile_network(graph, SIMPLE).steps, SIMPLE)
    found = {event.lane: (round(event.begin * 1e6), round(event.end * 1e6)) for event in times.events}
    # 64 bytes of parameters, a count and a row, 4 bytes to be whole words, and a block: 136.
    assert found["LOAD"] == (0, 192) and found["LOADW"] == (0, 136)
    assert found["LOADWM"] == (192, 328)
    # Three iterations: loads and stores of 64 bytes each, 8 cycles to compute; the slowest counts.
    assert found["LOADFM"] == found["WRITEFM"] == (328, 520)
    assert found["COMP"] == (328, 352)
    assert found["WRITE"] == (520, 616)
    assert times.seconds == pytest.approx(616e-6)


def test_one_iteration_is_sequential():
    net = Builder("hand")
    graph = net.graph(net.conv("conv", net.input("image", 1, 8, 8), 8))
    times = timeline(compile_network(graph, SIMPLE).steps, SIMPLE)
    found = {event.lane: (round(event.begin * 1e6), round(event.end * 1e6)) for event in times.events}
    begin = found["LOADWM"][1]
    assert found["LOADFM"] == (begin, begin + 64)
    assert found["COMP"] == (begin + 64, begin + 72)
    assert found["WRITEFM"] == (begin + 72, begin + 136)


def test_what_the_authors_timeline_has_too():
    # Microseconds in BlockSparse/Experiments/Res4-dense.html, github.com/paolodalberto/BlockSparsityyTraning.
    _, times = at_sparsity(resnet_50(), load_abstraction("aie2-4x4"), 0.0)
    nodes = {node.node: node for node in times.nodes}
    for node, lane, published in (
        ("conv2_1.3", "COMP", 12.544),
        ("conv2_2.add", "LOADFM", 93.460),
        ("conv2_2.add", "WRITEFM", 46.730),
        ("conv3_2.add", "LOADFM", 46.730),
        ("conv3_2.3", "COMP", 12.544),
        ("conv5_2.3", "COMP", 14.336),
    ):
        assert nodes[node].lanes[lane] * 1e6 == pytest.approx(published, rel=1e-3), (node, lane)


def test_the_search_knows_what_its_program_takes():
    compared = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        graph, grid = random_graph(rng), random_grid(rng)
        filters = random_filters(graph, 0.5, grid.block, rng)
        for node in graph.nodes:
            work = Work(node, grid, filters[node.name].kept(grid.block) if node.name in filters else None)
            memory, weights = Memory(grid.activation_room), Memory(grid.weight_room)
            plan = best_plan(work, memory.size, weights.size, reads=True, writes=True)
            assert plan is not None
            spare = take_spare(work, plan, memory, memory if grid.shared else weights)
            assert spare is not None
            emitter = Emitter(graph, grid)
            emitter.begin(node)
            NodeEmitter(emitter, work, plan, {}, spare).emit()
            assert timeline(emitter.steps, grid).seconds == pytest.approx(plan.seconds), (seed, node.name)
            compared += 1
    assert compared > 30


def test_sparsity_pays_where_computing_takes_longest():
    grid = load_abstraction("aie2-4x4")
    found = {gain.node: gain for gain in gains(resnet_50(), grid, (0.0, 0.5))}
    assert found["conv2_1.2"].bounds == ("COMP", "LOADFM") and found["conv2_1.2"].last_gain == 1
    assert found["conv2_1.2"].communication == 1
    # 1 x 1, 64 to 256 channels: results are written for longer than anything.
    assert found["conv2_1.3"].bounds == ("WRITEFM", "WRITEFM") and found["conv2_1.3"].last_gain == 0


def test_more_cores_and_fewer_blocks_take_less():
    graph = resnet_50()
    times = {
        (side, share): at_sparsity(graph, load_abstraction(f"aie2-{side}x{side}"), share)[1].seconds
        for side in (4, 8)
        for share in (0.0, 0.5)
    }
    for side in (4, 8):
        assert 0.5 < times[side, 0.5] / times[side, 0.0] < 1
    assert times[8, 0.0] < times[4, 0.0] and times[8, 0.5] < times[4, 0.5]


def test_the_picture_has_all_lanes():
    _, times = at_sparsity(resnet_50().cropped(32, 32), load_abstraction("aie2-2x2"), 0.5)
    text = draw([("whole", times), ("one", only(times, "conv2_1.2"))])
    assert all(f">{lane}</text>" in text for lane in LANES)
    assert text == draw([("whole", times), ("one", only(times, "conv2_1.2"))])
    assert only(times, "conv2_1.2").events[0].begin == 0
