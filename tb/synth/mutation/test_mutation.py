"""``tileloom verify --mutate``: faults are put in, noticed, proved to be none, or listed."""

import json
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from click.testing import CliRunner

from tileloom.cli.main import main
from tileloom.errors import CheckError, UserError
from tileloom.families import family_of, load
from tileloom.netlist.text import modules_of, split_modules
from tileloom.systolic.design import generate
from tileloom_synth.engine import mutation as engine_mutation
from tileloom_synth.mutation.addresses import permutes_addresses
from tileloom_synth.mutation.equal import difference_of, equal_around
from tileloom_synth.mutation.mutants import PORT, Mutant, mutate
from tileloom_synth.mutation.proofs import Held, Proofs
from tileloom_synth.mutation.run import Mutation
from tileloom_synth.mutation.score import Trial, score
from tileloom_synth.verify.solver import Query
from tileloom_synth.xfu import mutation as xfu_mutation
from tileloom_synth.xfu.core_mutation import core_mutated

TOY = """\
module toy(clk, a, b, y, hidden);
  input clk;
  wire clk;
  input a;
  wire a;
  input b;
  wire b;
  output y;
  reg y;
  output hidden;
  wire hidden;
  wire twice;
  assign twice = a & a;
  assign hidden = twice & (twice | b);
  always @(posedge clk)
    y <= twice ^ b;
endmodule
"""


@dataclass(frozen=True)
class Toy:
    """As much of a design as is looked at."""

    name: str
    verilog: str
    manifest: dict


DESIGN = Toy("toy", TOY, {"modules": {"toy": "top"}, "clock": "clk"})


def run(*arguments):
    return CliRunner().invoke(main, ["verify", *arguments])


def test_other_places_of_a_memory_are_the_same_words():
    """Bits of an address inverted by others are; stuck ones are not, nor those of two addresses."""
    config = load("engine-int8", m=2, k=3, n=5, a_words=64, acc_tiles=16, weight_beats=4, bus=64)
    verilog = family_of(config).room("tileloom", "design").generate(config).verilog
    (buffer,) = modules_of(verilog, "a_buffer")
    text = split_modules(verilog)[buffer]
    # What else drives a net is not looked at: of the pin itself, the net's name does not count.
    pin = "-cell half_1_bank_0 -port address -portbit 2"
    whole = "-cell driver -port Y -portbit 2"

    def permutes(options: str, module: str = buffer, after: str = verilog) -> bool:
        return permutes_addresses(after, Mutant(1, "", module, f"mutate {options} -module {module}"))

    for where in (pin, f"{whole} -wire half_1_bank_0__address -wirebit 2"):
        assert permutes(f"-mode inv {where}")
        assert permutes(f"-mode cnot1 {where} -ctrlbit 4")
        assert not permutes(f"-mode const1 {where}")
    assert not permutes(f"-mode inv {whole} -wire half_1_bank_0__address -wirebit 3")
    assert not permutes(f"-mode inv {whole} -wire fill__address -wirebit 2")
    seen = text.replace("endmodule", "  assign other = half_1_bank_0__address;\nendmodule")
    assert not permutes(
        f"-mode inv {whole} -wire half_1_bank_0__address -wirebit 2", after=verilog.replace(text, seen)
    )
    assert not permutes(f"-mode inv {pin}", "cv32e40p_decoder")  # of a core, which the text is not
    (sums,) = modules_of(verilog, "accumulators")
    assert not permutes("-mode inv -cell half_0 -port write_address -portbit 1", sums)
    filled = verilog.replace("memory[address] <= write_data;", "memory[write_data] <= write_data;")
    assert filled != verilog and not permutes(f"-mode inv {pin}", after=filled)


def test_faults_that_change_nothing_are_told_from_others():
    """``twice | b`` is 1 wherever it counts, so that of its faults only those that make it 0 matter."""
    mutated = mutate(DESIGN, {"all": ("",)}, 60, 1)
    assert f"input [15:0] {PORT};" in mutated.design.verilog
    assert not [mutant for mutant in mutated.mutants if "CLK" in mutant.command]
    found = {}
    for mutant in mutated.mutants:
        options = mutant.command.split()
        cell, port, mode = (options[options.index(name) + 1] for name in ("-cell", "-port", "-mode"))
        found[cell.split("$")[1], port, mode] = difference_of(mutated, mutant).equal
    assert found["or", "B", "inv"] and found["or", "B", "const0"] and found["or", "Y", "const1"]
    assert not found["or", "Y", "inv"] and not found["xor", "Y", "const0"] and not found["and", "B", "inv"]


