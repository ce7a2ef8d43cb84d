// The cluster: CV32E40P cores, the generated fabric `TILELOOM_FABRIC between them and L1's banks, which are here. What
// remains outside are the cores' instructions, a port for each, and L2: the fabric's ports l2_* and dma_*.
//
// A core's number is its mhartid.
module tileloom_cluster #(
    parameter int Cores = `TILELOOM_CORES,
    parameter int Banks = `TILELOOM_BANKS,
    parameter int RowBits = `TILELOOM_ROW_BITS,
    parameter int Lanes = `TILELOOM_LANES
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic [31:0]            boot_addr_i,
    output logic [Cores-1:0]       instr_req_o,
    output logic [Cores-1:0][31:0] instr_addr_o,
    input  logic [Cores-1:0]       instr_rvalid_i,
    input  logic [Cores-1:0][31:0] instr_rdata_i,
    output logic                   l2_req_o,
    output logic [31:0]            l2_addr_o,
    output logic                   l2_we_o,
    output logic [3:0]             l2_be_o,
    output logic [31:0]            l2_wdata_o,
    input  logic                   l2_rvalid_i,
    input  logic [31:0]            l2_rdata_i,
    output logic [Lanes-1:0]       dma_req_o,
    output logic [Lanes-1:0][31:0] dma_addr_o,
    output logic [Lanes-1:0]       dma_we_o,
    output logic [Lanes-1:0][31:0] dma_wdata_o,
    input  logic [Lanes-1:0]       dma_rvalid_i,
    input  logic [Lanes-1:0][31:0] dma_rdata_i,
    output logic [Cores-1:0]       err_o
);
  logic [Cores-1:0] req, gnt, we, rvalid, err;
  logic [Cores-1:0][31:0] addr, wdata, rdata;
  logic [Cores-1:0][3:0] be;

  logic [Banks-1:0] bank_req, bank_we;
  logic [Banks-1:0][RowBits-1:0] bank_addr;
  logic [Banks-1:0][3:0] bank_be;
  logic [Banks-1:0][31:0] bank_wdata, bank_rdata;

  assign err_o = rvalid & err;

  for (genvar i = 0; i < Cores; i++) begin : gen_core
    cv32e40p_top #(
        .COREV_PULP(1),
        .NUM_MHPMCOUNTERS(1)
    ) core (
        .clk_i,
        .rst_ni,
        .pulp_clock_en_i(1'b1),
        .scan_cg_en_i(1'b0),
        .boot_addr_i,
        .mtvec_addr_i(boot_addr_i),
        .dm_halt_addr_i(boot_addr_i),
        .hart_id_i(32'(i)),
        .dm_exception_addr_i(boot_addr_i),
        .instr_req_o(instr_req_o[i]),
        .instr_gnt_i(1'b1),
        .instr_rvalid_i(instr_rvalid_i[i]),
        .instr_addr_o(instr_addr_o[i]),
        .instr_rdata_i(instr_rdata_i[i]),
        .data_req_o(req[i]),
        .data_gnt_i(gnt[i]),
        .data_rvalid_i(rvalid[i]),
        .data_we_o(we[i]),
        .data_be_o(be[i]),
        .data_addr_o(addr[i]),
        .data_wdata_o(wdata[i]),
        .data_rdata_i(rdata[i]),
        .irq_i('0),
        .irq_ack_o(),
        .irq_id_o(),
        .debug_req_i(1'b0),
        .debug_havereset_o(),
        .debug_running_o(),
        .debug_halted_o(),
        .fetch_enable_i(1'b1),
        .core_sleep_o()
    );
  end

  `TILELOOM_FABRIC fabric (
      .clk(clk_i),
      .rst(~rst_ni),
      .core_req(req),
      .core_gnt(gnt),
      .core_addr(addr),
      .core_we(we),
      .core_be(be),
      .core_wdata(wdata),
      .core_rvalid(rvalid),
      .core_rdata(rdata),
      .core_err(err),
      .bank_req,
      .bank_we,
      .bank_addr,
      .bank_be,
      .bank_wdata,
      .bank_rdata,
      .l2_req(l2_req_o),
      .l2_gnt(1'b1),
      .l2_addr(l2_addr_o),
      .l2_we(l2_we_o),
      .l2_be(l2_be_o),
      .l2_wdata(l2_wdata_o),
      .l2_rvalid(l2_rvalid_i),
      .l2_rdata(l2_rdata_i),
      .l2_err(1'b0),
      .dma_req(dma_req_o),
      .dma_gnt({Lanes{1'b1}}),
      .dma_addr(dma_addr_o),
      .dma_we(dma_we_o),
      .dma_wdata(dma_wdata_o),
      .dma_rvalid(dma_rvalid_i),
      .dma_rdata(dma_rdata_i)
  );

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    logic [31:0] words[2**RowBits];
    always_ff @(posedge clk_i) begin
      if (bank_req[b]) begin
        bank_rdata[b] <= words[bank_addr[b]];
        if (bank_we[b]) begin
          for (int i = 0; i < 4; i++) begin
            if (bank_be[b][i]) words[bank_addr[b]][8*i+:8] <= bank_wdata[b][8*i+:8];
          end
        end
      end
    end
  end
endmodule
