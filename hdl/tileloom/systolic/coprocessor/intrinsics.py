"""The instructions in C and assembler, as a header for one array."""

from __future__ import annotations

from pathlib import Path

from ...formats import FloatFormat
from ..config import SystolicConfig
from .instruction import FUNCT3, OPCODE, Form, Operation, forms

NAME = "tileloom_array.h"
"""Of the header, the same for every array: a program has one."""

TEMPLATE = Path(__file__).with_name(NAME)

COMMENTS = {
    Operation.STEP: "Give activation a; return p + the oldest result, but p + 0 if only a vector's wait.",
    Operation.READ: "Return p + the oldest result, or p + 0 where there is none.",
    Operation.WEIGHT: "Give the next word of the next tile of weights.",
    Operation.STATUS: "Return the status word.",
    Operation.RESET: "Forget what is begun: TILELOOM_VECTORS, TILELOOM_WEIGHTS or both.",
    Operation.ACTIVATION: "Return activation a of the vector begun.",
    Operation.RESULT: "Put a behind the results.",
    Operation.MULTIPLY: "Multiply vectors at a by the next tile, and add to the sums at p; 0 if taken.",
    Operation.SETTING: "Set setting p, a TILELOOM_SET_..., to a; return what it was.",
    Operation.FIRST: "As tileloom_step, but holds 0 + the oldest result as a sum.",
    Operation.NEXT: "As tileloom_step, but holds the oldest sum + the oldest result.",
    Operation.LAST: "As tileloom_step, but returns the oldest sum + the oldest result.",
    Operation.SUM: "Return the oldest sum, which is no longer held; 0 where there is none.",
    Operation.HOLD: "Hold a as a sum, behind the others.",
    Operation.HELD: "Return how many sums are held.",
}
PARAMETERS = {"rs1": "a", "rs2": "p"}


def header(config: SystolicConfig) -> str:
    """Return the text of tileloom_array.h for an array with a host."""
    defines = "\n".join(f"#define TILELOOM_{name} {value}" for name, value in constants(config).items())
    known = forms(config)
    macros = "\n".join(_macro(operation, form) for operation, form in known.items())
    intrinsics = "\n\n".join(_intrinsic(operation, form) for operation, form in known.items())
    text = TEMPLATE.read_text("utf-8")
    for place, part in {"DEFINES": defines, "MACROS": macros, "INTRINSICS": intrinsics}.items():
        text = text.replace(f"@{place}@", part)
    return text


def constants(config: SystolicConfig) -> dict[str, int | str]:
    """Return what the header says of the array, by name without the prefix TILELOOM_."""
    weight, total, activation = config.weight, config.accumulator, config.activation
    return {
        "ROWS": config.rows,
        "COLUMNS": config.columns,
        "STEPS": config.step_interval,
        "LAG": 2 * config.columns,
        "DOUBLE_BUFFER": int(config.double_buffer),
        "MEMORY_BITS": config.memory_bits or 0,
        "ACCUMULATORS": config.accumulators or 0,
        "WEIGHT_BITS": weight.width,
        "WEIGHT_EXPONENT": weight.exponent_bits if isinstance(weight, FloatFormat) else 0,
        "WEIGHT_FRACTION": weight.fraction_bits if isinstance(weight, FloatFormat) else 0,
        "WEIGHTS_PER_WORD": config.weights_per_word,
        "WEIGHT_WORDS": config.rows * -(-config.columns // config.weights_per_word),
        "SUM_BITS": total.width,
        "SUM_EXPONENT": total.exponent_bits,
        "SUM_FRACTION": total.fraction_bits,
        "ONE": f"{activation.bias << activation.fraction_bits:#x}u",
    }


def _macro(operation: Operation, form: Form) -> str:
    registers = ", ".join(f"\\{name}" if getattr(form, name) else "x0" for name in ("rd", "rs1", "rs2"))
    names = ", ".join(form.operands)
    return (
        f"    .macro  {form.name} {names}\n"
        f"    .insn   r {OPCODE:#x}, {FUNCT3}, {int(operation)}, {registers}\n"
        "    .endm"
    )


def _intrinsic(operation: Operation, form: Form) -> str:
    given = [name for name in ("rs1", "rs2") if getattr(form, name)]
    parameters = ", ".join(f"uint32_t {PARAMETERS[name]}" for name in given) or "void"
    fields = ", ".join(
        "%[rd]" if name == "rd" and form.rd else f"%z[{PARAMETERS[name]}]" if name in given else "x0"
        for name in ("rd", "rs1", "rs2")
    )
    inputs = ", ".join(f'[{PARAMETERS[name]}] "rJ"({PARAMETERS[name]})' for name in given)
    code = f'".insn r {OPCODE:#x}, {FUNCT3}, {int(operation)}, {fields}"'
    function = form.name.replace("tl.", "tileloom_")
    comment = f"// {COMMENTS[operation]}\n"
    if not form.rd:
        return (
            f"{comment}static inline void {function}({parameters}) {{\n"
            f"    __asm__ volatile({code} : : {inputs});\n}}"
        )
    return (
        f"{comment}static inline uint32_t {function}({parameters}) {{\n"
        f"    uint32_t rd;\n"
        f'    __asm__ volatile({code} : [rd] "=r"(rd) : {inputs});\n'
        f"    return rd;\n}}"
    )
