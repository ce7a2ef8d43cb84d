"""The arrays of the big regression: sizes, formats, ports, and how they are put into simulator builds."""

from collections.abc import Mapping
from functools import cache

from tileloom.families import families, preset
from tileloom.formats import BF16, FP8_E4M3, FP8_E5M2, FP16, FP32, INT8, TF32, Rounding, SignMagnitude
from tileloom.systolic.config import Port, SystolicConfig
from tileloom.systolic.design import generate
from tileloom_sim.systolic.farm import Farm, combine

PRESETS = {
    name: config
    for name, config in ((name, preset(name)) for name in families()["systolic"].presets)
    if isinstance(config, SystolicConfig) and not config.host
}
"""The ready-made arrays with streams."""

SIZES = [
    *((1, n) for n in (1, 2, 3, 5, 7, 8, 13, 16)),
    *((n, 1) for n in (2, 3, 4, 7, 9, 17)),
    *((2, n) for n in (2, 3, 4, 5, 9)),
    *((3, n) for n in (2, 3, 4, 5, 6, 7, 8, 10)),
    *((4, n) for n in (2, 3, 4, 5, 7, 9)),
    *((5, n) for n in (2, 3, 4, 5, 6, 8)),
    *((6, n) for n in (2, 3, 5, 6, 7)),
    *((7, n) for n in (2, 3, 4, 5, 7, 8)),
    *((8, n) for n in (3, 4, 5, 7)),
    *((9, n) for n in (2, 4, 5)),
    *((10, n) for n in (3, 4)),
    *((n, 2) for n in (11, 13, 16)),
]
"""Rows and columns: no two alike, few of them square, a power of two or a multiple of 4."""

LARGE = {
    **{name: config for name, config in PRESETS.items() if config.rows > 8},
    "ragged_17x19": SystolicConfig(rows=17, columns=19, weight=INT8, double_buffer=True),
    "ragged_31x33": SystolicConfig(rows=31, columns=33, weight=INT8, double_buffer=True),
}

# Kinds share processing elements, which are most of the build; each has sizes enough to see every edge.
_INT8_STREAM = {"weight": INT8, "double_buffer": True}
KINDS: list[dict] = [
    {"weight": INT8, "port": Port.WORD},
    {"weight": FP32, "port": Port.WORD, "rounding": Rounding.NEAREST_EVEN},
    _INT8_STREAM,
    {"weight": FP32, "double_buffer": True, "rounding": Rounding.NEAREST_EVEN},
    {"weight": FP32, "double_buffer": True},
    {**_INT8_STREAM, "rounding": Rounding.NEAREST_EVEN},
    {"weight": INT8, "port": Port.WORD, "double_buffer": True},
    {"weight": INT8},
]
"""What the arrays of ``SIZES`` are, in turn."""

ODD = {
    "deep": {
        "weight": INT8,
        "double_buffer": True,
        "multiply_stages": 3,
        "add_stages": 4,
        "step_interval": 2,
    },
    "deep_even": {
        "multiply_stages": 2,
        "carry_save": True,
        "add_stages": 2,
        "rounding": Rounding.NEAREST_EVEN,
        "double_buffer": True,
    },
    "coupled": {"weight": INT8, "multiply_stages": 2, "add_stages": 3, "step_interval": 4},
    "word_deep": {"weight": INT8, "port": Port.WORD, "multiply_stages": 3, "add_stages": 5},
    "word_carry_save": {"weight": INT8, "port": Port.WORD, "multiply_stages": 2, "carry_save": True},
    "bf16": {"activation": BF16, "weight": INT8, "double_buffer": True, "rounding": Rounding.NEAREST_EVEN},
    "fp16": {"activation": FP16, "weight": FP16, "accumulator": FP16, "rounding": Rounding.NEAREST_EVEN},
    "fp8": {"activation": FP8_E5M2, "weight": FP8_E4M3, "accumulator": BF16, "double_buffer": True},
    "tf32_int4": {"activation": TF32, "weight": SignMagnitude(4), "port": Port.WORD},
    "gated": {"weight": INT8, "double_buffer": True, "gate_zeros": True},
    "broadcast": {"weight": INT8, "double_buffer": True, "add_stages": 2, "broadcast": 2},
    "broadcast_whole": {"weight": INT8, "gate_zeros": True, "broadcast": 5},
    "axi": {"weight": INT8, "axi4_stream_names": True, "double_buffer": True, "activation": TF32},
}
"""Formats, pipelines and intervals that the presets do not have, on 4 x 5 arrays."""

LATER = (
    *("coupled", "word_carry_save", "word_deep", "gated", "broadcast", "broadcast_whole", "fp16"),
    *(
        "sasp_4x4_fp32",
        "sasp_8x8_fp32",
        "sasp_8x8_int8",
        "stream_8x8_int8",
        "stream_8x8_fp32",
        "stream_8x8_bf16_int8",
        "stream_8x8_fp16",
    ),
)
"""Of ``ODD`` and the small presets, what the long run alone simulates."""


def _sizes(first: int) -> dict[str, SystolicConfig]:
    """Return arrays of every ninth of the sizes by name: of 8 kinds each has its turn."""
    return {
        f"array_{rows}x{columns}": SystolicConfig(rows=rows, columns=columns, **KINDS[index % len(KINDS)])
        for index, (rows, columns) in list(enumerate(SIZES))[first::9]
    }


def small() -> dict[str, SystolicConfig]:
    """Return the small arrays of every run by name: a ninth of the sizes, and what is not of sizes alone."""
    return {**_sizes(0), **{name: config for name, config in _others().items() if name not in LATER}}


def more() -> dict[str, SystolicConfig]:
    """Return the other small arrays by name."""
    sizes = {name: config for first in range(1, 9) for name, config in _sizes(first).items()}
    return sizes | {name: config for name, config in _others().items() if name in LATER}


def _others() -> dict[str, SystolicConfig]:
    """Return the arrays of ``ODD`` and the small presets by name."""
    odd = {name: SystolicConfig(rows=4, columns=5, **fields) for name, fields in ODD.items()}
    return odd | {name.replace("-", "_"): config for name, config in PRESETS.items() if config.rows <= 8}


def large() -> dict[str, SystolicConfig]:
    """Return the large arrays by name."""
    return {name.replace("-", "_"): config for name, config in LARGE.items()}


GROUPS = {"small": small, "more": more, "large": large}
"""What is simulated together; the last two in the long run alone."""


def farm_of(configs: Mapping[str, SystolicConfig]) -> Farm:
    """Return arrays of these names in one simulation."""
    return combine(generate(config, name) for name, config in configs.items())


@cache
def farm(group: str) -> Farm:
    """Return the farm of a group."""
    return farm_of(GROUPS[group]())
