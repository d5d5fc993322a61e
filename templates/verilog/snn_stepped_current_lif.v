// Leaky integrate-and-fire neuron behind a synaptic current with a second threshold: snn_current_lif and the choice between both.
//
// h = saturate(leak(v) + j, MembraneWidth);  spike = h >= (above ? fire_at + reset_by : fire_at)
// v = spike ? h - reset_by : h;  above = v >= fire_at, the comparison with the other threshold as in snn_stepped_lif
// second_i: {above, leak(v)} of the step before; second_o: those of this step. Where clear_i: zeros, the states of a new sample.
//
// Latency: spike_o 3 cycles after charged_i, second_o 4, next_o 6. second_i comes with charged_i, numbers one cycle later,
// the bias five.
// Width law: MembraneWidth holds fire_at + reset_by; that of snn_current_lif. Source: int_net/neurons/cuba_lif.py.

`default_nettype none

module snn_stepped_current_lif #(
  parameter StateWidth        = 16,
  parameter MembraneWidth     = 16,
  parameter Saturate          = 1,
  parameter ResetKind         = 1,
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
  input  wire        [MembraneWidth:0]      second_i,
  input  wire signed [MembraneWidth-1:0]    fire_at_i,
  input  wire signed [MembraneWidth-1:0]    reset_by_i,
  input  wire        [LeakWidth-1:0]        leak_i,
  input  wire        [SynapseLeakWidth-1:0] synapse_leak_i,
  input  wire signed [StateWidth-1:0]       bias_i,
  output wire                               spike_o,
  output wire        [MembraneWidth:0]      second_o,
  output wire signed [StateWidth-1:0]       next_o
);

  // The threshold of this step, and the comparison with the other one; the sum is that of u_current_lif, made twice
  wire signed [MembraneWidth-1:0] both = fire_at_i + reset_by_i;
  reg signed [StateWidth-1:0]     charged_q;
  reg signed [MembraneWidth-1:0]  second_q, other_q;
  reg signed [StateWidth:0]       sum_q;
  reg                             above_q, above_q3, above_q4, clear_q, clear_q2, clear_q3;
  wire signed [StateWidth:0]      second = {{(StateWidth + 1 - MembraneWidth){second_q[MembraneWidth-1]}}, second_q};
  wire signed [StateWidth:0]      other = {{(StateWidth + 1 - MembraneWidth){other_q[MembraneWidth-1]}}, other_q};
  wire signed [MembraneWidth-1:0] kept;

  always @(posedge clk_i) begin
    charged_q <= charged_i;
    second_q  <= second_i[MembraneWidth-1:0];
    sum_q     <= {charged_q[StateWidth-1], charged_q} + second;
    above_q   <= second_i[MembraneWidth];
    other_q   <= above_q ? fire_at_i : both;
    above_q3  <= sum_q >= other;
    above_q4  <= ~clear_q3 & above_q3;
    clear_q   <= clear_i;
    clear_q2  <= clear_q;
    clear_q3  <= clear_q2;
  end

  assign second_o = {above_q4, kept};

  snn_current_lif #(
    .StateWidth(StateWidth),
    .MembraneWidth(MembraneWidth),
    .Saturate(Saturate),
    .ResetKind(ResetKind),
    .LeakKind(LeakKind),
    .LeakShift(LeakShift),
    .LeakFactor(LeakFactor),
    .LeakWidth(LeakWidth),
    .SynapseLeakKind(SynapseLeakKind),
    .SynapseLeakShift(SynapseLeakShift),
    .SynapseLeakFactor(SynapseLeakFactor),
    .SynapseLeakWidth(SynapseLeakWidth)
  ) u_current_lif (
    .clk_i(clk_i),
    .charged_i(charged_i),
    .clear_i(clear_i),
    .second_i(second_i[MembraneWidth-1:0]),
    .fire_at_i(above_q ? both : fire_at_i),
    .reset_by_i(reset_by_i),
    .leak_i(leak_i),
    .synapse_leak_i(synapse_leak_i),
    .bias_i(bias_i),
    .spike_o(spike_o),
    .second_o(kept),
    .next_o(next_o)
  );

endmodule

`default_nettype wire