LOOP = """\
module loop(clk, rst, step, y);
  input clk;
  wire clk;
  input rst;
  wire rst;
  input step;
  wire step;
  output y;
  wire y;
  reg [1:0] count = 2'h0;
  wire three;
  assign three = count == 2'h3;
  assign y = (count == 2'h2) | three;
  always @(posedge clk)
    if (rst) count <= 2'h0;
    else if (step) count <= (count == 2'h2) ? 2'h0 : count + 2'h1;
endmodule
"""


def test_a_fault_in_a_state_that_is_never_reached_is_none():
    """Three is never counted to, so that nothing notices faults that show only there; others are shown."""
    mutated = mutate(Toy("loop", LOOP, {"modules": {"loop": "top"}, "clock": "clk"}), {"all": ("",)}, 60, 1)
    gate = [
        mutant for mutant in mutated.mutants if "$or$" in mutant.command and "-port A " not in mutant.command
    ]
    found = {mutant.fault: difference_of(mutated, mutant) for mutant in gate}
    unreached = [one for fault, one in found.items() if " B[0] stuck at 0" in fault]
    assert [(one.equal, one.how) for one in unreached] == [(True, "never differs after a reset")]
    others = [one for fault, one in found.items() if " B[0] stuck at 0" not in fault]
    assert others and all(one.equal is False and "cycles after a reset" in one.how for one in others)


INNER = """\
module inner(clk, a, y);
  input clk;
  wire clk;
  input a;
  wire a;
  output y;
  wire y;
  assign y = ~a;
endmodule
"""
OUTER = """\
module outer(clk, a, y);
  input clk;
  wire clk;
  input a;
  wire a;
  output y;
  wire y;
  wire z;
  outer_inner inner (
    .clk(clk),
    .a(a),
    .y(z)
  );
  assign y = z & (z | a);
endmodule
"""


def test_faults_around_a_module_inside_are_judged_without_it():
    """The module inside is told which fault is there, too, and that is no difference."""
    verilog = INNER.replace("module inner", "module outer_inner") + OUTER
    design = Toy("outer", verilog, {"modules": {"outer": "top", "outer_inner": "part"}, "clock": "clk"})
    mutated = mutate(design, {"outer": ("",), "inner": ("inner",)}, 20, 1)
    equal = {
        mutant.command.split()[6]: difference_of(mutated, mutant).equal
        for mutant in mutated.mutants
        if mutant.module == "outer" and "$or" in mutant.command and "const1" in mutant.command
    }
    assert equal and all(equal.values())
    assert not any(
        difference_of(mutated, mutant).equal for mutant in mutated.mutants if mutant.part == "inner"
    )


UNREAD = """\
module outer(clk, a, y);
  input clk;
  wire clk;
  input a;
  wire a;
  output y;
  wire y;
  wire z;
  outer_inner inner (.clk(clk), .a(a), .y(z));
  assign y = a & (a | z);
endmodule
"""


def test_a_fault_that_nobody_reads_is_none():
    verilog = INNER.replace("module inner", "module outer_inner") + UNREAD
    design = Toy("outer", verilog, {"modules": {"outer": "top", "outer_inner": "part"}, "clock": "clk"})
    mutated = mutate(design, {"outer": ("",), "inner": ("inner",)}, 20, 1)
    for mutant in mutated.mutants:
        if mutant.part == "inner":
            assert not difference_of(mutated, mutant).equal
            assert equal_around(mutated, mutant) == "outer"
        elif "$and" in mutant.command and " -port Y " in mutant.command:
            assert not difference_of(mutated, mutant).equal and equal_around(mutated, mutant) is None


def test_a_part_is_the_modules_of_its_names_and_the_longest_name_counts():
    design = generate(load("stream-8x8-int8", rows=2, columns=3))
    parts = {"port": ("array",), "loader": ("array_loader",), "none": ("engine",)}
    mutated = mutate(design, parts, 3, 1)
    modules = {part: {m.module for m in mutated.mutants if m.part == part} for part in parts}
    assert modules["loader"] and all("array_loader" in name for name in modules["loader"])
    assert modules["port"] and not any("array_loader" in name for name in modules["port"])
    assert modules["none"] == set() and len(mutated.mutants) == 6
    assert mutate(design, parts, 3, 1).design.verilog == mutated.design.verilog
    port = [mutant.command for mutant in mutated.mutants if mutant.part == "port"]
    assert [mutant.command for mutant in mutate(design, parts, 3, 1, ("port",)).mutants] == port
    for part in ("none", "drain"):
        with pytest.raises(UserError, match=f"--part {part}: systolic_2x3_.* has port, loader$"):
            mutate(design, parts, 3, 1, (part,))
    with pytest.raises(UserError, match="--mutants 40000: 2 parts, and 65,535 in all at most"):
        mutate(design, parts, 40_000, 1)


