// The naive merge: all of a step of source 0, then all of source 1, then the end. It waits for source 0 whoever else has events.

`default_nettype none

module in_turn_merge #(
  parameter AddrWidth = 2
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  input  wire [1:0]             event_valid_i,
  output wire [1:0]             event_ready_o,
  input  wire [2*AddrWidth-1:0] event_addr_i,
  input  wire [1:0]             event_step_end_i,
  input  wire [1:0]             event_sample_end_i,
  output wire                   row_valid_o,
  input  wire                   row_ready_i,
  output wire [AddrWidth-1:0]   row_addr_o,
  output wire                   row_step_end_o,
  output wire                   row_sample_end_o
);

  reg turn_q;

  wire ending = event_valid_i[turn_q] & event_step_end_i[turn_q];

  assign row_valid_o = event_valid_i[turn_q] & (turn_q | ~ending);
  assign event_ready_o[0] = ~turn_q & (ending | row_ready_i);
  assign event_ready_o[1] = turn_q & row_ready_i;
  assign row_addr_o = event_addr_i[turn_q*AddrWidth+:AddrWidth];
  assign row_step_end_o = ending;
  assign row_sample_end_o = event_sample_end_i[turn_q];

  always @(posedge clk_i) begin
    if (!rst_ni) turn_q <= 1'b0;
    else if (ending & event_ready_o[turn_q]) turn_q <= ~turn_q;
  end

endmodule

`default_nettype wire
