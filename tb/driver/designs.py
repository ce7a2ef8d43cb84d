"""What drivers are tested with: an engine, small, so that strips and parts of channels are many, an array."""

import functools
from dataclasses import replace

from tileloom.design import Design
from tileloom.engine.config import EngineConfig, EnginePort, Wrapper
from tileloom.engine.design import generate
from tileloom.formats import BF16, FP32, INT8
from tileloom.systolic.config import SystolicConfig

CONFIG = EngineConfig(
    m=2, k=4, n=4, bus=64, a_words=64, acc_tiles=4, port=EnginePort.AXI4, wrapper=Wrapper.AXI4
)
ARRAY = SystolicConfig(
    rows=2, columns=3, activation=BF16, weight=INT8, wrapper=Wrapper.AXI4, double_buffer=True
)

FLOAT_ARRAY = replace(ARRAY, activation=FP32)
"""On the RISC-V system: transfers of 8, 3 and 12 bytes."""


@functools.cache
def design_of(config: EngineConfig) -> Design:
    """Return the design, generated once."""
    return generate(config)
