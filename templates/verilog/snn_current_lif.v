// Leaky integrate-and-fire neuron behind a synaptic current, pipelined. The lane's memory holds the current.
//
// j = charged;  h = saturate(leak(v) + j, MembraneWidth);  spike = h >= fire_at
// v = spike ? 0 : h (ResetKind = 0, hard), spike ? h - reset_by : h (1, soft), h (2, none)
// next = leak_c(j) + bias                second_i: leak(v) of the step before; second_o: that of this step
// second = leak(h) - (spike ? reset_by : 0)   (ResetKind = 3, late)
// Where clear_i: next = bias and leak(v) = 0, the states of a new sample.
//
// Latency: spike_o 3 cycles after valid_i, second_o 4, next_o 6. second_i comes with charged_i, numbers one cycle later,
// the bias five.
// Width law: StateWidth >= MembraneWidth and holds j and leak_c(j) + bias. Source: int_net/neurons/cuba_lif.py.

`default_nettype none

module snn_current_lif #(
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
  parameter SynapseLeakWidth  = 1
) (
  input  wire                               clk_i,
  input  wire signed [StateWidth-1:0]       charged_i,
  input  wire                               clear_i,
  input  wire signed [MembraneWidth-1:0]    second_i,
  input  wire signed [MembraneWidth-1:0]    fire_at_i,
  input  wire signed [MembraneWidth-1:0]    reset_by_i,
  input  wire        [LeakWidth-1:0]        leak_i,
  input  wire        [SynapseLeakWidth-1:0] synapse_leak_i,
  input  wire signed [StateWidth-1:0]       bias_i,
  output reg                                spike_o,
  output wire signed [MembraneWidth-1:0]    second_o,
  output wire signed [StateWidth-1:0]       next_o
);

  // Current and charge
  wire signed [MembraneWidth-1:0] membrane;

  snn_synaptic_current #(
    .StateWidth(StateWidth),
    .MembraneWidth(MembraneWidth),
    .Saturate(Saturate),
    .LeakKind(SynapseLeakKind),
    .LeakShift(SynapseLeakShift),
    .LeakFactor(SynapseLeakFactor),
    .LeakWidth(SynapseLeakWidth)
  ) u_current (
    .clk_i(clk_i),
    .charged_i(charged_i),
    .clear_i(clear_i),
    .second_i(second_i),
    .leak_i(synapse_leak_i),
    .bias_i(bias_i),
    .membrane_o(membrane),
    .next_o(next_o)
  );

  // Fire
  reg signed [MembraneWidth-1:0] membrane_q, fire_at_q, reset_by_q, reset_by_q2;
  reg        [LeakWidth-1:0]     leak_q, leak_q2;
  reg                            clear_q, clear_q2, clear_q3, clear_q4;

  always @(posedge clk_i) begin
    fire_at_q   <= fire_at_i;
    spike_o     <= membrane >= fire_at_q;
    membrane_q  <= membrane;
    reset_by_q  <= reset_by_i;
    reset_by_q2 <= reset_by_q;
    leak_q      <= leak_i;
    leak_q2     <= leak_q;
    clear_q     <= clear_i;
    clear_q2    <= clear_q;
    clear_q3    <= clear_q2;
    clear_q4    <= clear_q3;
  end

  // Leak of the membrane
  wire signed [MembraneWidth-1:0] leaking, leaked, kept;
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
  generate
    if (ResetKind == 3) begin : gen_late_reset
      reg                            spike_q;
      reg signed [MembraneWidth-1:0] leaked_q, reset_by_q3;

      assign leaking = membrane_q;
      assign leak = leak_q2;
      assign kept = spike_q ? leaked_q - reset_by_q3 : leaked_q;

      always @(posedge clk_i) begin
        spike_q     <= spike_o;
        reset_by_q3 <= reset_by_q2;
        leaked_q    <= leaked;
      end
    end else begin : gen_reset
      reg signed [MembraneWidth-1:0] reset_q;
      reg        [LeakWidth-1:0]     leak_q3;

      assign leaking = reset_q;
      assign leak = leak_q3;
      assign kept = leaked;

      always @(posedge clk_i) begin
        if (ResetKind == 2) reset_q <= membrane_q;
        else if (ResetKind == 1) reset_q <= spike_o ? membrane_q - reset_by_q2 : membrane_q;
        else reset_q <= spike_o ? {MembraneWidth{1'b0}} : membrane_q;
        leak_q3 <= leak_q2;
      end
    end
  endgenerate

  assign second_o = clear_q4 ? {MembraneWidth{1'b0}} : kept;

endmodule

`default_nettype wire
