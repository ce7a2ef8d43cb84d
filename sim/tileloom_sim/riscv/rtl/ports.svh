// The ports that the system and every core in it have: clock, reset, interrupts, and two OBI buses as their master.
`ifndef TILELOOM_CORE_PORTS
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
    input  logic        data_err_i
`endif
