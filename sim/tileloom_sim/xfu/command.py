"""``tileloom simulate`` of an xDecimate unit: the kernel suite on the core that it sits in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from tileloom.cli.options import Numbers, Whole, force_option, json_option, output_option, seed_option
from tileloom.errors import UserError
from tileloom.families import design_name
from tileloom.files import claim
from tileloom.xfu.config import GROUP_SIZES, XfuConfig

from ..riscv.run import Waits
from .functions import FUNCTIONS
from .library import library_files
from .simulate import LINES, Shapes, simulate
from .suite import CONNECTED_CHANNELS, CONVOLUTION_CHANNELS, ROWS


class WaitStates(click.ParamType[Waits]):
    """Cycles before a grant and before an answer, as GRANT:ANSWER."""

    name = "GRANT:ANSWER"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the waits, or fail with what is wrong."""
        if isinstance(value, Waits):
            return value
        parts = str(value).split(":")
        if len(parts) != 2 or not all(
            part.isascii() and part.isdecimal() and len(part) < 5 for part in parts
        ):
            self.fail(f"{value!r}: give cycles to a grant and to an answer, such as 0:2", parameter)
        return Waits(grant=int(parts[0]), response=int(parts[1]))


class Sparsities(click.ParamType[tuple[tuple[int, int], ...]]):
    """N:M of weights, with commas between them: N of every M are kept."""

    name = "N:M,..."

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return (N, M) of each, or fail with what is wrong."""
        if isinstance(value, tuple):
            return value
        found = []
        for part in str(value).split(","):
            numbers = part.strip().split(":")
            if len(numbers) != 2 or not all(each.isascii() and each.isdecimal() for each in numbers):
                self.fail(f"{part!r}: give N:M, such as 1:8 or 2:4", parameter)
            n, m = map(int, numbers)
            if m not in GROUP_SIZES or not 1 <= n <= m:
                self.fail(f"{part}: M must be 4, 8 or 16, and N from 1 to M", parameter)
            found.append((n, m))
        return tuple(found)


FUNCTION_HELP = {
    "max-pool": "Channels of images to pool: the largest of each window.",
    "average-pool": "Channels of images to pool: the average of each window, or of the image.",
    "add": "Lengths of lines to add, a residual addition.",
    "transpose": "Lengths of lines of a matrix to transpose.",
    "softmax": "Lengths of lines, softmax by I-BERT.",
    "gelu": "Lengths of lines, GELU by I-BERT.",
    "normalise": "Lengths of lines, layer normalisation by I-BERT.",
}

OPTIONS = [
    click.Option(
        ["--convolution"],
        type=Numbers(most=4096),
        help=f"Input channels of convolutions.  [default: {','.join(map(str, CONVOLUTION_CHANNELS))}]",
    ),
    click.Option(
        ["--connected"],
        type=Numbers(most=1 << 16),
        help=f"Inputs of fully connected layers.  [default: {','.join(map(str, CONNECTED_CHANNELS))}]",
    ),
    click.Option(["--rows"], type=Whole(1, 4096), help=f"Output channels.  [default: {ROWS}]"),
    click.Option(["--image"], type=Numbers(count=2, most=4096), help="Height and width.  [default: 8,8]"),
    click.Option(
        ["--kernel"], type=Numbers(count=2, most=4096), help="Of the window, the same.  [default: 3,3]"
    ),
    click.Option(["--stride"], type=Whole(1, 4096), help="Of the window.  [default: 1]"),
    click.Option(["--padding"], type=Whole(0, 4096), help="On each side.  [default: 1, with --kernel 0]"),
    click.Option(
        ["--int8"], is_flag=True, default=None, help="Layers by the C library, requantised to INT8."
    ),
    click.Option(["--relu"], is_flag=True, default=None, help="INT8 results below 0 become 0."),
    click.Option(
        ["--sparsity"], type=Sparsities(), help="N:M of weights, with --int8.  [default: 1:M of the unit]"
    ),
    *(
        click.Option([f"--{name}"], type=Numbers(most=1 << 16), help=FUNCTION_HELP[name])
        for name in FUNCTIONS
    ),
    click.Option(
        ["--lines"], type=Whole(1, 4096), help=f"Of the matrices of a function.  [default: {LINES}]"
    ),
    click.Option(
        ["--instruction-waits"],
        type=WaitStates(),
        help="Cycles until a fetch is granted, and from there to its answer.  [default: 0:0]",
    ),
    click.Option(
        ["--data-waits"],
        type=WaitStates(),
        help="The same of a load or store.  [default: 0:0]",
    ),
    seed_option("Replay the random data"),
    click.Option(["--jobs"], type=Whole(1, 256), help="Layers at a time.  [default: cores]"),
    output_option("FIGURES.json", "Where to write the figures, as --json prints them."),
    click.Option(
        ["--library"],
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="Where to write the C library, with its headers.",
    ),
    click.Option(["--waves"], is_flag=True, help="Leave a wave file of the last run, NAME.vcd, here."),
    force_option(),
    json_option(),
]


def run(
    config: XfuConfig,
    *,
    output: Path | None,
    library: Path | None,
    waves: bool,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run INT8 layers on a core with the unit: dense, sparse in software, and sparse with xDecimate.

    CONFIG is a preset's name or a TOML file. The core is real RTL (CV32E40P; for cv-x-if CV32E40X, for
    pcpi PicoRV32), simulated with single-cycle memory unless wait states are given; cycles are its own
    counter's, im2col included. Every result is compared with the golden model, word for word. Layers are the
    paper's where nothing is given; given one kind, the others are left out. Sums are INT32; with --int8 the
    layers are those of the C library, which requantises in its kernels, and so are the other functions. A
    1 x 1 convolution is a matrix product, --image LINES,1. Needs pip install 'tileloom[xfu]'.

    \b
    Examples:
      tileloom simulate xfu-cv32e40p --convolution 32 --connected 256    two layers, half a minute
      tileloom simulate xfu-cv32e40p                                     the paper's, some minutes
      tileloom simulate xfu-picorv32 --connected 64 --rows 4             a quarter of a minute
      tileloom simulate xfu-cv-x-if --set precise_errors=false --connected 256
      tileloom simulate xfu-cv32e40p --int8 --convolution 20 --rows 10 --image 9,7 --kernel 5,3 --stride 2
      tileloom simulate xfu-cv32e40p --int8 --connected 256 --sparsity 1:8,2:8,2:4
      tileloom simulate xfu-cv32e40p --softmax 64 --gelu 64 --normalise 64

    Exit status: 0 all words equal, 1 a difference or a missing tool, 2 wrong input.
    """
    wave_file = Path(f"{design_name(config)}.vcd") if waves else None
    if force and output is None and library is None and not waves:
        raise UserError("--force: there is nothing to overwrite; it goes with -o, --library or --waves")
    of_library = dataclasses.replace(config, group_sizes=GROUP_SIZES)
    texts = (
        {} if library is None else {library / name: text for name, text in library_files(of_library).items()}
    )
    outputs = claim({"-o": output, "--waves": wave_file}, force=force)
    library_outputs = claim(
        {f"--library {path.name}": path for path in texts}, force=force, same_content=True, make_folders=True
    )
    given = {name: value for name, value in options.items() if value is not None}
    functions = {name: given.pop(key) for name in FUNCTIONS if (key := name.replace("-", "_")) in given}
    names = {field.name for field in dataclasses.fields(Shapes)}
    shapes = Shapes(functions=functions, **{name: given.pop(name) for name in names if name in given})
    if wave_file is None:
        result = simulate(config, shapes=shapes, **given)
    else:
        with outputs.writing(wave_file) as part:
            result = simulate(config, shapes=shapes, waves=part, **given)
    if output is not None:
        outputs.write({output: result.json})
    library_outputs.write(texts)
    result.show({"figures": output, "library": library, "waves": wave_file}, as_json=as_json)
