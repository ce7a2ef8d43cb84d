"""The command ``tileloom roofline``: designs under throughput and energy rooflines, layers as points."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from tileloom.cli.console import note, print_json
from tileloom.cli.options import Number, Sides, Strict, complete, config_parameters, configured, seed_option
from tileloom.config import did_you_mean
from tileloom.errors import UserError
from tileloom.files import claim
from tileloom_golden.engine.program import Layer

from ..compiler.abstraction import LARGEST_SIDE
from ..paper.networks import NETWORKS
from . import report
from .designs import DRAM, Setting, machine_of
from .energy import DRAM_BYTE, SOURCE, SRAM_BYTE, Energies
from .layers import Convolution, Product, named_layers
from .moves import moves
from .page import page
from .picture import draw
from .roof import Machine
from .study import network_points, points_of

LARGEST = 1e6
"""Of bandwidths in bytes per cycle and of energies in pJ."""


@click.command("roofline", cls=Strict, short_help="Designs and layers under throughput and energy rooflines.")
@click.argument("sources", nargs=-1, required=True, metavar="CONFIG...", shell_complete=complete)
@click.option("--gemm", "products", type=Product(), multiple=True, help="A matrix product; may be repeated.")
@click.option(
    "--convolution",
    "convolutions",
    type=Convolution(),
    multiple=True,
    help="A convolution of H x W x C to N channels with a square window; may be repeated.  "
    "[default: stride 1, padding of half the window]",
)
@click.option(
    "--network",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PREPARED",
    help="All layers of a file that `tileloom network prepare` wrote, with their own sparsity.",
)
@click.option("--shapes", type=click.Choice(list(NETWORKS)), help="All convolutions of this network.")
@click.option(
    "--sparsity",
    "sparsities",
    type=Number(0, 1, above=True),
    multiple=True,
    metavar="SHARE",
    help="Layers also with this share of tiles or blocks left out, at random; may be repeated.",
)
@click.option("--measure", is_flag=True, help="Run the layers in RTL, too, on random operands.")
@click.option("--grid", type=Sides(LARGEST_SIDE), metavar="RxC", help="A grid of engines in place of each.")
@click.option("--clock", type=Number(1, 10_000), metavar="MHZ", help="[default: 1000]")
@click.option(
    "--dram",
    type=Number(0, LARGEST, above=True),
    metavar="BYTES",
    help="A memory outside of so many bytes a cycle, which each tensor of a layer crosses once.",
)
@click.option(
    "--operation-energy",
    type=Number(0, LARGEST, above=True),
    metavar="PJ",
    help=f"Of one operation.  [default: by number format, {SOURCE}]",
)
@click.option(
    "--byte-energy",
    "byte_energies",
    multiple=True,
    metavar="LEVEL=PJ",
    help="Of a byte at a level; may be repeated.  "
    f"[default: {SRAM_BYTE:g}, of {DRAM} {DRAM_BYTE:g}, {SOURCE}]",
)
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FILE", help="Draw the rooflines to this file."
)
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write an interactive page.")
@click.option("--force", is_flag=True, help="Overwrite files.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.pass_context
def roofline_command(
    context: click.Context,
    sources: Sequence[str],
    overrides: Sequence[str],
    products: Sequence[tuple[str, Layer]],
    convolutions: Sequence[tuple[str, Layer]],
    network: Path | None,
    shapes: str | None,
    sparsities: Sequence[float],
    measure: bool,
    grid: tuple[int, int] | None,
    clock: float | None,
    dram: float | None,
    operation_energy: float | None,
    byte_energies: Sequence[str],
    seed: int | None,
    svg: Path | None,
    html: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Print what bounds designs: rooflines of throughput and energy, memory level by level and together.

    Layers are points under the roofs: cycles from the exact closed form of an array or the estimate of an
    engine, and with --measure from RTL; U_MAC apart as spatial, temporal and core utilisation; and what moved
    from the first design, dense, to the others: raised, shifted right, or approached. An operation is a
    multiplication or an addition. --set changes every CONFIG.

    \b
    Examples:
      tileloom roofline engine-int8 stream-8x8-int8
      tileloom roofline engine-int8 --convolution 28,28,64,64,3 --sparsity 0.5 --svg roof.svg --html roof.html
      tileloom roofline sasp-8x8-int8 stream-8x8-int8 --gemm 256,256,256 --measure
      tileloom roofline engine-int8 --grid 4x4 --shapes ResNet-50 --dram 16
      tileloom roofline engine-int8 --network digits.tileloom.npz
    """
    outputs = claim({"--svg": svg, "--html": html}, inputs=[network, *sources], force=force)
    if force and not (svg or html):
        raise UserError("--force: there is no file to write; give --svg or --html")
    layers = named_layers([*products, *convolutions, *(NETWORKS[shapes]() if shapes else ())])
    if network:
        _refuse({"--gemm": products, "--convolution": convolutions, "--shapes": shapes}, "not with --network")
        _refuse({"--sparsity": sparsities}, "not with --network, which has its own; see network prepare")
        _refuse({"--measure": measure}, "not with --network; tileloom network run --rtl runs layers in RTL")
    elif not layers:
        _refuse(
            {"--sparsity": sparsities, "--measure": measure}, "needs a layer: --gemm, --convolution, --shapes"
        )
    elif measure:
        _refuse(
            {"--dram": dram, "--grid": grid}, "is for closed forms; --measure runs one design's RTL alone"
        )
    if context.get_parameter_source("seed") is ParameterSource.ENVIRONMENT and not (sparsities or measure):
        seed = None
    if seed is not None and not (sparsities or measure):
        raise UserError("--seed: nothing here is random; it goes with --sparsity or --measure")
    setting = Setting(
        frequency=1e6 * (clock or 1000),
        energies=Energies(operation_energy, _byte_energies(byte_energies)),
        dram=dram,
        grid=grid or (1, 1),
    )
    configs = [configured(source, overrides) for source in sources]
    machines = [machine_of(config, setting) for config in configs]
    _check_designs(sources, machines, setting)
    chosen = secrets.randbelow(1 << 31) if seed is None else seed
    if network:
        points = network_points(network, configs, setting)
    else:
        shares = (0.0, *sparsities)
        points = points_of(configs, setting, layers, shares, measure=measure, seed=chosen)
    found = moves(points)
    mixes = report.mixes_of(points)
    figures = report.figures(machines, points, found, mixes)
    if sparsities or measure:
        figures["seed"] = chosen
    contents = {}
    if svg:
        contents[svg] = draw(machines, points, mixes)
    if html:
        contents[html] = page(figures)
    outputs.write(contents)
    if as_json:
        print_json(figures)
    else:
        for sheet in report.sheets(machines, points, found, mixes):
            sheet.show()
    _tell(setting, clock, operation_energy, seed if not (sparsities or measure) else chosen)


