// Row walker of the dense layout: for a spike of input i it reads the NumSlots words of row i, one a cycle.
//
// Word address: slot * NumInputs + i, so that no multiplier is needed. A word holds one weight for each lane.
// add_o and slot_o come two cycles after word_addr_o, with the word behind a memory and one register.
// An event of a time step's end makes step_o pulse once all adds before it are out; then no event is taken until done_i.

`default_nettype none

module snn_dense_rows #(
  parameter NumInputs = 2,
  parameter AddrWidth = 1,
  parameter NumSlots  = 2,
  parameter SlotWidth = 1,
  parameter WordWidth = 2
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // Events
  input  wire                 event_valid_i,
  output wire                 event_ready_o,
  input  wire [AddrWidth-1:0] event_addr_i,
  input  wire                 event_step_end_i,
  input  wire                 event_sample_end_i,
  // Weight memory and lanes
  output wire [WordWidth-1:0] word_addr_o,
  output reg                  add_o,
  output reg  [SlotWidth-1:0] slot_o,
  // Sweep
  output reg                  step_o,
  output reg                  step_sample_end_o,
  input  wire                 done_i
);

  localparam LastSlotNumber = NumSlots - 1;
  localparam [SlotWidth-1:0] LastSlot = LastSlotNumber[SlotWidth-1:0];
  localparam [WordWidth-1:0] Stride = NumInputs[WordWidth-1:0];

  reg                 active_q;
  reg [WordWidth-1:0] word_q;
  reg [SlotWidth-1:0] slot_q, slot_q2;
  reg                 add_q2;
  reg                 step_q, sample_end_q;
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
      step_q    <= 1'b0;
      step_o    <= 1'b0;
      add_q2    <= 1'b0;
      add_o     <= 1'b0;
    end else begin
      if (accept) active_q <= ~event_step_end_i;
      else if (last_word) active_q <= 1'b0;
      if (accept & event_step_end_i) waiting_q <= 1'b1;
      else if (done_i) waiting_q <= 1'b0;
      step_q <= accept & event_step_end_i;
      step_o <= step_q;
      add_q2 <= active_q;
      add_o  <= add_q2;
    end
  end

  always @(posedge clk_i) begin
    slot_q            <= accept ? {SlotWidth{1'b0}} : slot_q + {{(SlotWidth - 1){1'b0}}, 1'b1};
    word_q            <= accept ? first_word : word_q + Stride;
    slot_q2           <= slot_q;
    slot_o            <= slot_q2;
    sample_end_q      <= event_sample_end_i;
    step_sample_end_o <= sample_end_q;
  end

endmodule

`default_nettype wire
