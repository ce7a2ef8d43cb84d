"""Our lines in CV32E40P's files: where they go, and the version of the core that they were written for.

No line of the core is kept here but those between which ours go.
"""

from __future__ import annotations

from ...coprocessor.edits import Edit, File, after
from . import stages as cv32e40p

TYPE = f"2'd{cv32e40p.DATA_TYPE}"


DECODER = File(
    "cv32e40p_decoder.sv",
    "6e12f673e05380e34a35c38d8ee8b6878935d96b6f2dfda72c67f8a6e92a6e4e",
    (
        after(
            "  input  logic        illegal_c_insn_i,        // compressed instruction decode failed",
            """\
  input  logic        xfu_decimate_i,          // xDecimate, legal
  input  logic        xfu_swap_i,              // swap of the xDecimate counter, legal
  output logic        xfu_swap_o,              // the same, unless it is stalled or killed
""",
        ),
        after(
            "            end // Plane B",
            f"""\

            3'b110: begin // xDecimate
              if (xfu_decimate_i) begin
                // address: rs1 + operand b, which EX makes of rs2 and the counter; rd is read too
                data_req       = 1'b1;
                regfile_mem_we = 1'b1;
                rega_used_o    = 1'b1;
                regb_used_o    = 1'b1;
                regc_used_o    = 1'b1;
                regc_mux_o     = REGC_RD;
                data_type_o    = {TYPE};
                bmask_a_mux_o  = BMASK_A_S3; // of no use to a load: brings funct2 to EX
              end else if (xfu_swap_i) begin
                regfile_alu_we = 1'b1;
                rega_used_o    = 1'b1;
              end else begin
                illegal_insn_o = 1'b1;
              end
            end
""",
        ),
        after(
            "  assign data_req_o                  = (deassert_we_i) ? 1'b0          : data_req;",
            """\
  assign xfu_swap_o                  = (deassert_we_i) ? 1'b0          : xfu_swap_i;
""",
        ),
    ),
)

ID_STAGE = File(
    "cv32e40p_id_stage.sv",
    "98b246d9ada45a7073d217d5c3bbc86941ee76bb00e7e0edda61d3bbec83728e",
    (
        after(
            "    output logic [5:0] atop_ex_o,",
            """\

    // xDecimate
    output logic xfu_swap_ex_o,  // swap of the counter
    output logic xfu_chained_ex_o,  // rd is what the load just before loads
""",
        ),
        after(
            "  assign instr = instr_rdata_i;",
            f"""\

  logic xfu_decimate_dec, xfu_swap_dec, xfu_swap_id;

  {cv32e40p.PREFIX}_decode xfu_decode_i (
      .word    (instr),
      .decimate(xfu_decimate_dec),
      .swap    (xfu_swap_dec),
      .funct2  (),
      .rd      ()
  );

  always_ff @(posedge clk, negedge rst_n) begin : XFU_ID_EX_PIPE_REGISTERS
    if (rst_n == 1'b0) begin
      xfu_swap_ex_o    <= 1'b0;
      xfu_chained_ex_o <= 1'b0;
    end else if (ex_ready_i) begin
      xfu_swap_ex_o    <= id_valid_o & xfu_swap_id;
      xfu_chained_ex_o <= reg_d_ex_is_reg_c_id & regfile_we_ex_o;
    end
  end
""",
        ),
        after(
            "      .illegal_c_insn_i(illegal_c_insn_i),",
            """\
      .xfu_decimate_i  (xfu_decimate_dec),
      .xfu_swap_i      (xfu_swap_dec),
      .xfu_swap_o      (xfu_swap_id),
""",
        ),
        Edit(
            """\
      .reg_d_ex_is_reg_c_i (reg_d_ex_is_reg_c_id),
""",
            """\
      // rd of an xDecimate does not wait for the load that is in EX: they meet in WB
      .reg_d_ex_is_reg_c_i (reg_d_ex_is_reg_c_id & ~(xfu_decimate_dec & regfile_we_ex_o)),
""",
        ),
    ),
)

