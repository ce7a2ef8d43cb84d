"""The AXI4 master's bursts: a run's beats, each once and in order, in bursts that AXI4 allows.

Beside the netlist of what cuts runs into bursts goes a record: whether a run is under way, its next beat in
memory, and how many there are after it. Both agree after a reset in any state, and every cycle keeps it so.
Where they agree, a burst begins at the next beat, ends with the run or before, has no more beats than may be,
and stays within 4 KiB (IHI 0022, A3.4.1). AR and AW carry these bursts as they are; that they are held is
proved of them as streams.
"""

from __future__ import annotations

from amaranth.utils import exact_log2

from tileloom.engine.axi.runs import Bursts
from tileloom.engine.axi.signals import (
    BOUNDARY,
    STREAM_JOB,
    JobBits,
    activation_job,
    request_layout,
    result_job,
)
from tileloom.engine.config import EngineConfig

from ..verify.induction import Record, all_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bits, number, widen

LENGTH = 8
"""Bits of AxLEN."""


def burst_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proofs of an AXI4 engine's bursts: of activations, results, and index or weights."""
    title = "bursts: a run's beats, within 4 KiB"

    def make() -> list[Query]:
        jobs = (activation_job(config), result_job(config), STREAM_JOB)
        return [query for job in jobs for query in queries(config, job, open_netlist(Bursts(config, job)))]

    return [Proof(title, config.label, "", 0, "induction", make)]


def queries(config: EngineConfig, job: JobBits, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof, for runs of such jobs."""
    low = exact_log2(config.bus // 8)
    address = request_layout(config)["addr"].width
    held = job.run + 1 - low
    # Wide enough for a burst and for a run.
    count = max(held, LENGTH, exact_log2(BOUNDARY)) + 1
    widths = {"under way": 1, "next": address - low, "left": count}
    under_way = f"(= {kept('under way')} #b1)"
    length = widen(port("bursts__payload.len", 0), count - LENGTH)
    sent = f"(and {port('bursts__valid', 0)} {port('bursts__ready', 0)})"
    beats = f"(bvadd {length} {number(1, count)})"
    ends = f"(= {length} {kept('left')})"
    taken = f"(and {port('runs__valid', 0)} {port('runs__ready', 0)})"
    run, size = port("runs__payload.address", 0), port("runs__payload.bytes", 0)
    total = count + low
    within = widen(bits(run, low - 1, 0), total - low)
    last_byte = f"(bvsub (bvadd {within} {widen(size, total - job.run)}) {number(1, total)})"
    new = ("#b1", bits(run, address - 1, low), bits(last_byte, total - 1, low))
    on = (
        f"(ite {ends} #b0 #b1)",
        f"(bvadd {kept('next')} {_fit(beats, count, widths['next'])})",
        f"(bvsub {kept('left')} {beats})",
    )
    following = {
        name: f"(ite {taken} {begin} (ite {sent} {more} {kept(name)}))"
        for name, begin, more in zip(widths, new, on, strict=True)
    }

    def agreement(step: int) -> list[str]:
        there = f"(= {kept('under way', step)} #b1)"
        left = widen(port("left", step), count - held)
        pairs = ((port("beat", step), "next"), (left, "left"))
        same = all_of(*(f"(= {register} {kept(name, step)})" for register, name in pairs))
        return [f"(= {port('started', step)} {there})", f"(=> {there} {same})"]

    page = exact_log2(BOUNDARY) - low
    end = f"(bvadd {widen(bits(kept('next'), page - 1, 0), count - page)} {length})"
    offers = all_of(
        f"(= {port('bursts__payload.addr', 0)} (concat {kept('next')} {number(0, low)}))",
        f"(bvule {length} {kept('left')})",
        f"(bvult {length} {number(config.burst_beats, count)})",
        f"(bvult {end} {number(1 << page, count)})",
    )
    claims = [
        f"(= {port('bursts__valid', 0)} {under_way})",
        f"(=> {under_way} {offers})",
        f"(= {port('runs__ready', 0)} (or (not {under_way}) (and {port('bursts__ready', 0)} {ends})))",
    ]
    return induction(
        netlist,
        Record(widths, following, {}),
        (agreement(0), agreement(1)),
        claims,
        assumed=[f"(not (= {size} {number(0, job.run)}))"],  # a run has a byte at least (docs/engine.md)
    )


def _fit(value: str, width: int, wanted: int) -> str:
    """Return a value with other bits, modulo ``2**wanted``."""
    return widen(value, wanted - width) if wanted >= width else bits(value, wanted - 1, 0)
