"""The examples in the documentation give what it says."""

import doctest
import re
from dataclasses import fields
from pathlib import Path

import pytest

from tileloom.config import to_plain
from tileloom.engine.config import EngineConfig
from tileloom.errors import ConfigError
from tileloom.families import load

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("page", ["xdecimate.md", "engine.md"])
def test_the_examples_hold(page):
    outcome = doctest.testfile(str(DOCS / page), module_relative=False)
    assert outcome.attempted and not outcome.failed


def test_lines_fit():
    for number, line in enumerate((DOCS / "engine.md").read_text().splitlines(), 1):
        assert len(line) <= 120, f"engine.md:{number}"


WHERE = {
    "all": {},
    "dot product": {},
    "streams": {},
    "systolic": {"core": "systolic", "m": 1},
    "systolic, 2 `multiply_stages`": {"core": "systolic", "m": 1, "multiply_stages": 2},
    "AXI4": {"port": "axi4"},
}
"""What a configuration needs for the fields of each kind."""


def engine_fields():
    """Return the table of fields: name, values, default, and what it applies to."""
    page = (DOCS / "engine.md").read_text()
    section = page[page.index("## Configuration") : page.index("## Formats")]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| `")]
    return {name.strip("`"): row for name, *row in rows}


def test_the_engine_s_fields_are_all_there_with_their_defaults():
    table = engine_fields()
    assert list(table) == [field.name for field in fields(EngineConfig)]
    for name, (_, default, where, _) in table.items():
        value = to_plain(load("engine-int8", **WHERE[where]))[name] if name != "m" else EngineConfig().m
        assert str(value).lower() == default, name


LIMITED = [
    "m",
    "k",
    "n",
    "a_words",
    "acc_tiles",
    "weight_beats",
    "multiply_stages",
    "add_stages",
    "address_bits",
    "burst_beats",
]


@pytest.mark.parametrize("name", LIMITED)
def test_the_engine_s_fields_have_the_limits_that_the_table_says(name):
    values, _, where, _ = engine_fields()[name]
    least, most = map(int, re.search(r"(\d+) to (\d+)", values).groups())
    needed = {**WHERE[where], "bus": 64 if name == "burst_beats" else 512}
    for value in (least, most):
        assert getattr(load("engine-int8", **{**needed, name: value}), name) == value
    beyond = [least - 1, most * 2] if "power of two" in values else [least - 1, most + 1]
    for value in beyond:
        with pytest.raises(ConfigError, match=name):
            load("engine-int8", **{**needed, name: value})
