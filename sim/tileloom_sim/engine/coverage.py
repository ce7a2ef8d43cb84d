"""Functional coverage of engines: which cases of layers, waits, resets, errors and rounding jobs had.

Counted from what went in, what the harness says of its resets and errors, and what the golden model makes of
the data, since results are compared word for word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from tileloom.engine.config import Core, EngineConfig, EnginePort, RequantiseRounding
from tileloom_golden.engine.program import DESCRIPTOR_BYTES

from .axi_harness import AxiRun
from .descriptor import CONV
from .harness import EngineRun
from .job import Job, sums_of
from .memory import MemoryImage
from .run import JobRun

STREAMS = ("commands", "index", "weights", "activations", "results")
CHANNELS = ("AR", "R", "AW", "W", "B")
RESPONSES = {2: "SLVERR", 3: "DECERR"}
PLACES = ("descriptors", "index", "weights", "activations", "results")
PAGE = 4096
INT32 = np.iinfo(np.int32)

LAYERS = (
    "layer: product",
    "layer: convolution",
    *(f"layer: stride {stride}" for stride in (1, 2, 3)),
    "layer: stride of 4 and more",
    "layer: kernel of 16 and more",
    *(f"layer: padding at {side}" for side in ("top", "bottom", "left", "right")),
    *(f"layer: cut along {axis}" for axis in ("width", "height", "channels")),
    "layer: several iterations of a command",
    "layer: several block columns of a command",
    "layer: ReLU",
    "layer: no ReLU",
)
BLOCKS = (
    "blocks: none kept",
    "blocks: all kept",
    "blocks: a column without",
    "blocks: a column without between two with",
    "blocks: a column of one",
    "blocks: the first row left out",
    "blocks: the last row left out",
    "blocks: a gap of two rows or more",
)
FAULTS = ("index: a row that is not there", "index: a row not above the one before")
RESETS = (
    "reset: with commands to come",
    "reset: within the index",
    "reset: within the weights",
    "reset: within the activations",
    "reset: all of the activations in, no result yet",
    "reset: within the results",
)
ROUNDING = (
    "requantise: exact",
    "requantise: below the half",
    "requantise: above the half",
    *(
        f"requantise: {sign} half, {floor} below"
        for sign in ("positive", "negative")
        for floor in ("even", "odd")
    ),
    "requantise: 127 and above",
    "requantise: -128 and below",
    "requantise: ReLU takes a negative result",
    "requantise: scale 0",
    "requantise: shift 0",
    "requantise: shift leaves nothing",
)
ZERO_POINTS = (
    "zero point: negative",
    "zero point: positive",
    "zero point: brings to 127 what is below",
    "zero point: brings to -128 what is above",
)
WRAPS = ("sum: wraps above", "sum: wraps below")
MASKS = ("mask: a tile of A all zero", "mask: a strip of A all zero", "mask: no tile all zero")


def expected_bins(config: EngineConfig) -> list[str]:
    """Return the bins that a thorough regression of an engine fills."""
    axi = config.port is EnginePort.AXI4
    bins = [*LAYERS, *BLOCKS, *FAULTS, *_ragged_bins(config)]
    bins += [f"{name}: {rate}" for name in (CHANNELS if axi else STREAMS) for rate in ("flows", "waits")]
    if axi:
        bins += [f"{word} on {place}" for word in RESPONSES.values() for place in PLACES]
        bins += ["memory: results across 4 KiB", "memory: activations across 4 KiB"]
        bins += ["memory: above the lower half of addresses", "memory: scattered", "reset: in a program"]
        if config.n * config.result_bits < config.bus:
            bins += ["memory: results begin within a beat", "memory: results end within a beat"]
    else:
        bins += [*RESETS, "layer: begun without a rest before"]
    if config.core is Core.DOT_PRODUCT:
        bins += ROUNDING if config.requantise else WRAPS
        if config.result_zero_point:
            bins += ZERO_POINTS
        if config.activation_mask:
            bins += MASKS
    return bins


def observe(job: Job, run: JobRun) -> Counter[str]:
    """Return the bins that one job hit, each once or as often as results had it."""
    seen: Counter[str] = Counter()
    seen.update(_of_layer(job))
    seen.update(_of_blocks(job))
    seen.update(_of_waits(job))
    seen.update(name for bit, name in enumerate(FAULTS) if job.faults >> bit & 1)
    if isinstance(run.came_out, EngineRun):
        seen.update(_of_reset(job, run.came_out.abandoned))
        seen.update(["layer: begun without a rest before"] * job.follows)
    elif isinstance(run.came_out, AxiRun):
        seen.update(_of_memory(job, run.came_out))
        seen.update(["reset: in a program"] * bool(job.abandoned))
    config = job.config
    if config.core is Core.DOT_PRODUCT:
        if config.requantise:
            seen.update(_of_rounding(job))
        else:
            seen.update(_of_wrapping(job))
        if config.activation_mask:
            seen.update(_of_mask(job))
    return seen


def _ragged_bins(config: EngineConfig) -> Iterator[str]:
    for name, size in _sizes(config).items():
        if size > 1:
            yield f"{name}: whole"
            yield f"{name}: in part"


def _sizes(config: EngineConfig) -> dict[str, int]:
    return {
        "last tile of a row": config.m,
        "last block row": config.k,
        "last block column": config.n,
        "last rows of the drain": config.drain_rows,
    }


def _of_layer(job: Job) -> Iterator[str]:
    layer, program, size = job.program.layer, job.program, _sizes(job.config)
    yield "layer: product" if layer.kernel == (1, 1) and layer.stride == 1 else "layer: convolution"
    yield f"layer: stride {layer.stride}" if layer.stride < 4 else "layer: stride of 4 and more"
    if max(layer.kernel) >= 16:
        yield "layer: kernel of 16 and more"
    for side, pad in zip(("top", "bottom", "left", "right"), layer.pads, strict=True):
        if pad:
            yield f"layer: padding at {side}"
    for axis, parts in program.splits.items():
        if parts > 1:
            yield f"layer: cut along {axis}"
    commands = program.commands()
    if any(slots[1] > 1 for slots in commands):
        yield "layer: several iterations of a command"
    if any(slots[9] > 1 for slots in commands):
        yield "layer: several block columns of a command"
    yield "layer: ReLU" if program.groups[0].write.relu else "layer: no ReLU"
    widths = {group.write.width for group in program.groups}
    ends = {
        "last tile of a row": widths,
        "last block row": {layer.channels},
        "last block column": {layer.outputs},
        "last rows of the drain": widths,
    }
    for name, numbers in ends.items():
        for number in numbers if size[name] > 1 else ():
            yield f"{name}: {'in part' if number % size[name] else 'whole'}"


def _of_blocks(job: Job) -> Iterator[str]:
    mask = job.weights.mask
    kept = mask.sum(axis=0)
    if not mask.any():
        yield "blocks: none kept"
    if mask.all():
        yield "blocks: all kept"
    if (kept == 0).any():
        yield "blocks: a column without"
    there = np.flatnonzero(kept)
    if len(there) and (kept[there[0] : there[-1]] == 0).any():
        yield "blocks: a column without between two with"
    if (kept == 1).any():
        yield "blocks: a column of one"
    if len(mask) > 1 and (kept[~mask[0]] > 0).any():
        yield "blocks: the first row left out"
    if len(mask) > 1 and (kept[~mask[-1]] > 0).any():
        yield "blocks: the last row left out"
    if any((np.diff(np.flatnonzero(column)) > 2).any() for column in mask.T):
        yield "blocks: a gap of two rows or more"


def _of_waits(job: Job) -> Iterator[str]:
    names = CHANNELS if job.config.port is EnginePort.AXI4 else STREAMS
    for name, wait in zip(names, job.waits, strict=True):
        yield f"{name}: {'waits' if wait else 'flows'}"


def _of_reset(job: Job, moved: tuple[int, ...]) -> Iterator[str]:
    if not job.abandoned:
        return
    streams = job.streams
    totals = [len(getattr(streams, name)) for name in STREAMS[:-1]] + [streams.results]
    within = {name: 0 < part < all_ for name, part, all_ in zip(STREAMS, moved, totals, strict=True)}
    if moved[0] < totals[0]:
        yield "reset: with commands to come"
    for name in ("index", "weights", "activations", "results"):
        if within[name]:
            yield f"reset: within the {name}"
    if moved[3] == totals[3] and not moved[4]:
        yield "reset: all of the activations in, no result yet"


def _of_memory(job: Job, run: AxiRun) -> Iterator[str]:
    image, beat = job.image, job.config.bus // 8
    if any(address // PAGE != (address + size - 1) // PAGE for address, size in image.result_runs):
        yield "memory: results across 4 KiB"
    if any(address // PAGE != (address + size - 1) // PAGE for address, size in image.activation_runs):
        yield "memory: activations across 4 KiB"
    if job.places is not None:
        yield "memory: scattered"
    if image.base >> job.config.address_bits - 1:
        yield "memory: above the lower half of addresses"
    if any(descriptor.opcode == CONV + 1 and descriptor.address % beat for descriptor in image.descriptors):
        yield "memory: results begin within a beat"
    if any((address + size) % beat for address, size in image.result_runs):
        yield "memory: results end within a beat"
    if run.answered:
        assert job.failing is not None
        yield f"{RESPONSES[run.answered >> 2 & 3]} on {_place(image, job.failing)}"


def _place(image: MemoryImage, address: int) -> str:
    """Return what lies at an address."""
    if 0 <= address - image.start < DESCRIPTOR_BYTES * len(image.descriptors):
        return "descriptors"
    if any(0 <= address - first < size for first, size in image.result_runs):
        return "results"
    for descriptor in image.descriptors:
        if descriptor.opcode == CONV:
            if descriptor.address <= address < descriptor.address + max(1, descriptor.run):
                return "index"
            if descriptor.weights <= address < descriptor.weights + max(1, descriptor.weight_bytes):
                return "weights"
    return "activations"


def _fields(job: Job) -> Mapping[str, npt.NDArray[np.int64]]:
    """Return what is in the headers, one for each column."""
    words = job.headers
    zero = ((words >> np.uint64(54)) & np.uint64(255)).astype(np.uint8).view(np.int8)
    return {
        "bias": (words & np.uint64(2**32 - 1)).astype(np.uint32).view(np.int32).astype(np.int64),
        "scale": ((words >> np.uint64(32)) & np.uint64(2**16 - 1)).astype(np.int64),
        "shift": ((words >> np.uint64(48)) & np.uint64(63)).astype(np.int64),
        "zero": zero.astype(np.int64),
    }


def _sums(job: Job, bias: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return sums before the bias, H_out x W_out x N."""
    zero = np.zeros_like(bias)
    layer = job.program.layer
    return sums_of(job.config, layer, job.activations, job.weights, zero).astype(np.int64)


