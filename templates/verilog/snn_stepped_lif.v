// Leaky integrate-and-fire neuron with a second threshold, pipelined: snn_lif behind a stage that chooses between both.
//
// h = saturate(charged, MembraneWidth);  spike = h >= (above ? fire_at + reset_by : fire_at)
// v = spike ? h - reset_by : h;  next = leak(v) + bias
// above = v >= fire_at                   second_i before, second_o after
// Where clear_i: next = bias and above = 0, the states of a new sample.
//
// above is the comparison with the other threshold: above it, v is at fire_at after a spike; below, without one.
//
// Latency: spike_o 3 cycles after charged_i, second_o 4, next_o 6. second_i comes with charged_i, numbers one cycle later,
// the bias five.
// Width law: MembraneWidth holds fire_at + reset_by; that of snn_lif. Source: int_net/neurons/firing.py.

`default_nettype none

module snn_stepped_lif #(
  parameter StateWidth    = 16,
  parameter MembraneWidth = 16,
  parameter Saturate      = 1,
  parameter ResetKind     = 1,
  parameter LeakKind      = 1,
  parameter LeakShift     = 1,
  parameter LeakFactor    = 0,
  parameter LeakWidth     = 1
) (
  input  wire                            clk_i,
  input  wire signed [StateWidth-1:0]    charged_i,
  input  wire                            clear_i,
  input  wire                            second_i,
  input  wire signed [MembraneWidth-1:0] fire_at_i,
  input  wire signed [MembraneWidth-1:0] reset_by_i,
  input  wire        [LeakWidth-1:0]     leak_i,
  input  wire signed [StateWidth-1:0]    bias_i,
  output wire                            spike_o,
  output reg                             second_o,
  output wire signed [StateWidth-1:0]    next_o
);

  // The threshold of this step, and the other one
  wire signed [MembraneWidth-1:0] both = fire_at_i + reset_by_i;
  reg signed [StateWidth-1:0]     charged_q, charged_q2;
  reg                             above_q, clear_q, clear_q2, clear_q3;
  reg signed [MembraneWidth-1:0]  fire_at_q, other_q, reset_by_q;
  reg        [LeakWidth-1:0]      leak_q;
  wire signed [StateWidth-1:0]    other = {{(StateWidth - MembraneWidth){other_q[MembraneWidth-1]}}, other_q};
  reg                             above_q3;

  always @(posedge clk_i) begin
    charged_q  <= charged_i;
    charged_q2 <= charged_q;
    above_q    <= second_i;
    clear_q    <= clear_i;
    clear_q2   <= clear_q;
    clear_q3   <= clear_q2;
    fire_at_q  <= above_q ? both : fire_at_i;
    other_q    <= above_q ? fire_at_i : both;
    reset_by_q <= reset_by_i;
    leak_q     <= leak_i;
    above_q3   <= charged_q2 >= other;
    second_o   <= ~clear_q3 & above_q3;
  end

  snn_lif #(
    .StateWidth(StateWidth),
    .MembraneWidth(MembraneWidth),
    .Saturate(Saturate),
    .ResetKind(ResetKind),
    .LeakKind(LeakKind),
    .LeakShift(LeakShift),
    .LeakFactor(LeakFactor),
    .LeakWidth(LeakWidth)
  ) u_lif (
    .clk_i(clk_i),
    .charged_i(charged_q),
    .clear_i(clear_q),
    .fire_at_i(fire_at_q),
    .reset_by_i(reset_by_q),
    .leak_i(leak_q),
    .bias_i(bias_i),
    .spike_o(spike_o),
    .next_o(next_o)
  );

endmodule

`default_nettype wire
