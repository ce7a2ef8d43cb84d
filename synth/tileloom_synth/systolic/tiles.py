"""A systolic array's tiles: every vector meets the weights of its own tile, whatever stalls, swaps or resets.

Tiles are numbered as they come. Beside the netlist, a record that handshakes decide keeps the number of the
tile whose word was last written where, and of the tile that each vector in the array belongs to:

    transfers, tiles loaded      the loader's place must be theirs, and each word goes to its element
    tiles ended by ``last``      what a vector belongs to, from its start on, moving on with ``enable``
    tile of each element         in use, and with double buffering in its shadow register

In every cycle in which an element multiplies for a vector, the two numbers must be the same. That follows
from an invariant, which a reset establishes in any state, and which no cycle leaves; both are checked.
Numbers are taken modulo 8; the invariant says that no more than two apart are in the array.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tileloom.systolic.config import WORD_BITS, Port, SystolicConfig
from tileloom.systolic.timing import Timetable

from ..verify.induction import Record, induction, kept
from ..verify.netlist import port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bits, number
from .vectors import OpenArray, open_array, weight_used

TAG_BITS = 3


def tile_proofs(config: SystolicConfig) -> list[Proof]:
    """Return the proofs that weights are those of each vector's tile."""
    return [
        Proof(
            "weights: those of a vector's tile",
            *(config.label, "", 0),
            "induction",
            lambda: queries(Tiles(open_array(config))),
        )
    ]


