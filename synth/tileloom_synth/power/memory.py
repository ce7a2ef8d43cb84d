"""Energy of memories, which are macros that no netlist here has: so much for each bit of an access.

The default is a published figure of another process than yours: Horowitz, *Computing's Energy Problem*, ISSCC
2014, figure 1.1.9: 10 pJ for a 64-bit access to an 8 KB memory in 45 nm at 0.9 V, 156 fJ a bit. A memory
compiler's data sheet has a better one.
"""

from __future__ import annotations

import click

from tileloom.cli.options import Number
from tileloom.errors import UserError

DEFAULT_FJ = 156.0
"""Femtojoules for a bit that is read or written."""

SOURCE = "Horowitz, ISSCC 2014: 8 KB, 45 nm"


def memory_option() -> click.Option:
    """Return ``--memory-energy``, passed on as ``memory_fj``."""
    return click.Option(
        ["--memory-energy", "memory_fj"],
        type=Number(0, 1e6),
        metavar="FJ",
        help=f"Femtojoules for a bit read from or written to a memory.  [default: {DEFAULT_FJ:g}, {SOURCE}]",
    )


def bit_energy(memory_fj: float | None) -> tuple[float, str]:
    """Return the joules of a bit of an access, and where the figure is from.

    Raises UserError where it is no number from 0 to 1e6.
    """
    if memory_fj is None:
        return DEFAULT_FJ * 1e-15, f"memories: {DEFAULT_FJ:g} fJ a bit of an access ({SOURCE})"
    if not (type(memory_fj) in (int, float) and 0 <= memory_fj <= 1e6):
        raise UserError(f"memory_fj: must be a number from 0 to 1e6, not {memory_fj!r}")
    return memory_fj * 1e-15, f"memories: {memory_fj:g} fJ a bit of an access, as given"
