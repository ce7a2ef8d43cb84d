"""Every family's page has a table of the configuration's fields, and what it says of each is so.

A table is found by its header, ``| field | values | default | applies to | |``.
"""

import dataclasses
import enum
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from tileloom.cluster.config import ClusterConfig
from tileloom.config import Config, kinds_of, to_plain
from tileloom.engine.config import EngineConfig
from tileloom.errors import ConfigError
from tileloom.families import families
from tileloom.formats import FloatFormat, SignMagnitude, parse_format
from tileloom.systolic.config import SystolicConfig
from tileloom.xfu.config import XfuConfig

DOCS = Path(__file__).parents[1] / "docs"
HEADER = "| field | values | default | applies to | |"
PAGES: Mapping[type[Config], str] = {
    SystolicConfig: "systolic.md",
    XfuConfig: "xdecimate.md",
    EngineConfig: "engine.md",
    ClusterConfig: "cluster.md",
}
WHERE: Mapping[type[Config], Mapping[str, Mapping[str, object]]] = {
    SystolicConfig: {
        "all": {},
        "2 `multiply_stages`": {"multiply_stages": 2},
        "streams": {},
        "word port": {"port": "word"},
        "a host": {"port": "word", "host": "unit"},
        "CV-X-IF": {"port": "word", "host": "cv-x-if"},
        "unit, CV32E40P": {"port": "word", "host": "unit", "double_buffer": True},
        "no `wrapper`": {},
    },
    XfuConfig: {
        "all": {},
        "unit, CV-X-IF": {"host": "unit"},
        "CV-X-IF": {"host": "cv-x-if"},
        "CV-X-IF 0.2": {"host": "cv-x-if", "version": "0.2"},
        "CV-X-IF 1.0": {"host": "cv-x-if", "version": "1.0"},
    },
    EngineConfig: {
        "all": {},
        "dot product": {},
        "dot product, `requantise`": {},
        "streams": {},
        "systolic": {"core": "systolic", "m": 1},
        "systolic, 2 `multiply_stages`": {"core": "systolic", "m": 1, "multiply_stages": 2},
        "AXI4": {"port": "axi4"},
        "grid": {"grid_rows": 2},
    },
    ClusterConfig: {"all": {}},
}
"""What a configuration needs for the fields of each kind; the first that is another kind refuses them."""

ELSEWHERE: Mapping[type[Config], Mapping[str, Mapping[str, object]]] = {
    SystolicConfig: {
        "2 `multiply_stages`": {"multiply_stages": 1},
        "streams": {"port": "word"},
        "word port": {"port": "stream"},
        "a host": {"port": "word"},
        "CV-X-IF": {"port": "word", "host": "unit"},
        "unit, CV32E40P": {"port": "word", "host": "cv-x-if"},
        "no `wrapper`": {"wrapper": "axi4"},
    },
    XfuConfig: {
        "unit, CV-X-IF": {"host": "cv32e40p"},
        "CV-X-IF": {"host": "unit"},
        "CV-X-IF 0.2": {"host": "cv-x-if", "version": "1.0"},
        "CV-X-IF 1.0": {"host": "cv-x-if", "version": "0.2"},
    },
    EngineConfig: {
        "dot product": {"core": "systolic", "m": 1},
        "dot product, `requantise`": {"requantise": False},
        "streams": {"port": "axi4"},
        "systolic": {},
        "systolic, 2 `multiply_stages`": {"core": "systolic", "m": 1},
        "AXI4": {},
        "grid": {},
    },
    ClusterConfig: {},
}
"""Configurations to which the fields of each kind do not apply."""

NEEDED: Mapping[type[Config], Mapping[str, object]] = {
    SystolicConfig: {"rows": 64, "columns": 64},
    XfuConfig: {},
    EngineConfig: {},
    ClusterConfig: {},
}
"""Fields without a default; of an array the largest, which allows every ``step_interval``."""


@dataclasses.dataclass(frozen=True)
class Row:
    """What a page says of a field."""

    config: type[Config]
    name: str
    values: str
    default: str
    where: str

    def make(self, value: object | None = None, **others: object) -> Config:
        """Return a configuration to which the field applies, where it has ``value``, if given."""
        fields = {**NEEDED[self.config], **WHERE[self.config][self.where], **others}
        return self.load(fields if value is None else {**fields, self.name: value})

    def load(self, fields: Mapping[str, object]) -> Config:
        """Return the configuration of these fields."""
        family = next(one for one in families().values() if one.config is self.config)
        return family.load(fields, "table")


