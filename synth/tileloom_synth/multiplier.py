"""Multipliers made of the library's full adders: the mapping that Yosys lacks.

A multiplier is mostly full adders, and a library's own full-adder cell is a quarter smaller than the gates
that replace it. This module writes, for one pair of widths, the Verilog of a Yosys ``techmap`` for
``$mul``: radix-4 Booth digits of the second operand select the partial products (or one AND per bit, where
that is smaller), a tree of full adders that takes the earliest bits of each column first reduces them to
two rows, and one adder, mapped by Yosys as any other, adds those.

Sources: Booth's recoding as in MacSorley, "High-speed arithmetic in binary computers" (1961); the order of
reduction as in Oklobdzija et al., "A method for speed optimized partial product reduction" (1996).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from .full_adder import NAME as FULL_ADDER

SMALLEST_BOOTH = 6
"""Width of the second operand from which Booth's recoding is the smaller."""

# Delays of a full adder's outputs and of a half adder's, in gates: only their order matters here.
_SUM, _CARRY, _HALF_SUM, _HALF_CARRY = 2.0, 1.7, 1.2, 0.6
_BOOTH, _AND = 2.5, 1.0


@dataclass
class _Netlist:
    """Verilog being written: the bits of each column, as (time, name), and the lines so far."""

    columns: list[list[tuple[float, str]]]
    lines: list[str] = field(default_factory=list)

    def wire(self, expression: str) -> str:
        name = f"w{len(self.lines)}"
        self.lines.append(f"wire {name} = {expression};")
        return name

    def full_adder(self, a: str, b: str, c: str) -> tuple[str, str]:
        index = len(self.lines)
        total, carry = f"s{index}", f"k{index}"
        self.lines.append(
            f"wire {total}, {carry}; "
            f"{FULL_ADDER} f{index} (.A({a}), .B({b}), .C({c}), .S({total}), .K({carry}));"
        )
        return total, carry

    def put(self, column: int, time: float, name: str) -> None:
        if column < len(self.columns):
            self.columns[column].append((time, name))


def techmap(a_bits: int, b_bits: int, y_bits: int, *, booth: bool, signed: bool = False) -> str:
    """Return a techmap module for a ``$mul`` of ``a_bits`` by ``b_bits`` into ``y_bits``.

    ``booth`` recodes the second operand, which should be the one that is stable first. With ``signed``, which
    goes with ``booth``, both operands are.
    """
    width = min(y_bits, a_bits + b_bits)
    net = _Netlist([[] for _ in range(width)])
    if signed:
        _signed_booth_products(net, a_bits, b_bits)
    else:
        (_booth_products if booth else _and_products)(net, a_bits, b_bits)
    rows = _reduce(net)
    first = next((index for index, row in enumerate(rows) if len(row) > 1), width)
    operands = [
        ", ".join(row[place] if place < len(row) else "1'b0" for row in reversed(rows)) for place in (0, 1)
    ]
    above = f"{{{y_bits - width}{{Y[{width - 1}]}}}}" if signed else "0"
    low, high = f"[{first - 1}:0]", f"[{width - 1}:{first}]"
    body = "\n  ".join(
        [
            *net.lines,
            f"wire [{width - 1}:0] x = {{{operands[0]}}};",
            f"wire [{width - 1}:0] y = {{{operands[1]}}};",
            f"assign Y{low} = x{low};" if first else "",
            f"assign Y{high} = x{high} + y{high};" if first < width else "",
            f"assign Y[{y_bits - 1}:{width}] = {above};" if width < y_bits else "",
        ]
    )
    return f"""
(* techmap_celltype = "$mul" *)
module tileloom_multiply{"_signed" if signed else ""}_{a_bits}_{b_bits}_{y_bits} (A, B, Y);
  parameter A_SIGNED = 0; parameter B_SIGNED = 0;
  parameter A_WIDTH = 1; parameter B_WIDTH = 1; parameter Y_WIDTH = 1;
  input [A_WIDTH-1:0] A; input [B_WIDTH-1:0] B; output [Y_WIDTH-1:0] Y;
  wire _TECHMAP_FAIL_ = A_SIGNED != {int(signed)} || B_SIGNED != {int(signed)}
    || A_WIDTH != {a_bits} || B_WIDTH != {b_bits} || Y_WIDTH != {y_bits};
  {body}
endmodule
"""


