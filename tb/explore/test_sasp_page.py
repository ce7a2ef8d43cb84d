"""docs/sasp.md has what ``tileloom paper sasp fig8 docs/sasp`` prints."""

from pathlib import Path

import pytest

from tileloom_explore.paper.sasp.fig8 import to_json
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
    return lines


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_page_has_each_row_and_the_command(path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not [row for row in rows(path) if row not in page]
    assert read_quality(path).command in page


def test_there_are_two_networks() -> None:
    assert [path.name for path in FILES] == ["digits.json", "text.json"]
