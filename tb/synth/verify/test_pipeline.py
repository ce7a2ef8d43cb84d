"""CV32E40P with xDecimate is proved; with a line of ours broken, or a net of the unit inverted, it is not."""

import re
from dataclasses import replace

import pytest

from tileloom.cores import CV32E40P
from tileloom.families import load
from tileloom.xfu.cv32e40p.patch import patch_sources
from tileloom_synth.verify.netlist import Net
from tileloom_synth.verify.proof import decide
from tileloom_synth.verify.solver import Query, refute
from tileloom_synth.xfu import core
from tileloom_synth.xfu.formal import core_proofs
from tileloom_synth.xfu.pipeline import stages_queries
from tileloom_synth.xfu.twin import same_queries

from .inverted import with_inverted

CONFIG = load("xfu-cv32e40p")


@pytest.mark.parametrize("sizes", [(4, 8, 16), pytest.param((8,), marks=pytest.mark.long)])
def test_the_pipeline_is_proved(sizes: tuple[int, ...]) -> None:
    for proof in core_proofs(load("xfu-cv32e40p", group_sizes=sizes)):
        outcome = decide(proof, timeout=600)
        assert outcome.proved and outcome.queries == 3, proof.title


def broken(file: str, old: str, new: str) -> core.Core:
    """Return the core with the unit, with a text of one of its files changed."""
    sources = patch_sources(CV32E40P.sources(), CONFIG)
    assert sources[file].count(old) == 1
    return core.read({**sources, file: sources[file].replace(old, new)})


def stages(ours: core.Core) -> list[Query]:
    return stages_queries(CONFIG, ours)


def same(ours: core.Core) -> list[Query]:
    return same_queries(ours, core.installed())


ID, LSU, CORE = (f"cv32e40p_{name}.sv" for name in ("id_stage", "load_store_unit", "core"))
DECODER = "cv32e40p_decoder.sv"
RD = "reg_d_ex_is_reg_c_id & ~(xfu_decimate_dec & regfile_we_ex_o)"
LINES = {
    "rd does not wait behind a branch": (ID, RD, "reg_d_ex_is_reg_c_id & ~xfu_decimate_dec", stages),
    "rd waits": (ID, RD, "reg_d_ex_is_reg_c_id", stages),
    "no rd waits": (ID, RD, "reg_d_ex_is_reg_c_id & ~regfile_we_ex_o", same),
    "rd of the load where it is not": (
        LSU,
        "xfu_chained_ex_i ? data_rdata",
        "~xfu_chained_ex_i ? data_rdata",
        stages,
    ),
    "a byte in one lane": (LSU, "{4{rdata_b_ext[7:0]}}", "rdata_b_ext", stages),
    "no load extends its sign": (CORE, "data_type_ex == 2'd3 ? xfu", "data_type_ex != 2'd0 ? xfu", same),
    "counts while it waits": (CORE, ".leaving        (ex_ready)", ".leaving        (1'b1)", stages),
    "a swap gives 15 bits": (
        CORE,
        "{16{xfu_swap_ex}} & xfu_counter",
        "{15{xfu_swap_ex}} & xfu_counter",
        stages,
    ),
    "every CSR has the counter": (CORE, "{16{xfu_swap_ex}} & xfu_counter", "xfu_counter", same),
    "a swap that was killed": (DECODER, "(deassert_we_i) ? 1'b0          : xfu_swap_i", "xfu_swap_i", stages),
    "rs1 is not waited for": (
        *(
            DECODER,
            "rega_used_o    = 1'b1;\n                regb_used_o    = 1'b1;\n                regc_used_o",
        ),
        *("regb_used_o    = 1'b1;\n                regc_used_o", stages),
    ),
}
QUICK = ("rd does not wait behind a branch", "counts while it waits", "no load extends its sign")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in LINES]
)
def test_each_line_matters(name: str) -> None:
    file, old, new, queries = LINES[name]
    assert refute(queries(broken(file, old, new)), timeout=600) is not None


OUTPUTS = ("decimate", "swap", "displacement", "address_operand", "lane", "counter", "word")
DRIVEN = re.compile(rf"[ .]xfu_(?:decode|execute|merge)_i\.(?:execute\.)?(?:n\d+|{'|'.join(OUTPUTS)})\|$")


def own_nets(ours: core.Core) -> list[Net]:
    """Return the nets that are driven in the unit's modules."""
    nets = {net.name: net for net in ours.netlist.nets}
    free = {name for name, net in nets.items() if net.value is None}
    found = set()
    for name, net in nets.items():
        while DRIVEN.search(name) and (alias := re.fullmatch(r"\((\|[^|]+\|) state\)", net.value or "")):
            net = nets[alias[1]]
            if " " not in net.name:
                found.add(net.name)
    return [nets[name] for name in sorted(found - free)]


@pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.long)])
def test_each_net_of_the_unit_matters(every: int) -> None:
    ours = core.with_unit(CONFIG)
    nets = own_nets(ours)
    assert len(nets) > 25
    for net in nets[::every]:
        other = replace(ours, netlist=with_inverted(ours.netlist, net))
        assert refute(stages(other), timeout=600) is not None, net
