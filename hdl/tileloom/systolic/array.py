"""The array of a configuration: one of the two tops."""

from __future__ import annotations

from .config import Port, SystolicConfig
from .stream_array import StreamArray
from .word_array import WordArray


def systolic_array(config: SystolicConfig) -> StreamArray | WordArray:
    """Return the array that ``config`` describes."""
    return WordArray(config) if config.port is Port.WORD else StreamArray(config)
