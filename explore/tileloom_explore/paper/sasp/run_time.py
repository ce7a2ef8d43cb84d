"""Run time of SASP's encoder with each array, a share of its feed-forward tiles pruned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from .between import library_rest
from .encoder import FEED_FORWARD, SASP, SOFTWARE, Means, Work, block_work, drawn_mask, host_array, rest_work
from .encoder import software_work as by_software


@dataclass(frozen=True)
class Run:
    """The encoder with an array.

    Attributes
    ----------
    weights, size:
        Of the array.
    kept:
        Share of the feed-forward tiles that is left.
    products:
        What each product takes, of all blocks.
    rest, alone:
        What is no product takes; and of the core without the array.
    """

    weights: str
    size: int
    kept: float
    products: Mapping[str, Work]
    rest: Work
    alone: Work

    @property
    def array(self) -> Work:
        """All products together."""
        return sum(self.products.values(), Work())

    @property
    def feed_forward(self) -> Work:
        """The products of the feed-forward layers."""
        own = (self.products[each.name] for each in SASP.products if each.layer == FEED_FORWARD)
        return sum(own, Work())

    @property
    def whole(self) -> Work:
        """The encoder."""
        return self.array + self.rest

    def over(self, method: str) -> float:
        """Return the speed-up of the encoder over software alone."""
        return (software(self.weights, method) + self.alone).cycles / self.whole.cycles


@cache
def software(weights: str, method: str) -> Work:
    """Return what all products take by software alone."""
    assert method in SOFTWARE
    return sum((by_software(each, weights, method) for each in SASP.products), Work()).times(SASP.blocks)


@cache
def run_time(
    weights: str,
    size: int,
    kept: float = 1.0,
    seed: int = 0,
    means: Means = Means.INSTRUCTIONS,
    *,
    attention: bool = False,
    library: bool = False,
) -> Run:
    """Return the run time with an array, this share of its feed-forward tiles kept, drawn at random.

    With ``attention`` scores and their use are the array's with INT8 weights, too; with ``library`` what is
    no product is by the C library, not estimated, and beside products where there is a generator.
    """
    config = host_array(size, weights, means)
    masks = {
        each.name: drawn_mask(config, each.k, each.n, kept, np.random.default_rng([seed, index]))
        for index, each in enumerate(SASP.products)
        if each.layer == FEED_FORWARD
    }
    beside = attention and library and means is Means.GENERATOR
    block = block_work(SASP, config, masks, attention=attention, beside=beside)
    products = {name: each.times(SASP.blocks) for name, each in block.items()}
    rest = alone = rest_work(SASP)
    if library:
        rest, alone = (
            sum(library_rest(SASP, size, how).values(), Work()) for how in (means, Means.INSTRUCTIONS)
        )
    return Run(weights, size, kept, products, rest.times(SASP.blocks), alone.times(SASP.blocks))