def _of_rounding(job: Job) -> Counter[str]:
    fields = _fields(job)
    product = (_sums(job, fields["bias"]) + fields["bias"]) * fields["scale"]
    shift = np.broadcast_to(fields["shift"], product.shape)
    magnitude = np.abs(product)
    floor, rest = magnitude >> shift, magnitude & ((np.int64(1) << shift) - 1)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 0)
    is_half, negative = (shift > 0) & (rest == half), product < 0
    even = job.config.requantise_rounding is RequantiseRounding.HALF_EVEN
    up = (rest > half) | (is_half & ((floor & 1 == 1) | (not even)))
    rounded = np.where(negative, -1, 1) * (floor + ((shift > 0) & up))
    cases = {
        "requantise: exact": rest == 0,
        "requantise: below the half": (rest > 0) & (rest < half),
        "requantise: above the half": rest > half,
        "requantise: 127 and above": rounded >= 127,
        "requantise: -128 and below": rounded <= -128,
        "requantise: ReLU takes a negative result": negative
        & job.program.groups[0].write.relu
        & (rounded < 0),
        "requantise: scale 0": np.broadcast_to(fields["scale"] == 0, product.shape),
        "requantise: shift 0": shift == 0,
        "requantise: shift leaves nothing": (magnitude > 0) & (rounded == 0),
    }
    for sign, of_sign in (("positive", ~negative), ("negative", negative)):
        for parity in (0, 1):
            name = f"requantise: {sign} half, {('even', 'odd')[parity]} below"
            cases[name] = is_half & of_sign & (floor & 1 == parity)
    zero = np.broadcast_to(fields["zero"], product.shape)
    if job.config.result_zero_point:
        cases["zero point: negative"] = zero < 0
        cases["zero point: positive"] = zero > 0
        cases["zero point: brings to 127 what is below"] = (rounded < 127) & (rounded + zero >= 127)
        cases["zero point: brings to -128 what is above"] = (rounded > -128) & (rounded + zero <= -128)
    return Counter({name: int(np.count_nonzero(found)) for name, found in cases.items()})


def _of_wrapping(job: Job) -> Counter[str]:
    bias = _fields(job)["bias"]
    total = _sums(job, bias) + bias
    above, below = int((total > INT32.max).sum()), int((total < INT32.min).sum())
    return Counter({"sum: wraps above": above, "sum: wraps below": below})


def _of_mask(job: Job) -> Iterator[str]:
    height, width, channels = job.activations.shape
    m, k = job.config.m, job.config.k
    padded = np.pad(job.activations, ((0, 0), (0, -width % m), (0, -channels % k)))
    tiles = padded.reshape(height, -1, m, padded.shape[2] // k, k).any(axis=(2, 4))
    if not tiles.all():
        yield "mask: a tile of A all zero"
    else:
        yield "mask: no tile all zero"
    if not tiles.any():
        yield "mask: a strip of A all zero"
