"""The drain: every row of C once, in order, made of the sums computed for it and nothing else.

    place --[read, if it begins a tile]--> sums, or what they start from --[LATENCY or 1]--> results

The places are those of ``drain_places``. What a lane makes of a sum and its column's parameters is its own;
what it is given, and when, is proved here.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.config import Core, EngineConfig
from tileloom.engine.drain import Drain
from tileloom.engine.feeder import header_layout
from tileloom.engine.requantise import LATENCY

from ..verify.induction import Record, all_of, induction, kept
from ..verify.netlist import Netlist, bits_of, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, canonical, number
from .drain_places import DrainPlaces, is_set, resized


def drain_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proof of an engine's drain, of 2 C tiles or more."""
    title = "drain: rows of a column once, in order"
    make = lambda: DrainProof(config, open_netlist(Drain(config))).queries()  # noqa: E731
    return [Proof(title, config.label, "", 0, "induction", make)]


class DrainProof:
    """The proof of a drain that has a netlist."""

    def __init__(self, config: EngineConfig, netlist: Netlist) -> None:
        self.config, self.netlist = config, netlist
        self.at = DrainPlaces(config, netlist)
        self.known = f"(ite {is_set('its half')} {is_set('has header 1')} {is_set('has header 0')})"
        self._record_headers()

    def queries(self) -> list[Query]:
        """Return the queries of the proof."""
        record = Record(self.at.widths, self.at.following, {})
        before, after = ([*self.at.place_agrees(step), *self._words_agree(step)] for step in (0, 1))
        claims = [*self.at.place_claims(), *self._claims()]
        return induction(self.netlist, record, (before, after), claims, assumed=self.at.rules())

    def _record_headers(self) -> None:
        """Add the header that came last, for each half, and the youngest transfer's results without lanes."""
        config, value = self.config, self.at.value
        for half in range(2):
            taken = f"(and {port('header_take', 0)} (= {value('header_half')} {number(half, 1)}))"
            self.at.add(f"has header {half}", 1, "#b1", taken)
            self.at.add(f"header {half}", header_layout(config).size, value("header"), taken)
        if config.requantise:
            return
        words = []
        for word in self._sums():
            below = f"(and {is_set('relu 0')} (= {bits(word, config.sum_bits - 1, config.sum_bits - 1)} #b1))"
            words.append(f"(ite {below} {number(0, config.sum_bits)} {word})")
        for index, word in enumerate(words):
            self.at.add(f"word {index}", config.sum_bits, word, self.at.moves)
        self.at.add("known", 1, bit(self.known), self.at.moves)

    def _sums(self) -> list[str]:
        """Return the sums of the youngest transfer, or what they start from if nothing was computed."""
        config, value = self.config, self.at.value
        row = config.n * config.sum_bits
        each = bits_of(self.netlist.sorts["untouched"]) // 2
        both = value("untouched")
        own = f"(ite {is_set('its half')} {bits(both, 2 * each - 1, each)} {bits(both, each - 1, 0)})"
        if config.activation_mask:
            own = bits(f"(bvlshr {own} {resized(kept('its tile'), self.at.tile, each)})", 0, 0)
        found = []
        for index in range(config.drain_rows * config.n):
            lowest = range(index * config.sum_bits, config.m * row, config.drain_rows * row)
            first, *others = (bits(value("sums__word"), low + config.sum_bits - 1, low) for low in lowest)
            for group, other in enumerate(others, 1):
                first = f"(ite (= {kept('its group')} {number(group, self.at.group)}) {other} {first})"
            found.append(f"(ite (= {own} #b1) {self._start(index % config.n)} {first})")
        return found

    def _start(self, column: int) -> str:
        """Return what a sum of the youngest transfer's half starts from."""
        if self.config.requantise:
            return number(0, self.config.sum_bits)
        return f"(ite {is_set('its half')} {self._bias(1, column)} {self._bias(0, column)})"

    def _bias(self, half: int, column: int) -> str:
        """Return the bias of a half's column; a zero is +0, as every one that leaves."""
        low = column * self.config.sum_bits
        word = bits(kept(f"header {half}"), low + self.config.sum_bits - 1, low)
        return canonical(word, self.config.accumulator) if self.config.core is Core.SYSTOLIC else word

    def _words_agree(self, step: int) -> Iterator[str]:
        """Yield how registers and record belong together, of headers and of results without lanes."""
        for half in range(2):
            same = f"(= {self.at.value(f'headers[{half}]', step)} {kept(f'header {half}', step)})"
            yield f"(=> {is_set(f'has header {half}', step)} {same})"
        if not self.config.requantise:
            there = all_of(is_set("valid 1", step), is_set("known", step))
            for index in range(self.config.drain_rows * self.config.n):
                same = f"(= {self.at.value(f'word_{index}', step)} {kept(f'word {index}', step)})"
                yield f"(=> {there} {same})"

    def _claims(self) -> Iterator[str]:
        """Yield what holds of the words that come in and go out."""
        config, value = self.config, self.at.value
        leaves = is_set(f"valid {self.at.stages}")
        if not config.requantise:
            leaves = all_of(leaves, is_set("known"))
            for half in range(2):
                for column in range(config.n):
                    given = f"(= {value(f'starts[{half}][{column}]')} {self._bias(half, column)})"
                    yield f"(=> {is_set(f'has header {half}')} {given})"
        for index in range(config.drain_rows * config.n):
            row, column = divmod(index, config.n)
            if config.requantise:
                yield from self._lane(index, column)
            word = value(f"lane_{index}__q") if config.requantise else kept(f"word {index}")
            there = is_set(f"there {row} {self.at.stages}")
            shown = f"(ite {there} {word} {number(0, config.result_bits)})"
            yield f"(=> {leaves} (= {value(f'results__payload.data[{index}]')} {shown}))"

    def _lane(self, index: int, column: int) -> Iterator[str]:
        """Yield what a lane is given: a sum with its column's parameters, and later whether it has ReLU."""
        value, size = self.at.value, header_layout(self.config).size // self.config.n
        header = f"(ite {is_set('its half')} {kept('header 1')} {kept('header 0')})"
        own = bits(header, (column + 1) * size - 1, column * size)
        yield f"(= {port(f'lane_{index}__enable', 0)} {self.at.moves})"
        yield f"(=> {is_set('valid 0')} (= {value(f'lane_{index}__result')} {self._sums()[index]}))"
        given = f"(= {value(f'lane_{index}__parameters')} {own})"
        yield f"(=> {all_of(is_set('valid 0'), self.known)} {given})"
        yield f"(= {value(f'lane_{index}__relu')} {kept(f'relu {LATENCY - 1}')})"
