// Leaky integrator, pipelined: saturate, leak, and the bias of the next step. It never fires; its membrane goes to the scores.
//
// v = saturate(charged, MembraneWidth)
// next = leak(v) + bias, or bias where clear_i: the state of a new sample
//
// Latency: membrane_o 2 cycles after charged_i, next_o 5. leak_i comes one cycle after charged_i, bias_i four, as in snn_lif.
// Width law: StateWidth >= MembraneWidth and holds leak(v) + bias. Source: docs/semantics.md, int_net/neurons/integrator.py.

`default_nettype none

module snn_integrator #(
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
  input  wire        [LeakWidth-1:0]     leak_i,
  input  wire signed [StateWidth-1:0]    bias_i,
  output reg  signed [MembraneWidth-1:0] membrane_o,
  output reg  signed [StateWidth-1:0]    next_o
);

  // Charge
  reg signed [StateWidth-1:0]     charged_q;
  reg                             clear_q, clear_q2, clear_q3;
  reg        [LeakWidth-1:0]      leak_q, leak_q2;
  wire signed [MembraneWidth-1:0] membrane;

  snn_saturate #(
    .InWidth(StateWidth),
    .OutWidth(MembraneWidth),
    .Saturate(Saturate)
  ) u_saturate (
    .value_i(charged_q),
    .value_o(membrane)
  );

  always @(posedge clk_i) begin
    charged_q  <= charged_i;
    membrane_o <= membrane;
    clear_q    <= clear_i;
    clear_q2   <= clear_q;
    clear_q3   <= clear_q2;
    leak_q     <= leak_i;
    leak_q2    <= leak_q;
  end

  // Leak
  reg signed [MembraneWidth-1:0]  membrane_q, leaked_q;
  wire signed [MembraneWidth-1:0] leaked;

  snn_leak #(
    .Width(MembraneWidth),
    .Kind(LeakKind),
    .Shift(LeakShift),
    .Factor(LeakFactor),
    .NumberWidth(LeakWidth)
  ) u_leak (
    .value_i(membrane_q),
    .number_i(leak_q2),
    .value_o(leaked)
  );

  always @(posedge clk_i) begin
    membrane_q <= membrane_o;
    leaked_q   <= clear_q3 ? {MembraneWidth{1'b0}} : leaked;
    next_o     <= {{(StateWidth - MembraneWidth){leaked_q[MembraneWidth-1]}}, leaked_q} + bias_i;
  end

endmodule

`default_nettype wire
