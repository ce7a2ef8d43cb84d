"""What the commands on networks say: figures for programs, tables for people."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tileloom.cli.console import Sheet
from tileloom.config import Config
from tileloom.families import design_name
from tileloom_synth.power.report import BOUNDS, joules

from ...cost import Cost, added, utilisation
from ..energy import KEYS, Energy

if TYPE_CHECKING:  # the extra `network` need not be there to tell costs
    from ..prepared import Prepared
    from ..run import LayerRun, NetworkRun


def layer_figures(run: LayerRun, energy: Energy | None, *, ran: bool) -> dict[str, Any]:
    """Return a layer's figures, plain values by name."""
    cost = run.cost
    figures: dict[str, Any] = {
        "name": run.layer.name,
        "operator": run.layer.operator,
        **cost.figures(),
        "notes": list(run.mapping.notes),
    }
    if energy is not None:
        figures["energy_j"] = energy.of(cost)
    if ran:
        figures["sqnr_db"] = _finite(run.noise.decibels)
        figures["exact"] = not run.noise.noise
    if run.rtl_cycles is not None:
        figures |= {"rtl_cycles": run.rtl_cycles, "words_compared": run.compared}
    return figures


def run_figures(
    config_name: str, run: NetworkRun, accuracy: Mapping[str, Any] | None, energy: Energy | None = None
) -> dict[str, Any]:
    """Return the figures of a run, or of an estimate, which has no inferences."""
    ran = run.inferences > 0
    costs = [each.cost for each in run.layers]
    layers = [layer_figures(each, energy, ran=ran) for each in run.layers]
    figures = cost_figures(config_name, layers, costs, energy)
    if ran:
        figures |= {"inferences": run.inferences, "seconds": run.seconds}
    if accuracy is not None:
        figures["accuracy"] = dict(accuracy)
    return figures


def cost_figures(
    config_name: str, layers: Sequence[dict[str, Any]], costs: Sequence[Cost], energy: Energy | None
) -> dict[str, Any]:
    """Return the figures of layers, by name and with ``Cost.figures``, and what all of them take together."""
    figures: dict[str, Any] = {
        "config": config_name,
        "layers": list(layers),
        "macs": sum(cost.macs for cost in costs),
        "cycles": sum(cost.cycles for cost in costs),
        "utilisation": round(utilisation(costs), 4),
        "bytes": sum(cost.bytes for cost in costs),
        "units": sum(cost.units for cost in costs),
        "skipped": sum(cost.skipped for cost in costs),
        "transfers": added(cost.transfers for cost in costs),
        "actions": added(cost.actions for cost in costs),
    }
    if energy is not None:
        figures["energy_j"] = {bound: sum(each["energy_j"][bound] for each in layers) for bound in KEYS}
        figures |= {"library": energy.library, "period_ps": energy.period}
    return figures


def counts_sheet(figures: Mapping[str, Any]) -> Sheet:
    """Return a table of what crosses the ports and of what is done inside, of all layers together."""
    rows = [
        (where, name.replace("_", " "), f"{count:,}")
        for where, kind in (("moved", "transfers"), ("done inside", "actions"))
        for name, count in figures[kind].items()
    ]
    return Sheet("Transfers and actions", ("", "what", "count"), rows)


def run_sheets(title: str, figures: Mapping[str, Any]) -> list[Sheet]:
    """Return the tables of a run's figures."""
    layers: Sequence[Mapping[str, Any]] = figures["layers"]
    rtl = any("rtl_cycles" in each for each in layers)
    ran = "inferences" in figures
    headings = ["layer", "MACs", "cycles", "", "utilisation", "bytes", "units", "skipped"]
    headings += [f"energy, {bound}" for bound in BOUNDS] * ("energy_j" in figures)
    headings += ["RTL cycles", "off", "words equal"] * rtl + ["SQNR, dB"] * ran
    rows = []
    for each in layers:
        row = [each["name"], *_costs(each, each["cycles_are"])]
        if rtl:
            row += _rtl(each)
        if ran:
            row.append("exact" if each["exact"] else _decibels(each["sqnr_db"]))
        rows.append(row)
    total = ["all", *_costs(figures, "")]
    rows.append(total + [""] * (len(headings) - len(total)))
    sheets = [Sheet(title, headings, rows)]
    if "accuracy" in figures:
        named = figures["accuracy"]
        there = [(name, f"{each['hardware']:.4f}", f"{each['original']:.4f}") for name, each in named.items()]
        sheets.append(Sheet("Accuracy", ("measure", "hardware", "original"), there))
    return sheets


def _decibels(ratio: float | None) -> str:
    return "no signal" if ratio is None else f"{ratio:.1f}"


def _costs(figures: Mapping[str, Any], source: str) -> list[str]:
    return [
        f"{figures['macs']:,}",
        f"{figures['cycles']:,}",
        source,
        f"{figures['utilisation']:.1%}",
        f"{figures['bytes']:,}",
        f"{figures['units']:,}",
        f"{figures['skipped']:,}",
        *map(joules, figures.get("energy_j", {}).values()),
    ]


def _rtl(figures: Mapping[str, Any]) -> list[str]:
    if "rtl_cycles" not in figures:
        return ["", "", ""]
    cycles = figures["rtl_cycles"]
    off = (figures["cycles"] - cycles) / cycles if cycles else 0.0
    return [f"{cycles:,}", f"{off:+.2%}", f"{figures['words_compared']:,}"]


def _finite(decibels: float) -> float | None:
    """Return a ratio, or None where there is no noise, or no signal; JSON has no infinity."""
    return round(decibels, 2) if np.isfinite(decibels) else None


def archive(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return the content of an ``.npz`` file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:  # a network may call a tensor as savez does an argument
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
    return content.getvalue()


def remarks(prepared: Prepared, config: Config, run: NetworkRun) -> list[str]:
    """Return lines about how a network was run."""
    lines = [f"{each.layer.name}: {note}" for each in run.layers for note in each.mapping.notes]
    if prepared.config != config:
        lines.append(f"prepared for {design_name(prepared.config)}, run on {design_name(config)}")
    if run.inferences and run.seconds:
        count = f"{run.inferences:,} inference{'s' * (run.inferences > 1)}"
        lines.append(f"{count}, {run.inferences / run.seconds:.3g} a second by the golden models")
    return lines
