"""Queues: each word comes out once, as it went in, behind all that went in before.

One word, whichever, is followed from the cycle in which it goes in: how many words are ahead of it, and what
it is. Where it is in the queue's storage follows from that; it is at the front with none ahead.
"""

from __future__ import annotations

from tileloom.engine.axi.read import OUTSTANDING
from tileloom.engine.dispatch import QUEUE
from tileloom.stream.queue import Queue

from ..verify.induction import Record, all_of, induction, kept
from ..verify.netlist import Netlist, bits_of, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import number

DEPTHS = (QUEUE, OUTSTANDING)
"""Of the queues of commands, jobs and runs that are written, and of those that are read."""

WORD = 8
"""Bits of a word that is proved."""


class QueueWords:
    """The record of one queue of a netlist, and what it claims.

    Parameters
    ----------
    storage:
        What the names of its storage's signals begin with.
    pushed, word, popped:
        Conditions of step 0 that a word goes in, and comes out, and the word.
    """

    def __init__(
        self, netlist: Netlist, storage: str, depth: int, pushed: str, word: str, popped: str
    ) -> None:
        self.netlist, self.storage, self.depth = netlist, storage, depth
        self.count = (2 * depth).bit_length()
        self.pushed, self.popped = pushed, popped
        self.width = bits_of(netlist.sorts[f"{storage}.storage[0]"])
        self.word = word

    def name(self, part: str, step: int = 0) -> str:
        """Return the symbol of a part of the record."""
        return kept(f"{self.storage} {part}", step)

    @property
    def record(self) -> Record:
        """The record; ``chosen`` is free in every cycle."""
        one, zero = number(1, self.count), number(0, self.count)
        there = f"(= {self.name('there')} #b1)"
        begins = f"(and {self.pushed} (not {there}) (= {self.name('chosen')} #b1))"
        less = f"(ite {self.popped} {one} {zero})"
        ends = f"(and {there} {self.popped} (= {self.name('ahead')} {zero}))"
        more = f"(ite {self.pushed} {one} {zero})"
        widths = {"level": self.count, "ahead": self.count, "there": 1, "chosen": 1, "word": self.width}
        following = {
            "level": f"(bvsub (bvadd {self.name('level')} {more}) {less})",
            "ahead": f"(ite {there} (bvsub {self.name('ahead')} {less}) (bvsub {self.name('level')} {less}))",
            "there": f"(ite {begins} #b1 (ite {ends} #b0 {self.name('there')}))",
            "word": f"(ite {begins} {self.word} {self.name('word')})",
        }
        return Record(
            {f"{self.storage} {part}": width for part, width in widths.items()},
            {f"{self.storage} {part}": value for part, value in following.items()},
            {},
        )

    def agreement(self, step: int) -> list[str]:
        """Return how the queue's registers and the record belong together."""

        def at(signal: str) -> str:
            return self.netlist.number(f"{self.storage}.{signal}", step, self.count)

        size, level = number(self.depth, self.count), self.name("level", step)
        reads, writes, ahead = at("r_port__addr"), at("w_port__addr"), self.name("ahead", step)
        there = f"(= {self.name('there', step)} #b1)"
        words = [port(f"{self.storage}.storage[{place}]", step) for place in range(self.depth)]
        place = self._wrapped(f"(bvadd {reads} {ahead})")
        found = words[-1]
        for index, stored in reversed(list(enumerate(words[:-1]))):
            found = f"(ite (= {place} {number(index, self.count)}) {stored} {found})"
        return [
            f"(= {at('level')} {level})",
            f"(bvule {level} {size})",
            f"(and (bvult {reads} {size}) (bvult {writes} {size}))",
            f"(= {writes} {self._wrapped(f'(bvadd {reads} {level})')})",
            f"(=> {there} (and (bvult {ahead} {level}) (= {found} {self.name('word', step)})))",
        ]

    def _wrapped(self, place: str) -> str:
        size = number(self.depth, self.count)
        return f"(ite (bvuge {place} {size}) (bvsub {place} {size}) {place})"

    @property
    def room(self) -> str:
        """That there is room for a word."""
        return f"(bvult {self.name('level')} {number(self.depth, self.count)})"

    @property
    def any(self) -> str:
        """That there is a word."""
        return f"(not (= {self.name('level')} {number(0, self.count)}))"

    @property
    def at_front(self) -> str:
        """That the word that is followed is the next."""
        return f"(and (= {self.name('there')} #b1) (= {self.name('ahead')} {number(0, self.count)}))"


def queue_proofs() -> list[Proof]:
    """Return the proof of queues, of each depth that an engine has; a bit of a word is like any other."""

    def make() -> list[Query]:
        return [query for depth in DEPTHS for query in queue_queries(open_netlist(Queue(WORD, depth)), depth)]

    return [Proof("queues: each word once, in order", "any engine", "", 0, "induction", make)]


def queue_queries(netlist: Netlist, depth: int) -> list[Query]:
    """Return the queries of the proof of a ``Queue`` of so many words, two or more, that is not buffered."""
    pushed = all_of(port("incoming__valid", 0), port("incoming__ready", 0))
    popped = all_of(port("outgoing__valid", 0), port("outgoing__ready", 0))
    queue = QueueWords(netlist, "storage", depth, pushed, port("incoming__payload", 0), popped)
    front = port("outgoing__payload", 0)
    claims = [
        f"(= {port('incoming__ready', 0)} {queue.room})",
        f"(= {port('outgoing__valid', 0)} {queue.any})",
        f"(= {port('empty', 0)} (not {queue.any}))",
        f"(=> {queue.at_front} (= {front} {queue.name('word')}))",
    ]
    return induction(netlist, queue.record, (queue.agreement(0), queue.agreement(1)), claims)
