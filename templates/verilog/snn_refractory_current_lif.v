// Leaky integrate-and-fire neuron behind a synaptic current that rests for some steps after a spike: snn_current_lif and a count.
//
// left > 0:  no spike, v = 0;  left = left - 1            the current goes on as ever
// left = 0:  as snn_current_lif with a hard reset;  left = spike ? Refractory : 0
// second_i: {left, leak(v)} of the step before; second_o: those of this step. Where clear_i: zeros, the states of a new sample.
//
// Latency: spike_o 3 cycles after charged_i, second_o 4, next_o 6. second_i comes with charged_i, numbers one cycle later,
// the bias five.
// Width law: that of snn_current_lif. Source: int_net/neurons/cuba_lif.py.

`default_nettype none

module snn_refractory_current_lif #(
  parameter StateWidth        = 16,
  parameter MembraneWidth     = 16,
  parameter Saturate          = 1,
  parameter ResetKind         = 0,
  parameter LeakKind          = 1,
  parameter LeakShift         = 1,
  parameter LeakFactor        = 0,
  parameter LeakWidth         = 1,
  parameter SynapseLeakKind   = 1,
  parameter SynapseLeakShift  = 1,
  parameter SynapseLeakFactor = 0,
  parameter SynapseLeakWidth  = 1,
  parameter Refractory        = 1,
  parameter LeftWidth         = 1
) (
  input  wire                               clk_i,
  input  wire signed [StateWidth-1:0]       charged_i,
  input  wire                               clear_i,
  input  wire [LeftWidth+MembraneWidth-1:0] second_i,
  input  wire signed [MembraneWidth-1:0]    fire_at_i,
  input  wire signed [MembraneWidth-1:0]    reset_by_i,
  input  wire        [LeakWidth-1:0]        leak_i,
  input  wire        [SynapseLeakWidth-1:0] synapse_leak_i,
  input  wire signed [StateWidth-1:0]       bias_i,
  output wire                               spike_o,
  output wire [LeftWidth+MembraneWidth-1:0] second_o,
  output wire signed [StateWidth-1:0]       next_o
);

  localparam [LeftWidth-1:0] Steps = Refractory[LeftWidth-1:0];

  // Rest
  reg [LeftWidth-1:0]            left_q, left_q2, left_q3, left_q4;
  reg                            rests_q2, rests_q3, rests_q4, clear_q, clear_q2, clear_q3;
  wire                           rests = left_q != {LeftWidth{1'b0}};
  wire                           spike;
  wire signed [MembraneWidth-1:0] kept;

  always @(posedge clk_i) begin
    left_q   <= second_i[LeftWidth+MembraneWidth-1:MembraneWidth];
    left_q2  <= rests ? left_q - {{(LeftWidth - 1){1'b0}}, 1'b1} : left_q;
    left_q3  <= left_q2;
    left_q4  <= clear_q3 ? {LeftWidth{1'b0}} : spike_o ? Steps : left_q3;
    rests_q2 <= rests;
    rests_q3 <= rests_q2;
    rests_q4 <= rests_q3;
    clear_q  <= clear_i;
    clear_q2 <= clear_q;
    clear_q3 <= clear_q2;
  end

  assign spike_o = spike & ~rests_q3;
  assign second_o = {left_q4, rests_q4 ? {MembraneWidth{1'b0}} : kept};

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
    .fire_at_i(fire_at_i),
    .reset_by_i(reset_by_i),
    .leak_i(leak_i),
    .synapse_leak_i(synapse_leak_i),
    .bias_i(bias_i),
    .spike_o(spike),
    .second_o(kept),
    .next_o(next_o)
  );

endmodule

`default_nettype wire
