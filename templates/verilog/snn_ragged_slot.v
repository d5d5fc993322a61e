// Slots of the entries that a lane of the ragged layout walks.
//
// An entry has its slot, where SkipWidth is SlotWidth. Else it has a skip, the slots without a weight behind those of the entry
// before it in its part: slot = (first of its part ? 0 : slot of the one before + 1) + skip.
// first_i comes a cycle before the first entry of a part; the entries of a part come one a cycle.

`default_nettype none

module snn_ragged_slot #(
  parameter SkipWidth = 1,
  parameter SlotWidth = 2
) (
  input  wire                 clk_i,
  input  wire                 first_i,
  input  wire [SkipWidth-1:0] skip_i,
  output wire [SlotWidth-1:0] slot_o
);

  generate
    if (SkipWidth == SlotWidth) begin : gen_slot
      wire unused_ports = ^{clk_i, first_i};

      assign slot_o = skip_i;
    end else begin : gen_skip
      reg [SlotWidth-1:0] next_q;

      assign slot_o = next_q + {{(SlotWidth - SkipWidth){1'b0}}, skip_i};

      always @(posedge clk_i) next_q <= first_i ? {SlotWidth{1'b0}} : slot_o + {{(SlotWidth - 1){1'b0}}, 1'b1};
    end
  endgenerate

endmodule

`default_nettype wire
