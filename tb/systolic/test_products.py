"""`simulate` with --gemm: the array's C library beside software alone, on the RTL of the core."""

import pytest
from click.testing import CliRunner

import tileloom
from support.seed import SEED
from tileloom.cli.main import main
from tileloom.errors import CheckError, UserError
from tileloom_sim.systolic import products

CONFIG = {"host": "cv32e40p", "columns": 8, "double_buffer": True}


def config(**fields):
    return tileloom.load("sasp-4x4-int8", **CONFIG | fields)


def test_figures_of_a_product():
    result = tileloom.simulate(config(), gemm=[(8, 16, 24)], prune=0.25, seed=SEED)
    product = result.figures["products"][0]
    assert (product["m"], product["k"], product["n"], product["kept"]) == (8, 16, 24, 0.75)
    plain, blocked, array = (product["methods"][method] for method in ("plain", "blocked", "array"))
    assert array["cycles"] < blocked["cycles"] < plain["cycles"]
    assert array["over_blocked"] == round(blocked["cycles"] / array["cycles"], 3)
    for method in (plain, blocked, array):
        assert sum(method["mix"].values()) == method["instructions"] <= method["cycles"]
        assert min(method["mix"].values()) > 0
    # A word of the array is an activation and, but for the first tile along k, a sum loaded; and one stored.
    words = 9 * 8 * 8
    assert words + 6 * 8 * 8 < array["mix"]["loads"] < 1.4 * (words + 6 * 8 * 8)
    assert words <= array["mix"]["stores"] < 1.3 * words


def test_a_wrong_word_is_told(monkeypatch):
    monkeypatch.setattr(products, "gemm", lambda *args, **how: GEMM(*args, **how) ^ 1)
    with pytest.raises(CheckError, match=r"8 x 4 x 8 on the array: word \[0, 0\] is 0x[0-9a-f]{8}, and"):
        tileloom.simulate(config(), gemm=[(8, 4, 8)], seed=SEED)


GEMM = products.gemm


@pytest.mark.parametrize(
    ("hosted", "options", "message"),
    [
        (False, {"gemm": [(1, 1, 1)]}, "--gemm: is for an array with a host"),
        (False, {"caches": True}, "--caches: is for products on an array with a host"),
        (
            True,
            {"arrangement": "rows"},
            "--arrangement: is for products on an array with a host; give",
        ),
        (True, {"gemm": [(1, 0, 1)]}, "gemm: K: must be"),
        (True, {"gemm": [(1, 1, 1)], "interrupts": 3}, "--interrupts: not with --gemm"),
    ],
)
def test_refusals(hosted, options, message):
    with pytest.raises(UserError, match=message):
        tileloom.simulate(config() if hosted else tileloom.load("sasp-4x4-int8"), **options)


def test_sizes_on_the_command_line():
    done = CliRunner().invoke(main, ["simulate", "sasp-cv32e40p", "--gemm", "3,4"])
    assert done.exit_code == 2
    assert "'3,4' is not M,K,N in whole numbers" in done.output
