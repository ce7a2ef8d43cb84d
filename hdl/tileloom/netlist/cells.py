"""Yosys's word-level cells: which bits of their inputs a bit of output depends on, and equal widths.

In RTLIL the operands of a cell may be narrower or wider than its result. In Verilog that is legal and a
warning of every linter, so that here every extension and every bit that is dropped is written out.

Source: Yosys, "Internal cell library" (docs/source/cell). Cells that the generators never make are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

Bit = int | str
"""A wire's number, or a constant: ``"0"``, ``"1"``, ``"x"``."""

Cell = dict[str, Any]
"""A cell as ``write_json`` has it."""

BITWISE = {"$not": "A", "$and": "AB", "$or": "AB", "$xor": "AB", "$xnor": "AB", "$mux": "AB"}
"""Cells whose every bit of output depends on the same bit of the ports named, and on no other of them."""

ARITHMETIC = {"$add": "AB", "$sub": "AB", "$mul": "AB", "$neg": "A"}
"""Cells whose every bit of output depends on the bits of their operands up to the same."""

COMPARE = ("$eq", "$ne", "$lt", "$le", "$gt", "$ge")

REDUCE = ("$reduce_and", "$reduce_or", "$reduce_xor", "$reduce_bool", "$logic_not")

RIGHT = {"$shr": "$shr", "$sshr": "$sshr", "$shift": "$shr"}
"""Shifts to the right, and what each is where the distance is unsigned."""

FLIP_FLOPS = ("$dff", "$dffe", "$sdff", "$sdffe", "$sdffce", "$adff", "$adffe")

MEMORY = "$mem_v2"


class UnexpectedCellError(ValueError):
    """A cell that no rule here is for: a generator has made something new, or Yosys has changed."""


def number(cell: Cell, parameter: str) -> int:
    """Return a parameter of a cell as a number."""
    return int(cell["parameters"][parameter], 2)


def is_primitive(cell: Cell) -> bool:
    """Return whether a cell is one of Yosys's own and not an instance of a module."""
    return bool(cell["type"].startswith("$"))


def drives(cell: Cell) -> str:
    """Return the output port of a primitive."""
    kind = cell["type"]
    return "Q" if kind in FLIP_FLOPS else "RD_DATA" if kind == MEMORY else "Y"


def never(cell: Cell) -> bool:
    """Return whether a comparison is of an unsigned word with more than its most, and so never true."""
    if cell["type"] != "$gt" or number(cell, "A_SIGNED") or len(cell["connections"]["Y"]) != 1:
        return False
    word, limit = cell["connections"]["A"], cell["connections"]["B"]
    return len(limit) >= len(word) and all(bit == "1" for bit in limit[: len(word)])


def widen(cell: Cell, fresh: Callable[[], int]) -> None:
    """Give the operands of a primitive the width that Verilog's rules give the expression.

    ``fresh`` returns a bit that is used nowhere, for what a result has more of than is connected. Registers
    and memories lose their initial values.

    Raises UnexpectedCellError where there is no rule for it.
    """
    kind, ports = cell["type"], cell["connections"]
    if kind in FLIP_FLOPS:
        return
    if kind == MEMORY:
        if number(cell, "WR_PORTS"):
            parameters = cell["parameters"]
            parameters["INIT"] = "x"
            parameters["RD_INIT_VALUE"] = "x" * len(parameters["RD_INIT_VALUE"])
        return
    width = len(ports["Y"])
    if kind in BITWISE or kind in ARITHMETIC:
        operands = BITWISE.get(kind) or ARITHMETIC[kind]
        signed = kind != "$mux" and all(number(cell, f"{port}_SIGNED") for port in operands)
        for port in operands:
            ports[port] = _extend(ports[port], width, signed=signed)
    elif kind in COMPARE and width == 1:
        signed = bool(number(cell, "A_SIGNED") and number(cell, "B_SIGNED"))
        common = max(len(ports["A"]), len(ports["B"]))
        for port in "AB":
            ports[port] = _extend(ports[port], common, signed=signed)
    elif kind == "$logic_not" and width == 1:
        # Of several bits it is a comparison: Verilog's ``!`` is for one.
        cell["type"] = "$eq"
        cell["parameters"]["B_SIGNED"] = cell["parameters"]["A_SIGNED"]
        cell["port_directions"]["B"] = "input"
        ports["B"] = ["0"] * len(ports["A"])
    elif kind in REDUCE and width == 1:
        pass
    elif kind == "$shl" and not number(cell, "B_SIGNED"):
        ports["A"] = _extend(ports["A"], width, signed=bool(number(cell, "A_SIGNED")))
    elif kind in RIGHT and not number(cell, "B_SIGNED"):
        signed = bool(number(cell, "A_SIGNED"))
        if signed and width > len(ports["A"]):
            raise UnexpectedCellError(f"{kind} from {len(ports['A'])} signed bits to {width}")
        cell["type"] = RIGHT[kind]
        common = max(len(ports["A"]), width)
        ports["A"] = _extend(ports["A"], common, signed=False)
        ports["Y"] = ports["Y"] + [fresh() for _ in range(common - width)]
    else:
        raise UnexpectedCellError(f"no rule for {kind} with {width} bits of output")
    set_widths(cell)


