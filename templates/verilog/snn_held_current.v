// Current and state of the neurons of a lane in a directly coded layer: the lane's sums are taken over in the first update of a
// sample and held for its other steps, while the lane may add for the next sample.
//
// first update: charged = sum, and held           (leak(0) = 0: a new sample needs no state)
// later ones:   charged = state, current as held
//
// Latency: summed_i and charged_o one cycle after slot_i. first_i and slot_i go with the fire of a slot; late_slot_i is the same
// slot four cycles later or more, and current_o comes one cycle after it, as snn_lif takes a bias. A slot comes again when its new
// state is written (snn_neuron_update). update_state_i comes a cycle after update_i.
// Width law: StateWidth >= CurrentWidth.

`default_nettype none

module snn_held_current #(
  parameter CurrentWidth = 16,
  parameter StateWidth   = 16,
  parameter NumSlots     = 2,
  parameter SlotWidth    = 1
) (
  input  wire                           clk_i,
  // Neuron update
  input  wire                           first_i,
  input  wire        [SlotWidth-1:0]    slot_i,
  input  wire signed [CurrentWidth-1:0] summed_i,
  // To and from the neuron module
  output wire signed [StateWidth-1:0]   charged_o,
  input  wire        [SlotWidth-1:0]    late_slot_i,
  output wire signed [StateWidth-1:0]   current_o,
  input  wire                           update_i,
  input  wire        [SlotWidth-1:0]    update_slot_i,
  input  wire signed [StateWidth-1:0]   update_state_i
);

  reg signed [CurrentWidth-1:0] currents [0:NumSlots-1];
  reg signed [StateWidth-1:0]   states [0:NumSlots-1];

  reg                           first_q, update_q;
  reg        [SlotWidth-1:0]    slot_q, update_slot_q;
  reg signed [CurrentWidth-1:0] current_q;
  reg signed [StateWidth-1:0]   state_q;

  always @(posedge clk_i) begin
    first_q       <= first_i;
    slot_q        <= slot_i;
    update_q      <= update_i;
    update_slot_q <= update_slot_i;
  end

  always @(posedge clk_i) begin
    if (first_q) currents[slot_q] <= summed_i;
    current_q <= currents[late_slot_i];
  end

  always @(posedge clk_i) begin
    if (update_q) states[update_slot_q] <= update_state_i;
    state_q <= states[slot_i];
  end

  assign charged_o = first_q ? {{(StateWidth - CurrentWidth){summed_i[CurrentWidth-1]}}, summed_i} : state_q;
  assign current_o = {{(StateWidth - CurrentWidth){current_q[CurrentWidth-1]}}, current_q};

endmodule

`default_nettype wire
