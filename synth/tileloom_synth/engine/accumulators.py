"""The accumulators: what a tile's sums start from, and what is drained, are the last that were written there.

One tile of one half is followed, whichever. Beside the netlist go the sums that were last written to it, and
its steps on their way through the core:

    step --[psum_delay]--> psum: what it starts from if it is first, else the sums     [latency]--> written

It is assumed, as the sequencer has it, that a step that is not its column's first comes ``Timing.hazard``
cycles or more after the one before in that tile; where sums are read ahead of the step (``psum_delay`` 0),
that the one before is written, that the step belongs to the last read, and that nobody drains the half
meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.engine.accumulators import Accumulators
from tileloom.engine.config import EngineConfig
from tileloom.engine.core import Timing, sums_layout
from tileloom.engine.engine import core_timing

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number


def accumulator_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proof of an engine's accumulators; of few tiles, since each is like any other."""
    timing = core_timing(config)
    title = "accumulators: sums of a tile, as last written"

    def make() -> list[Query]:
        return queries(config, timing, open_netlist(Accumulators(config, timing)))

    return [Proof(title, config.label, "", 0, "induction", make)]


def is_set(name: str, step: int = 0) -> str:
    """Return that a bit of the record is 1."""
    return f"(= {kept(name, step)} #b1)"


def mine(prefix: str) -> str:
    """Return that a step, or the drain, is at the tile that is followed."""
    half = f"(= {bit(port(f'{prefix}half', 0))} {kept('half')})"
    return f"(and {half} (= {port(f'{prefix}tile', 0)} {kept('tile')}))"


