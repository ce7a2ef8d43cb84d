"""Instructions of a speculative host: one waits for its commit, one is committed and executes.

```
              enters           advances          done
 offered --------------> waiting --------> executing ----->
               kill: dropped --^ commit
```

CORE-V-XIF 1.0, "Commit interface": a commit is for its id and all older ones, a kill for its id and all
younger ones; either comes in any cycle from the first of the offer on.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Commitment(wiring.Component):
    """Which instruction is where; what belongs to an instruction is kept by who uses this.

    Parameters
    ----------
    tag_bits:
        Of an instruction's tag. Tags are ordered modulo ``2**tag_bits``: of two, the one less than half of
        that ahead is the younger.

    Members
    -------
    offered, offered_tag, offered_committed:
        In: an instruction is offered, and may be taken back; ``offered_committed``: it was committed in an
        earlier cycle of the offer.
    ready:
        Out: it is taken in this cycle: none waits for its commit, or that one moves on. Not of ``offered``.
    waiting_tag:
        In: the tag of the instruction that waits.
    commit_valid, commit_tag, commit_kill:
        In: with ``commit_kill`` 0, everything up to this tag will complete; with 1, everything from this tag
        on that is here or comes in this cycle never happened, unless it is committed already.
    done:
        In: the instruction that executes completes in this cycle.
    enters, advances:
        Out: the offered instruction waits from the next cycle on; the one that waits executes from then on.
    executing:
        Out: an instruction is committed and not complete.
    offer_committed:
        Out: this cycle's commit is also for the instruction on offer, valid or not.
    """

    def __init__(self, tag_bits: int) -> None:
        super().__init__(
            {
                "offered": In(1),
                "offered_tag": In(tag_bits),
                "offered_committed": In(1),
                "ready": Out(1),
                "waiting_tag": In(tag_bits),
                "commit_valid": In(1),
                "commit_tag": In(tag_bits),
                "commit_kill": In(1),
                "done": In(1),
                "enters": Out(1),
                "advances": Out(1),
                "executing": Out(1),
                "offer_committed": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        waits = Signal()
        executes = Signal()
        committed = Signal()
        commits = self.commit_valid & ~self.commit_kill
        kills = self.commit_valid & self.commit_kill
        to_waiting, to_offered = (self._distance(tag) for tag in (self.waiting_tag, self.offered_tag))
        # A core may give two instructions in a row the same tag: the commit is for the older one then.
        other_meant = waits & ~committed & ~to_waiting.any() & ~to_offered.any()
        commits_waiting = commits & ~to_waiting[-1]
        kills_waiting = kills & (to_waiting[-1] | ~to_waiting.any()) & ~committed
        kills_offered = kills & (to_offered[-1] | ~to_offered.any()) & ~self.offered_committed & ~other_meant
        m.d.comb += [
            self.executing.eq(executes),
            self.offer_committed.eq(commits & ~to_offered[-1] & ~other_meant),
            self.advances.eq(waits & (committed | commits_waiting) & (~executes | self.done)),
            self.ready.eq(~waits | self.advances),
            self.enters.eq(self.offered & self.ready & ~kills_offered),
        ]
        m.d.sync += [
            executes.eq(executes & ~self.done | self.advances),
            waits.eq(self.enters | waits & ~self.advances & ~kills_waiting),
            committed.eq(
                Mux(
                    self.enters,
                    self.offered_committed | self.offer_committed,
                    waits & (committed | commits_waiting),
                )
            ),
        ]
        return m

    def _distance(self, tag: Value) -> Value:
        """Return by how much what is committed or killed is younger than ``tag``; negative: older."""
        return (self.commit_tag - tag)[: len(tag)]
