"""The command ``tileloom compile``: a network as a program for a grid of cores, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from tileloom.cli.console import note, print_json, print_table, step
from tileloom.cli.options import Number, Strict, force_option, json_option, output_option
from tileloom.config import did_you_mean
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom.errors import CheckError, UserError
from tileloom.files import claim

from .abstraction import Abstraction, load_abstraction
from .arithmetic import reference
from .compile import compile_network
from .depth.choose import best, compare, figures, parse_group, parse_tiles, print_comparison
from .depth.search import Tiled
from .engine.commands import check_grid, engine_commands
from .engine.commands import to_text as commands_text
from .engine.run import Engines, NodeRun, total
from .graph import Graph
from .networks import NETWORKS
from .picture import draw, only
from .program import Program, from_text, to_text
from .run import execute, random_filters
from .study import LITTLE, SPARSITIES, Gain, at_sparsity, gains
from .timeline import LANES, Timeline, timeline


def chosen_network(name: str, size: str | None) -> Graph:
    """Return a network, cropped to "HxW". Raises UserError that says what there is."""
    if name not in NETWORKS:
        raise UserError(f"{name}: no such network{did_you_mean(name, NETWORKS, 'networks')}")
    graph = NETWORKS[name]()
    if size is None:
        return graph
    sides = size.split("x")
    if len(sides) != 2 or not all(
        side.isascii() and side.isdecimal() and 0 < int(side) <= 4096 for side in sides
    ):
        raise UserError(f"--crop: {size!r} is not two numbers from 1 to 4096 such as 64x64")
    try:
        return graph.cropped(int(sides[0]), int(sides[1]))
    except ValueError as error:
        raise UserError(f"--crop: {size} is too small for {graph.name}: {error}") from None


@click.command("compile", cls=Strict, short_help="A whole network as a program for a grid of cores.")
@click.argument("network", metavar="NETWORK")
@click.argument("source", metavar="GRID")
@click.option(
    "--sparsity",
    type=Number(0, 1),
    default=0.0,
    show_default=True,
    help="Share of blocks missing, at random.",
)
@click.option("--crop", metavar="HxW", help="Size of the image.  [default: the network's]")
@click.option("--check", is_flag=True, help="Execute the program on random data, by the functional model.")
@click.option("--rtl", is_flag=True, help="The same, convolutions by engines in RTL; of engine-RxC.")
@click.option(
    "--commands",
    "commands_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the commands of each engine; of engine-RxC.",
)
@click.option("--gains", "by_sparsity", is_flag=True, help="What 25, 50, 75 % sparsity gain, layer by layer.")
@click.option(
    "--fuse", metavar="FIRST..LAST", help='Compute these nodes tile by tile; "spills": those that go to DDR.'
)
@click.option(
    "--tiles", metavar="DxA", help="Of --fuse: of rows, of pixels.  [default: what takes least, of up to 8]"
)
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw it in time, dense and sparse."
)
@click.option("--node", metavar="NAME", help="Of --svg: this node alone.")
def compile_command(
    network: str,
    source: str,
    sparsity: float,
    crop: str | None,
    check: bool,
    rtl: bool,
    commands_file: Path | None,
    by_sparsity: bool,
    fuse: str | None,
    tiles: str | None,
    svg: Path | None,
    node: str | None,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compile a network for a grid of cores with memory tiles and DDR, and estimate its time.

    NETWORK is resnet-50, vgg-16, vgg-19 or inception-v3. GRID is aie2-RxC, the paper's overlays, engine-RxC,
    ours, or a TOML file (docs/compiler.md). The program says what is moved and computed when; --check
    executes it, and compares what it computes with the network itself.

    \b
    Examples:
      tileloom compile resnet-50 aie2-4x4 --sparsity 0.5 -o resnet.asm
      tileloom compile resnet-50 aie2-4x4 --sparsity 0.5 --svg conv.svg --node conv2_1.2
      tileloom compile vgg-16 engine-2x2 --crop 32x32 --check
      tileloom compile vgg-16 engine-2x2 --crop 32x32 --sparsity 0.5 --rtl
      tileloom compile vgg-16 aie2-8x8 --gains
      tileloom compile vgg-16 aie2-3x3 --fuse conv1_1..pool2 --tiles 3x1
    """
    outputs = claim(
        {"--output": output, "--svg": svg, "--commands": commands_file}, inputs=[source], force=force
    )
    if force and not (output or svg or commands_file):
        raise UserError("--force: there is no file to write; give -o, --svg or --commands")
    graph, grid = chosen_network(network, crop), load_abstraction(source)
    if rtl or commands_file:
        check_grid(grid, source)
    whole, group = graph, None
    compared: list[Tiled] = []
    if tiles and not fuse:
        raise UserError("--tiles: is of --fuse")
    if fuse and not by_sparsity:
        wanted = parse_tiles(tiles) if tiles else None
        with step(f"Compiling {graph.name}") as progress:
            group = parse_group(graph, grid, fuse)
            compared = compare(group, grid, sparsity, wanted, progress)
        chosen = best(compared, wanted)
        graph, program, times = chosen.graph, chosen.program, chosen.times
    names = [each.name for each in graph.nodes]
    if node and not svg:
        raise UserError("--node: is of --svg")
    if node and node not in names:
        raise UserError(f"--node: {graph.name} has no {node}{did_you_mean(node, names, 'nodes')}")
    if by_sparsity:
        if sparsity or check or rtl or output or svg or commands_file or fuse:
            raise UserError("--gains: compiles at its own sparsities; give no other option with it")
        with step(f"Compiling {graph.name}"):
            found = gains(graph, grid)
        _print_gains(graph, source, found, as_json=as_json)
        return
    if not compared:
        with step(f"Compiling {graph.name}"):
            program, times = at_sparsity(graph, grid, sparsity)
    contents = {}
    if output:
        contents[output] = to_text(program.steps)
    if svg:
        # As the paper's figures 3 and 4: dense above, sparse below.
        shown = {0.0: times} if not sparsity else {0.0: at_sparsity(graph, grid, 0.0)[1], sparsity: times}
        contents[svg] = draw(
            [
                (f"{node or graph.name} on {source}, {share:.0%} sparse", only(each, node) if node else each)
                for share, each in shown.items()
            ]
        )
    if commands_file:
        contents[commands_file] = commands_text(list(engine_commands(program.steps, grid)))
    runs: list[NodeRun] = []
    if check or rtl:
        runs = _check(graph, whole, grid, sparsity, rtl=rtl)
    outputs.write(contents)
    if group and not as_json:
        print_comparison(group, source, grid, compared)
    _print(graph, source, grid, program, times, compared, runs, as_json=as_json)
    if runs:
        words = sum(run.words for run in runs)
        note(f"Engines in RTL computed {words:,} words of convolutions, all equal.")
    if check or rtl:
        note("The functional model computes what the network does, bit for bit.")