def queries(config: EngineConfig, timing: Timing, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    width, latency, delay = sums_layout(config).size, timing.latency, timing.psum_delay
    tile_bits = (config.acc_tiles - 1).bit_length()
    starts, at = f"(and {port('step.valid', 0)} {mine('step.')})", [""]
    widths = {"tile": tile_bits, "half": 1, "known": 1, "sums": width}
    following: dict[str, str] = {}
    for place in range(1, latency + 1):
        new = {"step": starts, "first": port("step.first", 0), "finish": port("step.finish", 0)}
        for name, begins in new.items():
            widths[f"{name} {place}"] = 1
            following[f"{name} {place}"] = bit(begins) if place == 1 else kept(f"{name} {place - 1}")
        at.append(is_set(f"step {place}"))
    at[0] = starts
    is_first = port("step.first", 0) if delay == 0 else is_set(f"first {delay}")

    # The sums are read, used and written; elsewhere a cycle later, and by whom does not matter.
    reads = f"(and {port('read', 0)} {mine('reading.')})" if delay == 0 else at[delay - 1]
    reads_half = any_of(f"(and {port('read', 0)} (= {bit(port('reading.half', 0))} {kept('half')}))")
    if delay:
        other = "step" if delay == 1 else f"step_{delay - 1}"
        same = f"(= {bit(port(f'{other}.half', 0))} {kept('half')})"
        reads_half = f"(and {port(f'{other}.valid', 0)} {same})"
    used, written, drained = at[delay], at[latency], f"(and {port('drain__read', 0)} {mine('drain__')})"
    sums = f"(ite {written} {port('results', 0)} {kept('sums')})"
    widths |= {"expected": width, "was known": 1, "read": 1, "word": width, "fresh": 1}
    any_read = port("read", 0) if delay == 0 else "true"
    following |= {
        "known": f"(ite {written} #b1 {kept('known')})",
        "sums": sums,
        "expected": f"(ite {reads} {kept('sums')} {kept('expected')})",
        "was known": f"(ite {reads} {kept('known')} {kept('was known')})",
        "read": f"(ite {any_read} {bit(reads)} {kept('read')})",
        "word": f"(ite {drained} {kept('sums')} {kept('word')})",
        "fresh": f"(ite (and {drained} {is_set('known')} (not {reads_half})) #b1 "
        f"(ite (or {port('drain__read', 0)} {reads_half}) #b0 {kept('fresh')}))",
    }

    def memory(step: int) -> Iterator[str]:
        for half in range(2):
            for tile in range(config.acc_tiles):
                there = all_of(
                    f"(= {kept('half', step)} {number(half, 1)})",
                    f"(= {kept('tile', step)} {number(tile, tile_bits)})",
                    is_set("known", step),
                )
                yield f"(=> {there} (= {port(f'half_{half}.words[{tile}]', step)} {kept('sums', step)}))"

    def agreement(step: int) -> Iterator[str]:
        yield from memory(step)
        if delay:
            yield f"(=> {is_set(f'step {delay}', step)} {is_set('read', step)})"
        for place in range(1, latency + 1):
            name = f"step_{place}"
            half = f"(= {bit(port(f'{name}.half', step))} {kept('half', step)})"
            here = all_of(half, f"(= {port(f'{name}.tile', step)} {kept('tile', step)})")
            there = f"(and {port(f'{name}.valid', step)} {here})"
            yield f"(= {there} {is_set(f'step {place}', step)})"
            first = f"(= {bit(port(f'{name}.first', step))} {kept(f'first {place}', step)})"
            yield f"(=> {is_set(f'step {place}', step)} {first})"
            yield f"(= {port(f'{name}.finish', step)} {is_set(f'finish {place}', step)})"
        for side in range(2):
            of = f"(= {kept('half', step)} {number(side, 1)})"
            word = port(f"half_{side}.read_data", step)
            held = all_of(of, is_set("read", step), is_set("was known", step))
            yield f"(=> {held} (= {word} {kept('expected', step)}))"
            fresh = all_of(of, is_set("fresh", step))
            told = f"(= {bit(port('drained_half', step))} {kept('half', step)})"
            yield f"(=> {fresh} (and {told} (= {word} {kept('word', step)})))"

    start = _start(config)
    claims = [
        f"(=> (and {used} {is_first}) (= {port('psum', 0)} {start}))",
        f"(=> {all_of(used, is_set('was known'))} (or {is_first} (= {port('psum', 0)} {kept('expected')})))",
        f"(=> {is_set('fresh')} (= {port('drain__word', 0)} {kept('word')}))",
        f"(= {port('finished', 0)} {is_set(f'finish {latency}')})",
    ]
    rigid = [f"(= {kept(name, 1)} {kept(name)})" for name in ("tile", "half")]
    rigid.append(f"(bvule {kept('tile')} {number(config.acc_tiles - 1, tile_bits)})")
    record = Record(widths, following, {})
    if delay:
        later = [at[place] for place in range(1, min(timing.hazard, latency + 1))]
        rules = [f"(=> (and {starts} (not {port('step.first', 0)})) (not {any_of(*later)}))"]
    else:
        waiting = [at[place] for place in range(latency + 1)]
        between = f"(and {port('drain__read', 0)} (= {bit(port('drain__half', 0))} {kept('half')}))"
        rules = [
            f"(=> {reads} (or {port('reading.first', 0)} (not {any_of(*waiting)})))",
            f"(=> (and {used} (not {is_first})) {is_set('read')})",
            f"(=> {is_set('read')} (not {between}))",
        ]
    told = {"psum": port("psum", 0), "drain": port("drain__word", 0)}
    return induction(
        netlist, record, (agreement(0), agreement(1)), claims, assumed=[*rigid, *rules], told=told
    )


def _start(config: EngineConfig) -> str:
    """Return the sums that a first step starts from: the words of ``starts``, for each row."""
    width = sums_layout(config).size
    if config.requantise:
        return number(0, width)
    row = config.sum_bits * config.n
    starts = port("starts", 0)
    low, high = bits(starts, row - 1, 0), bits(starts, 2 * row - 1, row)
    chosen = f"(ite (= {kept('half')} #b1) {high} {low})"
    return chosen if config.m == 1 else f"(concat {' '.join([chosen] * config.m)})"
