// Leaky integrate-and-fire neuron, pipelined: saturate, fire, reset, leak, and the bias of the next step.
//
// h = saturate(charged, MembraneWidth);  spike = h >= fire_at
// v = spike ? 0 : h                      (ResetKind = 0, hard)
// v = spike ? h - reset_by : h           (ResetKind = 1, soft)
// v = h                                  (ResetKind = 2, none)
// next = leak(v) + bias                  leak: snn_leak with Leak*, a number for each neuron where its kind has one
// next = leak(h) - (spike ? reset_by : 0) + bias   (ResetKind = 3, late)
// next = bias                            where clear_i: the state of a new sample, since leak(0) = 0
//
// Latency: spike_o 2 cycles after charged_i, next_o 5. fire_at_i, reset_by_i and leak_i come one cycle after charged_i (they are
// read from memories with the same address as the state), bias_i four: it is read later, for its address is fewer bits to delay.
// Width law: StateWidth >= MembraneWidth and holds leak(v) + bias. Source: docs/semantics.md, int_net/neurons/lif.py.

`default_nettype none

module snn_lif #(
  parameter StateWidth    = 16,
  parameter MembraneWidth = 16,
  parameter Saturate      = 1,
  parameter ResetKind     = 0,
  parameter LeakKind      = 1,
  parameter LeakShift     = 1,
  parameter LeakFactor    = 0,
  parameter LeakWidth     = 1
) (
  input  wire                            clk_i,
  input  wire signed [StateWidth-1:0]    charged_i,
  input  wire                            clear_i,
  input  wire signed [MembraneWidth-1:0] fire_at_i,
  input  wire signed [MembraneWidth-1:0] reset_by_i,
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
  reg signed [MembraneWidth-1:0] membrane_q, reset_by_q;
  reg        [LeakWidth-1:0]     leak_q;

  always @(posedge clk_i) begin
    spike_o    <= membrane >= fire_at_i;
    membrane_q <= membrane;
    reset_by_q <= reset_by_i;
    leak_q     <= leak_i;
  end

  // Leak
  wire signed [MembraneWidth-1:0] leaking, leaked;
  wire        [LeakWidth-1:0]     leak;

  snn_leak #(
    .Width(MembraneWidth),
    .Kind(LeakKind),
    .Shift(LeakShift),
    .Factor(LeakFactor),
    .NumberWidth(LeakWidth)
  ) u_leak (
    .value_i(leaking),
    .number_i(leak),
    .value_o(leaked)
  );

  // Reset: before the leak, or after it where it is late
  reg signed [MembraneWidth-1:0] leaked_q;

  generate
    if (ResetKind == 3) begin : gen_late_reset
      reg                            spike_q;
      reg signed [MembraneWidth-1:0] kept_q, reset_by_q2;

      assign leaking = membrane_q;
      assign leak = leak_q;

      always @(posedge clk_i) begin
        spike_q     <= spike_o;
        reset_by_q2 <= reset_by_q;
        kept_q      <= leaked;
        leaked_q    <= clear_q3 ? {MembraneWidth{1'b0}} : spike_q ? kept_q - reset_by_q2 : kept_q;
      end
    end else begin : gen_reset
      reg signed [MembraneWidth-1:0] reset_q;
      reg        [LeakWidth-1:0]     leak_q2;

      assign leaking = reset_q;
      assign leak = leak_q2;

      always @(posedge clk_i) begin
        if (ResetKind == 2) reset_q <= membrane_q;
        else if (ResetKind == 1) reset_q <= spike_o ? membrane_q - reset_by_q : membrane_q;
        else reset_q <= spike_o ? {MembraneWidth{1'b0}} : membrane_q;
        leak_q2  <= leak_q;
        leaked_q <= clear_q3 ? {MembraneWidth{1'b0}} : leaked;
      end
    end
  endgenerate

  always @(posedge clk_i) next_o <= {{(StateWidth - MembraneWidth){leaked_q[MembraneWidth-1]}}, leaked_q} + bias_i;

endmodule

`default_nettype wire
