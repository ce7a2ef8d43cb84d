// PicoRV32 with the ports that every core has in this system, and a coprocessor on PCPI: the module `TILELOOM_COPROCESSOR
// if that is defined, else none. The core's one bus, which waits for an answer before it asks again, is split between
// instructions and data; the coprocessor's loads go to the data bus too, where the core has nothing then.
//
//            +------+ mem, instr ----------------> instr ports
//            | core | mem, data  ---+
//            +------+               +------------> data ports
//               | PCPI              |
//          +-------------+   load --+
//          | coprocessor |
//          +-------------+
//
// The core has no trap of the privileged architecture: where it stops (`trap`), cause 2 and the instruction's address are
// written to the harness's registers, as the other cores' start-up code does. Where it starts, and where interrupts begin,
// are parameters: a ROM of two jumps takes it to boot_addr_i, and from an interrupt to the word behind.
`include "ports.svh"

module tileloom_riscv_core (
    `TILELOOM_CORE_PORTS
);
  localparam bit [31:0] Rom = 32'h7fff_f000;  // a jump away from the memory
  localparam bit [31:0] TrapPc = 32'h1000_0014;
  localparam bit [31:0] TrapCause = 32'h1000_0018;
  localparam int LoadErrorIrq = 31;

  logic trap, mem_valid, mem_instr, mem_ready;
  logic [31:0] mem_addr, mem_wdata;
  logic [3:0] mem_wstrb;
  logic pcpi_valid, pcpi_wr, pcpi_wait, pcpi_ready, load_error;
  logic [31:0] pcpi_insn, pcpi_rs1, pcpi_rs2, pcpi_rd;
  logic load_req;
  logic [31:0] load_addr;
  logic [3:0] load_be;

  // The core has no port for it; what is synthesised tells 0.
  logic [31:0] pc;
`ifdef VERILATOR
  assign pc = core.reg_pc;
`else
  assign pc = '0;
`endif

  // jal x0 to boot_addr_i, or to the word behind.
  logic in_rom;
  logic [31:0] way, jump;
  assign in_rom = mem_instr && mem_addr[31:12] == Rom[31:12];
  assign way = boot_addr_i + (mem_addr[4] ? 4 : 0) - mem_addr;
  assign jump = {way[20], way[10:1], way[11], way[19:12], 12'h06f};

  // What the core has asked for and has no answer to; and how many words of a trap are told.
  logic asked, taken, rvalid, told_pc;
  assign taken = mem_valid && !in_rom && !asked && (mem_instr ? instr_gnt_i : data_gnt_i);
  assign rvalid = asked && (mem_instr ? instr_rvalid_i : data_rvalid_i);
  assign mem_ready = in_rom ? mem_valid : rvalid;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      asked <= 1'b0;
      told_pc <= 1'b0;
    end else begin
      asked <= taken || asked && !rvalid;
      told_pc <= told_pc || trap && data_gnt_i;
    end
  end

  assign instr_req_o = mem_valid && mem_instr && !in_rom && !asked;
  assign instr_addr_o = mem_addr;

  always_comb begin
    data_req_o = mem_valid && !mem_instr && !asked;
    data_addr_o = mem_addr;
    data_we_o = |mem_wstrb;
    data_be_o = |mem_wstrb ? mem_wstrb : 4'hf;
    data_wdata_o = mem_wdata;
    if (load_req) begin
      data_req_o = 1'b1;
      data_addr_o = load_addr;
      data_we_o = 1'b0;
      data_be_o = load_be;
    end
    if (trap) begin
      data_req_o = 1'b1;
      data_addr_o = told_pc ? TrapCause : TrapPc;
      data_we_o = 1'b1;
      data_be_o = 4'hf;
      data_wdata_o = told_pc ? 32'd2 : pc;
    end
  end

`ifdef TILELOOM_COPROCESSOR
  `TILELOOM_COPROCESSOR coprocessor (
      .clk(clk_i),
      .rst(~rst_ni),
      .pcpi_valid,
      .pcpi_insn,
      .pcpi_rs1,
      .pcpi_rs2,
      .pcpi_wr,
      .pcpi_rd,
      .pcpi_wait,
      .pcpi_ready,
      .stores_pending(mem_valid && |mem_wstrb),
      .load_req,
      .load_gnt(data_gnt_i),
      .load_addr,
      .load_be,
      .load_rvalid(data_rvalid_i),
      .load_rready(),
      .load_rdata(data_rdata_i),
      .load_err(data_err_i),
      .load_error
  );
`else
  assign {pcpi_wr, pcpi_wait, pcpi_ready, load_error, load_req} = '0;
  assign pcpi_rd = '0;
  assign load_addr = '0;
  assign load_be = '0;
`endif

  picorv32 #(
      .BARREL_SHIFTER(1),
      .ENABLE_PCPI(1),
      .ENABLE_FAST_MUL(1),
      .ENABLE_DIV(1),
      .ENABLE_IRQ(1),
      .ENABLE_IRQ_TIMER(0),
      .LATCHED_IRQ(32'h0000_0007),
      .PROGADDR_RESET(Rom),
      .PROGADDR_IRQ(Rom + 16)
  ) core (
      .clk(clk_i),
      .resetn(rst_ni),
      .trap,
      .mem_valid,
      .mem_instr,
      .mem_ready,
      .mem_addr,
      .mem_wdata,
      .mem_wstrb,
      .mem_rdata(in_rom ? jump : mem_instr ? instr_rdata_i : data_rdata_i),
      .mem_la_read(),
      .mem_la_write(),
      .mem_la_addr(),
      .mem_la_wdata(),
      .mem_la_wstrb(),
      .pcpi_valid,
      .pcpi_insn,
      .pcpi_rs1,
      .pcpi_rs2,
      .pcpi_wr,
      .pcpi_rd,
      .pcpi_wait,
      .pcpi_ready,
      .irq(irq_i | 32'(load_error) << LoadErrorIrq),
      .eoi(),
      .trace_valid(),
      .trace_data()
  );

  assign sleep_o = 1'b0;
endmodule
