"""The weight-stationary systolic array: processing element, mesh, edges, and the two ready-made tops."""

from ..config import Port, SystolicConfig
from .stream_array import StreamArray
from .word_array import WordArray


def systolic_array(config: SystolicConfig) -> StreamArray | WordArray:
    """Return the array that ``config`` describes."""
    return WordArray(config) if config.port is Port.WORD else StreamArray(config)


__all__ = ["StreamArray", "WordArray", "systolic_array"]
