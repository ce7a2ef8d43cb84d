"""Sparseloop's validation: designs of others, described in TOML, estimated beside what was published."""

from __future__ import annotations

from typing import Any

import click

from tileloom.cli.console import Sheet, print_json, step

from ..model import report
from ..model.evaluate import Estimate, evaluate
from ..model.specification import Specification, read_specification
from ..model.taxonomy import taxonomy
from . import co_design
from .accelerators import DOT_PRODUCTS, DUAL_SIDE, DUAL_SIDE_ERROR, EYERISS, EYERISS_V2, SPARSE_PRODUCT
from .examples import folder


def estimates(name: str) -> dict[str, Estimate]:
    """Return the estimates of a specification by layer."""
    specification = read_specification(folder() / f"{name}.toml")
    return {
        layer.workload.name: evaluate(layer.workload, layer.architecture, layer.mapping)
        for layer in specification.layers
        if layer.mapping is not None
    }


def small() -> list[dict[str, Any]]:
    """Return the dot products and the sparse product: cycles, computes, fJ per algorithmic compute."""
    cases = {
        f"dot product, {kind}": (f"dot_product_{kind}", published) for kind, published in DOT_PRODUCTS.items()
    }
    cases["sparse product, 8 x 8 x 8"] = ("sparse_product", SPARSE_PRODUCT)
    rows = []
    for title, (name, published) in cases.items():
        (estimate,) = estimates(name).values()
        found = report.figures(estimate)
        row = {key: found[key] for key in ("cycles", "computes")}
        row["fj_per_compute"] = 1000 * found["pj_per_algorithmic_compute"]
        rows.append({"design": title, **row, "published": list(published)})
    return rows


def eyeriss_v2() -> list[dict[str, Any]]:
    """Return Eyeriss v2's element on eight layers: cycles and uJ."""
    rows = []
    for name, estimate in estimates("eyeriss_v2").items():
        cycles, simulated, energy = EYERISS_V2[name]
        found = {"cycles": float(estimate.costs.cycles[0]), "uj": float(estimate.costs.energy[0]) / 1e6}
        rows.append({"layer": name, **found, "published": [cycles, simulated, energy]})
    return rows


def compression(estimate: Estimate, level: str) -> float:
    """Return the words that a level would move without zeros left out, over those it moves, in bits."""
    found = next(each for each in report.figures(estimate)["levels"] if each["name"] == level)
    word = next(each.word for each in estimate.architecture.levels if each.name == level)
    kinds = ("reads", "fills", "updates")
    dense = sum(tensor[kind]["dense"] for tensor in found["tensors"].values() for kind in kinds)
    return float(dense * word / found["moved_bits"])


def eyeriss() -> list[dict[str, Any]]:
    """Return Eyeriss on AlexNet: compression of DRAM traffic, and cycles."""
    return [
        {
            "layer": name,
            "compression": compression(estimate, "DRAM"),
            "cycles": float(estimate.costs.cycles[0]),
            "published": list(EYERISS[name]),
        }
        for name, estimate in estimates("eyeriss").items()
    ]


def dual_side() -> list[dict[str, Any]]:
    """Return the dual-side tensor core: latency over that of dense operands."""
    cycles = {
        name: float(found.costs.cycles[0]) for name, found in estimates("dual_side_tensor_core").items()
    }
    dense, published = cycles["A 1.0, B 1.0"], DUAL_SIDE["A 1.0, B 1.0"]
    return [
        {"densities": name, "latency": count / dense, "published": DUAL_SIDE[name] / published}
        for name, count in cycles.items()
    ]


def dual_side_error(rows: list[dict[str, Any]]) -> float:
    """Return the mean relative error of the latencies but the dense one, which is 1 in both."""
    errors = [abs(row["latency"] / row["published"] - 1) for row in rows if row["published"] != 1]
    return sum(errors) / len(errors)


def designs() -> list[Specification]:
    """Return the specifications of the paper's designs."""
    files = sorted(folder().glob("*.toml"))
    found = [read_specification(file) for file in files]
    return [each for each in found if "exercises" not in each.notes.get("source", "")]


@click.command("sparseloop", short_help="Sparseloop: its designs by the analytical model.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def sparseloop_command(as_json: bool) -> None:
    """Estimate the designs that Sparseloop was validated on, beside what was published.

    The last table lists what each design does about zeros. The specifications are in examples/sparseloop; for
    one of them, or your own: tileloom estimate SPEC.toml.

    \b
    Examples:
      tileloom paper sparseloop
      tileloom paper sparseloop --json
    """
    with step("Estimating designs") as shown:
        tables: dict[str, Any] = {}
        for table in (small, eyeriss_v2, eyeriss, dual_side):
            shown.show(table.__name__.replace("_", " "))
            tables[table.__name__] = table()
        shown.show("co design")
        tables["co_design"] = co_design.study()
        tables["taxonomy"] = [taxonomy(each) for each in designs()]
    if as_json:
        error = dual_side_error(tables["dual_side"])
        print_json({**tables, "dual_side_mean_error": error, "co_design_crossing": co_design.crossing()})
        return
    for sheet in _sheets(tables):
        sheet.show()


def _sheets(tables: dict[str, Any]) -> list[Sheet]:
    error, place = dual_side_error(tables["dual_side"]), co_design.crossing()
    return [
        Sheet(
            "Small designs",
            ("design", "cycles", "computes", "fJ/compute", "published", "", ""),
            [
                (
                    row["design"],
                    f"{row['cycles']:,.0f}",
                    f"{row['computes']:,.0f}",
                    f"{row['fj_per_compute']:,.2f}",
                    *(f"{value:,}" for value in row["published"]),
                )
                for row in tables["small"]
            ],
        ),
        Sheet(
            "Eyeriss v2, an element on MobileNet; Sparseloop's cycles and uJ, the simulator's cycles",
            ("layer", "cycles", "uJ", "Sparseloop", "uJ", "simulator"),
            [
                (
                    row["layer"],
                    f"{row['cycles']:,.0f}",
                    f"{row['uj']:.2f}",
                    f"{row['published'][0]:,}",
                    f"{row['published'][2]:.2f}",
                    f"{row['published'][1]:,}",
                )
                for row in tables["eyeriss_v2"]
            ],
        ),
        Sheet(
            "Eyeriss on AlexNet, four images",
            ("layer", "compression", "cycles", "published", ""),
            [
                (
                    row["layer"],
                    f"{row['compression']:.2f}",
                    f"{row['cycles']:,.0f}",
                    f"{row['published'][0]:.2f}",
                    f"{row['published'][1]:,}",
                )
                for row in tables["eyeriss"]
            ],
        ),
        Sheet(
            f"Dual-side tensor core, latency over dense; error {error:.1%}, theirs {DUAL_SIDE_ERROR:.1%}",
            ("densities", "latency", "its simulator"),
            [
                (row["densities"], f"{row['latency']:.3f}", f"{row['published']:.3f}")
                for row in tables["dual_side"]
            ],
        ),
        Sheet(
            f"Dataflow and skipping, energy-delay product over the best, which changes at {place:.1%}",
            ("density", *tables["co_design"][0]["over_best"], "best"),
            [
                (
                    f"{100 * row['density']:g} %",
                    *(f"{over:.3g}" for over in row["over_best"].values()),
                    row["best"],
                )
                for row in tables["co_design"]
            ],
        ),
        Sheet(
            "What the designs do about zeros",
            ("design", "formats", "gating", "skipping"),
            [(row["design"], row["formats"], row["gating"], row["skipping"]) for row in tables["taxonomy"]],
        ),
    ]
