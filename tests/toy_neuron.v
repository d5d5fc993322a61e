// A leaky neuron of which a spike leaves half the membrane: toy_neuron.py has the equations. Pipelined as snn_lif is.

`default_nettype none

module snn_halving #(
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
  input  wire signed [MembraneWidth-1:0] fire_at_i,
  input  wire        [LeakWidth-1:0]     leak_i,
  input  wire signed [StateWidth-1:0]    bias_i,
  output reg                             spike_o,
  output reg  signed [StateWidth-1:0]    next_o
);

  // Charge
  reg signed [StateWidth-1:0] charged_q;
  reg                         clear_q, clear_q2, clear_q3;
  wire signed [MembraneWidth-1:0] membrane;

  always @(posedge clk_i) begin
    charged_q <= charged_i;
    clear_q   <= clear_i;
    clear_q2  <= clear_q;
    clear_q3  <= clear_q2;
  end

  snn_saturate #(
    .InWidth(StateWidth),
    .OutWidth(MembraneWidth),
    .Saturate(Saturate)
  ) u_saturate (
    .value_i(charged_q),
    .value_o(membrane)
  );

  // Fire
  reg signed [MembraneWidth-1:0] membrane_q;
  reg        [LeakWidth-1:0]     leak_q, leak_q2;

  always @(posedge clk_i) begin
    spike_o    <= membrane >= fire_at_i;
    membrane_q <= membrane;
    leak_q     <= leak_i;
    leak_q2    <= leak_q;
  end

  // Reset
  reg signed [MembraneWidth-1:0] reset_q;

  always @(posedge clk_i) begin
    reset_q <= spike_o ? membrane_q >>> 1 : membrane_q;
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
    .number_i(leak_q2),
    .value_o(leaked)
  );

  always @(posedge clk_i) begin
    leaked_q <= clear_q3 ? {MembraneWidth{1'b0}} : leaked;
    next_o   <= {{(StateWidth - MembraneWidth){leaked_q[MembraneWidth-1]}}, leaked_q} + bias_i;
  end

endmodule

`default_nettype wire
