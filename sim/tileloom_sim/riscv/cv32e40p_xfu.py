"""The xDecimate unit into CV32E40P: our lines added to the installed core's files as a build starts.

No line of the core is kept here but those between which ours go. They were written for one version of the
core, and a file that differs from that version in a single byte is refused: lines that fit by chance could
build a core that is wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tileloom.console import UserError
from tileloom.xfu import cv32e40p
from tileloom.xfu.config import XfuConfig

PACKAGE = "pythondata-cpu-cv32e40p"
VERSION = "1.0.1.post1909"
"""The package and the version of it that the edits are for."""

TYPE = f"2'd{cv32e40p.DATA_TYPE}"


@dataclass(frozen=True)
class Edit:
    """Lines for one place: ``new`` takes the place of ``old``, which is in the file exactly once."""

    old: str
    new: str


@dataclass(frozen=True)
class File:
    """What is done to one file: its name, the SHA-256 of what the edits are for, and the edits."""

    name: str
    sha256: str
    edits: tuple[Edit, ...]


def after(line: str, *lines: str) -> Edit:
    """Return the edit that adds lines behind one; neither has a line's end."""
    return Edit(f"{line}\n", "\n".join((line, *lines, "")))


DECODER = File(
    "cv32e40p_decoder.sv",
    "6e12f673e05380e34a35c38d8ee8b6878935d96b6f2dfda72c67f8a6e92a6e4e",
    (
        after(
            "  input  logic        illegal_c_insn_i,        // compressed instruction decode failed",
            "  input  logic        xfu_load_i,              // xDecimate, legal",
            "  input  logic        xfu_counter_i,           // swap of the xDecimate counter, legal",
            "  output logic        xfu_counter_o,           // the same without stalls and kills",
        ),
        after(
            "            end // Plane B",
            "",
            "            3'b110: begin // xDecimate",
            "              if (xfu_load_i) begin",
            "                // rs1 + operand b, which EX makes of rs2 and the counter; rd is read too",
            "                data_req          = 1'b1;",
            "                regfile_mem_we    = 1'b1;",
            "                rega_used_o       = 1'b1;",
            "                regb_used_o       = 1'b1;",
            "                regc_used_o       = 1'b1;",
            "                regc_mux_o        = REGC_RD;",
            f"                data_type_o       = {TYPE};",
            "                bmask_a_mux_o     = BMASK_A_S3; // of no use to a load: brings funct2 to EX",
            "              end else if (xfu_counter_i) begin",
            "                regfile_alu_we    = 1'b1;",
            "                rega_used_o       = 1'b1;",
            "              end else begin",
            "                illegal_insn_o    = 1'b1;",
            "              end",
            "            end",
        ),
        after(
            "  assign data_req_o                  = (deassert_we_i) ? 1'b0          : data_req;",
            "  assign xfu_counter_o               = (deassert_we_i) ? 1'b0          : xfu_counter_i;",
        ),
    ),
)

ID_STAGE = File(
    "cv32e40p_id_stage.sv",
    "98b246d9ada45a7073d217d5c3bbc86941ee76bb00e7e0edda61d3bbec83728e",
    (
        after(
            "    output logic [5:0] atop_ex_o,",
            "",
            "    // xDecimate",
            "    output logic xfu_counter_ex_o,  // swap of the counter",
            "    output logic xfu_chained_ex_o,  // rd is what the load just before it loads",
        ),
        after(
            "  assign instr = instr_rdata_i;",
            "",
            "  logic xfu_load_dec, xfu_counter_dec, xfu_counter_id;",
            "",
            f"  {cv32e40p.PREFIX}_decode xfu_decode_i (",
            "      .instruction_i(instr),",
            "      .load_o       (xfu_load_dec),",
            "      .counter_o    (xfu_counter_dec)",
            "  );",
            "",
            "  always_ff @(posedge clk, negedge rst_n) begin : XFU_ID_EX_PIPE_REGISTERS",
            "    if (rst_n == 1'b0) begin",
            "      xfu_counter_ex_o <= 1'b0;",
            "      xfu_chained_ex_o <= 1'b0;",
            "    end else if (ex_ready_i) begin",
            "      xfu_counter_ex_o <= id_valid_o & xfu_counter_id;",
            "      xfu_chained_ex_o <= reg_d_ex_is_reg_c_id & regfile_we_ex_o;",
            "    end",
            "  end",
        ),
        after(
            "      .illegal_c_insn_i(illegal_c_insn_i),",
            "      .xfu_load_i      (xfu_load_dec),",
            "      .xfu_counter_i   (xfu_counter_dec),",
            "      .xfu_counter_o   (xfu_counter_id),",
        ),
        Edit(
            "      .reg_d_ex_is_reg_c_i (reg_d_ex_is_reg_c_id),\n",
            "      // an xDecimate gets rd in WB from the load just before it, without a stall\n"
            "      .reg_d_ex_is_reg_c_i (reg_d_ex_is_reg_c_id & ~(xfu_load_dec & regfile_we_ex_o)),\n",
        ),
    ),
)

