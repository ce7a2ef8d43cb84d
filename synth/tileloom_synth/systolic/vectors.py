"""A systolic array whatever its multipliers and adders compute: which words meet, in which order, and when.

Products and sums are functions that nothing is known of, so what is proved of a result is proved of the words
that it is made of:

    psum_in[c] --(+)---------(+)--- ... ---> results[c]     as many enabled cycles later as the timetable says
                  |           |
       x[0] * w[0][c]  x[1] * w[1][c]                       each weight as it is when the element needs it

From any state, with everything free that comes in later, so whatever comes before and behind a vector. Cycles
that are not enabled change nothing, which is proved apart; that the weights are those of the vector's tile,
and stay as long as they are used, is in ``tiles``. Elements' own arithmetic is in ``verify.adder`` and
``verify.multiplier``, and that it takes as many enabled cycles as it has stages.

With ``gate_zeros`` a multiplier is told of zeros and may be given any word then: what is known of products is
that they are zero where it is told so, or the weight is zero. Words that mean the same in a column, zeros of
any fraction, are one word to both functions then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

from tileloom.arith.factor import FactorFormat
from tileloom.systolic.array import systolic_array
from tileloom.systolic.config import WORD_BITS, Port, SystolicConfig
from tileloom.systolic.timing import Timetable

from ..verify.netlist import Netlist, at, cone, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bits, canonical, is_zero, number, widen

RESULTS = "results__payload.data"
NOT_STALLED = ("loader.row", "loader.group", "loader.vacant", "loader.loaded")
"""Registers that take weights while vectors stand still."""


FREE = ("multiply", "add")
"""Modules whose results are left free."""


@dataclass(frozen=True)
class OpenArray:
    """An array's netlist with products and sums left free, and the names in it."""

    config: SystolicConfig
    netlist: Netlist

    @property
    def columns(self) -> range:
        """Numbers of the columns."""
        return range(self.config.columns)

    @property
    def rows(self) -> range:
        """Numbers of the rows."""
        return range(self.config.rows)

    def element(self, row: int, column: int, signal: str) -> str:
        """Return the name of a signal of an element."""
        return f"mesh.row_{row}.element_{column}.{signal}"

    def bit(self, name: str, place: int, step: int) -> str:
        """Return a condition: that a bit of a signal is 1."""
        if self.netlist.sorts[name] == "Bool":
            return port(name, step)
        return f"(= {bits(port(name, step), place, place)} #b1)"


def open_array(config: SystolicConfig) -> OpenArray:
    """Return an array's netlist."""
    return OpenArray(config, open_netlist(systolic_array(config), free=FREE))


def vector_proofs(config: SystolicConfig) -> list[Proof]:
    """Return the proofs of an array's data flow."""
    array = cache(partial(open_array, config))
    of = (config.label, "", 0)
    return [
        Proof(
            "results: products of a column, in order",
            *of,
            "uninterpreted functions",
            lambda: list(result_queries(array())),
        ),
        Proof("a stall changes nothing", *of, "a step from any state", lambda: [_stalled(array())]),
        Proof("nothing waits for ever", *of, "a cycle in any state", lambda: [_moving(array())]),
    ]


def weight_used(config: SystolicConfig, row: int, column: int) -> range:
    """Return the enabled cycles after a vector's start in which an element multiplies by its weight.

    Its product has to stay for a whole step interval.
    """
    first = Timetable(config).activation_due(row) + 1 + config.segment(column)
    return range(first, first + config.step_interval)


