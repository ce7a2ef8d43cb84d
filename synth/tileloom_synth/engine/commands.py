"""Dispatch: each command comes to its units, each of its iterations once, in order.

Beside the netlist go the queues' words (``queue_words``), and of each unit that is given iterations how many
of the oldest command are through. A CONV goes to three queues in one cycle, or waits.
"""

from __future__ import annotations

from tileloom.engine.config import EngineConfig
from tileloom.engine.dispatch import QUEUE, Dispatch, unit_layouts
from tileloom.engine.layouts import COMMAND, Opcode

from ..verify.induction import Record, all_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bits, number
from .queue_words import QueueWords

PADS = ("top", "bottom", "left", "right")
"""Four bits each of the slot ``pads``; of a CONV it has the kernel's height and width."""

FLAGS = {"accumulate": 0, "finish": 1, "release": 2, "masked": 3, "relu": 0}


def command_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proof of an engine's dispatch."""
    title = "dispatch: commands to their units, each iteration, in order"
    make = lambda: queries(config, open_netlist(Dispatch(config)))  # noqa: E731
    return [Proof(title, config.label, "", 0, "induction", make)]


def slot(name: str, width: int) -> str:
    """Return what a unit's field is of the command on offer, as docs/engine.md has the slots."""
    if name in FLAGS:
        first = COMMAND["flags"].offset + FLAGS[name]
    elif name in PADS:
        first = COMMAND["pads"].offset + 4 * PADS.index(name)
    elif name in ("kernel_height", "kernel_width"):
        first = COMMAND["pads"].offset + 8 * (name == "kernel_width")
    else:
        first = COMMAND["width" if name == "tiles" else name].offset
    return bits(port("commands__payload", 0), first + width - 1, first)


def queries(config: EngineConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    layouts = unit_layouts(config)
    opcode = bits(port("commands__payload", 0), 1, 0)
    taken = all_of(port("commands__valid", 0), port("commands__ready", 0))
    queues: dict[str, QueueWords] = {}
    widths: dict[str, int] = {}
    following: dict[str, str] = {}
    before: list[str] = []
    after: list[str] = []
    claims: list[str] = []
    for name, (of, layout) in layouts.items():
        moved = all_of(port(f"{name}__valid", 0), port(f"{name}__ready", 0))
        popped, offered = moved, netlist.number(f"{name}__payload", 0, layout.size)
        if "iterations" in layout.members:
            field = layout["iterations"]
            count = bits(offered, field.offset + field.width - 1, field.offset)
            done, zero = f"{name} done", number(0, field.width)
            one = f"(bvadd {kept(done)} {number(1, field.width)})"
            popped = all_of(moved, f"(= {one} {count})")
            widths[done] = field.width
            following[done] = f"(ite {popped} {zero} (ite {moved} {one} {kept(done)}))"
            for step, conditions in ((0, before), (1, after)):
                conditions.append(f"(= {port(f'{name}_repeat.done', step)} {kept(done, step)})")
            if name == "walk":
                claims.append(f"(=> {port('walk__valid', 0)} (= {port('walk_last', 0)} (= {one} {count})))")
        fields = [slot(field, layout[field].width) for field in reversed(layout.members)]
        word = f"(concat {' '.join(fields)})" if len(fields) > 1 else fields[0]
        pushed = all_of(taken, f"(= {opcode} {number(of, 2)})")
        queue = QueueWords(netlist, f"{name}_queue.storage", QUEUE, pushed, word, popped)
        queues[name] = queue
        before += queue.agreement(0)
        after += queue.agreement(1)
        widths |= queue.record.widths
        following |= queue.record.following
        claims += [
            f"(= {port(f'{name}__valid', 0)} {queue.any})",
            f"(=> {queue.at_front} (= {offered} {queue.name('word')}))",
        ]
    rooms = []
    for each in Opcode:
        own = (queues[name].room for name, (of, _) in layouts.items() if of is each)
        rooms.append(f"(=> (= {opcode} {number(each, 2)}) {all_of(*own)})")
    claims.append(f"(= {port('commands__ready', 0)} {all_of(*rooms)})")
    none = all_of(*(f"(not {queue.any})" for queue in queues.values()))
    claims.append(f"(= {port('idle', 0)} (and (not {port('commands__valid', 0)}) {none}))")
    return induction(netlist, Record(widths, following, {}), (before, after), claims)
