"""``tileloom verify --formal``: what it prints, what it refuses, and how a counterexample is told."""

import json

import pytest
from click.testing import CliRunner, Result

import tileloom
from tileloom.cli.main import main
from tileloom.families import presets
from tileloom_synth.verify import adder, plan, solver

SMALL = "stream-8x8-fp16"
QUICK = ("--set", "accumulator=fp16")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["verify", *arguments])


def test_all_is_proved() -> None:
    result = run(SMALL, "--formal", *QUICK, "--set", "rounding=nearest-even", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row["property"] for row in rows] == [
        *("product", "bounds of a product", "zeros below a product", "product, any enable"),
        *("sum", "sum, any enable"),
        *("results: held until taken", "results: waits for no ready"),
        *("results: products of a column, in order", "a stall changes nothing", "nothing waits for ever"),
        "weights: those of a vector's tile",
    ]
    assert all(row["proved"] and row["configurations"] == [SMALL] for row in rows)
    assert rows[-1]["formats"].startswith("systolic_4x4_fp16_stream") and rows[-1]["rounding"] is None
    assert rows[0]["formats"] == "fp16 x fp16 -> fp16" and rows[0]["rounding"] == "nearest-even"
    queries = [row["queries"] for row in rows if row["property"] != "results: waits for no ready"]
    assert queries == [2, 1, 10, 1, 1, 1, 1, 5, 1, 1, 3]  # of zeros below: 0 to 9 places


def test_what_is_refuted_ends_in_status_1(monkeypatch) -> None:
    class Late(adder.Add):
        """An adder of other stages than the configuration has."""

        def __init__(self, *arguments, stages, **options) -> None:
            super().__init__(*arguments, stages=stages + 1, **options)

    monkeypatch.setattr(adder, "Add", Late)
    result = run(SMALL, "--formal", *QUICK)
    assert result.exit_code == 1
    assert "REFUTED" in result.stdout
    told = result.stderr.strip().splitlines()[-1]
    assert told.startswith("Error: sum, fp16, truncate, stages 1: does not hold for a = 0x"), told


def test_no_answer_ends_in_status_1() -> None:
    result = run(SMALL, "--formal", *QUICK, "--timeout", "0.001")
    assert result.exit_code == 1
    assert "NO ANSWER" in result.stdout and "give it more with --timeout" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (SMALL,),
            "verify: say what is to be done: --formal, --exhaustive, --mutate, --coverage, --programs",
        ),
        ((SMALL, "--formal", "--programs", "3"), "verify: say what is to be done: --formal, --exhaustive,"),
        (("--exhaustive",), "--exhaustive: give the CONFIG of an engine"),
        (
            (SMALL, "--exhaustive"),
            f"{SMALL}: --exhaustive is for an engine; what arrays and units do --formal",
        ),
        (("--programs", "3"), "--programs: give the CONFIG whose core is to run them"),
        (("xfu-cv32e40p", "--programs", "0"), "0: give a whole number from 1 to 1000000"),
        (
            (SMALL, "--programs", "3"),
            f"{SMALL}: --programs is for a unit in a RISC-V core, such as xfu-cv32e40p",
        ),
        (("xfu-unit", "--programs", "3"), "host = unit: the unit alone has no core"),
        (("--formal", "--set", "rows=3"), "--set: there is no CONFIG that it could change"),
        ((SMALL, "--formal", "--timeout", "0"), "0: give a number above 0"),
        (("stream-8x8-fp61", "--formal"), "did you mean stream-8x8-fp16?"),
    ],
)
def test_mistakes(arguments, message) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and message in result.stderr and not result.stdout, result.output


def test_without_a_solver(monkeypatch) -> None:
    find = solver.importlib.util.find_spec
    monkeypatch.setattr(
        solver.importlib.util, "find_spec", lambda name: None if name == "bitwuzla" else find(name)
    )
    result = run(SMALL, "--formal", *QUICK)
    assert result.exit_code == 1
    assert "bitwuzla, the solver, is not installed: pip install 'tileloom[verify]'" in result.stderr


def test_the_presets_share_proofs() -> None:
    planned = plan.proofs_of_presets()
    assert len({proof.key for proof, _ in planned}) == len(planned)
    # Of the stages and roundings that no preset has nobody is named.
    (users,) = (used for proof, used in planned if proof.title == "sum" and used)
    assert {"engine-fp32-int8", "stream-8x8-fp16", "sasp-cv32e40p-memory"} <= set(users)
    proved = {name for name, family in presets().items() if family.has_room("tileloom_synth", "formal")}
    assert {name for _, used in planned for name in used} == proved and len(proved) == len(presets()) - 2


def test_every_configuration_of_an_array_has_proofs() -> None:
    for fields in ({"multiply_stages": 3}, {"multiply_stages": 2, "carry_save": True}, {"weight": "int4"}):
        config = tileloom.load(SMALL, **fields)
        assert len(plan.proofs_of(config)) >= 4
