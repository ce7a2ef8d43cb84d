// CV32E40X with the ports that every core has in this system, and a coprocessor on CV-X-IF: the module
// `TILELOOM_COPROCESSOR if that is defined, else none (every offloaded instruction is refused, so it traps).
//
// The coprocessor's ports are the fields of the interface as plain vectors, see the connections below. Its ids have
// `TILELOOM_ID_WIDTH bits, by default 4.
`ifndef TILELOOM_ID_WIDTH
`define TILELOOM_ID_WIDTH 4
`endif
`include "ports.svh"

module tileloom_riscv_core (
    `TILELOOM_CORE_PORTS
);
  localparam int ReadPorts = 3;
  localparam int IdWidth = `TILELOOM_ID_WIDTH;

  if_xif #(.X_NUM_RS(ReadPorts), .X_ID_WIDTH(IdWidth)) xif ();

  assign xif.compressed_ready = 1'b1;
  assign xif.compressed_resp  = '0;

  // The coprocessor's report of a bus error in its load: the core itself ignores that of CV-X-IF.
  logic load_error;
  localparam int LoadErrorIrq = 31;

`ifdef TILELOOM_COPROCESSOR
  always_comb begin
    xif.issue_resp.dualwrite = 1'b0;
    xif.issue_resp.dualread  = '0;
    xif.issue_resp.ecswrite  = 1'b0;
    xif.mem_req.mode         = 2'b11;
    xif.mem_req.attr         = '0;
    xif.result.ecsdata       = '0;
    xif.result.ecswe         = '0;
    xif.result.dbg           = 1'b0;
  end

  `TILELOOM_COPROCESSOR coprocessor (
      .clk(clk_i),
      .rst(~rst_ni),
      .issue_valid(xif.issue_valid),
      .issue_ready(xif.issue_ready),
      .issue_instr(xif.issue_req.instr),
      .issue_id(xif.issue_req.id),
      .issue_rs1(xif.issue_req.rs[0]),
      .issue_rs2(xif.issue_req.rs[1]),
      .issue_rs3(xif.issue_req.rs[2]),
      .issue_rs_valid(xif.issue_req.rs_valid),
      .issue_accept(xif.issue_resp.accept),
      .issue_writeback(xif.issue_resp.writeback),
      .issue_loadstore(xif.issue_resp.loadstore),
      .issue_exc(xif.issue_resp.exc),
      .commit_valid(xif.commit_valid),
      .commit_id(xif.commit.id),
      .commit_kill(xif.commit.commit_kill),
      .mem_valid(xif.mem_valid),
      .mem_ready(xif.mem_ready),
      .mem_id(xif.mem_req.id),
      .mem_addr(xif.mem_req.addr),
      .mem_we(xif.mem_req.we),
      .mem_size(xif.mem_req.size),
      .mem_be(xif.mem_req.be),
      .mem_wdata(xif.mem_req.wdata),
      .mem_last(xif.mem_req.last),
      .mem_spec(xif.mem_req.spec),
      .mem_exc(xif.mem_resp.exc),
      .mem_exccode(xif.mem_resp.exccode),
      .mem_result_valid(xif.mem_result_valid),
      .mem_result_id(xif.mem_result.id),
      .mem_result_rdata(xif.mem_result.rdata),
      .mem_result_err(xif.mem_result.err),
      .result_valid(xif.result_valid),
      .result_ready(xif.result_ready),
      .result_id(xif.result.id),
      .result_data(xif.result.data),
      .result_rd(xif.result.rd),
      .result_we(xif.result.we),
      .result_exc(xif.result.exc),
      .result_exccode(xif.result.exccode),
      .result_err(xif.result.err),
      .load_error
  );
`else
  assign xif.issue_ready  = 1'b1;
  assign xif.issue_resp   = '0;
  assign xif.mem_valid    = 1'b0;
  assign xif.mem_req      = '0;
  assign xif.result_valid = 1'b0;
  assign xif.result       = '0;
  assign load_error       = 1'b0;
`endif

  cv32e40x_core #(
      .X_EXT(1),
      .X_NUM_RS(ReadPorts),
      .X_ID_WIDTH(IdWidth)
  ) core (
      .clk_i,
      .rst_ni,
      .scan_cg_en_i(1'b0),
      .boot_addr_i,
      .dm_exception_addr_i(boot_addr_i),
      .dm_halt_addr_i(boot_addr_i),
      .mhartid_i('0),
      .mimpid_patch_i('0),
      .mtvec_addr_i(boot_addr_i),
      .instr_req_o,
      .instr_gnt_i,
      .instr_rvalid_i,
      .instr_addr_o,
      .instr_memtype_o(),
      .instr_prot_o(),
      .instr_dbg_o(),
      .instr_rdata_i,
      .instr_err_i,
      .data_req_o,
      .data_gnt_i,
      .data_rvalid_i,
      .data_addr_o,
      .data_be_o,
      .data_we_o,
      .data_wdata_o,
      .data_memtype_o(),
      .data_prot_o(),
      .data_dbg_o(),
      .data_atop_o(),
      .data_rdata_i,
      .data_err_i,
      .data_exokay_i(1'b0),
      .mcycle_o(),
      .xif_compressed_if(xif),
      .xif_issue_if(xif),
      .xif_commit_if(xif),
      .xif_mem_if(xif),
      .xif_mem_result_if(xif),
      .xif_result_if(xif),
      .irq_i(irq_i | 32'(load_error) << LoadErrorIrq),
      .wu_wfe_i(1'b0),
      .clic_irq_i(1'b0),
      .clic_irq_id_i('0),
      .clic_irq_level_i('0),
      .clic_irq_priv_i('0),
      .clic_irq_shv_i(1'b0),
      .fencei_flush_req_o(),
      .fencei_flush_ack_i(1'b1),
      .debug_req_i(1'b0),
      .debug_havereset_o(),
      .debug_running_o(),
      .debug_halted_o(),
      .fetch_enable_i(1'b1),
      .core_sleep_o(sleep_o)
  );
endmodule
