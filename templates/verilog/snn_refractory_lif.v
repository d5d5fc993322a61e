// Leaky integrate-and-fire neuron that rests for some steps after a spike, pipelined: snn_lif behind a stage that counts them.
//
// left > 0:  h = 0 whatever charged is, no spike, next = bias;  left = left - 1
// left = 0:  as snn_lif with a hard reset;  left = spike ? Refractory : 0       second_i before, second_o after
// Where clear_i: next = bias and left = 0, the states of a new sample.
//
// Latency: spike_o 3 cycles after charged_i, second_o 4, next_o 6. second_i comes with charged_i, numbers one cycle later,
// the bias five.
// Width law: fire_at is above 0, so that a resting neuron stays below it; that of snn_lif. Source: int_net/neurons/firing.py.

`default_nettype none

module snn_refractory_lif #(
  parameter StateWidth    = 16,
  parameter MembraneWidth = 16,
  parameter Saturate      = 1,
  parameter ResetKind     = 0,
  parameter LeakKind      = 1,
  parameter LeakShift     = 1,
  parameter LeakFactor    = 0,
  parameter LeakWidth     = 1,
  parameter Refractory    = 1,
  parameter LeftWidth     = 1
) (
  input  wire                            clk_i,
  input  wire signed [StateWidth-1:0]    charged_i,
  input  wire                            clear_i,
  input  wire        [LeftWidth-1:0]     second_i,
  input  wire signed [MembraneWidth-1:0] fire_at_i,
  input  wire signed [MembraneWidth-1:0] reset_by_i,
  input  wire        [LeakWidth-1:0]     leak_i,
  input  wire signed [StateWidth-1:0]    bias_i,
  output wire                            spike_o,
  output reg         [LeftWidth-1:0]     second_o,
  output wire signed [StateWidth-1:0]    next_o
);

  localparam [LeftWidth-1:0] Steps = Refractory[LeftWidth-1:0];

  reg signed [StateWidth-1:0]    charged_q;
  reg        [LeftWidth-1:0]     left_q, left_q2, left_q3;
  reg                            clear_q, clear_q2, clear_q3;
  reg signed [MembraneWidth-1:0] fire_at_q, reset_by_q;
  reg        [LeakWidth-1:0]     leak_q;
  wire                           rests = left_q != {LeftWidth{1'b0}};

  always @(posedge clk_i) begin
    charged_q  <= charged_i;
    left_q     <= second_i;
    left_q2    <= rests ? left_q - {{(LeftWidth - 1){1'b0}}, 1'b1} : left_q;
    left_q3    <= left_q2;
    clear_q    <= clear_i;
    clear_q2   <= clear_q;
    clear_q3   <= clear_q2;
    fire_at_q  <= fire_at_i;
    reset_by_q <= reset_by_i;
    leak_q     <= leak_i;
    second_o   <= clear_q3 ? {LeftWidth{1'b0}} : spike_o ? Steps : left_q3;
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
    .charged_i(rests ? {StateWidth{1'b0}} : charged_q),
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