roofline_command.params = [
    roofline_command.params[0],
    config_parameters()[1],
    *roofline_command.params[1:-4],
    seed_option("Of the places of --sparsity and the operands of --measure"),
    *roofline_command.params[-4:],
]


def _refuse(options: dict[str, object], why: str) -> None:
    for name, value in options.items():
        if value:
            raise UserError(f"{name}: {why}")


def _byte_energies(texts: Sequence[str]) -> dict[str, float]:
    """Return pJ per byte by level. Raises UserError for what is not LEVEL=PJ, or given twice."""
    energies: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1
        if not name or not 0 <= number <= LARGEST:
            raise UserError(f"--byte-energy {text}: give LEVEL=PJ, a number from 0 to {LARGEST:g}")
        if name in energies:
            raise UserError(f"--byte-energy {name}: given twice")
        energies[name] = number
    return energies


def _check_designs(sources: Sequence[str], machines: Sequence[Machine], setting: Setting) -> None:
    """Raise UserError for the same design twice, and for the energy of a level that no design has."""
    names = [machine.name for machine in machines]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise UserError(f"{sources[index]}: the same design as {sources[names.index(name)]}")
    known = list(dict.fromkeys(level.name for machine in machines for level in machine.levels))
    for name in setting.energies.levels:
        if name not in known:
            raise UserError(f"--byte-energy {name}: no such level{did_you_mean(name, known, 'levels')}")


def _tell(setting: Setting, clock: float | None, operation: float | None, seed: int | None) -> None:
    """Note what was chosen for the user."""
    if clock is None:
        note("The clock is taken to be 1000 MHz; --clock sets it.")
    chosen = [] if operation is not None else ["of operations"]
    chosen += ["of bytes that --byte-energy does not give"]
    note(f"Energies {' and '.join(chosen)} are those of {SOURCE}: a scale, nothing measured here.")
    if seed is not None:
        note(f"seed: {seed}")
