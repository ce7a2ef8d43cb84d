"""Which proofs a systolic array's faults are held to: sums, vectors and tiles, of its own modules."""

from __future__ import annotations

from collections.abc import Sequence

from tileloom.arith.add import Add
from tileloom.systolic.array import systolic_array
from tileloom.systolic.config import SystolicConfig

from ..mutation.component import as_component
from ..mutation.mutants import Mutated
from ..mutation.proofs import Held
from ..verify.adder import sum_queries
from ..verify.solver import Query
from . import tiles
from .vectors import FREE, OpenArray, result_queries


def held(config: SystolicConfig, mutated: Mutated) -> list[Held]:
    """Return the proofs of an array; with a ``wrapper`` it is a module inside."""
    name = mutated.design.name
    array, adder = f"{name}_array{'_array' if config.wrapper else ''}", f"{name}_processing_element_add"
    sums = (config.accumulator, config.rounding)

    def added(number: int) -> Sequence[Query]:
        add = Add(*sums, stages=config.add_stages, exact_specials=False)
        return sum_queries(as_component(mutated, number, adder, add), *sums, config.add_stages)

    def opened(number: int) -> OpenArray:
        return OpenArray(config, as_component(mutated, number, array, systolic_array(config), FREE))

    def weights(number: int) -> Sequence[Query]:
        return tiles.queries(tiles.Tiles(opened(number)))

    def results(number: int) -> Sequence[Query]:
        return list(result_queries(opened(number)))

    return [
        Held("sum", adder, added),
        Held("weights: those of a vector's tile", array, weights),
        Held("results: products of a column, in order", array, results),
    ]
