// The system: a core, and its data bus split between the memory (the harness's, at this module's ports) and a
// device (RTL, the module `TILELOOM_DEVICE if that is defined) in the addresses 0x4000_0000 to 0x7fff_ffff. A device that
// moves data besides, `TILELOOM_BLOCK in block.sv, has its AXI4 channels or streams at this module's ports.
//
// All buses follow OBI: a request is taken in a cycle with req and gnt, each is answered once, in order, with
// rvalid. To keep the answers in order, a request to one side waits until the other has answered everything.
//
//            +------+ data  +-------+---> memory ports      0x0000_0000.., 0x8000_0000..
//            | core |------>| split |
//            +------+       +-------+---> device            0x4000_0000..
//               | instr
//               +-----------------------> memory ports
//
// A unit's own memory port goes to the memory too, in cycles in which the data bus asks for nothing there.
`include "ports.svh"
`ifdef TILELOOM_BLOCK
`include "block_ports.svh"
`endif

module tileloom_riscv_system (
`ifdef TILELOOM_BLOCK
    `TILELOOM_BLOCK_PORTS,
`endif
    `TILELOOM_CORE_PORTS
);
  // Interrupt line of the device: the first of the platform's own.
  localparam int DeviceIrq = 16;

  logic req, gnt, rvalid, err;
  logic [31:0] rdata;
`ifdef TILELOOM_MEMORY_BITS
  logic memory_req, memory_gnt;
`endif
  logic device_gnt, device_rvalid, device_err, device_irq;
  logic [31:0] device_rdata;

  logic to_device, memory_turn, device_turn, take;
  logic [1:0] waiting;  // requests not yet answered
  logic waiting_device;  // by which side

  assign to_device = data_addr_o[31:30] == 2'b01;
  assign memory_turn = !to_device && !(waiting != 0 && waiting_device);
  assign device_turn = to_device && !(waiting != 0 && !waiting_device);
  assign data_req_o = req && memory_turn;
  assign gnt = memory_turn && data_gnt_i || device_turn && device_gnt;
  assign rvalid = data_rvalid_i || device_rvalid;
  assign rdata = device_rvalid ? device_rdata : data_rdata_i;
  assign err = device_rvalid ? device_err : data_err_i;
  assign take = req && gnt;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waiting <= '0;
      waiting_device <= 1'b0;
    end else begin
      waiting <= waiting + 2'(take) - 2'(rvalid);
      if (take) waiting_device <= to_device;
    end
  end

  tileloom_riscv_core core (
      .clk_i,
      .rst_ni,
      .boot_addr_i,
      .irq_i(irq_i | 32'(device_irq) << DeviceIrq),
      .sleep_o,
      .instr_req_o,
      .instr_gnt_i,
      .instr_addr_o,
      .instr_rvalid_i,
      .instr_rdata_i,
      .instr_err_i,
      .data_req_o(req),
      .data_gnt_i(gnt),
      .data_addr_o,
      .data_we_o,
      .data_be_o,
      .data_wdata_o,
      .data_rvalid_i(rvalid),
      .data_rdata_i(rdata),
      .data_err_i(err)
`ifdef TILELOOM_MEMORY_BITS
      `TILELOOM_MEMORY_CONNECTIONS,
      .memory_req_o(memory_req),
      .memory_gnt_i(memory_gnt)
`endif
  );

`ifdef TILELOOM_MEMORY_BITS
  // The memory takes one request a cycle; the core's goes first.
  assign memory_req_o = memory_req && !data_req_o;
  assign memory_gnt = memory_gnt_i && !data_req_o;
`endif

`ifdef TILELOOM_DEVICE
  `TILELOOM_DEVICE device (
`ifdef TILELOOM_BLOCK
      `TILELOOM_BLOCK_CONNECTIONS,
`endif
      .clk(clk_i),
      .rst(~rst_ni),
      .req(req && device_turn),
      .gnt(device_gnt),
      .addr(data_addr_o),
      .we(data_we_o),
      .be(data_be_o),
      .wdata(data_wdata_o),
      .rvalid(device_rvalid),
      .rdata(device_rdata),
      .err(device_err),
      .irq(device_irq)
  );
`else
  // Nobody there: every access is answered with an error in the next cycle.
  assign device_gnt = 1'b1;
  assign device_rdata = '0;
  assign device_err = 1'b1;
  assign device_irq = 1'b0;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) device_rvalid <= 1'b0;
    else device_rvalid <= req && device_turn;
  end
`endif
endmodule