LOAD_STORE_UNIT = File(
    "cv32e40p_load_store_unit.sv",
    "857962513fc5bd3eb3d6b28c55fdfb15ef53f8ce8a59173a7d583efb8caee66f",
    (
        after(
            "    // signals from ex stage",
            """\
    input logic xfu_chained_ex_i,  // xDecimate whose rd is what the load just before loads
""",
        ),
        Edit(
            """\
      2'b10, 2'b11: data_rdata_ext = rdata_b_ext;
""",
            f"""\
      2'b10:        data_rdata_ext = rdata_b_ext;
      {TYPE}:         data_rdata_ext = {{4{{rdata_b_ext[7:0]}}}};  // xDecimate
""",
        ),
        Edit(
            """\
        else rdata_q <= data_rdata_ext;
      end
""",
            f"""\
        else rdata_q <= data_rdata_ex_o;
      end
      // rd of an xDecimate, for as long as it waits
      if (ctrl_update && data_type_ex_i == {TYPE}) begin
        rdata_q <= xfu_chained_ex_i ? data_rdata_ex_o : data_wdata_ex_i;
      end
""",
        ),
        Edit(
            """\
  assign data_rdata_ex_o = (resp_valid == 1'b1) ? data_rdata_ext : rdata_q;
""",
            f"""\
  {cv32e40p.PREFIX}_merge xfu_merge_i (
      .response (resp_valid),
      .data_type(data_type_q),
      .lane     (data_sign_ext_q),
      .loaded   (data_rdata_ext),
      .kept     (rdata_q),
      .word     (data_rdata_ex_o)
  );
""",
        ),
    ),
)

CORE = File(
    "cv32e40p_core.sv",
    "6a78a0d77d32e6795f63e5149f77b98320ce504c67c44a2e359c9aea70989224",
    (
        after(
            "  logic        [31:0] lsu_rdata;",
            """\

  // xDecimate
  logic               xfu_swap_ex;
  logic               xfu_chained_ex;
  logic        [31:0] xfu_address_operand_ex;
  logic        [ 1:0] xfu_lane_ex;
  logic        [15:0] xfu_counter;
""",
        ),
        after(
            "      .atop_ex_o           (data_atop_ex),",
            """\
      .xfu_swap_ex_o       (xfu_swap_ex),
      .xfu_chained_ex_o    (xfu_chained_ex),
""",
        ),
        Edit(
            """\
  cv32e40p_ex_stage #(
""",
            f"""\
  {cv32e40p.PREFIX}_execute xfu_execute_i (
      .clk            (clk),
      .rst_n          (rst_ni),
      .operand_a      (alu_operand_a_ex),
      .operand_b      (alu_operand_b_ex),
      .data_req       (data_req_ex),
      .data_type      (data_type_ex),
      .funct2         (bmask_a_ex[1:0]),
      .swap           (xfu_swap_ex),
      .leaving        (ex_ready),
      .address_operand(xfu_address_operand_ex),
      .lane           (xfu_lane_ex),
      .counter        (xfu_counter)
  );

  cv32e40p_ex_stage #(
""",
        ),
        Edit(
            """\
      .csr_access_i(csr_access_ex),
      .csr_rdata_i (csr_rdata),
""",
            """\
      // csr_rdata is zero where no CSR is accessed
      .csr_access_i(csr_access_ex | xfu_swap_ex),
      .csr_rdata_i (csr_rdata | {16'b0, {16{xfu_swap_ex}} & xfu_counter}),
""",
        ),
        Edit(
            """\
      .data_sign_ext_ex_i  (data_sign_ext_ex),  // sign extension
""",
            f"""\
      // sign extension; of an xDecimate the byte of rd to replace
      .data_sign_ext_ex_i  (data_type_ex == {TYPE} ? xfu_lane_ex : data_sign_ext_ex),
      .xfu_chained_ex_i    (xfu_chained_ex),
""",
        ),
        Edit(
            """\
      .operand_b_ex_i   (alu_operand_b_ex),
""",
            """\
      .operand_b_ex_i   (xfu_address_operand_ex),
""",
        ),
    ),
)

FILES = (DECODER, ID_STAGE, LOAD_STORE_UNIT, CORE)
"""The files that change."""

COUNTED_ON = {
    "cv32e40p_controller.sv": "858b172963e17529de0b40a5be6ddfdadfc60bdca967819e4fc558b0ed6d7b87",
    "cv32e40p_cs_registers.sv": "e2cec8f3d273748783275c60b1ec89101336608638d7e7783b03dd6b9dbb0345",
    "cv32e40p_ex_stage.sv": "1510df315721b370c2d86b1c1d134a3ff6beefba2d072de7a4a611e3ecffb753",
}
"""SHA-256 of files that stay as they are, but whose stalls, forwarding and zeroes our lines count on."""
