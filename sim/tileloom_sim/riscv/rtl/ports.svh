// The ports that the system and every core in it have: clock, reset, interrupts, and two OBI buses as their master; with
// `TILELOOM_MEMORY_BITS a third one, of so many bits, of a unit that was added to the core.
`ifndef TILELOOM_CORE_PORTS
`ifdef TILELOOM_MEMORY_BITS
`define TILELOOM_MEMORY_PORTS , \
    output logic        memory_req_o, \
    input  logic        memory_gnt_i, \
    output logic [31:0] memory_addr_o, \
    output logic        memory_we_o, \
    output logic [`TILELOOM_MEMORY_BITS / 8 - 1:0] memory_be_o, \
    output logic [`TILELOOM_MEMORY_BITS - 1:0] memory_wdata_o, \
    input  logic        memory_rvalid_i, \
    input  logic [`TILELOOM_MEMORY_BITS - 1:0] memory_rdata_i, \
    input  logic        memory_err_i
`define TILELOOM_MEMORY_CONNECTIONS , \
    .memory_addr_o, .memory_we_o, .memory_be_o, .memory_wdata_o, .memory_rvalid_i, .memory_rdata_i, .memory_err_i
`else
`define TILELOOM_MEMORY_PORTS
`endif
`define TILELOOM_CORE_PORTS \
    input  logic        clk_i, \
    input  logic        rst_ni, \
    input  logic [31:0] boot_addr_i, \
    input  logic [31:0] irq_i, \
    output logic        sleep_o, \
    output logic        instr_req_o, \
    input  logic        instr_gnt_i, \
    output logic [31:0] instr_addr_o, \
    input  logic        instr_rvalid_i, \
    input  logic [31:0] instr_rdata_i, \
    input  logic        instr_err_i, \
    output logic        data_req_o, \
    input  logic        data_gnt_i, \
    output logic [31:0] data_addr_o, \
    output logic        data_we_o, \
    output logic [ 3:0] data_be_o, \
    output logic [31:0] data_wdata_o, \
    input  logic        data_rvalid_i, \
    input  logic [31:0] data_rdata_i, \
    input  logic        data_err_i \
    `TILELOOM_MEMORY_PORTS
`endif
