"""Our lines in CV32E40P's files: an instruction for its auxiliary port, and the unit beside its FPU.

The core is built with FPU = 1: the port is there only then. Operations of the FPU have bit 5 of ``apu_op``
clear (it marks those on vectors, which the core is not built for); ours have it set, and the operation in
bits 3 to 0. The core waits with ours (``apu_lat`` 1) until the FPU has none on its way, so that one result
at most comes in a cycle.
"""

from __future__ import annotations

from dataclasses import replace

from ....coprocessor.edits import Edit, File, after
from .auxiliary import PREFIX

DECODER = File(
    "cv32e40p_decoder.sv",
    "6e12f673e05380e34a35c38d8ee8b6878935d96b6f2dfda72c67f8a6e92a6e4e",
    (
        after(
            "  input  logic        illegal_c_insn_i,        // compressed instruction decode failed",
            """\
  input  logic        array_legal_i,           // an instruction of the array
""",
        ),
        after(
            "            end // Plane B",
            """\

            3'b111: begin // Tileloom's array
              if (FPU == 1 && array_legal_i) begin
                alu_en      = 1'b0;
                apu_en      = 1'b1;
                rega_used_o = 1'b1;
                regb_used_o = 1'b1;
                apu_op_o    = {2'b10, instr_rdata_i[28:25]};
                apu_lat_o   = 2'h1;
              end else begin
                illegal_insn_o = 1'b1;
              end
            end
""",
        ),
    ),
)

ID_STAGE = File(
    "cv32e40p_id_stage.sv",
    "98b246d9ada45a7073d217d5c3bbc86941ee76bb00e7e0edda61d3bbec83728e",
    (
        after(
            "  assign instr = instr_rdata_i;",
            f"""\

  logic array_legal;

  {PREFIX}_decode array_decode_i (
      .word     (instr),
      .legal    (array_legal),
      .operation()
  );
""",
        ),
        after(
            "      .illegal_c_insn_i(illegal_c_insn_i),",
            """\
      .array_legal_i   (array_legal),
""",
        ),
    ),
)

CORE = File(
    "cv32e40p_core.sv",
    "6a78a0d77d32e6795f63e5149f77b98320ce504c67c44a2e359c9aea70989224",
    (
        after(
            "    output logic [APU_NDSFLAGS_CPU-1:0]       apu_flags_o,",
            """\
    output logic                              apu_leaving_o,  // what is in EX leaves it
""",
        ),
        after(
            "  assign apu_flags_o = apu_flags_ex;",
            """\
  assign apu_leaving_o = ex_ready;
""",
        ),
        Edit(
            """\
      .fflags_we_i(fflags_we),
""",
            """\
      // the array raises no flags, and does not make the FPU's state dirty
      .fflags_we_i(fflags_we & ~(apu_req_o & apu_op_o[5])),
""",
        ),
    ),
)

TOP = File(
    "cv32e40p_top.sv",
    "2467f6b3c2745e687edad1a0c88ab5267b4ba8642c91e1fc0f282cf4223e5dc3",
    (
        after(
            "  logic apu_clk_en, apu_clk;",
            """\

  // Tileloom's array beside the FPU
  logic array_request, array_ready, apu_leaving;
  logic fpu_gnt, fpu_rvalid;
  logic [31:0] array_result, fpu_rdata;
  logic [APU_NUSFLAGS_CPU-1:0] fpu_rflags;
""",
        ),
        after(
            "      .apu_flags_o   (apu_flags),",
            """\
      .apu_leaving_o (apu_leaving),
""",
        ),
        Edit(
            """\
          .apu_req_i     (apu_req),
          .apu_gnt_o     (apu_gnt),
""",
            """\
          .apu_req_i     (apu_req & ~apu_op[5]),
          .apu_gnt_o     (fpu_gnt),
""",
        ),
        Edit(
            """\
          .apu_rvalid_o  (apu_rvalid),
          .apu_rdata_o   (apu_rdata),
          .apu_rflags_o  (apu_rflags)
      );
""",
            f"""\
          .apu_rvalid_o  (fpu_rvalid),
          .apu_rdata_o   (fpu_rdata),
          .apu_rflags_o  (fpu_rflags)
      );

      assign array_request = apu_req & apu_op[5];
      assign apu_gnt       = array_request ? array_ready : fpu_gnt;
      assign apu_rvalid    = array_request ? array_ready : fpu_rvalid;
      assign apu_rdata     = array_request ? array_result : fpu_rdata;
      assign apu_rflags    = array_request ? '0 : fpu_rflags;

      {PREFIX}_unit array_i (
          .clk      (clk_i),
          .rst_n    (rst_ni),
          .request  (array_request),
          .operation(apu_op[3:0]),
          .a        (apu_operands[0]),
          .b        (apu_operands[1]),
          .leaving  (apu_leaving),
          .ready    (array_ready),
          .result   (array_result)
      );
""",
        ),
    ),
)

FILES = (DECODER, ID_STAGE, CORE, TOP)
"""The files that change."""

MEMORY = {"req": 0, "gnt": 0, "addr": 32, "we": 0, "be": 1, "wdata": 8, "rvalid": 0, "rdata": 8, "err": 0}
"""Of the memory port of an address generator: 0 for a bit, bits of an address, or bits for each byte."""

INPUTS = frozenset({"gnt", "rvalid", "rdata", "err"})


def files(memory_bits: int | None) -> tuple[File, ...]:
    """Return the files that change; with an address generator the core's top has its memory port too."""
    if memory_bits is None:
        return FILES
    declared, connected = [], []
    for name, bits in MEMORY.items():
        port = f"memory_{name}_{'i' if name in INPUTS else 'o'}"
        width = bits if name == "addr" else bits * memory_bits // 8
        side = "input  logic" if name in INPUTS else "output logic"
        declared.append(f"    {side} {f'[{width - 1}:0] ' if width else ''}{port},\n")
        connected.append(f"          .memory__{name}({port}),\n")
    edits = (
        *TOP.edits[:-1],
        after(
            "    input  logic [31:0] data_rdata_i,",
            "\n    // Memory port of Tileloom's array\n" + "".join(declared),
        ),
        replace(
            TOP.edits[-1],
            new=TOP.edits[-1].new.replace("_unit array_i (\n", "_unit array_i (\n" + "".join(connected)),
        ),
    )
    return (*FILES[:-1], replace(TOP, edits=edits))


COUNTED_ON = {
    "cv32e40p_apu_disp.sv": "27931c8004e4d266c6ea02c9d5c19968c67d7e6ab86e57da4088531b13c8c48f",
    "cv32e40p_controller.sv": "858b172963e17529de0b40a5be6ddfdadfc60bdca967819e4fc558b0ed6d7b87",
    "cv32e40p_ex_stage.sv": "1510df315721b370c2d86b1c1d134a3ff6beefba2d072de7a4a611e3ecffb753",
    "cv32e40p_fp_wrapper.sv": "1579104bf82f2e18a13029a7e299d867415a660ccff24c20ca3bb4ee4e315e9d",
    # What is in EX leaves it once every earlier store was answered: a command of the generator sees them.
    "cv32e40p_load_store_unit.sv": "857962513fc5bd3eb3d6b28c55fdfb15ef53f8ce8a59173a7d583efb8caee66f",
}
"""SHA-256 of files that stay as they are, but whose stalls, forwarding and handshakes our lines count on."""
