// One lane of a layer: the state memory of its neurons and the adder that works on it.
//
// add:  state[slot] = state[slot] + (weight << WeightShift), one a cycle, any slots in any order
// fire: state[slot] goes out as charged_o for the neuron module, whose result comes back: update_i, then update_state_i
//
// Latency: charged_o one cycle after slot_i, valid for one cycle. Adds are written two cycles after add_i. A state whose write
// is still under way is forwarded where Forward is 1; it must be 1 unless a slot is read three cycles after its add, or one
// after its update, at the earliest.
// An update must not come in the same cycle as the write of an add: snn_neuron_update keeps them apart.
// Width law: StateWidth holds every partial sum (interval analysis of the layer), so the adder never wraps.

`default_nettype none

module snn_lane #(
  parameter StateWidth  = 16,
  parameter WeightWidth = 8,
  parameter WeightShift = 0,
  parameter NumSlots    = 2,
  parameter SlotWidth   = 1,
  parameter Forward     = 1
) (
  input  wire                          clk_i,
  input  wire                          rst_ni,
  // Operation
  input  wire                          add_i,
  input  wire        [SlotWidth-1:0]   slot_i,
  input  wire signed [WeightWidth-1:0] weight_i,
  // To and from the neuron module
  output wire signed [StateWidth-1:0]  charged_o,
  input  wire                          update_i,
  input  wire        [SlotWidth-1:0]   update_slot_i,
  input  wire signed [StateWidth-1:0]  update_state_i
);

  reg signed [StateWidth-1:0] mem [0:NumSlots-1];

  reg signed [StateWidth-1:0]  read_q;
  reg signed [WeightWidth-1:0] weight_q;
  reg        [SlotWidth-1:0]   slot_q, slot_q2;
  reg                          add_q, add_q2;
  reg signed [StateWidth-1:0]  sum_q;
  wire signed [StateWidth-1:0] state;

  // Memory: one registered read and one write a cycle
  reg                          update_q;
  reg         [SlotWidth-1:0]  update_slot_q;
  wire                         write = add_q2 | update_q;
  wire        [SlotWidth-1:0]  write_slot = update_q ? update_slot_q : slot_q2;
  wire signed [StateWidth-1:0] write_state = update_q ? update_state_i : sum_q;

  always @(posedge clk_i) begin
    if (write) mem[write_slot] <= write_state;
    read_q <= mem[slot_i];
  end

  // Accumulate
  wire signed [StateWidth-1:0] weight_extended = {{(StateWidth - WeightWidth){weight_q[WeightWidth-1]}}, weight_q};

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      add_q    <= 1'b0;
      add_q2   <= 1'b0;
      update_q <= 1'b0;
    end else begin
      add_q    <= add_i;
      add_q2   <= add_q;
      update_q <= update_i;
    end
  end

  always @(posedge clk_i) begin
    weight_q      <= weight_i;
    slot_q        <= slot_i;
    slot_q2       <= slot_q;
    sum_q         <= state + (weight_extended <<< WeightShift);
    update_slot_q <= update_slot_i;
  end

  assign charged_o = state;

  generate
    if (Forward != 0) begin : gen_forward
      // A write of this cycle (a sum, an update) or of the one before is not in read_q: take it from here. What is hit is
      // known a cycle ahead.
      reg signed [StateWidth-1:0] write_state_q;
      reg                         hit_sum_q, hit_update_q, hit_write_q;

      always @(posedge clk_i) begin
        write_state_q <= write_state;
        hit_sum_q     <= add_q & (slot_q == slot_i);
        hit_update_q  <= update_i & (update_slot_i == slot_i);
        hit_write_q   <= write & (write_slot == slot_i);
      end

      assign state = hit_update_q ? update_state_i : hit_sum_q ? sum_q : hit_write_q ? write_state_q : read_q;
    end else begin : gen_no_forward
      assign state = read_q;
    end
  endgenerate

endmodule

`default_nettype wire
