"""X W on an array on a board, as words: cut into tiles, put into its memories, run, and read back.

Tiles are played in runs: lists of them, as long as the memories hold what they need. Activations stay where
they are as long as there is room, so that each goes over the line once if all of a block of vectors fit. On a
stream port sums stay on the board until they are done; on the word port the host adds the tiles' results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tileloom.driver.serial import ResetError, SerialBus
from tileloom.systolic.config import Port
from tileloom_golden.checks import Words
from tileloom_golden.formats import Rounding
from tileloom_golden.rounding import add
from tileloom_golden.systolic.tiles import nonzero_tiles, split_tiles

from ..board.port import RESTARTS
from . import beats, reference
from .board_player import COUNTERS, PlayerOnBoard


@dataclass
class Product:
    """A product: its words (M x N), tiles in all and those computed, counters, runs, resets of the board.

    The counters are of all runs, those before a reset included.
    """

    words: Words
    tiles: int
    computed: int
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTERS, 0))
    runs: int = 0
    resets: int = 0


def multiply_words(
    player: PlayerOnBoard, bus: SerialBus, x: Words, w: Words, progress: Callable[[int, int], None]
) -> Product:
    """Return X W for M x K and K x N words of the array's formats; tiles of zeros are left out.

    ``progress`` is called with tiles done, and all. Raises LinkError where nobody answers, BusError where
    an access fails, CheckError where a run does not end or not as it should.
    """
    config = player.config
    tiles = split_tiles(w, config.rows, config.columns)
    kept = nonzero_tiles(tiles, reference.operand_format(config.weight))
    chosen = [(int(k), int(n)) for n, k in np.argwhere(kept.T)]
    product = Product(np.zeros((len(x), kept.shape[1] * config.columns), np.uint64), kept.size, len(chosen))
    padded = np.pad(x, ((0, 0), (0, kept.shape[0] * config.rows - x.shape[1])))
    inner = len({k for k, _ in chosen})
    most = _vectors_of_a_block(player, inner)
    blocks = range(0, len(x), most) if chosen else ()
    for number, begin in enumerate(blocks):
        rows = slice(begin, begin + most)
        for attempt in range(RESTARTS + 1):
            block = _Block(player, padded[rows], tiles, chosen, product)
            try:
                product.words[rows] = block.run()
                break
            except ResetError:
                if attempt == RESTARTS:
                    raise
                product.resets += 1
                bus.open()
        progress((number + 1) * len(chosen), len(blocks) * len(chosen))
    product.words = product.words[:, : w.shape[1]]
    return product


def _vectors_of_a_block(player: PlayerOnBoard, inner: int) -> int:
    """Return how many vectors go at a time: as many as there is room for, if it can be with all of K."""
    room = {name: player.windows[name].depth // player.transfers[name] for name in ("activations", "results")}
    return min(room["results"], max(1, room["activations"] // max(1, inner)))


class _Block:
    """All tiles of some vectors."""

    def __init__(
        self,
        player: PlayerOnBoard,
        x: Words,
        tiles: Words,
        chosen: list[tuple[int, int]],
        product: Product,
    ) -> None:
        self.player, self.x, self.tiles, self.chosen, self.product = player, x, tiles, chosen, product
        config = player.config
        self.host_adds = config.port is Port.WORD
        self.sums = np.zeros((len(x), tiles.shape[1] * config.columns), np.uint64)
        depth = {name: window.depth for name, window in player.windows.items()}
        self.size = {name: len(x) * player.transfers[name] for name in ("activations", "results")}
        self.room = {name: depth[name] // size for name, size in self.size.items()}
        self.longest = min(depth["tiles"], depth["weights"] // player.transfers["weights"])
        self.resident: dict[int, int] = {}  # the slot of a tile's activations
        self.slots: dict[tuple[int, int], int] = {}  # of its results: (n, k), k 0 where the board adds
        self.entries: list[int] = []
        self.weights: list[Words] = []

    def run(self) -> Words:
        """Return the sums of all columns, M x a multiple of the columns."""
        remaining = {n: sum(1 for _, other in self.chosen if other == n) for _, n in self.chosen}
        for k, n in self.chosen:
            key = (n, k if self.host_adds else 0)
            continued = key in self.slots
            if (
                len(self.entries) == self.longest
                or (not continued and len(self.slots) == self.room["results"])
                or (k not in self.resident and len(self.resident) == self.room["activations"])
            ):
                self._play(remaining)
            if k not in self.resident:
                self._load(k)
            if key not in self.slots:
                free = set(range(self.room["results"])) - set(self.slots.values())
                self.slots[key] = min(free)
            place = self.slots[key] * self.size["results"]
            activations = self.resident[k] * self.size["activations"]
            self.entries.append(activations | place << 16 | (continued and not self.host_adds) << 31)
            self.weights.append(self.tiles[k, n])
            remaining[n] -= 1
        self._play(remaining)
        return self.sums

    def _load(self, k: int) -> None:
        """Put the activations of a tile into the memory; all that were there go where it is full."""
        config = self.player.config
        if len(self.resident) == self.room["activations"]:
            self.resident.clear()
        slot = self.resident[k] = len(self.resident)
        vectors = self.x[:, k * config.rows : (k + 1) * config.rows]
        content = beats.vector_beats(config, vectors, config.activation.width)
        self.player.write("activations", slot * self.size["activations"], content)

    def _play(self, remaining: dict[int, int]) -> None:
        """Run what is listed, and read the results that are done."""
        config = self.player.config
        if not self.entries:
            return
        self.player.write("weights", 0, beats.weight_beats(config, np.stack(self.weights)))
        spent = self.player.play(self.entries, len(self.x))
        self.product.runs += 1
        for name, value in spent.items():
            self.product.counters[name] += value
        self.entries, self.weights = [], []
        for (n, k), slot in list(self.slots.items()):
            if self.host_adds or not remaining[n]:
                self._take(n, slot)
                del self.slots[n, k]

    def _take(self, n: int, slot: int) -> None:
        config = self.player.config
        size, width = self.size["results"], config.accumulator.width
        raw = self.player.read("results", slot * size, size)
        elements = 1 if self.host_adds else config.columns
        part = beats.unpack(raw, elements, width).reshape(len(self.x), config.columns)
        span = slice(n * config.columns, (n + 1) * config.columns)
        if self.host_adds:
            accumulator = reference.float_format(config.accumulator)
            part = add(self.sums[:, span], part, accumulator, Rounding(config.rounding.value))
        self.sums[:, span] = part
