"""What an estimate says: plain values for programs, tables for people, and why it is as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tileloom.cli.console import Sheet

from .evaluate import Estimate
from .sparse import Actions, LevelActions


def figures(estimate: Estimate, index: int = 0) -> dict[str, Any]:
    """Return one mapping's estimate as plain values.

    Counts are of all instances of a level together, in words of data and items of metadata; energies in pJ.
    ``moved_bits`` of a level is what crosses its lower and upper edge: reads, fills and updates, metadata
    included.
    """
    costs, nest = estimate.costs, estimate.nest
    actual, gated, skipped = (float(count[index]) for count in costs.computes)
    units = int(nest.instances(nest.depth)[index])
    cycles = float(costs.cycles[index])
    levels = []
    for number, (level, cost) in enumerate(zip(estimate.architecture.levels, costs.levels, strict=True)):
        found = [each for each in estimate.actions if each.transfer.level == number]
        tensors = {each.tensor: _tensor(estimate, each, index) for each in found}
        energy = {name: float(value[index]) for name, value in cost.energy.items()}
        for name, value in energy.items():
            tensors[name]["energy_pj"] = value
        levels.append(
            {
                "name": level.name,
                "instances": int(nest.instances(number)[index]),
                "words": float(cost.words[index]),
                "metadata_bits": float(cost.metadata_bits[index]),
                "moved_bits": sum(tensor["moved_bits"] for tensor in tensors.values()),
                "slowdown": float(cost.slowdown[index]),
                "energy_pj": sum(energy.values()) + float(cost.leakage[index]),
                "tensors": tensors,
            }
        )
    return {
        "layer": estimate.workload.name,
        "algorithmic_computes": estimate.workload.computes,
        "computes": actual,
        "gated_computes": gated,
        "skipped_computes": skipped,
        "compute_units": units,
        "cycles": cycles,
        "compute_cycles": float(costs.compute_cycles[index]),
        "limited_by": limit(estimate, index),
        "utilisation": actual / (units * cycles),
        "energy_pj": float(costs.energy[index]),
        "compute_energy_pj": float(costs.compute_energy[index]),
        "pj_per_algorithmic_compute": float(costs.energy[index]) / estimate.workload.computes,
        "levels": levels,
    }


LARGEST = frozenset({"compute_units", "instances", "words", "metadata", "metadata_bits", "slowdown", "tile"})
"""Figures of which the largest counts where parts follow one another; others add up."""


def together(parts: Sequence[tuple[dict[str, Any], int]]) -> dict[str, Any]:
    """Return the figures of parts on the same architecture, each so many times, one after another."""

    def merged(name: str, values: Sequence[Any]) -> Any:
        if isinstance(values[0], dict):
            return {key: merged(key, [value[key] for value in values]) for key in values[0]}
        if isinstance(values[0], list):
            return [merged(name, each) for each in zip(*values, strict=True)]
        if isinstance(values[0], str):
            return values[0] if len(set(values)) == 1 else "-"
        if name in LARGEST:
            return max(values)
        return sum(count * value for value, (_, count) in zip(values, parts, strict=True))

    found: dict[str, Any] = merged("", [each for each, _ in parts])
    found["utilisation"] = found["computes"] / (found["compute_units"] * found["cycles"])
    found["pj_per_algorithmic_compute"] = found["energy_pj"] / found["algorithmic_computes"]
    return found


def limit(estimate: Estimate, index: int = 0) -> str:
    """Return what sets the cycles: "compute", or the level whose bandwidth does."""
    slow = [float(level.slowdown[index]) for level in estimate.costs.levels]
    worst = max(range(len(slow)), key=slow.__getitem__)
    return estimate.architecture.levels[worst].name if slow[worst] > 1 else "compute"


def _tensor(estimate: Estimate, found: LevelActions, index: int) -> dict[str, Any]:
    instances = float(found.transfer.instances[index])
    level = estimate.architecture.levels[found.transfer.level]
    form = estimate.architecture.formats.get((level.name, found.tensor))
    widths = form.widths(level.metadata.width) if form else ()

    def counts(actions: Actions) -> dict[str, float]:
        return {
            name: float(getattr(actions, name)[index]) * instances
            for name in ("dense", "actual", "gated", "skipped")
        }

    data = {name: counts(getattr(found, name)) for name in ("reads", "fills", "updates")}
    metadata = {
        name: [counts(rank) for rank in getattr(found, name)]
        for name in ("metadata_reads", "metadata_writes")
    }
    moved = level.word * sum(kind["actual"] for kind in data.values())
    for ranks in metadata.values():
        moved += sum(rank["actual"] * bits for rank, bits in zip(ranks, widths, strict=True))
    return {
        "tile": [int(extent) for extent in found.transfer.tile[index]],
        "words": float(found.words[index]),
        "metadata": [float(rank[index]) for rank in found.metadata],
        **data,
        **metadata,
        "links": float(found.transfer.links[index]) * instances,
        "moved_bits": moved,
    }


def overview(name: str, rows: Sequence[dict[str, Any]]) -> Sheet:
    """Return a table of layers, a row each."""
    headings = ("layer", "computes", "done", "cycles", "used", "limited by", "uJ")
    return Sheet(
        name,
        headings,
        [
            (
                row["layer"],
                _short(row["algorithmic_computes"]),
                f"{row['computes'] / row['algorithmic_computes']:.1%}",
                f"{row['cycles']:,.0f}",
                f"{row['utilisation']:.1%}",
                row["limited_by"],
                f"{row['energy_pj'] / 1e6:,.4g}",
            )
            for row in rows
        ],
    )


def _short(count: float) -> str:
    """Return a count as tables have it: whole to a million, then in millions and so on, with four digits."""
    for size, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if count >= size:
            return f"{count / size:#,.4g} {unit}"
    return f"{count:,.0f}"


def detail(row: dict[str, Any]) -> Sheet:
    """Return a table of what each level does for each tensor."""
    headings = ("level, tensor", "read", "gated", "skipped", "written", "metadata", "pJ")
    cells = []
    for level in row["levels"]:
        for name, tensor in level["tensors"].items():
            items = [rank["actual"] for rank in (*tensor["metadata_reads"], *tensor["metadata_writes"])]
            counts = [tensor["reads"][kind] for kind in ("actual", "gated", "skipped")]
            counts += [
                tensor["fills"]["actual"] + tensor["updates"]["actual"],
                sum(items),
                tensor["energy_pj"],
            ]
            cells.append((f"{level['name']}, {name}", *map(_short, counts)))
    return Sheet(f"{row['layer']}: accesses of all instances, in words, and their energy", headings, cells)


def ranking(rows: Sequence[dict[str, Any]]) -> list[Sheet]:
    """Return tables of a layer's best mappings: what limits them and takes their energy; their loops."""
    cells = []
    for number, row in enumerate(rows, 1):
        parts = {level["name"]: level["energy_pj"] for level in row["levels"]}
        parts["compute"] = row["compute_energy_pj"]
        largest = max(parts, key=parts.__getitem__)
        share = parts[largest] / row["energy_pj"] if row["energy_pj"] else 0.0
        cells.append(
            (
                str(number),
                f"{row['objective']:.4g}",
                f"{row['cycles']:,.0f}",
                row["limited_by"],
                f"{row['utilisation']:.1%}",
                f"{row['energy_pj'] / 1e6:,.4g}",
                f"{largest} {share:.0%}",
            )
        )
    headings = ("", "objective", "cycles", "limited by", "used", "uJ", "most energy")
    loops = [(f"{number:>2}  {row['mapping']}",) for number, row in enumerate(rows, 1)]
    return [Sheet(f"{rows[0]['layer']}: best mappings", headings, cells), Sheet("Their loops", (), loops)]
