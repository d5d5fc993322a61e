// Leaky integrator behind a synaptic current, pipelined. The lane's memory holds the current; the membrane goes to the scores.
//
// j = charged;  v = saturate(leak(v) + j, MembraneWidth);  it never fires
// next = leak_c(j) + bias                second_i: leak(v) of the step before; second_o: that of this step
// Where clear_i: next = bias and leak(v) = 0, the states of a new sample.
//
// Latency: membrane_o 3 cycles after charged_i, second_o 4, next_o 6. second_i comes with charged_i, leaks one cycle later, the
// bias five, as in snn_current_lif.
// Width law: StateWidth >= MembraneWidth and holds j and leak_c(j) + bias. Source: int_net/neurons/integrator.py.

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
  output wire signed [StateWidth-1:0]       next_o
);

  // Current and charge
  wire signed [MembraneWidth-1:0] membrane;

  snn_synaptic_current #(
    .StateWidth(StateWidth),
    .MembraneWidth(MembraneWidth),
    .Saturate(Saturate),
    .LeakKind(SynapseLeakKind),
    .LeakShift(SynapseLeakShift),
    .LeakFactor(SynapseLeakFactor),
    .LeakWidth(SynapseLeakWidth)
  ) u_current (
    .clk_i(clk_i),
    .charged_i(charged_i),
    .clear_i(clear_i),
    .second_i(second_i),
    .leak_i(synapse_leak_i),
    .bias_i(bias_i),
    .membrane_o(membrane),
    .next_o(next_o)
  );

  reg signed [MembraneWidth-1:0] membrane_q;
  reg        [LeakWidth-1:0]     leak_q, leak_q2, leak_q3;
  reg                            clear_q, clear_q2, clear_q3, clear_q4;

  always @(posedge clk_i) begin
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

endmodule

`default_nettype wire
