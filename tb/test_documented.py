"""The examples in the documentation give what it says, and its lines fit."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.glob("*.md"), *(ROOT / "synth" / "results").glob("*.md")])


@pytest.mark.parametrize(
    "page",
    [
        "accumulators.md",
        "engine.md",
        "generator.md",
        "hosts.md",
        "model.md",
        "python.md",
        "systolic.md",
        "xdecimate.md",
    ],
)
def test_the_examples_hold(page: str) -> None:
    outcome = doctest.testfile(str(DOCS / page), module_relative=False)
    assert outcome.attempted and not outcome.failed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_fit(page: Path) -> None:
    """Rows of tables and pictures cannot be wrapped; in ``docs`` they fit as well."""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        exempt = page.parent != DOCS and line.startswith(("|", "!["))
        assert exempt or len(line) <= 120, f"{page.name}:{number}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
