"""docs/sasp.md has what ``tileloom paper sasp`` prints of the files in docs/sasp."""

import json
from pathlib import Path

import pytest

from tileloom_explore.paper.sasp import between, fig9, fig10, layers, published, table3
from tileloom_explore.paper.sasp.area import PAPER_UM2
from tileloom_explore.paper.sasp.arrays import SIZES
from tileloom_explore.paper.sasp.encoder import Means
from tileloom_explore.paper.sasp.energy import read_arrays
from tileloom_explore.paper.sasp.fig7 import RATES, measure_blocks
from tileloom_explore.paper.sasp.fig8 import PUBLISHED_BUDGET, to_json
from tileloom_explore.paper.sasp.layer_masks import read_masks
from tileloom_explore.paper.sasp.quality import read_quality

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sasp.md"
FILES = sorted((ROOT / "docs" / "sasp").glob("*.json"))


def rows(path: Path) -> list[str]:
    """Return the rows of a file's tables, as Markdown."""
    found = to_json(read_quality(path))
    epochs = {row["epochs"] for row in found["rows"]} != {0}
    lines = []
    for row in found["rows"]:
        cells = [f"{row['size']} x {row['size']}", row["weights"].upper()]
        cells += [str(row["epochs"])] if epochs else []
        cells += ["-" if error is None else f"{100 * error:.2f}" for error in row["errors"].values()]
        share = row["within_a_tenth"]
        lines.append(f"| {' | '.join(cells)} | {'-' if share is None else f'{100 * share:.0f} %'} |")
    for row in found["rounding"]:
        errors = [f"{100 * row['errors'][sums]:.2f}" for sums in ("truncate", "nearest-even", "float64")]
        changed = [str(row["changed"][sums]) for sums in ("truncate", "nearest-even")]
        kind = f"{row['weights'].upper()} | {100 * row['share']:.0f} %"
        lines.append(f"| {kind} | {' | '.join(errors + changed)} |")
    for size in SIZES:
        own = [row for row in found["attention"] if row["size"] == size]
        errors = [f"{100 * row['errors']['array']:.2f}" for row in own]
        lines.append(line(f"{size} x {size}", *errors, str(max(row["changed"] for row in own))))
    return lines


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_page_has_each_row_and_the_command(path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not [row for row in rows(path) if row not in page]
    assert read_quality(path).command in page


def test_there_are_two_networks() -> None:
    assert [path.name for path in FILES] == ["digits.json", "text.json"]


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def test_the_page_has_layers_by_the_models() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for row in layers.model_rows():
        cycles = [
            *(row["array"][str(size)] for size in SIZES),
            *(row[each] for each in ("blocked", "plain", "others")),
        ]
        assert (
            line(f"{row['layer']}, {row['weights'].upper()}", *(f"{each / 1e6:,.1f}" for each in cycles))
            in page
        )
    over = {
        row["size"]: row["over_proportional"]
        for row in layers.proportional_rows(0)
        if row["weights"] == "int8"
    }
    assert (round(over[4]["0.4"] - 1, 3), round(over[32]["0.4"] - 1, 3)) == (0.006, -0.012)
    assert "it is 0.6 % above at 4 x 4" in page and "1.2 % below at 32 x 32" in page
    assert max(abs(each[share] - 1) for each in over.values() for share in ("0.9", "0.75", "0.5")) < 0.0095


def test_the_page_has_the_time_of_each_layer() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found = measure_blocks(read_masks(ROOT / "docs/sasp/layers/smart_turn.json"), RATES, 8, "int8")
    for block in found["blocks"]:
        whole = sum(block["layers"]["0.0"].values())
        cells = [str(block["block"]), *(f"{each / whole:.3f}" for each in block["layers"]["0.0"].values())]
        for rate in map(str, RATES):
            cells.append(", ".join(map(percent, block["kept"][rate].values())))
            cells.append(f"{sum(block['layers'][rate].values()) / whole:.3f}")
        assert line(*cells) in page


def test_the_page_has_speed_at_error_rates_and_table_3() -> None:
    page = PAGE.read_text(encoding="utf-8")
    quality = read_quality(ROOT / "docs/sasp/text.json")
    cells: dict[tuple[str, float], list[str]] = {}
    for row in fig10.measure_speed(quality, fig10.default_errors(quality, 0), 0):
        told = f"{row['over_plain']:.2f} ({percent(1 - row['kept'])})"
        cells.setdefault((row["weights"].upper(), row["error"]), []).append(told)
    for (weights, error), own in cells.items():
        assert line(weights, f"{100 * error:.2f} %", *own) in page
    for row in table3.measure_rows(table3.kept_within(quality, PUBLISHED_BUDGET, 0), 0):
        run = row.pruned
        assert run is not None
        paper = published.PRUNED[run.weights][run.size], published.SPEEDUP[run.weights][run.size]
        figures = run.over("blocked"), run.over("plain"), paper[0]
        gains = row.product_gain, row.gain, paper[0] / paper[1]
        name = f"{run.size} x {run.size} {run.weights.upper()}"
        assert line(name, percent(run.kept), *(f"{each:.2f}" for each in (*figures, *gains))) in page
        speeds = [
            f"{each.over('blocked'):.2f}, {each.over('plain'):.2f}"
            for each in row.other_means[Means.GENERATOR]
        ]
        assert line(name, *speeds) in page
        if run.weights == "int8":
            for by_means in (*row.attention, *row.library):
                runs = by_means.values()
                speeds = [f"{each.over('blocked'):.2f}, {each.over('plain'):.2f}" for each in runs]
                assert line(name, *speeds) in page


def test_the_page_has_where_the_cycles_go() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for row in (each for each in between.part_rows() if each["means"] == "generator"):
        whole = sum(row["cycles"].values())
        cells = [f"{row['size']} x {row['size']} INT8", f"{whole / 1e6:,.0f}"]
        cells += [f"{each / 1e6:,.1f} ({percent(each / whole)})" for each in row["cycles"].values()]
        assert line(*cells) in page


def measured_rows() -> list[str]:
    """Return the rows of the layers that ran in RTL."""
    rows = []
    for row in json.loads((ROOT / "docs/sasp/rtl/layers.json").read_text()):
        single, cached = row["cycles"]["single"], row["cycles"]["caches"]
        mix = {**row["mix"], "branches": row["mix"]["branches"] + row["mix"]["jumps"]}
        kinds = [mix[kind] / sum(row["mix"].values()) for kind in ("loads", "stores", "branches", "others")]
        cells = [f"{row['size']} x {row['size']} {row['weights'].upper()}, {row['layer']}"]
        cells += [
            f"{single['array']:,}",
            f"{100 * row['difference']:+.2f} %",
            *(f"{100 * each:.0f} %" for each in kinds),
        ]
        cells += [", ".join(f"{single[each] / single['array']:.2f}" for each in ("blocked", "plain"))]
        cells += [
            f"{cached['array']:,}",
            ", ".join(f"{cached[each] / cached['array']:.2f}" for each in ("blocked", "plain")),
        ]
        rows.append(line(*cells))
    return rows


def test_the_page_has_the_layers_that_ran() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = measured_rows()
    assert rows and not [row for row in rows if row not in page]


def energy_rows() -> list[str]:
    """Return the rows of area and energy."""
    arrays = read_arrays(ROOT / "docs/sasp/arrays/nangate45.json")
    quality = read_quality(ROOT / "docs/sasp/text.json")
    rows = []
    for row in table3.measure_rows(table3.kept_within(quality, PUBLISHED_BUDGET, 0), 0):
        assert row.pruned is not None
        weights, size = row.dense.weights, row.dense.size
        measured = arrays.by[weights][size]
        cells = [f"{size} x {size} {weights.upper()}", f"{measured.area / 1e6:.3f}"]
        cells += [
            f"{PAPER_UM2[weights][size] * size**2 / 1e6:.3f}",
            f"{measured.seconds(row.dense.whole):.1f}",
        ]
        for run in (row.dense, row.pruned):
            cells.append(", ".join(f"{each:.2f}" for each in measured.energy(run.whole).values()))
        cells += [f"{published.ENERGY[weights][size]:.2f}"]
        cells += [", ".join(f"{each:.2f}" for each in measured.gated(row.dense.whole).values())]
        rows.append(line(*cells))
    return rows


def test_the_page_has_area_and_energy() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not [row for row in energy_rows() if row not in page]


def front_rows() -> list[str]:
    """Return the rows of figure 9: sizes on the front at each share that is on it."""
    arrays, quality = (
        read_arrays(ROOT / "docs/sasp/arrays/nangate45.json"),
        read_quality(ROOT / "docs/sasp/text.json"),
    )
    rows = []
    for row in sorted(fig9.measure_designs(quality, arrays, 0), key=lambda row: float(row["over_plain"])):
        if row["front"]:
            cells = [f"{row['size']} x {row['size']} {row['weights'].upper()}", percent(row["pruned"])]
            cells += [f"{row['over_plain']:.2f}", f"{100 * row['error']:.2f} %"]
            cells += [", ".join(f"{each:.3g}" for each in row["area_energy_mm2_j"].values())]
            rows.append(line(*cells))
    return rows


def test_the_page_has_the_front() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not [row for row in front_rows() if row not in page]
