"""Cycles of a transformer's encoder on CV32E40P, layer by layer: on an array, and by software alone.

Products with weights go to the array. Those of two activations, scores and their use, go there too if its
weights are FP32, packed by the core first; an array with INT8 weights leaves them to software, or has them of
keys and values that the core quantises. The models are within 1 % of RTL at single-cycle memory; packing, and
what is no product, is estimated by instructions for each element.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom.families import load
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor.design import timing
from tileloom_golden.estimate.accumulated import accumulated_cycles
from tileloom_golden.estimate.coprocessor import array_cycles
from tileloom_golden.estimate.generator import generator_cycles
from tileloom_golden.estimate.quantise import quantise_beside_cycles, quantise_cycles
from tileloom_golden.estimate.software import blocked_cycles, plain_cycles
from tileloom_golden.systolic.tiles import tile_grid

Mask = npt.NDArray[np.bool_]

ATTENTION, FEED_FORWARD = "attention", "feed-forward"
LAYERS = (ATTENTION, FEED_FORWARD)
"""Of a block, each with its normalisation and its residual sum."""

SOFTWARE = ("blocked", "plain")
"""By which a core alone multiplies: the best that we could write, and the plain loop."""


@dataclass(frozen=True)
class Product:
    """A product of a block: its name and layer, M x K x N, how often, whether one side of it is weights.

    Of two activations the right one may be ``turned``: the transpose of what was computed.
    """

    name: str
    layer: str
    m: int
    k: int
    n: int
    times: int = 1
    weights: bool = True
    turned: bool = False

    @property
    def macs(self) -> int:
        """Multiplications, all times."""
        return self.times * self.m * self.k * self.n


@dataclass(frozen=True)
class Rest:
    """What else a layer does: elements, and cycles for each, by the instructions of a plain loop."""

    name: str
    layer: str
    elements: int
    cycles: int


@dataclass(frozen=True)
class Encoder:
    """Shape of an encoder.

    Attributes
    ----------
    blocks:
        Each an attention and a feed-forward layer.
    width, heads, hidden:
        Of a vector; of attention; of a vector between the two feed-forward matrices.
    sequence:
        Vectors.
    """

    blocks: int
    width: int
    heads: int
    hidden: int
    sequence: int

    @property
    def products(self) -> tuple[Product, ...]:
        """Of one block, in order."""
        length, head = self.sequence, self.width // self.heads
        return (
            Product("projections", ATTENTION, length, self.width, self.width, 4),
            Product("scores", ATTENTION, length, head, length, self.heads, weights=False, turned=True),
            Product("context", ATTENTION, length, length, head, self.heads, weights=False),
            Product("feed-forward 1", FEED_FORWARD, length, self.width, self.hidden),
            Product("feed-forward 2", FEED_FORWARD, length, self.hidden, self.width),
        )

    @property
    def rest(self) -> tuple[Rest, ...]:
        """Of one block."""
        vectors = self.sequence * self.width
        return (
            Rest("softmax", ATTENTION, self.heads * self.sequence**2, 40),
            Rest("activation", FEED_FORWARD, self.sequence * self.hidden, 4),
            *(Rest("normalisation", layer, vectors, 12) for layer in LAYERS),
            *(Rest("residual sum", layer, vectors, 4) for layer in LAYERS),
        )

    @property
    def macs(self) -> int:
        """Of all blocks."""
        return self.blocks * sum(each.macs for each in self.products)


SASP = Encoder(blocks=18, width=512, heads=4, hidden=2048, sequence=128)
"""The paper's: Palacios et al., "Systolic Arrays and Structured Pruning Co-design for Efficient Transformers
in Edge Systems"."""

PACKING = 4
"""Cycles to bring an activation to its place in a tile of weights: load, store, and pointers; estimated."""


@dataclass(frozen=True)
class Work:
    """What something takes: cycles, and of them those that the array computes and loads weights in.

    Attributes
    ----------
    cycles:
        Of the core.
    steps:
        Words of vectors that go into the array.
    loads:
        Words of weights.
    accesses:
        Words that the core loads and stores.
    """

    cycles: int = 0
    steps: int = 0
    loads: int = 0
    accesses: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.cycles + other.cycles,
            self.steps + other.steps,
            self.loads + other.loads,
            self.accesses + other.accesses,
        )

    def times(self, count: int) -> Work:
        """Return it so often."""
        return Work(count * self.cycles, count * self.steps, count * self.loads, count * self.accesses)


class Means(enum.StrEnum):
    """How words get to the array and sums back to memory."""

    INSTRUCTIONS = "instructions"
    """A load, an instruction of the array and a store each, and the sum so far is loaded."""
    ACCUMULATORS = "accumulators"
    """By instructions too, and sums are held in the array until they are complete."""
    GENERATOR = "generator"
    """An address generator beside the array fetches and stores."""


HELD_VECTORS = SASP.sequence
"""Vectors whose sums an array with accumulators holds: all of the encoder's."""

GENERATOR_BITS = 128
"""Of the memory port of an array with an address generator: with it a word takes a cycle."""


