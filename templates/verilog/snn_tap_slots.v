// Slots of sums to slots of neurons: counts along which neuron a slot belongs to, where NumTaps slots behind each other are those
// of one.
//
// Slots come in order, NumSlots times NumTaps of them, each with valid_i; slot_o, first_o and last_o belong to the one of this
// cycle. first_o and last_o are never there without valid_i.

`default_nettype none

module snn_tap_slots #(
  parameter NumTaps   = 2,
  parameter NumSlots  = 2,
  parameter SlotWidth = 1
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  input  wire                 valid_i,
  output wire                 first_o,
  output wire                 last_o,
  output wire [SlotWidth-1:0] slot_o
);

  localparam TapWidth = $clog2(NumTaps);
  localparam LastTapNumber = NumTaps - 1;
  localparam LastSlotNumber = NumSlots - 1;
  localparam [TapWidth-1:0] LastTap = LastTapNumber[TapWidth-1:0];
  localparam [SlotWidth-1:0] LastSlot = LastSlotNumber[SlotWidth-1:0];

  reg [TapWidth-1:0]  tap_q;
  reg [SlotWidth-1:0] slot_q;

  assign first_o = valid_i & (tap_q == {TapWidth{1'b0}});
  assign last_o = valid_i & (tap_q == LastTap);
  assign slot_o = slot_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      tap_q  <= {TapWidth{1'b0}};
      slot_q <= {SlotWidth{1'b0}};
    end else if (last_o) begin
      tap_q  <= {TapWidth{1'b0}};
      slot_q <= (slot_q == LastSlot) ? {SlotWidth{1'b0}} : slot_q + {{(SlotWidth - 1){1'b0}}, 1'b1};
    end else if (valid_i) begin
      tap_q <= tap_q + {{(TapWidth - 1){1'b0}}, 1'b1};
    end
  end

endmodule

`default_nettype wire
