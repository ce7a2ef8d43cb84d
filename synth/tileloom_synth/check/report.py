"""What a check found, as table and data: what is proved, what is sampled and with how many vectors."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from tileloom.arguments import check_flags, check_whole
from tileloom.cli.console import Sheet, Step, step
from tileloom.cli.options import seed_option
from tileloom.design import Design
from tileloom.errors import CheckError, UserError

from ..flow import Mapped
from ..gates.flat import flatten
from ..library.standard_cells import Library
from .outcome import Comparison
from .proof import Equivalence, prove

SECONDS = 60.0
"""What a proof may take; what is not done then counts as sampled."""

VECTORS = 100_000
"""Steps of an element that are compared at least."""


@dataclass(frozen=True)
class Checked:
    """What a check found, and the seed of its vectors."""

    comparisons: Sequence[Comparison]
    proofs: Sequence[Equivalence]
    seed: int

    def require(self) -> None:
        """Raise CheckError where something differs."""
        for each in self.comparisons:
            each.require()
        for proof in self.proofs:
            if proof.differs:
                raise CheckError(f"{proof.what}: the netlist is not its RTL: {proof.why}")

    def sheet(self) -> Sheet:
        """Return the table."""
        rows = [
            (
                each.what,
                f"sampled: {each.vectors:,} ({each.of})",
                f"{each.words:,} words equal, {each.vectors / each.seconds:,.0f} vectors/s",
                f"{each.seconds:.1f}",
            )
            for each in self.comparisons
        ]
        for proof in self.proofs:
            if proof.proved:
                result = f"equal, {proof.states:,} flip-flops"
                rows.append((proof.what, "proved by SAT", result, f"{proof.seconds:.1f}"))
        for why, parts in self.unproved().items():
            rows.append((", ".join(parts), "not proved", why, ""))
        return Sheet("Netlist held to the golden model and its RTL", ("part", "how", "result", "s"), rows)

    def unproved(self) -> dict[str, list[str]]:
        """Return the parts that SAT was tried on in vain, by what stood in the way."""
        found: dict[str, list[str]] = {}
        for proof in self.proofs:
            if not proof.proved:
                found.setdefault(proof.why, []).append(proof.what)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "seed": self.seed,
            "sampled": [each.to_json() for each in self.comparisons],
            "proofs": [each.to_json() for each in self.proofs],
        }


def check_options() -> list[click.Parameter]:
    """Return ``--check`` and ``--seed``."""
    return [
        click.Option(
            ["--check"],
            is_flag=True,
            help="Hold the netlist to the golden model, and prove what is cheap to prove.",
        ),
        seed_option("Of --check: replay its vectors"),
    ]


def seed_of_check(check: bool, seed: int | None) -> int:
    """Return the seed of a check's vectors: the one given, or one drawn.

    Raises UserError for a wrong one, or one without a check.
    """
    check_flags({"check": check})
    check_whole("seed", seed, 0, 2**63 - 1)
    if seed is not None and not check:
        raise UserError("--seed: is of --check; nothing else is drawn")
    return secrets.randbelow(1 << 31) if seed is None else seed


def run_check(
    mapped: Mapped,
    library: Library,
    design: Design,
    samples: Iterable[tuple[str, Callable[[Step], Comparison]]],
    sampled: Collection[str],
    seed: int,
) -> Checked:
    """Run ``samples``, named checks by simulation, prove all other modules, and return what was found.

    Each module is proved around those inside it. Those of ``sampled``, and what is inside them, are not.
    Raises CheckError where something differs.
    """
    comparisons, proofs = [], []
    with step(f"Checking {mapped.top}") as shown:
        for what, sample in samples:
            shown.show(what)
            comparisons.append(sample(shown))
            comparisons[-1].require()
        for module, inside in modules_around(mapped, library, sampled).items():
            shown.show(f"proving {module}")
            parts = design.manifest["modules"]
            flat = flatten(mapped, library, parts, top=module, without=inside)
            # Below the top the clock may have Amaranth's name, where the top's is AXI4's.
            clock = design.manifest["clock"] if design.manifest["clock"] in flat.ports else "clk"
            name = module.removeprefix(f"{design.name}_")
            proofs.append(prove(name, design.verilog, module, flat, clock, timeout=SECONDS, without=inside))
    checked = Checked(comparisons, proofs, seed)
    checked.require()
    return checked


def modules_around(mapped: Mapped, library: Library, sampled: Collection[str]) -> dict[str, list[str]]:
    """Return the modules in use from the top down, but ``sampled`` ones, each with the modules inside it."""
    found: dict[str, list[str]] = {}
    left = [mapped.top]
    while left:
        module = left.pop(0)
        if module in sampled or module in found or module not in mapped.modules:
            continue
        kinds = {cell["type"] for cell in mapped.modules[module]["cells"].values()}
        found[module] = sorted(kinds - library.cells.keys())
        left += found[module]
    return found
