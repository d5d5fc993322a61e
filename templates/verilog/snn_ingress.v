// Entrance of the network: from AXI4-Stream beats to events.
//
// tdata: address of an input that spikes, or, where bit AddrWidth is set, the end of a time step; further bits are ignored.
// tlast: together with the end of a time step it closes the sample; on a spike it means nothing.
// An address of NumInputs or more is no input: its beat is taken and does nothing.

`default_nettype none

module snn_ingress #(
  parameter NumInputs = 2,
  parameter AddrWidth = 1
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // Beats
  input  wire                 beat_valid_i,
  output wire                 beat_ready_o,
  input  wire [AddrWidth:0]   beat_data_i,
  input  wire                 beat_last_i,
  // Events
  output wire                 event_valid_o,
  input  wire                 event_ready_i,
  output wire [AddrWidth-1:0] event_addr_o,
  output wire                 event_step_end_o,
  output wire                 event_sample_end_o
);

  localparam [AddrWidth:0] Inputs = NumInputs[AddrWidth:0];

  wire step_end = beat_data_i[AddrWidth];
  wire known = step_end | ({1'b0, beat_data_i[AddrWidth-1:0]} < Inputs);

  snn_stream_register #(
    .Width(AddrWidth + 2)
  ) u_register (
    .clk_i  (clk_i),
    .rst_ni (rst_ni),
    .valid_i(beat_valid_i & known),
    .ready_o(beat_ready_o),
    .data_i ({step_end & beat_last_i, beat_data_i}),
    .valid_o(event_valid_o),
    .ready_i(event_ready_i),
    .data_o ({event_sample_end_o, event_step_end_o, event_addr_o})
  );

endmodule

`default_nettype wire