def test_a_score_is_of_those_that_change_something():
    mutated = mutate(DESIGN, {"all": ("",)}, 60, 1)
    killed = {mutant.number for mutant in mutated.mutants if "xor" in mutant.command}
    none = Proofs(mutated, [])
    trial: Trial = lambda mutant, number: mutant not in killed or number < 1  # noqa: E731
    found = Mutation("toy", 1, score(mutated, trial, none))
    counts = found.counts(None)
    assert counts["killed"] == len(killed) > 0 and counts["equal"] > 0 and counts["survived"] > 0
    assert counts["by_proof"] == 0 and found.to_json()["proofs"] == []
    assert counts["score"] == round(len(killed) / (len(killed) + counts["survived"]), 4)
    assert len(found.survivors) == counts["survived"]
    assert all("cycles after a reset" in verdict.reason for verdict in found.survivors)
    with pytest.raises(CheckError, match=r"toy: its regression notices \d\d\.\d% of the mutants, not 98%"):
        found.require()
    with pytest.raises(CheckError, match="toy: its regression fails without a fault"):
        score(replace(mutated, mutants=[]), lambda mutant, number: False, none)


def test_a_proof_notices_what_simulation_does_not() -> None:
    """A proof that holds without a fault; one that does not, or of another module, is not asked."""
    mutated = mutate(DESIGN, {"all": ("",)}, 60, 1)
    asked = []

    def queries(number: int) -> list[Query]:
        asked.append(number)
        return [Query([f"(assert {'true' if number % 2 else 'false'})"], {})]

    def never(number: int) -> list[Query]:
        assert number == 0
        return [Query(["(assert true)"], {})]

    held = [Held("wrong", "toy", never), Held("odd", "toy", queries)]
    proofs = Proofs(mutated, held)
    found = {mutant.number: proofs.refuting(mutant) for mutant in mutated.mutants[:4]}
    assert found == {1: "odd", 2: None, 3: "odd", 4: None} and asked == [0, 1, 2, 3, 4]
    first = replace(mutated, mutants=mutated.mutants[:4])
    verdicts = score(first, lambda mutant, number: True, proofs)
    # Without rounds nothing is simulated.
    again = score(first, lambda mutant, number: False, proofs, rounds=0)
    assert [each.proof for each in again] == [each.proof for each in verdicts]
    assert [each.killed for each in verdicts] == [each.proof is not None for each in verdicts]
    alone = [each for each in verdicts if each.proof]
    assert all(each.mutant.number % 2 and not each.equal for each in alone)
    assert Mutation("toy", 1, verdicts).counts("all")["by_proof"] == len(alone)


def test_a_walker_in_its_design_is_the_component_that_is_proved() -> None:
    """Its own proof holds of the design's module, and does not with upper bits of a counter broken."""
    config = load("engine-int8", m=1, k=2, n=2, a_words=16, acc_tiles=2, bus=64)
    mutated = engine_mutation.mutated(config, 40, 1, ("walker",))
    proofs = Proofs(mutated, engine_mutation.held(config, mutated))
    counted = [
        mutant for mutant in mutated.mutants if "$add$" in mutant.command and "const" in mutant.command
    ]
    assert counted
    for mutant in counted:
        assert proofs.refuting(mutant) == "walker: entries once, in order"


def figures(verdicts: int, **more) -> dict:
    counts = {"mutants": 6, "killed": 6 - verdicts, "equal": 0, "survived": verdicts, "score": 0.5}
    return {"name": "xfu_unit", "seed": 3, **counts, "parts": {"decode": counts}, "survivors": [], **more}