def depends(cell: Cell, index: int, seen: tuple[int, int] | None) -> Iterator[Bit]:
    """Yield what bit ``index`` of the output of a widened primitive depends on, in part or whole.

    What is left out is what the bits of its output that were asked for before depend on: ``seen`` is the
    lowest and the highest of them, None if this is the first.
    """
    kind, ports = cell["type"], cell["connections"]
    operands = BITWISE.get(kind) or ARITHMETIC.get(kind) or ("D" if kind in FLIP_FLOPS else "")
    if kind in ("$shl", *RIGHT.values()):
        operands = "A"
    low, high = seen or (len(ports[drives(cell)]), -1)
    if kind in BITWISE or kind in FLIP_FLOPS:
        part = slice(index, index + 1)
    elif kind in RIGHT.values():
        part = slice(index, low)
    else:
        part = slice(high + 1, index + 1)
    for port in operands:
        yield from ports[port][part]
    if seen is None:
        for port, bits in ports.items():
            if port not in operands and cell["port_directions"][port] == "input":
                yield from bits


def trim(cell: Cell, live: Collection[Bit]) -> None:
    """Take from a widened primitive the bits of its output that are not ``live``, where that can be done.

    What is left of a shift, of the low bits of a sum and of a memory's word stays.
    """
    kind, ports = cell["type"], cell["connections"]
    output = drives(cell)
    kept = [index for index, bit in enumerate(ports[output]) if bit in live]
    if kind in ARITHMETIC or kind == "$shl":
        kept = list(range(max(kept) + 1))
    elif kind not in BITWISE and kind not in FLIP_FLOPS:
        return
    select(cell, kept)


def select(cell: Cell, kept: list[int]) -> None:
    """Keep bits ``kept`` of a register, or of a primitive that computes them from the same bits."""
    kind, ports = cell["type"], cell["connections"]
    if kind in FLIP_FLOPS:
        for port in "DQ":
            ports[port] = [ports[port][index] for index in kept]
        parameters = cell["parameters"]
        parameters["WIDTH"] = f"{len(kept):032b}"
        for reset in {"SRST_VALUE", "ARST_VALUE"} & parameters.keys():
            bits = parameters[reset][::-1]
            parameters[reset] = "".join(bits[index] for index in kept)[::-1]
        return
    operands = BITWISE.get(kind) or ARITHMETIC.get(kind) or "A"
    for port in (*operands, "Y"):
        ports[port] = [ports[port][index] for index in kept]
    set_widths(cell)


def set_widths(cell: Cell) -> None:
    """Make a primitive's parameters agree with the widths of its ports."""
    for port, bits in cell["connections"].items():
        name = "WIDTH" if cell["type"] == "$mux" else f"{port}_WIDTH"
        if port != "S":
            cell["parameters"][name] = f"{len(bits):032b}"


def _extend(bits: list[Bit], width: int, *, signed: bool) -> list[Bit]:
    """Return a word cut, or extended by zeros or its sign, to ``width`` bits."""
    return (bits + [bits[-1] if signed else "0"] * (width - len(bits)))[:width]