compile_command.params += [
    output_option("FILE", "Write the program to this file."),
    force_option(),
    json_option(),
]


def _check(graph: Graph, whole: Graph, grid: Abstraction, sparsity: float, *, rtl: bool) -> list[NodeRun]:
    """Execute a program on random weights and data; return what engines in RTL took, if they are asked for.

    Raises CheckError where a result is not that of the ``whole`` network, which has no tiles.
    """
    rng = np.random.default_rng(0)
    filters = random_filters(whole, sparsity, grid.block, rng)
    images = {
        name: rng.integers(-128, 128, (each.height, each.width, each.channels)).astype(np.int8)
        for name, each in ((name, graph.tensors[name]) for name in graph.inputs)
    }
    with step("Executing the program"):
        program = compile_network(graph, grid, {name: own.kept(grid.block) for name, own in filters.items()})
        read = Program(from_text(to_text(program.steps)), program.tensors, program.chunks, program.ddr_bytes)
        engines = Engines(generate(EngineConfig())) if rtl else None
        found = execute(read, graph, grid, filters, images, engines.observe if engines else None)
        expected = reference(whole, filters, images)
        if engines:
            engines.finish()
            engines.beside(timeline(read.steps, grid), grid.clock)
    for name in graph.outputs:
        wrong = int((found[name] != expected[name]).sum())
        if wrong:
            raise CheckError(f"{name}: {wrong} of {found[name].size} results are not the network's")
    return engines.nodes if engines else []


def _print(
    graph: Graph,
    source: str,
    grid: Abstraction,
    program: Program,
    times: Timeline,
    compared: Sequence[Tiled],
    runs: Sequence[NodeRun],
    *,
    as_json: bool,
) -> None:
    if as_json:
        print_json(
            {
                "network": graph.name,
                "grid": grid.label,
                "seconds": times.seconds,
                "steps": len(program.steps),
                "ddr_bytes": program.ddr_bytes,
                "nodes": [
                    {"node": each.node, "seconds": each.seconds, "lanes": each.lanes} for each in times.nodes
                ],
                **({"rtl": [asdict(each) for each in runs]} if runs else {}),
                **({"tiles": [figures(each) for each in compared]} if compared else {}),
            }
        )
        return
    rows = [
        (each.node, f"{each.seconds * 1e6:.1f}", *(f"{each.lanes[lane] * 1e6:.1f}" for lane in LANES))
        for each in times.nodes
    ]
    rows.append(
        (
            "all",
            f"{times.seconds * 1e6:.1f}",
            *(f"{sum(each.lanes[lane] for each in times.nodes) * 1e6:.1f}" for lane in LANES),
        )
    )
    print_table(f"{graph.name} on {source}: microseconds, estimated", ("node", "time", *LANES), rows)
    if runs:
        print_table(
            f"{graph.name} on {source}: cycles of the engine that takes longest, DDR left out",
            ("node", "chains", "words", "RTL", "estimated", "RTL / estimated"),
            [each.row() for each in (*runs, total(runs))],
        )


def _print_gains(graph: Graph, source: str, found: Sequence[Gain], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {
                    "node": each.node,
                    "sparsities": list(SPARSITIES),
                    "seconds": list(each.seconds),
                    "bounds": list(each.bounds),
                }
                for each in found
            ]
        )
        return
    shown = [f"{sparsity:.0%}" for sparsity in SPARSITIES]
    print_table(
        f"{graph.name} on {source}: microseconds by sparsity, what takes longest, and where a mask pays",
        ("convolution", *shown, *(f"at {each}" for each in shown), "communication from", "gains to"),
        [
            (
                each.node,
                *(f"{seconds * 1e6:.1f}" for seconds in each.seconds),
                *each.bounds,
                "-" if each.communication is None else shown[each.communication],
                shown[each.last_gain],
            )
            for each in found
        ],
    )
    half = SPARSITIES.index(0.5)
    little = [each.node for each in found if each.seconds[half] > (1 - LITTLE) * each.seconds[0]]
    if little:
        note(f"Half of the blocks gains under a tenth in {len(little)}, relax them: {', '.join(little)}")
