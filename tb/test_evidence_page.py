"""docs/evidence.md and the README have what ``tileloom verify --report docs/evidence`` prints."""

from pathlib import Path

from tileloom_synth.verify.evidence import read_evidence, report, summary

ROOT = Path(__file__).parents[1]
KEPT = read_evidence(ROOT / "docs" / "evidence")


def test_the_page_has_each_table() -> None:
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    tables = report(KEPT).split("\n\n")
    assert len(tables) > 3
    for table in tables:
        assert table in page, table


def test_the_readme_has_the_summary() -> None:
    assert summary(KEPT) in (ROOT / "README.md").read_text(encoding="utf-8")
