// Synaptic current of a neuron, pipelined: what it charges the membrane to, and what the next step begins with.
//
// j = charged;  membrane = saturate(second + j, MembraneWidth)        second: leak(v) of the step before
// next = leak_c(j) + bias, or bias where clear_i: the state of a new sample
//
// Latency: membrane_o 2 cycles after charged_i, with which second_i comes, next_o 6. synapse_leak_i comes one cycle after
// charged_i, bias_i five.
// Width law: StateWidth >= MembraneWidth and holds j and leak_c(j) + bias. Source: int_net/neurons/cuba_lif.py.

`default_nettype none

module snn_synaptic_current #(
  parameter StateWidth    = 16,
  parameter MembraneWidth = 16,
  parameter Saturate      = 1,
  parameter LeakKind      = 1,
  parameter LeakShift     = 1,
  parameter LeakFactor    = 0,
  parameter LeakWidth     = 1
) (
  input  wire                            clk_i,
  input  wire signed [StateWidth-1:0]    charged_i,
  input  wire                            clear_i,
  input  wire signed [MembraneWidth-1:0] second_i,
  input  wire        [LeakWidth-1:0]     leak_i,
  input  wire signed [StateWidth-1:0]    bias_i,
  output wire signed [MembraneWidth-1:0] membrane_o,
  output reg  signed [StateWidth-1:0]    next_o
);

  // Charge
  reg signed [StateWidth-1:0]    charged_q;
  reg signed [MembraneWidth-1:0] second_q;
  reg signed [StateWidth:0]      sum_q;
  wire signed [StateWidth:0]     second = {{(StateWidth + 1 - MembraneWidth){second_q[MembraneWidth-1]}}, second_q};

  snn_saturate #(
    .InWidth(StateWidth + 1),
    .OutWidth(MembraneWidth),
    .Saturate(Saturate)
  ) u_saturate (
    .value_i(sum_q),
    .value_o(membrane_o)
  );

  // Leak
  wire signed [StateWidth-1:0] decayed;
  reg signed [StateWidth-1:0]  decayed_q, decayed_q2, decayed_q3, decayed_q4;
  reg                          clear_q;

  snn_leak #(
    .Width(StateWidth),
    .Kind(LeakKind),
    .Shift(LeakShift),
    .Factor(LeakFactor),
    .NumberWidth(LeakWidth)
  ) u_leak (
    .value_i(charged_q),
    .number_i(leak_i),
    .value_o(decayed)
  );

  always @(posedge clk_i) begin
    charged_q  <= charged_i;
    second_q   <= second_i;
    clear_q    <= clear_i;
    sum_q      <= {charged_q[StateWidth-1], charged_q} + second;
    decayed_q  <= clear_q ? {StateWidth{1'b0}} : decayed;
    decayed_q2 <= decayed_q;
    decayed_q3 <= decayed_q2;
    decayed_q4 <= decayed_q3;
    next_o     <= decayed_q4 + bias_i;
  end

endmodule

`default_nettype wire
