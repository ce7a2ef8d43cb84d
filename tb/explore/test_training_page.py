"""docs/training.md has what ``tileloom paper`` prints of the files in docs/blocks and docs/groups."""

import json
from pathlib import Path
from statistics import mean

import pytest
from click.testing import CliRunner

from tileloom.errors import UserError
from tileloom_explore.paper.accuracy import PUBLISHED, RATIOS, SHAPES, read_accuracy
from tileloom_explore.paper.table1 import table1_command
from tileloom_explore.paper.xdecimate import accuracy_command

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "blocks" / "digits.json"


def percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def test_the_page_has_each_figure() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    measured = read_accuracy(FILE)
    assert percent(mean(measured.again)) in page
    for shape in SHAPES:
        for ratio in RATIOS:
            own, ranked = (measured.of(shape, ratio, "l1", name, "once") for name in ("layer", "network"))
            assert own and ranked
            cells = [mean(figures) for figures in (own.pruned, own.accuracies, ranked.accuracies)]
            begin = f"| {shape.replace('x', ' x ')} | {ratio:.0%}".replace("%", " %")
            (row,) = (line for line in page.splitlines() if line.startswith(begin))
            assert [cell.split(" (")[0] for cell in row.split(" | ")[2:5]] == list(map(percent, cells))
            assert row.endswith(
                f"| {percent(PUBLISHED[shape, ratio])} |" if (shape, ratio) in PUBLISHED else "| |"
            )
    for each in measured.masked:
        if (each.shape, each.ratio, each.ranking) == ("8x8", 0.5, "layer"):
            least, most = (f"{100 * side(each.accuracies):.1f}" for side in (min, max))
            assert f"{percent(mean(each.accuracies))} ({least} to {most})" in page


def test_the_page_has_accuracies_of_groups() -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    networks = [
        read_accuracy(ROOT / "docs" / "groups" / f"{name}.json") for name in ("residual", "transformer")
    ]
    rows = {"dense": [each.again for each in networks]}
    for index, group in enumerate(("1:4", "1:8", "1:16")):
        assert [each.masked[index].shape for each in networks] == [group] * 2
        rows[group] = [each.masked[index].accuracies for each in networks]
    for name, (cnn, transformer) in rows.items():
        (row,) = (line for line in page.splitlines() if line.startswith(f"| {name} |"))
        cells = [cell.split(" (")[0] for cell in row.split(" | ")]
        assert [cells[1], cells[3]] == [percent(mean(cnn)), percent(mean(transformer))]
    assert "1:16" in CliRunner().invoke(accuracy_command, [str(ROOT / "docs" / "groups")]).stdout


def test_the_command_prints_the_paper_beside() -> None:
    printed = CliRunner().invoke(table1_command, [str(FILE.parent)]).output
    assert "95.1%" in printed and "gradual" in printed
    plain = json.loads(CliRunner().invoke(table1_command, [str(FILE), "--json"]).output)
    assert len(plain[0]["masked"]) == len(read_accuracy(FILE).masked)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"masked": [], "baselines": [], "again": []}'])
def test_another_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"other\.json: not what"):
        read_accuracy(path)
