// Second state of a layer's neurons, which the neuron update alone reads and writes: a word of all lanes for each slot.
//
// Latency: state_o one cycle after slot_i. A word is written before the next neuron update reads its slot (snn_neuron_update).

`default_nettype none

module snn_state #(
  parameter Width     = 16,
  parameter NumSlots  = 2,
  parameter SlotWidth = 1
) (
  input  wire                 clk_i,
  input  wire [SlotWidth-1:0] slot_i,
  output reg  [Width-1:0]     state_o,
  input  wire                 write_i,
  input  wire [SlotWidth-1:0] write_slot_i,
  input  wire [Width-1:0]     write_state_i
);

  reg [Width-1:0] mem [0:NumSlots-1];

  always @(posedge clk_i) begin
    if (write_i) mem[write_slot_i] <= write_state_i;
    state_o <= mem[slot_i];
  end

endmodule

`default_nettype wire