LOAD_STORE_UNIT = File(
    "cv32e40p_load_store_unit.sv",
    "857962513fc5bd3eb3d6b28c55fdfb15ef53f8ce8a59173a7d583efb8caee66f",
    (
        after(
            "    // signals from ex stage",
            "    input logic xfu_chained_ex_i,  // xDecimate whose rd is the word of the load before it",
        ),
        Edit(
            "      2'b10, 2'b11: data_rdata_ext = rdata_b_ext;\n",
            "      2'b10:        data_rdata_ext = rdata_b_ext;\n"
            f"      {TYPE}:         data_rdata_ext = {{4{{rdata_b_ext[7:0]}}}};  // xDecimate\n",
        ),
        Edit(
            "        else rdata_q <= data_rdata_ext;\n      end\n",
            "        else rdata_q <= data_rdata_ex_o;\n      end\n"
            "      // xDecimate: rd, of which WB replaces a byte\n"
            f"      if (ctrl_update && data_type_ex_i == {TYPE})\n"
            "        rdata_q <= xfu_chained_ex_i ? data_rdata_ex_o : data_wdata_ex_i;\n",
        ),
        Edit(
            "  assign data_rdata_ex_o = (resp_valid == 1'b1) ? data_rdata_ext : rdata_q;\n",
            f"  {cv32e40p.PREFIX}_merge xfu_merge_i (\n"
            "      .response_i (resp_valid),\n"
            "      .data_type_i(data_type_q),\n"
            "      .lane_i     (data_sign_ext_q),\n"
            "      .loaded_i   (data_rdata_ext),\n"
            "      .kept_i     (rdata_q),\n"
            "      .word_o     (data_rdata_ex_o)\n"
            "  );\n",
        ),
    ),
)

CORE = File(
    "cv32e40p_core.sv",
    "6a78a0d77d32e6795f63e5149f77b98320ce504c67c44a2e359c9aea70989224",
    (
        after(
            "  logic        [31:0] lsu_rdata;",
            "",
            "  // xDecimate",
            "  logic               xfu_counter_ex;",
            "  logic               xfu_chained_ex;",
            "  logic        [31:0] xfu_operand_b_ex;",
            "  logic        [ 1:0] xfu_lane_ex;",
            "  logic        [15:0] xfu_counter;",
        ),
        after(
            "      .atop_ex_o           (data_atop_ex),",
            "      .xfu_counter_ex_o    (xfu_counter_ex),",
            "      .xfu_chained_ex_o    (xfu_chained_ex),",
        ),
        Edit(
            "  cv32e40p_ex_stage #(\n",
            f"  {cv32e40p.PREFIX}_execute xfu_execute_i (\n"
            "      .clk_i      (clk),\n"
            "      .rst_ni     (rst_ni),\n"
            "      .operand_a_i(alu_operand_a_ex),\n"
            "      .operand_b_i(alu_operand_b_ex),\n"
            "      .data_req_i (data_req_ex),\n"
            "      .data_type_i(data_type_ex),\n"
            "      .funct2_i   (bmask_a_ex[1:0]),\n"
            "      .counter_i  (xfu_counter_ex),\n"
            "      .leaving_i  (ex_ready),\n"
            "      .operand_b_o(xfu_operand_b_ex),\n"
            "      .lane_o     (xfu_lane_ex),\n"
            "      .counter_o  (xfu_counter)\n"
            "  );\n"
            "\n"
            "  cv32e40p_ex_stage #(\n",
        ),
        Edit(
            "      .csr_access_i(csr_access_ex),\n      .csr_rdata_i (csr_rdata),\n",
            "      .csr_access_i(csr_access_ex | xfu_counter_ex),\n"
            "      // without a CSR access, csr_rdata is zero\n"
            "      .csr_rdata_i (csr_rdata | {16'b0, {16{xfu_counter_ex}} & xfu_counter}),\n",
        ),
        Edit(
            "      .data_sign_ext_ex_i  (data_sign_ext_ex),  // sign extension\n",
            "      // sign extension; of an xDecimate the byte of rd to replace\n"
            f"      .data_sign_ext_ex_i  (data_type_ex == {TYPE} ? xfu_lane_ex : data_sign_ext_ex),\n"
            "      .xfu_chained_ex_i    (xfu_chained_ex),\n",
        ),
        Edit(
            "      .operand_b_ex_i   (alu_operand_b_ex),\n",
            "      .operand_b_ex_i   (xfu_operand_b_ex),\n",
        ),
    ),
)

FILES = (DECODER, ID_STAGE, LOAD_STORE_UNIT, CORE)
"""The files that change."""

UNIT = f"{cv32e40p.PREFIX}.v"
"""Name of the file that is added: the unit's modules."""


def patch_sources(sources: Mapping[str, str], config: XfuConfig | None = None) -> dict[str, str]:
    """Return CV32E40P's sources with the unit that ``config`` describes (by default for every M) in them.

    To be used as the ``patch`` of a ``System``; COREV_PULP must be 1. Raises UserError that names the file
    where one is missing or is not of the version that is known.
    """
    changed = {file.name: patched(file, sources) for file in FILES}
    return {UNIT: cv32e40p.stages(config), **sources, **changed}


def patched(file: File, sources: Mapping[str, str]) -> str:
    """Return the text of one file with its edits made. Raises as ``patch_sources``."""
    text = sources.get(file.name)
    if text is None:
        raise UserError(f"{file.name}: missing; xDecimate is added to the files of {PACKAGE} {VERSION}")
    if hashlib.sha256(text.encode()).hexdigest() != file.sha256:
        raise UserError(
            f"{file.name}: is not that of {PACKAGE} {VERSION}, the only version that xDecimate can be added "
            f"to: pip install {PACKAGE}=={VERSION}"
        )
    for edit in file.edits:
        assert text.count(edit.old) == 1, f"{file.name}: {edit.old!r} is there {text.count(edit.old)} times"
        text = text.replace(edit.old, edit.new)
    return text
