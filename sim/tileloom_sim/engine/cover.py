"""What ``tileloom verify --coverage`` runs on engines: the random layers of ``tileloom simulate``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tileloom.design import Design
from tileloom.engine.config import EngineConfig

from ..coverage.reasons import Reason
from .coverage import expected_bins, observe
from .random_jobs import random_jobs
from .run import require_whole_bytes, run_jobs

SEEDS = 4
"""That are merged; the seeds follow one another."""

LAYERS = 250
"""Random layers of a seed."""

_SMALL = {"a_words": "64", "acc_tiles": "16", "weight_beats": "4", "bus": "64"}

DESIGNS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("engine-int8", {"m": "2", "k": "3", "n": "5", **_SMALL}),
    (
        "engine-int8",
        {
            **{"m": "4", "k": "4", "n": "4", "drain_rows": "2", "requantise_rounding": "half-even"},
            **{"result_zero_point": "true", **_SMALL},
        },
    ),
    (
        "engine-int8",
        {"m": "2", "k": "4", "n": "3", "requantise": "false", "product_register": "true", **_SMALL},
    ),
    ("engine-int8", {"m": "4", "k": "2", "n": "4", "activation_mask": "true", **_SMALL}),
    ("engine-int8-axi4", {"m": "2", "k": "4", "n": "4", "address_bits": "20", "burst_beats": "4", **_SMALL}),
    ("engine-fp32-int8", {"k": "2", "n": "3", **_SMALL, "bus": "192"}),
)
"""What is covered where no CONFIG is given: preset, and the fields that are not as there."""

_ARRAY = "core_array_(activation_skew|loader_leaving|psum_skew|result_deskew)|processing_element.*"

REASONS: Sequence[Reason] = (
    Reason(".*_a_buffer", r"= 1'h0 \?", "the last bank has no lane to its right, whatever the rotation"),
    Reason(_ARRAY, r"if \(enable\)", "an engine's core never stalls: enable is 1"),
)


def declared(config: EngineConfig, design: Design) -> list[str]:
    """Return the bins of an engine. Raises UserError where it cannot be simulated."""
    config.refuse_grid("--coverage")
    require_whole_bytes(config)
    return expected_bins(config)


def regress(config: EngineConfig, design: Design, seed: int) -> Counter[str]:
    """Run random layers, and return how often each bin was hit. Raises CheckError as ``run_jobs``."""
    jobs = random_jobs(config, LAYERS, seed)
    seen: Counter[str] = Counter()
    for job, run in zip(jobs, run_jobs(design, jobs), strict=True):
        seen.update(observe(job, run))
    return seen
