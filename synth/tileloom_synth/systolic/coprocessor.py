"""An array on CV-X-IF: instructions execute in order, those that were committed and no others, each once.

Beside the netlist go the two instructions that the coprocessor may have, and what commits and kills made of
them (docs/coprocessor.md; CORE-V-XIF 1.0, "Commit interface"). From any state of the array inside:

    offered --> [waiting: committed, killed] --> [executing] --> result, when the array is ready

A result that is offered stays until it is taken: the instruction does, by this record, and the array's answer
to it by ``answers``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tileloom.api import generate
from tileloom.systolic.config import SystolicConfig
from tileloom.systolic.coprocessor.cv_x_if import CvXIf
from tileloom.systolic.coprocessor.decode import OPERATION_BITS

from ..verify.induction import Record, all_of, any_of, induction, kept
from ..verify.netlist import Netlist, netlist_of_design, open_netlist, port
from ..verify.proof import Proof
from ..verify.solver import Query
from ..verify.specification import bit, bits, number
from ..verify.streams import Stream, no_path
from . import answers

PLACES = ("waiting", "executing")


RESULT = Stream(
    "results",
    "result_valid",
    "result_ready",
    tuple(f"result_{name}" for name in ("id", "data", "rd", "we", "exc", "exccode", "err")),
)


def coprocessor_proofs(config: SystolicConfig) -> list[Proof]:
    """Return the proofs of an array on CV-X-IF."""
    design = generate(config)
    of = (design.name, "", 0)

    def free() -> int:
        return no_path(netlist_of_design(design), RESULT, [RESULT.ready])

    def in_order() -> list[Query]:
        return queries(config, open_netlist(CvXIf(config)))

    def held() -> list[Query]:
        return answers.queries(config, answers.open_unit(config))

    return [
        Proof("CV-X-IF: committed instructions alone, once, in order", *of, "induction", in_order),
        Proof(f"{RESULT.name}: held until taken", *of, "induction", held),
        Proof(f"{RESULT.name}: waits for no ready", *of, "structure", structure=free),
    ]


def queries(config: SystolicConfig, netlist: Netlist) -> list[Query]:
    """Return the queries of the proof."""
    tag_bits = config.id_width
    offered = {
        "tag": (tag_bits, port("issue_id", 0)),
        "operation": (OPERATION_BITS, port("decode.operation", 0)),
        "rd": (5, bits(port("issue_instr", 0), 11, 7)),
        "a": (32, port("issue_rs1", 0)),
        "b": (32, port("issue_rs2", 0)),
    }
    widths = {"offer committed": 1, "waiting committed": 1}
    for place in PLACES:
        widths |= {f"{place} there": 1} | {f"{place} {name}": width for name, (width, _) in offered.items()}

    def is_set(name: str, step: int = 0) -> str:
        return f"(= {kept(name, step)} #b1)"

    def no(condition: str) -> str:
        return f"(not {condition})"

    def meant(tag: str, *, kill: bool) -> str:
        """Return that this cycle's commit, or kill, is for a tag: of it and older ones, or it and younger."""
        ahead = f"(bvsub {port('commit_id', 0)} {tag})"
        younger = f"(= {bits(ahead, tag_bits - 1, tag_bits - 1)} #b1)"
        same = f"(= {ahead} {number(0, tag_bits)})"
        killed = port("commit_kill", 0)
        asked = all_of(port("commit_valid", 0), killed if kill else no(killed))
        return all_of(asked, any_of(younger, same) if kill else no(younger))

    tag, waits, executes = kept("waiting tag"), is_set("waiting there"), is_set("executing there")
    # Of two instructions with the same tag the older one is meant.
    other = all_of(waits, no(is_set("waiting committed")), f"(= {port('issue_id', 0)} {tag})")
    same_tag = f"(= {port('commit_id', 0)} {port('issue_id', 0)})"
    older = all_of(other, same_tag)
    goes = any_of(is_set("waiting committed"), meant(tag, kill=False))
    dropped = all_of(meant(tag, kill=True), no(is_set("waiting committed")))
    commits = any_of(is_set("offer committed"), all_of(meant(port("issue_id", 0), kill=False), no(older)))
    kills = all_of(meant(port("issue_id", 0), kill=True), no(is_set("offer committed")), no(older))
    done = all_of(port("result_valid", 0), port("result_ready", 0))
    moves = all_of(waits, goes, any_of(no(executes), done))
    room = any_of(no(waits), moves)
    legal, operands = port("decode.legal", 0), f"(= {bits(port('issue_rs_valid', 0), 1, 0)} #b11)"
    takes = all_of(legal, operands, port("guard.clear", 0))
    enters = all_of(port("issue_valid", 0), takes, room, no(kills))
    answered = any_of(no(legal), all_of(takes, room))

    following = {
        "offer committed": bit(all_of(port("issue_valid", 0), no(answered), commits)),
        "waiting there": bit(any_of(enters, all_of(waits, no(moves), no(dropped)))),
        "waiting committed": f"(ite {enters} {bit(commits)} {bit(all_of(waits, goes))})",
        "executing there": bit(any_of(moves, all_of(executes, no(done)))),
    }
    for name, (_, value) in offered.items():
        following[f"waiting {name}"] = f"(ite {enters} {value} {kept(f'waiting {name}')})"
        following[f"executing {name}"] = (
            f"(ite {moves} {kept(f'waiting {name}')} {kept(f'executing {name}')})"
        )

    def agreement(step: int) -> Iterator[str]:
        yield f"(= {port('committed', step)} {is_set('offer committed', step)})"
        for place, signal in zip(PLACES, ("waits", "executes"), strict=True):
            there = is_set(f"{place} there", step)
            yield f"(= {port(f'commitment.{signal}', step)} {there})"
            for name in offered:
                same = f"(= {port(f'{place}.{name}', step)} {kept(f'{place} {name}', step)})"
                yield f"(=> {there} {same})"
        own = f"(= {port('commitment.committed', step)} {is_set('waiting committed', step)})"
        yield f"(=> {is_set('waiting there', step)} {own})"

    ready = port("unit__ready", 0)
    results = {"result_id": "tag", "result_rd": "rd"}
    given = {f"unit__{name}": name for name in ("operation", "a", "b")}
    claims = [
        f"(= {port('issue_ready', 0)} {answered})",
        f"(= {port('issue_accept', 0)} {legal})",
        f"(= {port('result_valid', 0)} (and {executes} {ready}))",
        f"(= {port('unit__taken', 0)} {done})",
        *(
            f"(=> {executes} (= {port(signal, 0)} {kept(f'executing {name}')}))"
            for signal, name in (results | given).items()
        ),
        f"(= {port('result_data', 0)} {port('unit__result', 0)})",
        port("result_we", 0),
        *(f"(= {port(name, 0)} {port(name, 1)})" for name in ("result_exc", "result_exccode", "result_err")),
    ]
    # Offered and not taken: the instruction stays, and so does the result if the array's answer does.
    stays = [f"(= {port(signal, 0)} {port(signal, 1)})" for signal in (*given, *results)]
    stays.append(f"(=> {port('unit__ready', 1)} {port('result_valid', 1)})")
    held = f"(=> (and {port('result_valid', 0)} (not {port('result_ready', 0)})) {all_of(*stays)})"
    record = Record(widths, following, {})
    return induction(netlist, record, (agreement(0), agreement(1)), claims, leads_to=[held])