def rows(config: type[Config]) -> Iterator[Row]:
    text = (DOCS / PAGES[config]).read_text(encoding="utf-8")
    assert text.count(HEADER) == 1, PAGES[config]
    for line in text.partition(HEADER)[2].split("\n\n")[0].splitlines()[2:]:
        name, values, default, where, _ = (cell.strip() for cell in line.strip("|").split(" | "))
        yield Row(config, name.strip("`"), values, default, where)


ROWS = [row for config in PAGES for row in rows(config)]


def each(rows: Iterable[Row]) -> pytest.MarkDecorator:
    """Return the mark of a test of each of these rows."""
    return pytest.mark.parametrize("row", list(rows), ids=lambda row: f"{row.config.__name__}-{row.name}")


@pytest.mark.parametrize("config", PAGES)
def test_every_field_is_there(config: type[Config]) -> None:
    fields = dataclasses.fields(config)  # type: ignore[arg-type]
    assert [row.name for row in rows(config)] == [field.name for field in fields]


@each(ROWS)
def test_the_default_is_what_the_table_says(row: Row) -> None:
    if row.default == "none":
        field = row.config.__dataclass_fields__[row.name]
        assert field.default is dataclasses.MISSING
        return
    if row.default == "left out":
        assert row.name not in to_plain(row.make())
        return
    config = row.load(NEEDED[row.config]) if row.name in WHERE[row.config][row.where] else row.make()
    assert str(to_plain(config)[row.name]).lower() == row.default


@each(row for row in ROWS if row.where != "all")
def test_a_field_is_refused_where_the_table_has_it_not_apply(row: Row) -> None:
    value = to_plain(row.make()).get(row.name, re.split(", | to ", row.values)[-1])
    with pytest.raises(ConfigError, match=f"{row.name}: is for "):
        row.load({**NEEDED[row.config], **ELSEWHERE[row.config][row.where], row.name: value})


@each(ROWS)
def test_the_values_are_those_that_the_table_has(row: Row) -> None:
    kinds = kinds_of(row.config)[row.name]
    said = row.values.partition(";")[0]
    if isinstance(kinds[0], enum.EnumMeta):
        assert said.split(", ") == [member.value for member in kinds[0]]
    elif kinds[0] is bool:
        assert said == "true, false"
    elif FloatFormat in kinds:
        assert said.startswith("a float format")
        assert ("int2 to int16" in said) == (SignMagnitude in kinds)
        for name in ("fp16", "int2", "int16"):
            if type(parse_format(name)) in kinds:
                assert to_plain(row.make(name))[row.name] == name
    elif typing.get_origin(kinds[0]) is tuple:
        numbers = list(map(int, re.findall(r"\d+", said)))
        assert to_plain(row.make(numbers))[row.name] == numbers
        refused(row, max(numbers) * 2)
    else:
        limits(row)


def limits(row: Row) -> None:
    """Check that a whole number may have the table's smallest and largest value, and none beyond.

    Or where it lists them, each of these and no other.
    """
    if re.fullmatch(r"\d+(, \d+)+", row.values):
        listed = list(map(int, row.values.split(", ")))
        for value in listed:
            assert getattr(row.make(value), row.name) == value
        for value in (0, listed[-1] - 1, listed[-1] * 2):
            refused(row, value)
        return
    values = (
        row.values.replace("the larger of rows and columns", "64")
        .replace("to m", "to 4")
        .replace("3 `columns`", "192")
        .replace("`columns`", "64")
    )
    found = re.search(r"(\d+) to (\d+)", values)
    assert found, values
    least, most = map(int, found.groups())
    beyond = [least - 1, most * 2 if "power of two" in row.values else most + 1]
    others: dict[str, object] = {}
    if row.config is EngineConfig and row.name == "burst_beats":
        others = {"bus": 64}
    elif row.config is EngineConfig and row.name in ("m", "k", "n"):
        others = {"bus": 512}
    elif row.name == "bus":
        beyond = [least // 2, most + 64, least + 1]
    elif row.name in ("rows", "columns"):
        others = {"step_interval": 1}
    for value in (least, most):
        assert getattr(row.make(value, **others), row.name) == value
    for value in beyond:
        refused(row, value, **others)


def refused(row: Row, value: object, **others: object) -> None:
    with pytest.raises(ConfigError, match=f"{row.name}: "):
        row.make(value, **others)
