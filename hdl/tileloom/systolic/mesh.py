"""The mesh: rows of processing elements, wired to their neighbours.

Nothing here holds state: a row passes activations to the right, the mesh passes partial sums down. Rows are
shared modules as elements are, so that the work of elaboration grows with rows + columns and not with their
product.
"""

from __future__ import annotations

import functools

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..arith.factor import FactorFormat
from ..hierarchy import add_shared
from .config import SystolicConfig
from .pe import ProcessingElement


class Row(wiring.Component):
    """One row of the mesh, ``columns`` elements.

    Ports as those of the element, with a vector in place of each word that every column has its own of. A
    weight is written in the columns that have their bit in ``write_columns`` while ``write`` is high.
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        columns = config.columns
        psums = data.ArrayLayout(config.accumulator.width, columns)
        weights = data.ArrayLayout(FactorFormat.of(config.weight).layout, columns)
        super().__init__(
            {
                "enable": In(1),
                "activation_in": In(config.activation.width),
                "weight_in": In(weights),
                "write": In(1),
                "write_columns": In(columns),
                "psum_in": In(psums),
                "psum_out": Out(psums),
                **({"swap_in": In(1)} if config.double_buffer else {}),
                **({"zero_in": In(1)} if config.gate_zeros else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        passed = [name for name in ("activation", "swap", "zero") if f"{name}_in" in self.signature.members]
        values = {name: getattr(self, f"{name}_in") for name in passed}
        first, segment = None, self.config.segment
        for column in range(self.config.columns):
            following = column > 0 and segment(column) == segment(column - 1)
            element = add_shared(
                m,
                platform,
                "following_element" if following else "processing_element",
                f"element_{column}",
                functools.partial(ProcessingElement, self.config, following=following),
            )
            m.d.comb += [
                element.enable.eq(self.enable),
                element.weight_in.eq(self.weight_in[column]),
                element.weight_write.eq(self.write & self.write_columns[column]),
                element.psum_in.eq(self.psum_in[column]),
                self.psum_out[column].eq(element.psum_out),
            ]
            if not following:
                if first is not None:
                    values = {name: getattr(first, f"{name}_out") for name in passed}
                first = element
            for name in passed:
                # A swap goes with the step that fills the register, activations come out of it.
                from_first = following and name != "swap"
                source = getattr(first, f"{name}_out") if from_first else values[name]
                m.d.comb += getattr(element, f"{name}_in").eq(source)
        return m


class Mesh(wiring.Component):
    """``rows x columns`` elements: activations from the left, weights and partial sums from above.

    Row ``r`` must be given its activation ``r * add_stages`` enabled cycles after row 0, column ``c`` its
    partial sum ``segment(c)`` cycles after column 0; ``timing.Timetable`` has every offset.

    Ports: ``enable``; ``activations`` (in, a word per row); ``swaps`` (in, a bit per row, only with
    double_buffer); ``weights`` (in, an encoded factor per column), written to the row and columns that have
    their bit in ``write_rows`` and ``write_columns``; ``psums_in``, ``psums_out`` (a word per column).
    """

    def __init__(self, config: SystolicConfig) -> None:
        self.config = config
        psums = data.ArrayLayout(config.accumulator.width, config.columns)
        super().__init__(
            {
                "enable": In(1),
                "activations": In(data.ArrayLayout(config.activation.width, config.rows)),
                "weights": In(data.ArrayLayout(FactorFormat.of(config.weight).layout, config.columns)),
                "write_rows": In(config.rows),
                "write_columns": In(config.columns),
                "psums_in": In(psums),
                "psums_out": Out(psums),
                **({"swaps": In(config.rows)} if config.double_buffer else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the hardware."""
        m = Module()
        psums = self.psums_in
        for index in range(self.config.rows):
            row = add_shared(m, platform, "row", f"row_{index}", lambda: Row(self.config))
            m.d.comb += [
                row.enable.eq(self.enable),
                row.activation_in.eq(self.activations[index]),
                row.weight_in.eq(self.weights),
                row.write.eq(self.write_rows[index]),
                row.write_columns.eq(self.write_columns),
                row.psum_in.eq(psums),
            ]
            if self.config.double_buffer:
                m.d.comb += row.swap_in.eq(self.swaps[index])
            if self.config.gate_zeros:
                # Once for the whole row.
                word = self.activations[index]
                m.d.comb += row.zero_in.eq(word[self.config.activation.fraction_bits : -1] == 0)
            psums = row.psum_out
        m.d.comb += self.psums_out.eq(psums)
        return m

    def take_weights(self, m: Module, source: wiring.Component) -> None:
        """Connect ``source``'s ``mesh_weights``, ``write_rows``, ``write_columns`` and, if any, ``swaps``.

        In the module ``m`` that holds both.
        """
        m.d.comb += [
            self.weights.eq(source.mesh_weights),
            self.write_rows.eq(source.write_rows),
            self.write_columns.eq(source.write_columns),
        ]
        if self.config.double_buffer:
            m.d.comb += self.swaps.eq(source.swaps)