def test_again_counts_what_was_judged_before(tmp_path, monkeypatch) -> None:
    config = load("xfu-unit")
    mutated = xfu_mutation.mutated(config, 6, 3, ("decode",))
    left = mutated.mutants[2]
    kept = tmp_path / "found.json"
    survivors = [{"module": left.module, "command": left.command, "reason": ""}]
    kept.write_text(json.dumps(figures(1, survivors=survivors)))
    monkeypatch.setattr(xfu_mutation, "held", lambda config, mutated: [])
    monkeypatch.setattr(
        xfu_mutation, "trial", lambda config, mutated, seed: lambda mutant, number: mutant == 0
    )
    found = json.loads(run("xfu-unit", "--mutate", "--again", str(kept), "--json").stdout)
    assert (found["mutants"], found["killed"], found["survived"], found["seed"]) == (6, 6, 0, 3)
    assert found["parts"]["decode"]["score"] == 1 and found["survivors"] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not what tileloom verify --mutate prints with --json"),
        (json.dumps([1]), "is not what tileloom verify --mutate prints with --json"),
        (json.dumps(figures(1, name="other")), "is of other, not of xfu_unit"),
        (json.dumps(figures(1, survivors=[{"command": "mutate -mode inv"}])), "xfu_unit has no such faults"),
    ],
)
def test_again_refuses_other_files(content, message, tmp_path) -> None:
    kept = tmp_path / "found.json"
    kept.write_text(content)
    result = run("xfu-unit", "--mutate", "--again", str(kept))
    assert (
        result.exit_code == 2 and f"{kept}: {message}" in result.stderr and "Traceback" not in result.stderr
    )


@pytest.mark.long
def test_the_command():
    result = run("xfu-unit", "--mutate", "--mutants", "2", "--seed", "3", "--json")
    figures = json.loads(result.stdout)
    assert figures["mutants"] == 6 and figures["killed"] >= 4 and figures["seed"] == 3
    assert list(figures["parts"]) == ["decode", "execute", "write back"]
    assert result.exit_code == (figures["score"] < 0.98)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "say what is to be done: --formal, --exhaustive, --mutate, --coverage"),
        (("--mutate", "--formal"), "say what is to be done: --formal, --exhaustive, --mutate, --coverage"),
        (("--mutate",), "--mutate: give the CONFIG whose regression is judged"),
        (("xfu-unit", "--programs", "1", "--timeout", "3"), "--timeout: is of --formal and --mutate"),
        (("--formal", "--mutants", "3"), "--mutants: is of --mutate"),
        (("--formal", "--part", "walker"), "--part: is of --mutate"),
        (("--formal", "--rounds", "1"), "--rounds: is of --mutate"),
        (("--formal", "--again", "found.json"), "--again: is of --mutate; FILE says how many in which parts"),
        (
            ("xfu-unit", "--mutate", "--mutants", "3", "--again", "found.json"),
            "--again: is of --mutate; FILE",
        ),
        (("--formal", "--seed", "3"), "--seed: is of --exhaustive, --mutate"),
        (("xfu-cv32e40p", "--mutate", "--part", "core"), "has pipeline, decode, execute, merge"),
        (("xfu-unit", "--mutate", "--mutants", "0"), "give a whole number from 1 to 10000"),
    ],
)
def test_refused(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2 and message in result.stderr and "Traceback" not in result.stderr


def test_faults_of_the_core_are_in_our_lines():
    mutated = core_mutated(load("xfu-cv32e40p"), 60, 1, ("pipeline",))
    modules = Counter(mutant.module for mutant in mutated.mutants)
    assert len(mutated.mutants) == 60 and modules.keys() == {
        f"cv32e40p_{part}" for part in ("decoder", "id_stage", "load_store_unit", "core")
    }


@pytest.mark.long
def test_the_cores_proof_notices_a_fault_that_programs_leave():
    config = load("xfu-cv32e40p")
    mutated = core_mutated(config, 200, 3, ("pipeline",))
    fault = next(mutant for mutant in mutated.mutants if "-wire data_sign_ext_ex" in mutant.command)
    found = Proofs(mutated, xfu_mutation.held(config, mutated), timeout=300).refuting(fault)
    assert found == "pipeline: as installed without xDecimate"


@pytest.mark.long
@pytest.mark.parametrize("preset", ["xfu-cv32e40p", "xfu-cv-x-if"])
def test_hosts_notice_most_mutants(preset):
    figures = json.loads(run(preset, "--mutate", "--mutants", "4", "--seed", "1", "--json").stdout)
    assert figures["killed"] + figures["equal"] >= 0.75 * figures["mutants"] and figures["mutants"] >= 12


@pytest.mark.long
@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("stream-8x8-int8", {"rows": 2, "columns": 3, "add_stages": 2}),
        ("sasp-4x4-fp32", {"rows": 3, "columns": 2}),
        ("engine-int8", {"m": 2, "k": 3, "n": 5, "a_words": 64, "acc_tiles": 16, "bus": 64}),
    ],
)
def test_regressions_notice_most_mutants(preset, fields):
    overrides = [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
    result = run(preset, "--mutate", "--mutants", "8", "--seed", "1", "--json", *overrides)
    figures = json.loads(result.stdout)
    assert figures["killed"] + figures["equal"] >= 0.75 * figures["mutants"] and figures["mutants"] >= 40