def result_queries(array: OpenArray) -> Iterator[Query]:
    """Yield a query for a vector's way through the array, and one for each column's words."""
    config, netlist = array.config, array.netlist
    timetable = Timetable(config)
    by_word = config.port is Port.WORD
    lines = netlist.step(0)
    for step in range(timetable.latency):
        lines += [f"(assert (not {port('rst', step)}))", f"(assert {port('mesh.enable', step)})"]
        lines += [*netlist.step(step + 1), *netlist.clock(step)]
    started = port("wavefront.start", 0)
    words = {
        name: f"(_ BitVec {width})"
        for name, width in (
            ("a", config.activation.width),
            ("s", config.accumulator.width),
        )
    }
    weight = array.netlist.sorts[array.element(0, 0, "weight")]
    lines += [
        f"(declare-fun product ({words['a']} {weight}) {words['s']})",
        f"(declare-fun sum ({words['s']} {words['s']}) {words['s']})",
    ]
    for row in array.rows:
        for column in array.columns:
            for function, stages, result in (
                ("multiply", config.multiply_stages, "product"),
                ("add", config.add_stages, "sum"),
            ):
                for step in range(timetable.latency + 1 - stages):
                    a, b = (port(array.element(row, column, f"{function}.{name}"), step) for name in "ab")
                    given = _meant(config, port(array.element(row, column, result), step + stages))
                    if function == "add":
                        expected = _sum(config, a, b)
                    else:
                        told = array.element(row, column, "multiply.a_zero")
                        zero = port(told, step) if config.gate_zeros else None
                        expected = _product(config, a, b, zero)
                    lines.append(f"(assert (= {given} {expected}))")

    def claim(*conditions: str) -> Query:
        return Query([*lines, f"(assert (not (and true {' '.join(conditions)})))"], {})

    if by_word:
        # In an enabled cycle a result leaves, or none is there; the next is there if one appears.
        leaving = range(timetable.result_appears(0), timetable.result_appears(config.columns - 1) + 1)
        appears = " ".join(array.bit("wavefront.taps", tap, 0) for tap in leaving)
        yield claim(
            f"(=> {started} (and {port('activations__valid', 0)} {port('activations__ready', 0)}))",
            f"(=> {port('results__ready', 0)} (= {port('results__valid', 1)} (or false {appears})))",
            f"(=> (or false {appears}) {port('results__valid', 1)})",
        )
    else:
        accepted = [
            f"(and {port(f'{name}__valid', 0)} {port(f'{name}__ready', 0)})"
            for name in ("activations", "psum_in")
        ]
        last = f"(and {started} {array.bit('activations__payload.last', 0, 0)})"
        yield claim(
            *(f"(= {each} {started})" for each in accepted),
            f"(= {port('results__valid', timetable.latency)} {started})",
            f"(= {array.bit('results__payload.last', 0, timetable.latency)} {last})",
        )
    lines.append(f"(assert {started})")
    for column in array.columns:
        psum = f"(_ bv0 {config.accumulator.width})" if by_word else port(f"psum_in__payload[{column}]", 0)
        for row in array.rows:
            name = "activations__payload.data" if by_word else f"activations__payload.data[{row}]"
            word = port(name, timetable.activation_arrives(row))
            word = bits(word, config.activation.width - 1, 0)
            kept = [
                port(array.element(row, column, "weight"), age)
                for age in weight_used(config, row, column)
                if age <= timetable.latency
            ]
            lines += [f"(assert (= {kept[0]} {later}))" for later in kept[1:]]
            zero = is_zero(word, config.activation) if config.gate_zeros else None
            psum = _sum(config, psum, _product(config, word, kept[0], zero))
        there = timetable.result_appears(column) + 1 if by_word else timetable.latency
        result = port(RESULTS if by_word else f"{RESULTS}[{column}]", there)
        wanted = canonical(psum, config.accumulator)
        if by_word:
            wanted = widen(wanted, WORD_BITS - config.accumulator.width)
        yield claim(port("results__valid", there), f"(= {result} {wanted})")


def _meant(config: SystolicConfig, word: str) -> str:
    """Return a word; where zeros are kept back, of those that mean the same one. Solvers take longer then."""
    return canonical(word, config.accumulator) if config.gate_zeros else word


def _sum(config: SystolicConfig, a: str, b: str) -> str:
    """Return the sum of two words, of which nothing is known but that it is the same for the same words."""
    return f"(sum {_meant(config, a)} {_meant(config, b)})"


def _product(config: SystolicConfig, word: str, weight: str, zero: str | None) -> str:
    """Return the product of a word and an encoded weight; where the word is told to be ``zero``, zero."""
    product = f"(product {word} {weight})"
    if zero is None:
        return product
    factor = FactorFormat.of(config.weight)
    field = factor.layout["exponent"]
    exponent = bits(weight, field.offset + field.width - 1, field.offset)
    nothing = f"(or {zero} (= {exponent} {number(factor.zero, field.width)}))"
    return f"(ite {nothing} {number(0, config.accumulator.width)} {product})"


def _stalled(array: OpenArray) -> Query:
    """Return the query that a cycle without ``enable`` changes no register that a vector goes through.

    Those that take weights, and the word port's result, which may leave, are the others.
    """
    netlist = array.netlist
    others = [name for name in NOT_STALLED if name in array.netlist.sorts]
    kept = "shadow" if array.config.double_buffer else "weight"
    others += [array.element(row, column, kept) for row in array.rows for column in array.columns]
    if array.config.port is Port.WORD:
        others += ["results__valid"]
    nets = {net.name: net for net in netlist.nets}
    registers = {register for register, _ in netlist.registers}
    taken = {name for other in others for name in cone(nets, f"|top_n {other}|") & registers}
    lines = [*netlist.step(0), *netlist.step(1), *netlist.clock(0)]
    lines += [f"(assert (not {port('rst', 0)}))", f"(assert (not {port('mesh.enable', 0)}))"]
    same = [f"(= {at(name, 0)} {at(name, 1)})" for name, _ in netlist.registers if name not in taken]
    return Query([*lines, f"(assert (not (and true {' '.join(same)})))"], {})


def _moving(array: OpenArray) -> Query:
    """Return the query that an array moves whenever its result is taken and, in a vector, a word is there.

    So a vector is through after ``Timetable.latency`` such cycles, and a tile handed over makes room.
    """
    goes_on = [port("results__ready", 0)]
    if array.config.port is Port.WORD:
        goes_on.append(port("activations__valid", 0))
    claim = f"(=> (and true {' '.join(goes_on)}) {port('mesh.enable', 0)})"
    return Query([*array.netlist.step(0), f"(assert (not {claim}))"], {})
