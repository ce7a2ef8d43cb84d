"""A systolic array between AXI4-Streams by its registers: jobs, whose data DMA controllers move."""

from __future__ import annotations

from ..errors import UserError
from ..registers.table import table
from ..systolic.config import SystolicConfig
from ..systolic.registers import register_map
from .block import Block, FaultError
from .bus import Bus

FAULTS = {
    "last_early": "TLAST came with a vector of activations that was not its tile's last",
    "last_missing": "a tile's last vector of activations came without TLAST",
    "not_finite": "an activation or a weight was infinity or NaN",
    "overflow": "a result was infinity",
}
"""What each field of FAULT means."""


STREAMS = ("activations", "weights", "results")
"""The streams by their numbers in FAULT_PLACE."""


class ArrayFault(FaultError):  # noqa: N818 - it is an error by its base
    """What was wrong in an array's job.

    Attributes
    ----------
    fields:
        The fields of the register FAULT that were 1.
    stream, tile, vector:
        Of the first fault: one of STREAMS, the tile's number in the job and the vector's in the tile, both
        from 0; of weights the row's number.
    """

    def __init__(self, fields: frozenset[str], stream: str, tile: int, vector: int) -> None:
        self.fields, self.stream, self.tile, self.vector = fields, stream, tile, vector
        said = "; ".join(text for name, text in FAULTS.items() if name in fields)
        kind = "row" if stream == "weights" else "vector"
        gone = "the fault is gone: the array was started or reset meanwhile"
        super().__init__(f"{said}; first in tile {tile}, {kind} {vector} of {stream}" if said else gone)


class ArrayDriver(Block):
    """An array.

    Parameters
    ----------
    bus:
        Where its registers are.
    config:
        What was built.
    base:
        The address of the first register.

    Raises UserError for an array without registers, ToolError as ``registers.table.elaborate``.
    """

    def __init__(self, bus: Bus, config: SystolicConfig, base: int = 0) -> None:
        if config.wrapper is None:
            raise UserError("wrapper: this array has no registers; set it to axi4")
        super().__init__(bus, table(register_map(config)), base)

    def start(
        self, vectors: int, tiles: int = 1, *, psum_in: bool = False, keep_weights: bool = False
    ) -> None:
        """Start a job.

        Parameters
        ----------
        vectors:
            Of each tile of weights, 1 to 2^32 - 1.
        tiles:
            Of weights, 1 to 65,535.
        psum_in:
            Sums start from the vectors of that stream; else from +0.
        keep_weights:
            The last tile's weights are the next job's first too.

        Raises BlockError where the array is busy, UserError for a number that no register holds.
        """
        for name, value, bits in (("vectors", vectors, 32), ("tiles", tiles, 16)):
            if not 0 < value < 1 << bits:
                raise UserError(f"{name}: must be from 1 to {(1 << bits) - 1}, not {value}")
        # While it is busy these writes change nothing, and the start is refused here.
        self.write("VECTORS", vectors)
        self.write("TILES", tiles)
        chosen = {"psum_in": psum_in, "keep_weights": keep_weights}
        self.write("JOB", sum(self.bit("JOB", name) for name, wanted in chosen.items() if wanted))
        self.begin()

    def fault(self) -> FaultError:
        """Return what FAULT says, and where the first one was."""
        fields = frozenset(name for name, value in self.fields("FAULT").items() if value)
        place = self.fields("FAULT_PLACE")
        vector = self.fields("FAULT_VECTOR")["vector"]
        return ArrayFault(fields, STREAMS[place["stream"]], place["tile"], vector)
