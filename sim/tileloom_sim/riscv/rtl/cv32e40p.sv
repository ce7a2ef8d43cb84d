// CV32E40P with the ports that every core has in this system. Its buses have no error input: an error that the
// memory answers is left out here, and the harness ends the program instead. With `TILELOOM_FPU it has its FPU; the
// gate of that unit's clock is then kept open, as behind a gate Verilator's simulation of fdiv.s does not end.
`include "ports.svh"

module tileloom_riscv_core (
    `TILELOOM_CORE_PORTS
);
  cv32e40p_top #(
      .COREV_PULP(1),
`ifdef TILELOOM_FPU
      .FPU(1),
      .NUM_MHPMCOUNTERS(5)
`else
      .NUM_MHPMCOUNTERS(1)
`endif
  ) core (
      .clk_i,
      .rst_ni,
      .pulp_clock_en_i(1'b1),
`ifdef TILELOOM_FPU
      .scan_cg_en_i(1'b1),
`else
      .scan_cg_en_i(1'b0),
`endif
      .boot_addr_i,
      .mtvec_addr_i(boot_addr_i),
      .dm_halt_addr_i(boot_addr_i),
      .hart_id_i('0),
      .dm_exception_addr_i(boot_addr_i),
      .instr_req_o,
      .instr_gnt_i,
      .instr_rvalid_i,
      .instr_addr_o,
      .instr_rdata_i,
      .data_req_o,
      .data_gnt_i,
      .data_rvalid_i,
      .data_we_o,
      .data_be_o,
      .data_addr_o,
      .data_wdata_o,
      .data_rdata_i,
      .irq_i,
      .irq_ack_o(),
      .irq_id_o(),
      .debug_req_i(1'b0),
      .debug_havereset_o(),
      .debug_running_o(),
      .debug_halted_o(),
      .fetch_enable_i(1'b1),
      .core_sleep_o(sleep_o)
`ifdef TILELOOM_MEMORY_BITS
      `TILELOOM_MEMORY_CONNECTIONS,
      .memory_req_o,
      .memory_gnt_i
`endif
  );
endmodule
