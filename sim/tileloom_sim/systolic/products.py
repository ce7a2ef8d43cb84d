"""Products on the RISC-V system: the array's C library beside software alone, in cycles of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tileloom.cli.console import Sheet, step
from tileloom.cli.result import Result
from tileloom.errors import CheckError
from tileloom.families import design_name
from tileloom.systolic.config import SystolicConfig
from tileloom_golden.fused import fused_gemm
from tileloom_golden.systolic.gemm import gemm
from tileloom_golden.systolic.tiles import kept_tiles

from ..riscv.run import SASP_CACHES, Conditions
from .array_library import Arrangement, run_array
from .operands import prepare
from .reference import arithmetic, operand_format
from .software import GemmRun, Method, Operand, run_software

SOFTWARE = (Method.PLAIN, Method.BLOCKED)
"""What the array is set beside: the plain loop, and the best that we could write."""


def simulate_products(
    config: SystolicConfig,
    products: Sequence[tuple[int, int, int]],
    *,
    seed: int,
    prune: float | None = None,
    arrangement: Arrangement = Arrangement.TILES,
    caches: bool = False,
) -> Result:
    """Run random products by the array's C library and by software, and compare every word.

    Software runs on CV32E40P with its FPU in every case, with the dense matrix; weights are INT8 where the
    array's are integers of up to 8 bits, else FP32.

    Parameters
    ----------
    config:
        An array with a core as its host.
    products:
        M, K and N of each.
    seed:
        Of the matrices.
    prune:
        Share of the tiles of W that become zero first, those with the smallest L1 norm.
    arrangement:
        How X and Y of the array lie in memory.
    caches:
        With ``SASP_CACHES``, else single-cycle memory.

    Returns
    -------
    Result
        For each product and method cycles, instructions, what kinds of them, and speed-ups.

    Raises
    ------
    CheckError
        A word differs from the golden model's, or a program does not end.
    ConfigError
        The array has no core.
    ToolError
        The core or the compiler is not installed, or a tool fails.
    UserError
        A product is too large for the system.
    """
    conditions = Conditions(caches=SASP_CACHES) if caches else Conditions()
    name = design_name(config)
    figures, sheets = [], []
    with step(f"Multiplying on {name}") as shown:
        for index, (m, k, n) in enumerate(products):
            random = np.random.default_rng([seed, index])
            x, w = (random.normal(size=size).astype(np.float32) for size in ((m, k), (k, n)))
            operands = prepare(config, ("X", x), ("W", w), prune=prune)
            expected = gemm(
                operands.x,
                operands.w,
                rows=config.rows,
                columns=config.columns,
                host_adds_tiles=True,
                **arithmetic(config),
            )
            title = f"{m} x {k} x {n}"

            def progress(cycles: int, what: str = title) -> None:
                shown.show(f"{what}: {cycles / 1e6:,.1f} Mcycles")

            found = run_array(
                config,
                operands.x,
                operands.w,
                arrangement=arrangement,
                conditions=conditions,
                progress=progress,
            )
            _compare(f"{title} on the array", found, expected)
            values = operands.x_values.astype(np.float32)
            small = operands.quantised and np.abs(operands.w_values).max() <= 127
            weights: Operand = operands.w_values.astype(np.float32)
            if small:
                weights = operands.w_values.astype(np.int8)
            golden = fused_gemm(values, np.asarray(weights, np.float32)).view(np.uint32)
            runs: dict[str, GemmRun] = {}
            for method in SOFTWARE:
                runs[method] = run_software(method, values, weights, conditions=conditions, progress=progress)
                _compare(f"{title}, {method}", runs[method], golden)
            runs["array"] = found
            kept = kept_tiles(operands.w, config.rows, config.columns, operand_format(config.weight))
            figures.append(_figures((m, k, n), float(kept.mean()), runs))
            sheets.append(
                Sheet(f"{title} on {name}, {kept.mean():.0%} of tiles", HEADINGS, _rows(figures[-1]))
            )
    memory = "caches" if caches else "single-cycle"
    result = {"seed": seed, "memory": memory, "arrangement": str(arrangement), "products": figures}
    return Result(result, sheets, [f"seed: {seed}"])


HEADINGS = (
    *("by", "cycles", "a MAC", "instructions", "loads", "stores", "branches", "others"),
    *("over plain", "over blocked"),
)


def _figures(shape: tuple[int, int, int], kept: float, runs: Mapping[str, GemmRun]) -> dict[str, Any]:
    macs = shape[0] * shape[1] * shape[2]
    methods = {}
    for method, run in runs.items():
        counted = dict(run.events)
        stalls = counted.pop("load_stalls", 0)
        mix = counted | {"others": run.instructions - sum(counted.values())} if counted else {}
        methods[method] = {
            "cycles": run.cycles,
            "cycles_per_mac": round(run.cycles / macs, 4),
            "instructions": run.instructions,
            "mix": mix,
            "load_stalls": stalls,
            **{f"over_{other}": round(runs[other].cycles / run.cycles, 3) for other in SOFTWARE},
        }
    return {"m": shape[0], "k": shape[1], "n": shape[2], "kept": round(kept, 4), "methods": methods}


def _rows(figures: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for method, each in figures["methods"].items():
        mix = each["mix"]
        jumps = {**mix, "branches": mix["branches"] + mix["jumps"]} if mix else {}
        shares = [f"{jumps[name] / each['instructions']:.1%}" if mix else "" for name in HEADINGS[4:8]]
        rows.append(
            [
                method,
                f"{each['cycles']:,}",
                f"{each['cycles_per_mac']:.3f}",
                f"{each['instructions']:,}",
                *shares,
                *(f"{each[f'over_{other}']:.2f}" for other in SOFTWARE),
            ]
        )
    return rows


def _compare(what: str, run: GemmRun, expected: Any) -> None:
    wrong = np.argwhere(run.results != expected)
    if len(wrong):
        row, column = wrong[0]
        raise CheckError(
            f"{what}: word [{row}, {column}] is {int(run.results[row, column]):#010x}, "
            f"and the golden model's {int(expected[row, column]):#010x}"
        )
