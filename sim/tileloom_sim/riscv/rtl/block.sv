// A generated block with registers, the module `TILELOOM_BLOCK, as the system's device: OBI to AXI4-Lite in front of
// its registers, of `TILELOOM_REGISTER_BITS of address. Its AXI4 master, or its AXI4-Streams, are at this module's
// ports, for the memory: block_ports.svh is axi.svh or streams.svh.
//
// One access at a time, answered in the cycle of B or R:
//
//    cycle           0     1     2     3         cycle           0     1     2
//    req, gnt        1     0     0     0         req, gnt        1     0     0
//    awvalid, wvalid 0     1     1     0         arvalid         0     1     0
//    awready, wready 0     0     1     0         arready         -     1     -
//    bvalid, rvalid  0     0     0     1         rvalid          0     0     1
`include "block_ports.svh"

module tileloom_block (
    input  logic        clk,
    input  logic        rst,
    input  logic        req,
    output logic        gnt,
    input  logic [31:0] addr,
    input  logic        we,
    input  logic [ 3:0] be,
    input  logic [31:0] wdata,
    output logic        rvalid,
    output logic [31:0] rdata,
    output logic        err,
    output logic        irq,
    `TILELOOM_BLOCK_PORTS
);
  logic busy, aw_valid, w_valid, ar_valid, b_valid, r_valid;
  logic aw_ready, w_ready, ar_ready;
  logic [31:0] address, data;
  logic [3:0] strobe;
  logic [1:0] b_resp, r_resp;

  assign gnt = !busy;
  assign rvalid = b_valid || r_valid;
  assign err = b_valid ? b_resp[1] : r_resp[1];

  always_ff @(posedge clk) begin
    if (rst) begin
      busy <= 1'b0;
      aw_valid <= 1'b0;
      w_valid <= 1'b0;
      ar_valid <= 1'b0;
    end else if (req && gnt) begin
      busy <= 1'b1;
      aw_valid <= we;
      w_valid <= we;
      ar_valid <= !we;
      address <= addr;
      data <= wdata;
      strobe <= be;
    end else begin
      if (aw_ready) aw_valid <= 1'b0;
      if (w_ready) w_valid <= 1'b0;
      if (ar_ready) ar_valid <= 1'b0;
      if (rvalid) busy <= 1'b0;
    end
  end

  `TILELOOM_BLOCK block (
      .aclk(clk),
      .aresetn(~rst),
      .s_axi_awaddr(address[`TILELOOM_REGISTER_BITS-1:0]),
      .s_axi_awvalid(aw_valid),
      .s_axi_awready(aw_ready),
      .s_axi_wdata(data),
      .s_axi_wstrb(strobe),
      .s_axi_wvalid(w_valid),
      .s_axi_wready(w_ready),
      .s_axi_bresp(b_resp),
      .s_axi_bvalid(b_valid),
      .s_axi_bready(1'b1),
      .s_axi_araddr(address[`TILELOOM_REGISTER_BITS-1:0]),
      .s_axi_arvalid(ar_valid),
      .s_axi_arready(ar_ready),
      .s_axi_rdata(rdata),
      .s_axi_rresp(r_resp),
      .s_axi_rvalid(r_valid),
      .s_axi_rready(1'b1),
      .irq,
      `TILELOOM_BLOCK_CONNECTIONS
  );
endmodule
