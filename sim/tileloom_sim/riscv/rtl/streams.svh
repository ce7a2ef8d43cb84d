// The AXI4-Streams of a systolic array behind registers: data of `TILELOOM_WEIGHT_BITS, `TILELOOM_ACTIVATION_BITS and
// `TILELOOM_SUM_BITS, whole bytes. And their connection by name.
`ifndef TILELOOM_BLOCK_PORTS
`define TILELOOM_BLOCK_PORTS \
    input  logic [`TILELOOM_WEIGHT_BITS-1:0] s_axis_weights_tdata, \
    input  logic s_axis_weights_tvalid, \
    output logic s_axis_weights_tready, \
    input  logic [`TILELOOM_ACTIVATION_BITS-1:0] s_axis_activations_tdata, \
    input  logic s_axis_activations_tlast, \
    input  logic s_axis_activations_tvalid, \
    output logic s_axis_activations_tready, \
    input  logic [`TILELOOM_SUM_BITS-1:0] s_axis_psum_in_tdata, \
    input  logic s_axis_psum_in_tvalid, \
    output logic s_axis_psum_in_tready, \
    output logic [`TILELOOM_SUM_BITS-1:0] m_axis_results_tdata, \
    output logic m_axis_results_tlast, \
    output logic m_axis_results_tvalid, \
    input  logic m_axis_results_tready
`define TILELOOM_BLOCK_CONNECTIONS \
    .s_axis_weights_tdata, .s_axis_weights_tvalid, .s_axis_weights_tready, .s_axis_activations_tdata, \
    .s_axis_activations_tlast, .s_axis_activations_tvalid, .s_axis_activations_tready, .s_axis_psum_in_tdata, \
    .s_axis_psum_in_tvalid, .s_axis_psum_in_tready, .m_axis_results_tdata, .m_axis_results_tlast, \
    .m_axis_results_tvalid, .m_axis_results_tready
`endif
