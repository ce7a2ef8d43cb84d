"""``NAME_tb.v``: a test bench that plays the worked example at the pins, in plain Verilog.

It drives what the simulation drove, cycle by cycle, and compares every output that means something in the
cycle: payload while it is valid, the rest always. It needs no file and no library beside the design, so that
it tells whether the design has arrived whole in somebody else's simulator. ``+waves`` writes ``NAME_tb.vcd``.
"""

from __future__ import annotations

from collections.abc import Mapping

from tileloom.design import Design
from tileloom.package.pins import Pin, Ports

from .trace import Trace


def testbench(design: Design, ports: Ports, trace: Trace) -> str:
    """Return the test bench; its module is ``NAME_tb``."""
    name = design.name
    inputs = [pin for pin in ports.pins if pin.inward and pin.name not in (ports.clock, ports.reset)]
    outputs = [pin for pin in ports.pins if not pin.inward]
    guards = _guards(ports)
    active = 0 if ports.active_low else 1
    lines = [f"  reg {ports.clock} = 0, {ports.reset} = {active};"]
    lines += [f"  reg {pin.declared}{pin.name};" for pin in inputs]
    for pin in outputs:
        lines += [f"  wire {pin.declared}{pin.name};", f"  reg {pin.declared}expected_{pin.name};"]
    connections = [f"    .{pin.name}({pin.name})" for pin in ports.pins]
    names = {pin.name: pin for pin in outputs}
    checks = []
    for pin in outputs:
        different = f"{pin.name} !== expected_{pin.name}"
        strobes = names.get(f"{pin.name.removesuffix('data')}strb")
        if pin.name.endswith("wdata") and strobes is not None:  # bytes without a strobe are nothing
            mask = ", ".join(f"{{8{{{strobes.name}[{bit}]}}}}" for bit in reversed(range(strobes.width)))
            different = f"(({pin.name} ^ expected_{pin.name}) & {{{mask}}}) !== 0"
        guard = f"{guards[pin.name]} && " if pin.name in guards else ""
        checks.append(f'      if ({guard}{different}) fail("{pin.name}");')
    return _TEXT.format(
        name=name,
        signals="\n".join(lines),
        connections=",\n".join(connections),
        clock=ports.clock,
        reset=ports.reset,
        active=active,
        released=1 - active,
        checks="\n".join(checks),
        cycles=len(trace.cycles),
        begin="\n".join(_assignments(trace.cycles[0], {}, inputs, [])),
        steps="\n".join(_steps(trace, inputs, outputs)),
    )


def _guards(ports: Ports) -> dict[str, str]:
    """Return the pin that says when an output means something, for those that do not always."""
    return {
        pin.name: channel.valid.name
        for interface in ports.interfaces
        for channel in interface.channels
        for pin in channel.payload
        if channel.valid is not None
    }


def _steps(trace: Trace, inputs: list[Pin], outputs: list[Pin]) -> list[str]:
    lines = []
    before: Mapping[str, int] = {}
    for number, cycle in enumerate(trace.cycles):
        changes = _assignments(cycle, before, inputs, outputs)
        lines += [f"    // cycle {number}", *changes, "    step;"]
        before = cycle
    return lines


def _assignments(
    cycle: Mapping[str, int], before: Mapping[str, int], inputs: list[Pin], outputs: list[Pin]
) -> list[str]:
    """Return what changes: inputs, and what outputs are expected to be."""
    named = [(pin, pin.name) for pin in inputs] + [(pin, f"expected_{pin.name}") for pin in outputs]
    return [
        f"    {name} = {pin.width}'h{cycle[pin.name]:x};"
        for pin, name in named
        if cycle[pin.name] != before.get(pin.name)
    ]


_TEXT = """\
// Plays the worked example of {name}'s datasheet at its pins, and compares every output:
// the levels are those of the simulation that was equal to the golden model. Ends with PASS or FAIL;
// +waves writes {name}_tb.vcd.
module {name}_tb;
{signals}
  integer cycle = 0, errors = 0;

  {name} dut (
{connections}
  );

  always #5 {clock} = ~{clock};

  task fail(input [8*64-1:0] pin);
    begin
      errors = errors + 1;
      if (errors <= 10) $display("cycle %0d: %0s is not as expected", cycle, pin);
    end
  endtask

  // Inputs and expectations are set behind the falling edge; outputs are seen just before the rising one.
  task step;
    begin
      #4;
{checks}
      @(negedge {clock});
      cycle = cycle + 1;
    end
  endtask

  initial begin
    if ($test$plusargs("waves")) begin
      $dumpfile("{name}_tb.vcd");
      $dumpvars(0, {name}_tb);
    end
{begin}
    repeat (2) @(negedge {clock});
    {reset} = {released};
{steps}
    if (errors == 0) $display("PASS: {cycles} cycles");
    else $display("FAIL: %0d outputs differ in {cycles} cycles", errors);
    if (errors != 0) $fatal(1);
    $finish;
  end
endmodule
"""
