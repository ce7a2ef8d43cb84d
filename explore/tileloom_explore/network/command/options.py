"""Shared by the commands on networks: what names a model and the hardware, and how a model is read."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tileloom.cli.console import note, step
from tileloom.cli.options import (
    Numbers,
    complete,
    config_parameters,
)
from tileloom.errors import ToolError, UserError
from tileloom_sim.layout import CONVOLUTION, MATRIX

if TYPE_CHECKING:
    from ..network import Network


def require_extra(*packages: str) -> None:
    """Raise ToolError where a package of the extra `network` that is needed is not installed."""
    for name in packages or ("onnx", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            raise ToolError(f"{name} is not installed: pip install 'tileloom[network]'")


def model_parameters() -> list[click.Parameter]:
    """Return what names a model: the file, and what it leaves open."""
    return [
        click.Argument(["model"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.Option(
            ["--shape", "shapes"],
            multiple=True,
            metavar="INPUT=1,3,32,320",
            help="Shape of an input that the file leaves open; may be repeated.",
        ),
        click.Option(
            ["--layout"],
            type=click.Choice([*MATRIX, *CONVOLUTION]),
            help="Of a single layer's weights, from .npz or .safetensors.",
        ),
        click.Option(["--tensor"], metavar="NAME", help="The weights, of several tensors in such a file."),
        click.Option(["--stride"], type=Numbers(count=2), metavar="DOWN,ACROSS", help="Of that convolution."),
        click.Option(["--dilation"], type=Numbers(count=2), metavar="DOWN,ACROSS", help="Likewise."),
        click.Option(["--pads"], type=Numbers(count=4, least=0), metavar="T,B,L,R", help="Likewise."),
        click.Option(["--group"], type=click.IntRange(1), help="Likewise."),
    ]


SINGLE = ("layout", "tensor", "stride", "dilation", "pads", "group")
"""Options on a file of tensors."""


def read_model(
    model: Path, shapes: Sequence[str], options: dict[str, Any], host: Sequence[str] = ()
) -> Network:
    """Return the network of a file. Takes the options of single layers out of ``options``."""
    from ..network import read_network
    from ..single import SUFFIXES, Single, read_single

    given = {name: options.pop(name) for name in SINGLE}
    known = parse_shapes(shapes)
    if model.suffix == ".safetensors":
        require_extra("safetensors")
    with step(f"Reading {model}"):
        if model.suffix not in SUFFIXES:
            for name, value in given.items():
                if value is not None:
                    raise UserError(f"--{name}: is for .npz and .safetensors; an ONNX file says it itself")
            network = read_network(model, known, host=host)
            for remark in network.remarks:
                note(remark)
            return network
        if host:
            raise UserError("--host: a single layer would be all of it")
        single = Single(
            layout=given["layout"],
            tensor=given["tensor"],
            strides=given["stride"],
            dilations=given["dilation"],
            pads=given["pads"],
            groups=given["group"],
        )
        return read_single(model, single, known)


def hardware_parameters(*, required: bool) -> list[click.Parameter]:
    """Return --for, which says the hardware, and --set."""
    overrides = config_parameters()[1]
    return [
        click.Option(
            ["--for", "source"],
            metavar="CONFIG",
            required=required,
            shell_complete=complete,
            help="A preset's name or a TOML file: the hardware.",
        ),
        overrides,
    ]


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of ``INPUT=1,3,32,320``. Raises UserError that names the text that is none."""
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, sizes = text.rpartition("=")
        parts = sizes.split(",")
        if not name or not all(part.isascii() and part.isdecimal() and int(part) for part in parts):
            raise UserError(f"--shape {text}: give INPUT=1,3,32,320, sizes of at least 1")
        if name in shapes:
            raise UserError(f"--shape {name}: given twice")
        shapes[name] = tuple(map(int, parts))
    return shapes


def shared_parameters(parameters: Sequence[click.Parameter]) -> Callable[[click.Command], click.Command]:
    """Put parameters that commands share in front of a command's own."""

    def put(command: click.Command) -> click.Command:
        command.params = [*parameters, *command.params]
        return command

    return put
