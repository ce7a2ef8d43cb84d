// The ports of an AXI4 master, as a generated block has them: `TILELOOM_ADDRESS_BITS of address, `TILELOOM_BEAT_BITS
// of data, an ID of one bit. And their connection by name.
`ifndef TILELOOM_BLOCK_PORTS
`define TILELOOM_BLOCK_PORTS \
    output logic [`TILELOOM_ADDRESS_BITS-1:0] m_axi_araddr, \
    output logic [7:0] m_axi_arlen, \
    output logic m_axi_arid, \
    output logic [2:0] m_axi_arsize, \
    output logic [1:0] m_axi_arburst, \
    output logic [3:0] m_axi_arcache, \
    output logic [2:0] m_axi_arprot, \
    output logic m_axi_arvalid, \
    input  logic m_axi_arready, \
    input  logic [`TILELOOM_BEAT_BITS-1:0] m_axi_rdata, \
    input  logic [1:0] m_axi_rresp, \
    input  logic m_axi_rlast, \
    input  logic m_axi_rid, \
    input  logic m_axi_rvalid, \
    output logic m_axi_rready, \
    output logic [`TILELOOM_ADDRESS_BITS-1:0] m_axi_awaddr, \
    output logic [7:0] m_axi_awlen, \
    output logic m_axi_awid, \
    output logic [2:0] m_axi_awsize, \
    output logic [1:0] m_axi_awburst, \
    output logic [3:0] m_axi_awcache, \
    output logic [2:0] m_axi_awprot, \
    output logic m_axi_awvalid, \
    input  logic m_axi_awready, \
    output logic [`TILELOOM_BEAT_BITS-1:0] m_axi_wdata, \
    output logic [`TILELOOM_BEAT_BITS/8-1:0] m_axi_wstrb, \
    output logic m_axi_wlast, \
    output logic m_axi_wvalid, \
    input  logic m_axi_wready, \
    input  logic [1:0] m_axi_bresp, \
    input  logic m_axi_bid, \
    input  logic m_axi_bvalid, \
    output logic m_axi_bready
`define TILELOOM_BLOCK_CONNECTIONS \
    .m_axi_araddr, .m_axi_arlen, .m_axi_arid, .m_axi_arsize, .m_axi_arburst, .m_axi_arcache, .m_axi_arprot, \
    .m_axi_arvalid, .m_axi_arready, .m_axi_rdata, .m_axi_rresp, .m_axi_rlast, .m_axi_rid, .m_axi_rvalid, \
    .m_axi_rready, .m_axi_awaddr, .m_axi_awlen, .m_axi_awid, .m_axi_awsize, .m_axi_awburst, .m_axi_awcache, \
    .m_axi_awprot, .m_axi_awvalid, .m_axi_awready, .m_axi_wdata, .m_axi_wstrb, .m_axi_wlast, .m_axi_wvalid, \
    .m_axi_wready, .m_axi_bresp, .m_axi_bid, .m_axi_bvalid, .m_axi_bready
`endif
