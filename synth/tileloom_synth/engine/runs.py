"""Runs of a job: its iterations, planes and lines, one after the other, each from its own address.

Beside the netlist go the loops that docs/engine.md has of a job, with the address at which each began:

    for iteration, plane, line:  address + iteration * step + plane * plane_pitch + line * line_pitch

as sums that grow from turn to turn, modulo the address space.
"""

from __future__ import annotations

from tileloom.engine.axi.runs import Runs
from tileloom.engine.axi.signals import STREAM_JOB, JobBits, activation_job, job_layout, result_job
from tileloom.engine.config import EngineConfig

from ..verify.induction import Record, all_of, induction, kept
from ..verify.netlist import Netlist, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import number

LOOPS = (("lines", "line"), ("planes", "plane"), ("iterations", "step"))
"""Counts and pitches, the innermost first."""


def run_proofs(config: EngineConfig) -> list[Proof]:
    """Return the proof of the runs of an AXI4 engine's jobs: activations, results, and index or weights."""
    title = "runs: of a job's iterations, planes, lines, in order"

    def make() -> list[Query]:
        jobs = (activation_job(config), result_job(config), STREAM_JOB)
        return [query for job in jobs for query in queries(config, job, open_netlist(Runs(config, job)))]

    return [Proof(title, config.label, "", 0, "induction", make)]


def queries(config: EngineConfig, job: JobBits, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof, of such jobs."""
    layout = job_layout(config, job)
    loops = [(count, pitch) for count, pitch in LOOPS if count in layout.members]
    address, width = config.address_bits, layout.size
    under_way = f"(= {kept('under way')} #b1)"
    offered = port("jobs__payload", 0)

    def field(name: str) -> str:
        low = layout[name].offset
        return f"((_ extract {low + layout[name].width - 1} {low}) {offered})"

    begins = all_of(f"(not {under_way})", port("jobs__valid", 0))
    sent = all_of(port("runs__valid", 0), port("runs__ready", 0))
    widths, following = {"under way": 1, "job": width}, {"job": f"(ite {begins} {offered} {kept('job')})"}
    ended, inner_ends = "true", []
    turns = {}
    for count, pitch in loops:
        bits_ = layout[count].width
        next_turn = f"(bvadd {kept(pitch)} {number(1, bits_)})"
        own_end = all_of(ended, f"(= {next_turn} {field(count)})")
        turns[pitch] = (bits_, next_turn, ended, own_end)
        inner_ends.append(ended)
        ended = own_end
    last = ended
    for place, (_, pitch) in enumerate(loops):
        bits_, next_turn, inner, own_end = turns[pitch]
        widths |= {pitch: bits_, f"{pitch} began": address}
        goes_on = f"(ite (and {sent} {inner}) {next_turn} {kept(pitch)})"
        following[pitch] = f"(ite (and {sent} {own_end}) {number(0, bits_)} {goes_on})"
        # The innermost loop that goes on moves on by its pitch; those inside begin there.
        value = kept(f"{pitch} began")
        for _, outer in reversed(loops[place:]):
            _, _, inside, end = turns[outer]
            moved = f"(bvadd {kept(f'{outer} began')} {field(outer)})"
            value = f"(ite (and {inside} (not {end})) {moved} {value})"
        moving = f"(ite {sent} {value} {kept(f'{pitch} began')})"
        following[f"{pitch} began"] = f"(ite {begins} {field('address')} {moving})"
    following["under way"] = f"(ite {begins} #b1 (ite (and {sent} {last}) #b0 {kept('under way')}))"

    def agreement(step: int) -> list[str]:
        there = f"(= {kept('under way', step)} #b1)"
        same = [f"(= {port(f'{pitch}_address', step)} {kept(f'{pitch} began', step)})" for _, pitch in loops]
        zero = [f"(= {kept(pitch, step)} {number(0, layout[count].width)})" for count, pitch in loops]
        return [
            f"(= {port('runs__valid', step)} {there})",
            *(f"(= {port(pitch, step)} {kept(pitch, step)})" for _, pitch in loops),
            f"(=> {there} {all_of(*same)})",
            f"(or {there} {all_of(*zero)})",
        ]

    first = loops[0][1]
    claims = [
        f"(= {port('runs__valid', 0)} {under_way})",
        f"(= {port('jobs__ready', 0)} (and {sent} {last}))",
        f"(=> {under_way} (= {port('runs__payload.address', 0)} {kept(f'{first} began')}))",
        f"(=> {under_way} (= {port('runs__payload.bytes', 0)} {field('run')}))",
    ]
    # A job stays on offer until it is taken.
    held = f"(=> {under_way} (and {port('jobs__valid', 0)} (= {offered} {kept('job')})))"
    return induction(
        netlist, Record(widths, following, {}), (agreement(0), agreement(1)), claims, assumed=[held]
    )
