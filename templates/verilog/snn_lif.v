// Leaky integrate-and-fire neuron, pipelined: saturate, fire, reset, leak, and the bias of the next step.
//
// h = saturate(charged, MembraneWidth);  spike = h >= fire_at
// v = spike ? 0 : h                      (SoftReset = 0)
// v = spike ? h - reset_by : h           (SoftReset = 1)
// next = leak(v) + bias                  leak: LeakKind 0: v; 1: v - (v >>> LeakShift); 2: (v * LeakFactor) >>> LeakShift
// next = bias                            where clear_i: the state of a new sample, since leak(0) = 0
//
// Latency: spike_o 2 cycles after valid_i, next_o 5 cycles after valid_i. fire_at_i, reset_by_i and bias_i come one cycle
// after valid_i (they are read from a memory with the same address as the state).
// Width law: StateWidth >= MembraneWidth and holds leak(v) + bias. Source: docs/semantics.md, reference.py lif_step.

`default_nettype none

module snn_lif #(
  parameter StateWidth    = 16,
  parameter MembraneWidth = 16,
  parameter Saturate      = 1,
  parameter SoftReset     = 0,
  parameter LeakKind      = 1,
  parameter LeakShift     = 1,
  parameter LeakFactor    = 0
) (
  input  wire                            clk_i,
  input  wire signed [StateWidth-1:0]    charged_i,
  input  wire                            clear_i,
  input  wire signed [MembraneWidth-1:0] fire_at_i,
  input  wire signed [MembraneWidth-1:0] reset_by_i,
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

  generate
    if (Saturate != 0) begin : gen_saturate
      localparam signed [MembraneWidth-1:0] Greatest = {1'b0, {(MembraneWidth - 1){1'b1}}};
      localparam signed [MembraneWidth-1:0] Least = {1'b1, {(MembraneWidth - 1){1'b0}}};
      wire fits = charged_q == {{(StateWidth - MembraneWidth){charged_q[MembraneWidth-1]}}, charged_q[MembraneWidth-1:0]};

      assign membrane = fits ? charged_q[MembraneWidth-1:0] : charged_q[StateWidth-1] ? Least : Greatest;
    end else begin : gen_never_saturates
      assign membrane = charged_q[MembraneWidth-1:0];
      if (StateWidth > MembraneWidth) begin : gen_unused
        wire unused_high_bits = ^charged_q[StateWidth-1:MembraneWidth];
      end
    end
  endgenerate

  // Fire
  reg signed [MembraneWidth-1:0] membrane_q, reset_by_q;
  reg signed [StateWidth-1:0]    bias_q, bias_q2, bias_q3;

  always @(posedge clk_i) begin
    spike_o    <= membrane >= fire_at_i;
    membrane_q <= membrane;
    reset_by_q <= reset_by_i;
    bias_q     <= bias_i;
    bias_q2    <= bias_q;
    bias_q3    <= bias_q2;
  end

  // Reset
  reg signed [MembraneWidth-1:0] reset_q;

  always @(posedge clk_i) begin
    if (SoftReset != 0) reset_q <= spike_o ? membrane_q - reset_by_q : membrane_q;
    else reset_q <= spike_o ? {MembraneWidth{1'b0}} : membrane_q;
  end

  // Leak
  reg signed [MembraneWidth-1:0] leaked_q;
  wire signed [MembraneWidth-1:0] leaked;

  generate
    if (LeakKind == 1) begin : gen_leak_shift
      assign leaked = reset_q - (reset_q >>> LeakShift);
    end else if (LeakKind == 2) begin : gen_leak_multiplier
      localparam FactorWidth = LeakShift + 2;
      localparam signed [FactorWidth-1:0] Factor = LeakFactor[FactorWidth-1:0];
      localparam ProductWidth = MembraneWidth + FactorWidth;
      wire signed [ProductWidth-1:0] product = reset_q * Factor;

      assign leaked = product[LeakShift+:MembraneWidth];
      wire unused_product = ^{product[ProductWidth-1:LeakShift+MembraneWidth], product[LeakShift-1:0]};
    end else begin : gen_no_leak
      assign leaked = reset_q;
    end
  endgenerate

  always @(posedge clk_i) begin
    leaked_q <= clear_q3 ? {MembraneWidth{1'b0}} : leaked;
    next_o   <= {{(StateWidth - MembraneWidth){leaked_q[MembraneWidth-1]}}, leaked_q} + bias_q3;
  end

endmodule

`default_nettype wire
