"""The sequencer's tiles: every tile of the strip for each tap of each block, once, in order.

    place --[read: A buffer]--> tile --[waits for its block]--> core

The places are those of ``tile_places``. One tile of one half of the accumulators is followed, whichever: its
sums begin anew where nothing was computed in it since the half was taken, and the drain is told if so.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.config import EngineConfig
from tileloom.engine.engine import core_timing
from tileloom.engine.sequencer import Sequencer

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number
from .drain_places import is_set
from .tile_places import TilePlaces

FOLLOWED = ("its x", "its y", "its half")
"""The tile that is followed."""

STEP = ("valid", "tile", "half", "finish")
"""What goes with a tile, beside ``first``."""

STAGES = {"read": ("reading", "begin_read", "last_read"), "core": ("at_core", "begin_at_core", "last")}
"""Registers behind the loops: a step's, and that it begins and ends a pass through the strip."""


def tile_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proof of an engine's sequencer, of 2 C tiles or more; none with ``activation_mask``."""
    title = "sequencer: tiles of a strip, each tap, in order"

    def make() -> list[Query]:
        return TileProof(config, open_netlist(Sequencer(config, core_timing(config)))).queries()

    return [] if config.activation_mask else [Proof(title, config.label, "", 0, "induction", make)]


class TileProof:
    """The proof of a sequencer that has a netlist."""

    def __init__(self, config: EngineConfig, netlist: Netlist) -> None:
        self.config = config
        self.at = TilePlaces(config, netlist)
        self.enable, finish = port("enable", 0), port("commands__payload.finish", 0)
        self.finishes = all_of(self.at.column_ends, finish)
        here = f"(= {kept('half')} {kept('its half')})"
        self.takes = f"(and {port('c_take', 0)} {here})"
        self.goes_on = all_of(self.at.computes, here, f"(not {port('c_take', 0)})")
        own = (f"(= {kept(name)} {kept(f'its {name}')})" for name in ("x", "y"))
        self.is_its = all_of(self.at.computes, here, *own)
        self._record_steps()
        self._record_followed()

    def queries(self) -> list[Query]:
        """Return the queries of the proof."""
        record = Record(self.at.widths, self.at.following, {})
        before, after = ([*self.at.place_agrees(step), *self._agreement(step)] for step in (0, 1))
        claims = [*self._claims(), *self._core_claims()]
        return induction(self.at.netlist, record, (before, after), claims, assumed=self._rules())

    def _record_steps(self) -> None:
        """Add what is being read and what is at the core."""
        at = self.at
        begins = all_of(*(f"(= {kept(name)} {number(0, at.count)})" for name in ("x", "y")))
        known = any_of(is_set("taken"), self.takes)
        steps = {
            "valid": (1, bit(at.computes)),
            "tile": (at.tile, at.tile_at()),
            "half": (1, kept("half")),
            "finish": (1, bit(self.finishes)),
            "begins": (1, bit(begins)),
            "ends": (1, bit(at.ends_tap)),
            "mine": (1, bit(all_of(self.is_its, known))),
            "first": (1, bit(any_of(self.takes, f"(not {is_set('touched')})"))),
        }
        for name, (width, value) in steps.items():
            at.add(f"read {name}", width, value, self.enable)
            at.add(f"core {name}", width, kept(f"read {name}"), self.enable)
        at.add("address", at.address, at.address_at(), self.enable)
        at.add("blocks", at.address, at.field("blocks"), self.enable)
        if at.bank:
            at.add("rotation", at.bank, kept("bank"), self.enable)

    def _record_followed(self) -> None:
        """Add the tile that is followed, its half's strip, and whether anything was computed in it."""
        at = self.at
        at.widths |= {"its x": at.count, "its y": at.count, "its half": 1, "touched": 1}
        at.add("rows", at.count, at.field("rows"), self.takes)
        at.add("tiles", at.count, at.field("tiles"), self.takes)
        at.add("taken", 1, "#b1", self.takes)
        at.following["touched"] = f"(ite {self.is_its} #b1 (ite {self.takes} #b0 {kept('touched')}))"

    def _rules(self) -> Iterator[str]:
        """Yield what is assumed: one tile is followed, tokens stand still, and a column has one strip."""
        at, counts = self.at, ("rows", "tiles")
        yield from (f"(= {kept(name, 1)} {kept(name)})" for name in FOLLOWED)
        yield f"(not (and {at.begun()} {port('tokens__payload.empty', 0)}))"
        same = all_of(*(f"(= {at.field(name)} {kept(name)})" for name in counts))
        yield f"(=> {self.goes_on} {same})"
        some = all_of(*(f"(not (= {at.field(name)} {number(0, at.count)}))" for name in counts))
        yield f"(=> {port('commands__valid', 0)} {some})"

    def _agreement(self, step: int) -> Iterator[str]:
        """Yield how registers and record belong together, of steps on their way and of the tile followed."""
        at = self.at
        for stage, (signal, begins, ends) in STAGES.items():
            pairs = {name: f"{signal}.{name}" for name in STEP} | {"begins": begins, "ends": ends}
            for name, register in pairs.items():
                yield f"(= {at.value(register, step)} {kept(f'{stage} {name}', step)})"
            first = f"(= {at.value(f'{signal}.first', step)} {kept(f'{stage} first', step)})"
            yield f"(=> {is_set(f'{stage} mine', step)} {first})"
        yield from self._fetched(step)

        # A half is untouched until the first pass through its tiles ends.
        here = f"(= {kept('half', step)} {kept('its half', step)})"
        x, y, its_x, its_y = (kept(name, step) for name in ("x", "y", "its x", "its y"))
        past = f"(or (bvult {its_y} {y}) (and (= {its_y} {y}) (bvult {its_x} {x})))"
        first_pass = f"(= {is_set('touched', step)} (and {here} {past}))"
        agrees = f"(ite {self._untouched(step)} {first_pass} {is_set('touched', step)})"
        yield f"(=> {self._exists(step)} {agrees})"
        yield f"(=> {at.begun(step)} {port('opened', step)})"
        zero, counts = number(0, at.count), {"x": "tiles", "y": "rows"}
        inside = (
            f"(or (= {kept(name, step)} {zero}) (bvult {kept(name, step)} {kept(of, step)}))"
            for name, of in counts.items()
        )
        yield f"(=> {all_of(is_set('taken', step), here, at.begun(step))} {all_of(*inside)})"

    def _fetched(self, step: int) -> Iterator[str]:
        """Yield where the A buffer is read."""
        address = kept("address", step)
        yield f"(= {self.at.value('fetch__address', step)} {address})"
        wrapped = f"(= {self.at.value('fetch__wrapped', step)} (bvadd {address} {kept('blocks', step)}))"
        yield f"(=> {is_set('read valid', step)} {wrapped})"
        if self.at.bank:
            yield f"(= {self.at.value('fetch__rotation', step)} {kept('rotation', step)})"

    def _exists(self, step: int) -> str:
        """Return that the half was taken and its strip has the tile that is followed."""
        pairs = {"its x": "tiles", "its y": "rows"}
        within = (f"(bvult {kept(name, step)} {kept(of, step)})" for name, of in pairs.items())
        return all_of(is_set("taken", step), *within)

    def _untouched(self, step: int) -> str:
        both = self.at.value("untouched", step)
        return f"(= (ite {is_set('its half', step)} {bits(both, 1, 1)} {bits(both, 0, 0)}) #b1)"

    def _claims(self) -> Iterator[str]:
        """Yield what holds of the ports to streams, locks, A buffer and drain."""
        at = self.at
        final, end = (port(f"tokens__payload.{name}", 0) for name in ("final", "end"))
        done = all_of(at.token_ends, end)
        yield f"(= {port('tokens__ready', 0)} {at.token_ends})"
        yield f"(= {port('commands__ready', 0)} (and {at.token_ends} {final}))"
        yield f"(= {port('done', 0)} {done})"
        yield f"(= {port('a_take', 0)} (and {done} {port('commands__payload.release', 0)}))"
        yield f"(= {port('fetch__valid', 0)} (and {self.enable} {is_set('read valid')}))"
        yield from self._fetched(0)
        away = f"(not (= {kept('half')} {kept('its half')}))"
        told = f"(= {self._untouched(0)} (not {is_set('touched')}))"
        yield f"(=> {all_of(self._exists(0), away)} {told})"

    def _core_claims(self) -> Iterator[str]:
        """Yield that a step goes to the core once, and waits there for its block if it begins one."""
        ready, begins = port("block_ready", 0), all_of(is_set("core valid"), is_set("core begins"))
        yield f"(= {self.enable} (or (not {begins}) {ready}))"
        yield f"(= {port('take', 0)} (and {begins} {ready}))"
        yield f"(= {port('step.valid', 0)} (and {self.enable} {is_set('core valid')}))"
        yield f"(= {port('step.finish', 0)} (and {self.enable} {is_set('core finish')}))"
        for name in ("tile", "half"):
            yield f"(= {self.at.value(f'step.{name}')} {kept(f'core {name}')})"
        yield f"(=> {is_set('core mine')} (= {self.at.value('step.first')} {kept('core first')}))"
        yield f"(= {self.at.value('last')} {kept('core ends')})"
