"""Programs from Verilog and C++: what all have in common is compiled once."""

import subprocess
from pathlib import Path

import pytest

from tileloom_sim.build import verilator

VERILOG = "module adder(input [7:0] a, input [7:0] b, output [7:0] sum); assign sum = a + b; endmodule\n"
MAIN = """#include "Vtop.h"
#include <cstdio>
int main() {
    VerilatedContext context;
    Vtop top{&context};
    top.a = 200;
    top.b = 99;
    top.eval();
    printf("%d\\n", top.sum);
}
"""


@pytest.mark.parametrize("options", [[], ["--vpi"]], ids=["plain", "vpi"])
def test_the_runtime_library_is_not_compiled_again(options, tmp_path):
    (tmp_path / "main.cpp").write_text(MAIN)
    verilator.build(
        tmp_path,
        verilog=VERILOG,
        control="`verilator_config\n",
        top="adder",
        sources=[Path("main.cpp")],
        executable="add",
        options=options,
    )
    assert subprocess.check_output([tmp_path / "add"], text=True) == "43\n"
    compiled = {file.stem for file in tmp_path.glob("*.d")}  # what the compiler leaves beside each object
    assert "main" in compiled
    assert (tmp_path / "verilated.o").exists()
    assert not {name for name in compiled if name.startswith("verilated")}
