// Row fetch of the dense layout: for a spike of input i it reads the NumSlots words of row i, one a cycle.
//
// Word address: slot * NumInputs + i, so that no multiplier is needed. A word holds one weight for each lane.
// add_o comes WordDelay cycles after word_addr_o, with the word behind its memory and snn_bank_select; slot_o and tag_o, the
// tag of the event, come a cycle before it.
// An event of a time step's end makes step_o pulse a cycle before the add of the last word; then no event is taken until done_i.

`default_nettype none

module snn_dense_rows #(
  parameter NumInputs = 2,
  parameter AddrWidth = 1,
  parameter NumSlots  = 2,
  parameter SlotWidth = 1,
  parameter WordWidth = 2,
  parameter WordDelay = 3,
  parameter TagWidth  = 1
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // Events
  input  wire                 event_valid_i,
  output wire                 event_ready_o,
  input  wire [AddrWidth-1:0] event_addr_i,
  input  wire [TagWidth-1:0]  event_tag_i,
  input  wire                 event_step_end_i,
  input  wire                 event_sample_end_i,
  // Weight memory and lanes
  output wire [WordWidth-1:0] word_addr_o,
  output wire                 add_o,
  output wire [SlotWidth-1:0] slot_o,
  output wire [TagWidth-1:0]  tag_o,
  // Neuron update
  output wire                 step_o,
  output wire                 step_sample_end_o,
  input  wire                 done_i
);

  localparam StepDelay = WordDelay - 1;
  localparam EarlyDelay = WordDelay - 1;
  localparam LastSlotNumber = NumSlots - 1;
  localparam [SlotWidth-1:0] LastSlot = LastSlotNumber[SlotWidth-1:0];
  localparam [WordWidth-1:0] Stride = NumInputs[WordWidth-1:0];

  reg                 active_q;
  reg [WordWidth-1:0] word_q;
  reg [SlotWidth-1:0] slot_q;
  reg [TagWidth-1:0]  tag_q;
  reg                 waiting_q;

  wire last_word = slot_q == LastSlot;
  wire accept = event_valid_i & event_ready_o;
  wire [WordWidth-1:0] first_word = {{(WordWidth - AddrWidth){1'b0}}, event_addr_i};

  assign event_ready_o = ~waiting_q & (~active_q | last_word);
  assign word_addr_o = word_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q  <= 1'b0;
      waiting_q <= 1'b1;
    end else begin
      if (accept) active_q <= ~event_step_end_i;
      else if (last_word) active_q <= 1'b0;
      if (accept & event_step_end_i) waiting_q <= 1'b1;
      else if (done_i) waiting_q <= 1'b0;
    end
  end

  always @(posedge clk_i) begin
    slot_q <= accept ? {SlotWidth{1'b0}} : slot_q + {{(SlotWidth - 1){1'b0}}, 1'b1};
    word_q <= accept ? first_word : word_q + Stride;
    if (accept) tag_q <= event_tag_i;
  end

  // Delays: bit or word d - 1 is the value of d cycles ago
  reg [WordDelay-1:0]            add_delay_q, step_delay_q, sample_end_delay_q;
  reg [EarlyDelay*SlotWidth-1:0] slot_delay_q;
  reg [EarlyDelay*TagWidth-1:0]  tag_delay_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      add_delay_q  <= {WordDelay{1'b0}};
      step_delay_q <= {WordDelay{1'b0}};
    end else begin
      add_delay_q  <= {add_delay_q[WordDelay-2:0], active_q};
      step_delay_q <= {step_delay_q[WordDelay-2:0], accept & event_step_end_i};
    end
    sample_end_delay_q <= {sample_end_delay_q[WordDelay-2:0], event_sample_end_i};
    slot_delay_q       <= {slot_delay_q[(EarlyDelay-1)*SlotWidth-1:0], slot_q};
    tag_delay_q        <= {tag_delay_q[(EarlyDelay-1)*TagWidth-1:0], tag_q};
  end

  assign add_o = add_delay_q[WordDelay-1];
  assign slot_o = slot_delay_q[(EarlyDelay-1)*SlotWidth+:SlotWidth];
  assign tag_o = tag_delay_q[(EarlyDelay-1)*TagWidth+:TagWidth];
  assign step_o = step_delay_q[StepDelay-1];
  assign step_sample_end_o = sample_end_delay_q[StepDelay-1];

endmodule

`default_nettype wire
