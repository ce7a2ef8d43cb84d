"""The command ``tileloom compile``: a network as a program for a grid of cores, and how long it takes."""

from __future__ import annotations

from pathlib import Path

import click

from tileloom.cli.console import note, step
from tileloom.cli.options import Number, Sides, Strict, force_option, json_option, output_option
from tileloom.config import did_you_mean
from tileloom.engine.config import EngineConfig
from tileloom.engine.design import generate
from tileloom.errors import UserError
from tileloom.files import claim

from .abstraction import load_abstraction
from .check import check_prepared, check_program, read_prepared_network
from .depth.choose import best, compare, parse_group, print_comparison
from .depth.search import Tiled
from .engine.commands import SIZE, check_grid, engine_commands
from .engine.commands import to_text as commands_text
from .engine.run import Engines, NodeRun
from .graph import Graph
from .networks import NETWORKS
from .picture import draw, only
from .program import to_text
from .report import print_gains, print_times
from .study import at_sparsity, gains


def chosen_network(name: str, size: tuple[int, int] | None) -> Graph:
    """Return a network, cropped to a height and a width. Raises UserError that says what there is."""
    if name.endswith(".onnx"):
        raise UserError(f"{name}: prepare it first, and give what `tileloom network prepare` writes")
    if name not in NETWORKS:
        raise UserError(f"{name}: no such network{did_you_mean(name, NETWORKS, 'networks')}")
    graph = NETWORKS[name]()
    if size is None:
        return graph
    try:
        return graph.cropped(*size)
    except ValueError as error:
        raise UserError(f"--crop: {size[0]}x{size[1]} is too small for {graph.name}: {error}") from None


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
@click.option("--crop", type=Sides(4096), metavar="HxW", help="Size of the image.  [default: the network's]")
@click.option("--check", is_flag=True, help="Execute the program on random data, by the functional model.")
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="X.npz",
    help="Of --check and --rtl of a prepared network: its inputs; the first inference.",
)
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
    "--tiles",
    type=Sides(256),
    metavar="DxA",
    help="Of --fuse: of rows, of pixels.  [default: what takes least, of up to 8]",
)
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw it in time, dense and sparse."
)
@click.option("--node", metavar="NAME", help="Of --svg: this node alone.")
def compile_command(
    network: str,
    source: str,
    sparsity: float,
    crop: tuple[int, int] | None,
    check: bool,
    data: Path | None,
    rtl: bool,
    commands_file: Path | None,
    by_sparsity: bool,
    fuse: str | None,
    tiles: tuple[int, int] | None,
    svg: Path | None,
    node: str | None,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compile a network for a grid of cores with memory tiles and DDR, and estimate its time.

    NETWORK is resnet-50, vgg-16, vgg-19, inception-v3, or a file of `tileloom network prepare`, of which the
    grid computes the layers. GRID is aie2-RxC, the paper's overlays, engine-RxC, ours, or a TOML file
    (docs/compiler.md). The program says what is moved and computed when; --check executes it, and compares
    what it computes with the network itself.

    \b
    Examples:
      tileloom compile resnet-50 aie2-4x4 --sparsity 0.5 -o resnet.asm
      tileloom compile resnet-50 aie2-4x4 --sparsity 0.5 --svg conv.svg --node conv2_1.2
      tileloom compile vgg-16 engine-2x2 --crop 32x32 --check
      tileloom compile vgg-16 engine-2x2 --crop 32x32 --sparsity 0.5 --rtl
      tileloom compile digits.tileloom.npz engine-2x2 --check --data digits.npz
      tileloom compile vgg-16 aie2-8x8 --gains
      tileloom compile vgg-16 aie2-3x3 --fuse conv1_1..pool2 --tiles 3x1
    """
    outputs = claim(
        {"--output": output, "--svg": svg, "--commands": commands_file},
        inputs=[source, network, data],
        force=force,
    )
    if force and not (output or svg or commands_file):
        raise UserError("--force: there is no file to write; give -o, --svg or --commands")
    grid, mapped = load_abstraction(source), None
    if network.endswith(".npz"):
        if crop or sparsity:
            raise UserError("--crop and --sparsity: a prepared network has a size and blocks of its own")
        if (check or rtl) != (data is not None):
            raise UserError("--data: goes with --check or --rtl of a prepared network, and these with it")
        with step(f"Reading {network}"):
            mapped = read_prepared_network(Path(network))
        graph = mapped.graph
        if grid.block != SIZE.k:
            raise UserError(f"{source}: block is {grid.block}, {SIZE.k} of {network}")
    else:
        if data:
            raise UserError("--data: is of a prepared network; of others the data is random")
        graph = chosen_network(network, crop)
    if rtl or commands_file:
        check_grid(grid, source)
    whole, group = graph, None
    compared: list[Tiled] = []
    if tiles and not fuse:
        raise UserError("--tiles: is of --fuse")
    if fuse and not by_sparsity:
        with step(f"Compiling {graph.name}") as progress:
            group = parse_group(graph, grid, fuse)
            compared = compare(group, grid, sparsity, tiles, progress)
        chosen = best(compared, tiles)
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
        print_gains(graph, source, found, as_json=as_json)
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
        engines = Engines(generate(EngineConfig())) if rtl else None
        if mapped and data:
            check_prepared(mapped, graph, program, grid, data, engines)
        else:
            check_program(graph, whole, grid, sparsity, engines)
        runs = engines.nodes if engines else []
    outputs.write(contents)
    if group and not as_json:
        print_comparison(group, source, grid, compared)
    print_times(graph, source, grid, program, times, compared, runs, as_json=as_json)
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