@dataclass(frozen=True)
class Tiles:
    """What is kept of an array's ports beside its netlist, as symbols of steps."""

    array: OpenArray

    @property
    def config(self) -> SystolicConfig:
        """The array's configuration."""
        return self.array.config

    @property
    def timetable(self) -> Timetable:
        """Its timetable."""
        return Timetable(self.config)

    @property
    def elements(self) -> list[tuple[int, int]]:
        """Row and column of every element."""
        return [(row, column) for row in self.array.rows for column in self.array.columns]

    @property
    def oldest(self) -> int:
        """The last age of a vector in which an element multiplies for it, in enabled cycles."""
        return min(max(weight_used(self.config, *element).stop for element in self.elements), self.ages) - 1

    @property
    def ages(self) -> int:
        """Ages of a vector that is in the array."""
        return self.timetable.result_appears(self.config.columns - 1) + 1

    def transfer_of(self, row: int, column: int) -> int:
        """Return which transfer of a tile has an element's weight."""
        words = -(-self.config.columns // self.per_transfer)
        return row * words + column // self.per_transfer

    @property
    def per_transfer(self) -> int:
        """Weights of a transfer: a row, or as many as a word has."""
        return self.config.columns if self.config.port is Port.STREAM else self.config.weights_per_word

    @property
    def transfers(self) -> int:
        """Transfers of a tile."""
        return self.config.rows * -(-self.config.columns // self.per_transfer)

    def widths(self) -> dict[str, int]:
        """Return the names of what is kept, and their bits."""
        kept = dict.fromkeys(("loaded", "ended"), TAG_BITS) | {"transfer": self.transfers.bit_length()}
        kept |= {f"vector {age}": TAG_BITS for age in range(1, self.oldest + 1)}
        for row, column in self.elements:
            kept[f"weight {row} {column}"] = TAG_BITS
            if self.config.double_buffer:
                kept[f"shadow {row} {column}"] = TAG_BITS
        return kept

    def record(self) -> Record:
        """Return the record, which changes by handshakes and by what elements write and swap."""
        array, config, widths = self.array, self.config, self.widths()
        enable = port("mesh.enable", 0)
        transfer = f"(and {port('weights__valid', 0)} {port('weights__ready', 0)})"
        whole = f"(and {transfer} (= {kept('transfer')} {self.count(self.transfers - 1)}))"
        counted = f"(ite {transfer} (bvadd {kept('transfer')} {self.count(1)}) {kept('transfer')})"
        following = {
            "loaded": f"(ite {whole} {plus(kept('loaded'), 1)} {kept('loaded')})",
            "transfer": f"(ite {whole} {self.count(0)} {counted})",
            "ended": f"(ite (and {enable} {self.ending()}) {plus(kept('ended'), 1)} {kept('ended')})",
        }
        for age in range(1, self.oldest + 1):
            before = kept("ended") if age == 1 else kept(f"vector {age - 1}")
            following[f"vector {age}"] = f"(ite {enable} {before} {kept(f'vector {age}')})"
        for row, column in self.elements:
            name = f"{'shadow' if config.double_buffer else 'weight'} {row} {column}"
            written = port(array.element(row, column, "weight_write"), 0)
            following[name] = f"(ite {written} {kept('loaded')} {kept(name)})"
            if config.double_buffer:
                swapped = f"(and {enable} {port(array.element(row, column, 'swap_in'), 0)})"
                shadow, name = kept(name), f"weight {row} {column}"
                following[name] = f"(ite {swapped} {shadow} {kept(name)})"
        # After a reset the last tile that was loaded is the one before the first.
        counts = ("loaded", "ended", "transfer")
        init = {name: number(-1, TAG_BITS) for name in widths if name not in counts}
        return Record(widths, following, init)

    def count(self, value: int) -> str:
        """Return a constant as wide as the count of transfers."""
        return number(value, self.transfers.bit_length())

    def ending(self) -> str:
        """Return whether the last word of a tile's last vector is at the port in step 0, and wanted.

        Behind registers a tile whose weights are kept goes on.
        """
        array, age = self.array, self.timetable.vector_complete
        kept = f"(not {array.bit('keep', 0, 0)})" if self.config.wrapper else ""
        last = array.bit("activations__payload.last", 0, 0)
        return f"(and {array.bit('wavefront.taps', age, 0)} {last} {kept})"


def plus(tag: str, value: int) -> str:
    """Return a tile's number and so many more."""
    return f"(bvadd {tag} {number(value, TAG_BITS)})"


def invariant(tiles: Tiles, step: int) -> Iterator[str]:
    """Yield the conditions that hold in every cycle after a reset."""
    array, config, timetable = tiles.array, tiles.config, tiles.timetable
    double, loaded = config.double_buffer, kept("loaded", step)
    vacant, full = port("loader.vacant", step), port("loader.loaded", step)
    since = 0 if double else timetable.vector_complete
    released = timetable.weights_released
    # ``token[k]``: the vector that hands over the weights, or ends with them, is so old.
    token = {
        since + tap: array.bit("loader.leaving.taps", tap, step) for tap in range(1, released - since + 1)
    }
    there = {age: array.bit("wavefront.taps", age, step) for age in range(1, tiles.ages)}

    # The loader's place is that of the transfers, and of the three that a tile can be in, it is in one.
    yield f"(= {kept('transfer', step)} {place(tiles, step)})"
    yield f"(bvult {kept('transfer', step)} {tiles.count(tiles.transfers)})"
    yield f"(=> (not {vacant}) (= {kept('transfer', step)} {tiles.count(0)}))"
    states = [vacant, full, *token.values()]
    yield f"(or false {' '.join(states)})"
    for index, one in enumerate(states):
        for other in states[index + 1 :]:
            yield f"(not (and {one} {other}))"
    # Vectors start an interval apart.
    for age, vector in there.items():
        for younger in range(max(1, age - config.step_interval + 1), age):
            yield f"(not (and {vector} {there[younger]}))"
    # What elements hold.
    for row, column in tiles.elements:
        first = kept(f"{'shadow' if double else 'weight'} {row} {column}", step)
        written = f"(bvult {tiles.count(tiles.transfer_of(row, column))} {kept('transfer', step)})"
        yield f"(= {first} (ite {written} {loaded} {plus(loaded, -1)}))"
    if double:
        yield from _double(tiles, step, token, there)
    else:
        yield f"(= {kept('ended', step)} (ite {full} {plus(loaded, -1)} {loaded}))"
        for age, vector in there.items():
            if age <= released:
                tag = kept(f"vector {age}", step)
                yield f"(=> {vector} (and (not {vacant}) (= {tag} {plus(loaded, -1)})))"
            for ended, last in token.items():
                if age < ended:
                    yield f"(not (and {last} {vector}))"


def _double(tiles: Tiles, step: int, token: dict[int, str], there: dict[int, str]) -> Iterator[str]:
    """Yield what holds with double buffering: a tile's first vector swaps as it goes."""
    array, config, timetable = tiles.array, tiles.config, tiles.timetable
    loaded = kept("loaded", step)
    full, first = port("loader.loaded", step), port("loader.first", step)
    one, none = number(1, TAG_BITS), number(0, TAG_BITS)
    ahead = f"(bvadd (ite {full} {one} {none}) (ite {first} {none} {one}))"
    yield f"(= {kept('ended', step)} (bvsub {loaded} {ahead}))"
    in_use = plus(loaded, -1)
    before = plus(loaded, -2)
    for row, column in tiles.elements:
        due = timetable.activation_due(row) + config.segment(column)
        waiting = " ".join([full, *(at for age, at in token.items() if age <= due)])
        yield (f"(= {kept(f'weight {row} {column}', step)} (ite (or false {waiting}) {before} {in_use}))")
        name = array.element(row, column, "swap")
        followed = config.segment(column) < config.segment(config.columns - 1)
        if followed and name in array.netlist.sorts and due + 1 in token:
            yield f"(= {port(name, step)} {token[due + 1]})"
    for age, vector in there.items():
        # Those behind the first vector of a tile belong to it, those ahead of it to the tile before.
        behind = [at for of, at in token.items() if of < age]
        older = f"(or false {' '.join([full, *behind])})"
        if age <= tiles.oldest and age <= timetable.weights_released + config.step_interval:
            yield f"(=> {vector} (= {kept(f'vector {age}', step)} (ite {older} {before} {in_use})))"
    for age, at in token.items():
        yield f"(=> {at} {there[age]})"
    for age in range(1, timetable.vector_complete + 1):  # words of it are still to come
        yield f"(not (and {there[age]} {first}))"


def place(tiles: Tiles, step: int) -> str:
    """Return the loader's place as a count of transfers."""
    netlist, width = tiles.array.netlist, tiles.transfers.bit_length()
    words = -(-tiles.config.columns // tiles.per_transfer)

    def field(name: str) -> str:
        # With one row, or one transfer a row, there is none.
        return netlist.number(name, step, width) if name in netlist.sorts else number(0, width)

    return f"(bvadd (bvmul {field('loader.row')} {number(words, width)}) {field('loader.group')})"


def queries(tiles: Tiles) -> list[Query]:
    """Return the queries of the proof."""
    array, config = tiles.array, tiles.config
    claims = []
    for row, column in tiles.elements:
        for age in weight_used(config, row, column):
            if age < tiles.ages:
                same = f"(= {kept(f'weight {row} {column}')} {kept(f'vector {age}')})"
                claims.append(f"(=> {array.bit('wavefront.taps', age, 0)} {same})")
        due = f"(= {kept('transfer')} {tiles.count(tiles.transfer_of(row, column))})"
        taken = f"(and {port('weights__valid', 0)} {port('weights__ready', 0)})"
        write = port(array.element(row, column, "weight_write"), 0)
        claims.append(f"(= {write} (and {taken} {due}))")
    return induction(
        array.netlist,
        tiles.record(),
        (invariant(tiles, 0), invariant(tiles, 1)),
        claims,
        leads_to=[condition for element in tiles.elements for condition in _moves(tiles, *element)],
        told={"vectors": port("wavefront.taps", 0), "leaving": port("loader.leaving.taps", 0)},
    )


def _moves(tiles: Tiles, row: int, column: int) -> Iterator[str]:
    """Yield where an element's weight comes from: its word at the port, encoded; a swap's, the shadow."""
    array, config = tiles.array, tiles.config
    place, width = column % tiles.per_transfer, config.weight.width
    word = port(f"loader.encode_{place}.word", 0)
    low = place * width if config.port is Port.STREAM else WORD_BITS - (place + 1) * width
    yield f"(= {word} {bits(port('weights__payload', 0), low + width - 1, low)})"
    weight, write = (array.element(row, column, name) for name in ("weight", "weight_write"))
    encoded = port(f"loader.encode_{place}.factor", 0)
    if config.double_buffer:
        shadow = array.element(row, column, "shadow")
        swap = f"(and {port('mesh.enable', 0)} {port(array.element(row, column, 'swap_in'), 0)})"
        yield f"(= {port(weight, 1)} (ite {swap} {port(shadow, 0)} {port(weight, 0)}))"
        weight = shadow
    yield f"(= {port(weight, 1)} (ite {port(write, 0)} {encoded} {port(weight, 0)}))"