def host_array(size: int, weights: str, means: Means = Means.INSTRUCTIONS) -> SystolicConfig:
    """Return the paper's array of this size as a functional unit of CV32E40P, double-buffered."""
    fields: dict[Means, dict[str, Any]] = {
        Means.ACCUMULATORS: {"accumulators": HELD_VECTORS * size},
        Means.GENERATOR: {"memory_bits": GENERATOR_BITS},
    }
    config = load(
        f"sasp-{size}x{size}-{weights}", host="cv32e40p", double_buffer=True, **fields.get(means, {})
    )
    assert isinstance(config, SystolicConfig)
    return config


def drawn_mask(config: SystolicConfig, k: int, n: int, kept: float, rng: np.random.Generator) -> Mask:
    """Return which tiles of a K x N matrix are kept: this share of them, drawn at random."""
    shape = tile_grid(k, n, config.rows, config.columns)
    chosen = np.zeros(shape[0] * shape[1], bool)
    chosen[rng.permutation(chosen.size)[: round(kept * chosen.size)]] = True
    return chosen.reshape(shape)


def array_work(config: SystolicConfig, vectors: int, kept: Mask) -> Work:
    """Return what a product takes by the array's C library, its weights' tiles kept as the mask says.

    An array with a memory port of its own makes the accesses itself.
    """
    steps = config.step_interval
    weight_words = config.rows * -(-config.columns // config.weights_per_word)
    if config.memory_bits:
        cycles = generator_cycles(
            kept,
            vectors,
            rows=config.rows,
            columns=config.columns,
            weight_words=weight_words,
            beat_words=config.memory_bits // 32,
            latency=timing(config)["first_result_cycles"],
        )
    elif config.accumulators:
        cycles = accumulated_cycles(
            kept,
            vectors,
            steps=steps,
            columns=config.columns,
            weight_words=weight_words,
            accumulators=config.accumulators,
        )
    else:
        cycles = array_cycles(kept, vectors, steps=steps, columns=config.columns, weight_words=weight_words)
    tiles = int(kept.sum())
    words, weight_loads = tiles * vectors * steps, tiles * weight_words
    # An activation, a result, and but for a column's first tile the sum so far. If sums are held, each once.
    complete = int(kept.any(axis=0).sum()) * vectors * steps
    sums = complete if config.accumulators else 2 * words - complete
    return Work(cycles, words, weight_loads, words + sums + weight_loads)


@cache
def software_work(product: Product, weights: str, method: str = "blocked") -> Work:
    """Return what a product takes by software on the core alone, all times."""
    integers = weights == "int8" and product.weights
    model = {"blocked": blocked_cycles, "plain": plain_cycles}[method]
    once = model(product.m, product.k, product.n, integers=integers)
    # Of a step of k a block of 4 x 6 loads ten words, and the plain loop two for each result.
    loads = {"blocked": 10 / 24, "plain": 2.0}[method]
    words = round(product.m * product.n * (product.k * loads + 1))
    return Work(once, accesses=words).times(product.times)


def weights_work(config: SystolicConfig, product: Product) -> Work:
    """Return what the core takes to make an array's weights of the right operand of two activations, once."""
    words = product.k * product.n
    if config.weight.width == 32:
        return Work(PACKING * words, accesses=2 * words)
    shape = (product.n, product.k) if product.turned else (product.k, product.n)
    size = {"rows": config.rows, "columns": config.columns}
    cycles = quantise_cycles(*shape, **size, turned=product.turned)
    # Each word is read for the largest and again, and a quarter of a word written.
    return Work(cycles, accesses=2 * words + words // 4)


def beside_work(encoder: Encoder, config: SystolicConfig, product: Product) -> Work:
    """Return the same where the core does it beside the next projection, by the address generator."""
    words = product.k * product.n
    commands = math.prod(tile_grid(encoder.width, encoder.width, config.rows, config.columns))
    cycles = quantise_beside_cycles(product.times * words, commands) // product.times
    return Work(cycles, accesses=2 * words + words // 4)


def block_work(
    encoder: Encoder,
    config: SystolicConfig,
    masks: Mapping[str, Mask],
    *,
    attention: bool = False,
    beside: bool = False,
) -> dict[str, Work]:
    """Return what each product of a block takes with an array; ``masks`` by product, else all is kept.

    With ``attention`` an array of integers has scores and their use too, and not software; with ``beside``
    the core makes its weights while an address generator is at the projections of values and queries.
    """
    integers = config.weight.width < 32
    found = {}
    for each in encoder.products:
        if integers and not each.weights and not attention:
            found[each.name] = software_work(each, "int8")
            continue
        everything = np.ones(tile_grid(each.k, each.n, config.rows, config.columns), bool)
        once = array_work(config, each.m, masks.get(each.name, everything))
        made = Work()
        if not each.weights:
            made = beside_work(encoder, config, each) if beside else weights_work(config, each)
        found[each.name] = (once + made).times(each.times)
    return found


def rest_work(encoder: Encoder, layer: str | None = None) -> Work:
    """Return what a block, or a layer of it, takes besides its products."""
    chosen = [each for each in encoder.rest if layer in (None, each.layer)]
    elements = sum(each.elements for each in chosen)
    return Work(sum(each.elements * each.cycles for each in chosen), accesses=2 * elements)
