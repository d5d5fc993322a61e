// Input current of a neuron that takes the greatest of several sums, which lie in slots of a lane behind each other.
//
// i = max over the slots of a neuron of charged;  charged_o = state + i       state: what its neuron module gave, leak(v)
//
// Latency: charged_o 2 cycles after charged_i. first_i, of the first slot of a neuron, comes one cycle after charged_i, state_i
// two. charged_o is that of a neuron two cycles after its last slot; what comes before is nothing.
// Width law: CurrentWidth holds every sum, StateWidth >= CurrentWidth and holds state + i (interval analysis of the layer).
// Source: docs/semantics.md, int_net/population.py.

`default_nettype none

module snn_max_current #(
  parameter CurrentWidth = 16,
  parameter StateWidth   = 16
) (
  input  wire                           clk_i,
  input  wire                           first_i,
  input  wire signed [CurrentWidth-1:0] charged_i,
  input  wire signed [StateWidth-1:0]   state_i,
  output wire signed [StateWidth-1:0]   charged_o
);

  reg signed [CurrentWidth-1:0] sum_q, greatest_q;

  always @(posedge clk_i) begin
    sum_q      <= charged_i;
    greatest_q <= (first_i | (sum_q > greatest_q)) ? sum_q : greatest_q;
  end

  assign charged_o = state_i + {{(StateWidth - CurrentWidth){greatest_q[CurrentWidth-1]}}, greatest_q};

endmodule

`default_nettype wire
