// A lane that has one neuron: its state is a register, and its neuron takes four cycles of a neuron update one after the other.
//
// add:     state = state + (weight << WeightShift)
// fire:    h = saturate(state, MembraneWidth);  spike = h >= fire_at
//   + 1:   state = spike ? 0 : h (ResetKind = 0, hard), spike ? h - reset_by : h (1, soft), h (2, none)
//   + 2:   state = leak(state), or 0 at the end of a sample (clear_i goes with fire_i)
//   + 3:   state = state + bias
// late (ResetKind = 3): state = h with fire, leak(state) at + 1, spike ? state - reset_by : state or 0 at + 2, then the bias
//
// Latency: spike_o one cycle after fire_i, and until the next one. No add may come with fire_i or in the three cycles after it
// (snn_neuron_update with ExtraStages = -1). Numbers stay as they are. Width law: StateWidth holds every partial sum and leak(v) + bias
// (interval analysis of the layer), and StateWidth >= MembraneWidth. Source: docs/semantics.md, int_net/neurons/lif.py.

`default_nettype none

module snn_single_lif #(
  parameter StateWidth    = 16,
  parameter MembraneWidth = 16,
  parameter Saturate      = 1,
  parameter ResetKind     = 0,
  parameter LeakKind      = 1,
  parameter LeakShift     = 1,
  parameter LeakFactor    = 0,
  parameter LeakWidth     = 1,
  parameter WeightWidth   = 8,
  parameter WeightShift   = 0
) (
  input  wire                            clk_i,
  input  wire                            rst_ni,
  // Synapse
  input  wire                            add_i,
  input  wire signed [WeightWidth-1:0]   weight_i,
  // Neuron
  input  wire                            fire_i,
  input  wire                            clear_i,
  input  wire signed [MembraneWidth-1:0] fire_at_i,
  input  wire signed [MembraneWidth-1:0] reset_by_i,
  input  wire        [LeakWidth-1:0]     leak_i,
  input  wire signed [StateWidth-1:0]    bias_i,
  output reg                             spike_o
);

  // Cycles after fire_i
  reg reset_q, leak_q, bias_q, clear_q;

  always @(posedge clk_i) begin
    reset_q <= rst_ni & fire_i;
    leak_q  <= rst_ni & reset_q;
    bias_q  <= rst_ni & leak_q;
    if (fire_i) clear_q <= clear_i;
  end

  // Synapse, and the bias of the next step
  reg signed [StateWidth-1:0] state_q;
  wire signed [StateWidth-1:0] weight = {{(StateWidth - WeightWidth){weight_i[WeightWidth-1]}}, weight_i};
  wire signed [StateWidth-1:0] sum = state_q + (bias_q ? bias_i : weight <<< WeightShift);

  // Fire
  wire signed [MembraneWidth-1:0] membrane, leaked;

  snn_saturate #(
    .InWidth(StateWidth),
    .OutWidth(MembraneWidth),
    .Saturate(Saturate)
  ) u_saturate (
    .value_i(state_q),
    .value_o(membrane)
  );

  always @(posedge clk_i) if (fire_i) spike_o <= membrane >= fire_at_i;

  // Leak
  snn_leak #(
    .Width(MembraneWidth),
    .Kind(LeakKind),
    .Shift(LeakShift),
    .Factor(LeakFactor),
    .NumberWidth(LeakWidth)
  ) u_leak (
    .value_i(state_q[MembraneWidth-1:0]),
    .number_i(leak_i),
    .value_o(leaked)
  );

  // Reset: before the leak, or after it where it is late; the last of them clears
  wire                            early;
  wire signed [MembraneWidth-1:0] first, last;

  generate
    if (ResetKind == 3) begin : gen_late_reset
      assign early = fire_i | reset_q;
      assign first = fire_i ? membrane : leaked;
      assign last = spike_o ? state_q[MembraneWidth-1:0] - reset_by_i : state_q[MembraneWidth-1:0];
    end else begin : gen_reset
      assign early = reset_q;
      assign last = leaked;
      if (ResetKind == 1) begin : gen_soft
        assign first = spike_o ? membrane - reset_by_i : membrane;
      end else begin : gen_hard_or_none
        assign first = (spike_o & (ResetKind == 0)) ? {MembraneWidth{1'b0}} : membrane;
        wire unused_reset_by = ^reset_by_i;
      end
    end
  endgenerate

  wire signed [MembraneWidth-1:0] next = early ? first : clear_q ? {MembraneWidth{1'b0}} : last;

  always @(posedge clk_i) begin
    if (early | leak_q) state_q <= {{(StateWidth - MembraneWidth){next[MembraneWidth-1]}}, next};
    else if (add_i | bias_q) state_q <= sum;
  end

endmodule

`default_nettype wire