def _and_products(net: _Netlist, a_bits: int, b_bits: int) -> None:
    for row in range(b_bits):
        for place in range(a_bits):
            net.put(row + place, _AND, net.wire(f"A[{place}] & B[{row}]"))


def _bit(name: str, index: int, bits: int) -> str:
    return f"{name}[{index}]" if 0 <= index < bits else "1'b0"


def _booth_products(net: _Netlist, a_bits: int, b_bits: int) -> None:
    """Add the rows of the digits ``B[2j-1] + B[2j] - 2 B[2j+1]``, each -2 to 2.

    A negative row is its complement, plus 1 in its lowest place, minus 1 just above its highest; the latter
    is the inverted sign there, and a constant that all rows share.
    """
    constant = 0
    for digit in range(b_bits // 2 + 1):
        low, middle, high = (_bit("B", 2 * digit + offset, b_bits) for offset in (-1, 0, 1))
        negative = 2 * digit + 1 < b_bits
        once = net.wire(f"{middle} ^ {low}")
        twice = net.wire(f"({high} & ~{middle} & ~{low}) | (~{high} & {middle} & {low})")
        for place in range(a_bits + 1):
            selected = f"({once} & {_bit('A', place, a_bits)}) | ({twice} & {_bit('A', place - 1, a_bits)})"
            product = net.wire(f"({selected}) ^ {high}" if negative else selected)
            net.put(2 * digit + place, _BOOTH, product)
        if negative:
            net.put(2 * digit, 0.0, high)
            net.put(2 * digit + a_bits + 1, 0.0, net.wire(f"~{high}"))
            constant -= 1 << (2 * digit + a_bits + 1)
    for column in range(len(net.columns)):
        if constant >> column & 1:
            net.put(column, 0.0, "1'b1")


def _signed_booth_products(net: _Netlist, a_bits: int, b_bits: int) -> None:
    """Add the rows of the digits of a signed operand: one digit fewer, as nothing is above its sign.

    A row is ``a_bits + 1`` bits, signed: its sign is the inverted sign less a constant that all rows share.
    """
    constant = 0
    for digit in range((b_bits + 1) // 2):
        places = (2 * digit + offset for offset in (-1, 0, 1))
        low, middle, high = (_bit("B", min(place, b_bits - 1), b_bits) for place in places)
        once = net.wire(f"{middle} ^ {low}")
        twice = net.wire(f"({high} & ~{middle} & ~{low}) | (~{high} & {middle} & {low})")
        for place in range(a_bits + 1):
            same, below = (_bit("A", min(index, a_bits - 1), a_bits) for index in (place, place - 1))
            selected = f"({once} & {same}) | ({twice} & {below})"
            sign = place == a_bits
            product = net.wire(f"{'~' if sign else ''}(({selected}) ^ {high})")
            net.put(2 * digit + place, _BOOTH, product)
        net.put(2 * digit, 0.0, high)
        constant -= 1 << (2 * digit + a_bits)
    for column in range(len(net.columns)):
        if constant >> column & 1:
            net.put(column, 0.0, "1'b1")


def _reduce(net: _Netlist) -> list[list[str]]:
    """Reduce every column to at most two bits, carries included, and return their names."""
    rows = []
    for column, bits in enumerate(net.columns):
        heapq.heapify(bits)
        while len(bits) > 2:
            (_, a), (b_time, b) = heapq.heappop(bits), heapq.heappop(bits)
            if len(bits) == 1 and "1'b1" not in (a, b):
                # The last of an odd number is the latest: a full adder would chain the columns' carries.
                heapq.heappush(bits, (b_time + _HALF_SUM, net.wire(f"{a} ^ {b}")))
                net.put(column + 1, b_time + _HALF_CARRY, net.wire(f"{a} & {b}"))
                continue
            c_time, c = heapq.heappop(bits)
            total, carry = net.full_adder(a, b, c)
            heapq.heappush(bits, (c_time + _SUM, total))
            net.put(column + 1, c_time + _CARRY, carry)
        rows.append([name for _, name in sorted(bits)])
    return rows
