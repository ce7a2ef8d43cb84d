"""The loader: every unit of a strip once, padding among them, where the A buffer has it.

Beside the netlist go the loops of a LOAD as docs/engine.md has them: channel blocks, rows and columns of the
strip with its pads, a unit each. Column ``x`` is in phase ``x mod stride``; the columns of a phase are dealt
out over the banks, so that the ``j``-th is in bank ``j mod m``:

    address = block + y * row_pitch + phase * phase_pitch + (j div m) * blocks      modulo the words of a bank

which is kept as sums that grow from place to place. A place that is padding gets zeros and takes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.config import EngineConfig
from tileloom.engine.layouts import load_command
from tileloom.engine.loader import Loader, unit_layout

from ..verify.induction import Record, all_of, induction, kept
from ..verify.netlist import Netlist, bits_of, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number, widen


def loader_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proof of an engine's loader."""
    title = "loader: units of a strip, to their places"
    make = lambda: queries(config, open_netlist(Loader(config)))  # noqa: E731
    return [Proof(title, config.label, "", 0, "induction", make)]


def queries(config: EngineConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    layout = load_command(config)
    count = bits_of(netlist.sorts["x"])
    address = bits_of(netlist.sorts["fill__address"])
    banks = (config.m - 1).bit_length()
    stride_bits = layout["stride"].width

    def field(name: str, width: int = count) -> str:
        value, own = port(f"commands__payload.{name}", 0), layout[name].width
        return widen(value, width - own) if width >= own else bits(value, width - 1, 0)

    def plus(*values: str) -> str:
        total = values[0]
        for value in values[1:]:
            total = f"(bvadd {total} {value})"
        return total

    x, y, block = (kept(name) for name in ("x", "y", "block"))
    right, bottom = plus(field("left"), field("width")), plus(field("top"), field("rows"))
    inside = all_of(
        f"(bvuge {x} {field('left')})",
        f"(bvult {x} {right})",
        f"(bvuge {y} {field('top')})",
        f"(bvult {y} {bottom})",
    )
    one = number(1, count)
    end_x = f"(= {plus(x, one)} {plus(right, field('right'))})"
    end_y = f"(and {end_x} (= {plus(y, one)} {plus(bottom, field('bottom'))}))"
    end = f"(and {end_y} (= {plus(block, one)} {field('blocks')}))"
    owned = f"(= {kept('owned')} #b1)"
    fills = f"(and {owned} (or (not {inside}) {port('activations__valid', 0)}))"
    takes = f"(and {port('commands__valid', 0)} (not {owned}) {port('half_free', 0)})"

    # From column to column: the next phase, or phase 0 of the next column of each, in the next bank.
    zero = number(0, address)
    phase_done = f"(= (bvadd {kept('phase')} {number(1, stride_bits)}) {field('stride', stride_bits)})"
    bank_done = f"(= {kept('bank')} {number(config.m - 1, banks)})" if banks else "true"
    group = f"(ite {bank_done} {plus(kept('group'), field('blocks', address))} {kept('group')})"
    next_phase = plus(kept("phases"), field("phase_pitch", address))
    next_row = plus(kept("rows"), field("row_pitch", address))
    following = {
        "owned": f"(ite {takes} #b1 (ite (and {fills} {end}) #b0 {kept('owned')}))",
        "half": f"(ite (and {fills} {end}) (bvnot {kept('half')}) {kept('half')})",
    }
    loops = {
        "x": f"(ite {end_x} {number(0, count)} {plus(x, one)})",
        "y": f"(ite {end_y} {number(0, count)} (ite {end_x} {plus(y, one)} {y}))",
        "block": f"(ite {end} {number(0, count)} (ite {end_y} {plus(block, one)} {block}))",
        "phase": f"(ite (or {end_x} {phase_done}) {number(0, stride_bits)} "
        f"(bvadd {kept('phase')} {number(1, stride_bits)}))",
        "group": f"(ite {end_x} {zero} (ite {phase_done} {group} {kept('group')}))",
        "phases": f"(ite (or {end_x} {phase_done}) {zero} {next_phase})",
        "rows": f"(ite {end_y} {zero} (ite {end_x} {next_row} {kept('rows')}))",
    }
    if banks:
        next_bank = f"(bvadd {kept('bank')} {number(1, banks)})"
        moved = f"(ite {phase_done} {next_bank} {kept('bank')})"
        loops["bank"] = f"(ite {end_x} {number(0, banks)} {moved})"
    following |= {name: f"(ite {fills} {value} {kept(name)})" for name, value in loops.items()}
    widths = {"owned": 1, "half": 1, "x": count, "y": count, "block": count, "phase": stride_bits}
    widths |= {"group": address, "phases": address, "rows": address} | ({"bank": banks} if banks else {})

    def place(step: int) -> str:
        wide = max(0, address - count)
        first = bits(widen(kept("block", step), wide), address - 1, 0)
        return plus(first, *(kept(name, step) for name in ("rows", "phases", "group")))

    def agreement(step: int) -> Iterator[str]:
        yield f"(= {port('owned', step)} (= {kept('owned', step)} #b1))"
        yield f"(= {bit(port('fill__half', step))} {kept('half', step)})"
        for name, signal in (("x", "x"), ("y", "loops.at.y"), ("block", "block"), ("phase", "stepper.phase")):
            yield f"(= {port(signal, step)} {kept(name, step)})"
        if banks:
            yield f"(= {netlist.number('fill__bank', step, banks)} {kept('bank', step)})"
        yield f"(= {port('stepper.base', step)} {kept('group', step)})"
        offset = plus(kept("phases", step), kept("group", step))
        yield f"(= {port('stepper.offset', step)} {offset})"
        yield f"(= {port('fill__address', step)} {place(step)})"

    unit = unit_layout(config).size
    wanted = f"(ite {inside} {port('activations__payload', 0)} {number(0, unit)})"
    claims = [
        f"(= {port('fill__valid', 0)} {fills})",
        f"(=> {fills} (= {port('fill__unit', 0)} {wanted}))",
        f"(= {port('activations__ready', 0)} (and {owned} {inside}))",
        f"(= {port('take', 0)} {takes})",
        f"(= {port('give', 0)} (and {fills} {end}))",
        f"(= {port('commands__ready', 0)} (and {fills} {end}))",
        f"(=> {fills} (= {port('block_done', 0)} {end_y}))",
    ]
    return induction(netlist, Record(widths, following, {}), (agreement(0), agreement(1)), claims)
