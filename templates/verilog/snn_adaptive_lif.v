// Adaptive leaky integrate-and-fire neuron, pipelined: snn_lif whose threshold rises with every spike and falls back.
//
// h = saturate(charged, MembraneWidth);  spike = h >= fire_at - a
// v = spike ? 0 : h (ResetKind = 0, hard), spike ? h - reset_by : h (1, soft), h (2, none);  next = leak(v) + bias
// a = leak_a(a) + (spike ? adapt_step : 0)   second_i before, second_o after; adapt_step and a are never above 0
// Where clear_i: next = bias and a = 0, the states of a new sample.
//
// Latency: spike_o 3 cycles after valid_i, second_o 4, next_o 6. second_i comes with charged_i, numbers one cycle later,
// the bias five.
// Width law: StateWidth >= MembraneWidth; AdaptWidth holds every a (interval analysis). Source: int_net/neurons/adaptive_lif.py.

`default_nettype none

module snn_adaptive_lif #(
  parameter StateWidth      = 16,
  parameter MembraneWidth   = 16,
  parameter Saturate        = 1,
  parameter ResetKind       = 0,
  parameter LeakKind        = 1,
  parameter LeakShift       = 1,
  parameter LeakFactor      = 0,
  parameter LeakWidth       = 1,
  parameter AdaptWidth      = 16,
  parameter AdaptLeakKind   = 1,
  parameter AdaptLeakShift  = 1,
  parameter AdaptLeakFactor = 0,
  parameter AdaptLeakWidth  = 1
) (
  input  wire                             clk_i,
  input  wire signed [StateWidth-1:0]     charged_i,
  input  wire                             clear_i,
  input  wire signed [AdaptWidth-1:0]     second_i,
  input  wire signed [MembraneWidth-1:0]  fire_at_i,
  input  wire signed [MembraneWidth-1:0]  reset_by_i,
  input  wire        [LeakWidth-1:0]      leak_i,
  input  wire        [AdaptLeakWidth-1:0] adapt_leak_i,
  input  wire signed [AdaptWidth-1:0]     adapt_step_i,
  input  wire signed [StateWidth-1:0]     bias_i,
  output reg                              spike_o,
  output reg  signed [AdaptWidth-1:0]     second_o,
  output reg  signed [StateWidth-1:0]     next_o
);

  localparam ThresholdWidth = (MembraneWidth > AdaptWidth ? MembraneWidth : AdaptWidth) + 1;

  // Charge, and the threshold of this step
  reg signed [StateWidth-1:0]      charged_q;
  reg signed [AdaptWidth-1:0]      second_q;
  reg                              clear_q, clear_q2, clear_q3, clear_q4;
  wire signed [MembraneWidth-1:0]  membrane;
  wire signed [AdaptWidth-1:0]     recovered;
  wire signed [ThresholdWidth-1:0] fire_at = {{(ThresholdWidth - MembraneWidth){fire_at_i[MembraneWidth-1]}}, fire_at_i};
  wire signed [ThresholdWidth-1:0] adaptation = {{(ThresholdWidth - AdaptWidth){second_q[AdaptWidth-1]}}, second_q};

  snn_saturate #(
    .InWidth(StateWidth),
    .OutWidth(MembraneWidth),
    .Saturate(Saturate)
  ) u_saturate (
    .value_i(charged_q),
    .value_o(membrane)
  );

  snn_leak #(
    .Width(AdaptWidth),
    .Kind(AdaptLeakKind),
    .Shift(AdaptLeakShift),
    .Factor(AdaptLeakFactor),
    .NumberWidth(AdaptLeakWidth)
  ) u_adapt_leak (
    .value_i(second_q),
    .number_i(adapt_leak_i),
    .value_o(recovered)
  );

  // Fire
  reg signed [ThresholdWidth-1:0]  threshold_q;
  reg signed [MembraneWidth-1:0]   membrane_q, membrane_q2, reset_by_q, reset_by_q2;
  reg signed [AdaptWidth-1:0]      recovered_q, recovered_q2, adapt_step_q, adapt_step_q2;
  reg        [LeakWidth-1:0]       leak_q, leak_q2, leak_q3;
  wire signed [ThresholdWidth-1:0] compared = {{(ThresholdWidth - MembraneWidth){membrane_q[MembraneWidth-1]}}, membrane_q};

  always @(posedge clk_i) begin
    charged_q     <= charged_i;
    second_q      <= second_i;
    threshold_q   <= fire_at - adaptation;
    membrane_q    <= membrane;
    membrane_q2   <= membrane_q;
    spike_o       <= compared >= threshold_q;
    recovered_q   <= recovered;
    recovered_q2  <= recovered_q;
    adapt_step_q  <= adapt_step_i;
    adapt_step_q2 <= adapt_step_q;
    reset_by_q    <= reset_by_i;
    reset_by_q2   <= reset_by_q;
    leak_q        <= leak_i;
    leak_q2       <= leak_q;
    leak_q3       <= leak_q2;
    clear_q       <= clear_i;
    clear_q2      <= clear_q;
    clear_q3      <= clear_q2;
    clear_q4      <= clear_q3;
  end

  // Reset and adapt
  reg signed [MembraneWidth-1:0] reset_q;

  always @(posedge clk_i) begin
    if (ResetKind == 2) reset_q <= membrane_q2;
    else if (ResetKind == 1) reset_q <= spike_o ? membrane_q2 - reset_by_q2 : membrane_q2;
    else reset_q <= spike_o ? {MembraneWidth{1'b0}} : membrane_q2;
    second_o <= clear_q3 ? {AdaptWidth{1'b0}} : spike_o ? recovered_q2 + adapt_step_q2 : recovered_q2;
  end

  // Leak
  reg signed [MembraneWidth-1:0]  leaked_q;
  wire signed [MembraneWidth-1:0] leaked;

  snn_leak #(
    .Width(MembraneWidth),
    .Kind(LeakKind),
    .Shift(LeakShift),
    .Factor(LeakFactor),
    .NumberWidth(LeakWidth)
  ) u_leak (
    .value_i(reset_q),
    .number_i(leak_q3),
    .value_o(leaked)
  );

  always @(posedge clk_i) begin
    leaked_q <= clear_q4 ? {MembraneWidth{1'b0}} : leaked;
    next_o   <= {{(StateWidth - MembraneWidth){leaked_q[MembraneWidth-1]}}, leaked_q} + bias_i;
  end

endmodule

`default_nettype wire
