// Leaky integrator behind a synaptic current, pipelined. The lane's memory holds the current; the membrane goes to the scores.
//
// j = charged;  v = saturate(leak(v) + j, MembraneWidth);  it never fires
// next = leak_c(j) + bias                second_i: leak(v) of the step before; second_o: that of this step
// Where clear_i: next = bias and leak(v) = 0, the states of a new sample.
//
// Latency: membrane_o 3 cycles after charged_i, second_o 4, next_o 6. second_i comes with charged_i, leaks one cycle later, the
// bias five, as in snn_current_lif.
// Width law: StateWidth >= MembraneWidth and holds j and leak_c(j) + bias. Source: reference.py current_integrator_step.

`default_nettype none

module snn_current_integrator #(
  parameter StateWidth        = 16,
  parameter MembraneWidth     = 16,
  parameter Saturate          = 1,
  parameter LeakKind          = 1,
  parameter LeakShift         = 1,
  parameter LeakFactor        = 0,
  parameter LeakWidth         = 1,
  parameter SynapseLeakKind   = 1,
  parameter SynapseLeakShift  = 1,
  parameter SynapseLeakFactor = 0,
  parameter SynapseLeakWidth  = 1
) (
  input  wire                               clk_i,
  input  wire signed [StateWidth-1:0]       charged_i,
  input  wire                               clear_i,
  input  wire signed [MembraneWidth-1:0]    second_i,
  input  wire        [LeakWidth-1:0]        leak_i,
  input  wire        [SynapseLeakWidth-1:0] synapse_leak_i,
  input  wire signed [StateWidth-1:0]       bias_i,
  output reg  signed [MembraneWidth-1:0]    membrane_o,
  output wire signed [MembraneWidth-1:0]    second_o,
  output reg  signed [StateWidth-1:0]       next_o
);

  // Charge
  reg signed [StateWidth-1:0]     charged_q;
  reg signed [MembraneWidth-1:0]  second_q, membrane_q;
  reg signed [StateWidth:0]       sum_q;
  reg        [LeakWidth-1:0]      leak_q, leak_q2, leak_q3;
  reg                             clear_q, clear_q2, clear_q3, clear_q4;
  wire signed [StateWidth:0]      second = {{(StateWidth + 1 - MembraneWidth){second_q[MembraneWidth-1]}}, second_q};
  wire signed [MembraneWidth-1:0] membrane;

  snn_saturate #(
    .InWidth(StateWidth + 1),
    .OutWidth(MembraneWidth),
    .Saturate(Saturate)
  ) u_saturate (
    .value_i(sum_q),
    .value_o(membrane)
  );

  always @(posedge clk_i) begin
    charged_q  <= charged_i;
    second_q   <= second_i;
    sum_q      <= {charged_q[StateWidth-1], charged_q} + second;
    membrane_o <= membrane;
    membrane_q <= membrane_o;
    leak_q     <= leak_i;
    leak_q2    <= leak_q;
    leak_q3    <= leak_q2;
    clear_q    <= clear_i;
    clear_q2   <= clear_q;
    clear_q3   <= clear_q2;
    clear_q4   <= clear_q3;
  end

  // Leak of the membrane
  wire signed [MembraneWidth-1:0] leaked;

  snn_leak #(
    .Width(MembraneWidth),
    .Kind(LeakKind),
    .Shift(LeakShift),
    .Factor(LeakFactor),
    .NumberWidth(LeakWidth)
  ) u_leak (
    .value_i(membrane_q),
    .number_i(leak_q3),
    .value_o(leaked)
  );

  assign second_o = clear_q4 ? {MembraneWidth{1'b0}} : leaked;

  // Leak of the current
  wire signed [StateWidth-1:0] decayed;
  reg signed [StateWidth-1:0]  decayed_q, decayed_q2, decayed_q3, decayed_q4;

  snn_leak #(
    .Width(StateWidth),
    .Kind(SynapseLeakKind),
    .Shift(SynapseLeakShift),
    .Factor(SynapseLeakFactor),
    .NumberWidth(SynapseLeakWidth)
  ) u_synapse_leak (
    .value_i(charged_q),
    .number_i(synapse_leak_i),
    .value_o(decayed)
  );

  always @(posedge clk_i) begin
    decayed_q  <= clear_q ? {StateWidth{1'b0}} : decayed;
    decayed_q2 <= decayed_q;
    decayed_q3 <= decayed_q2;
    decayed_q4 <= decayed_q3;
    next_o     <= decayed_q4 + bias_i;
  end

endmodule

`default_nettype wire
