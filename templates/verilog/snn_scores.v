// Scores of a layer of integrators: kept over the steps of a sample, then given one after the other, slot by slot.
//
// ScoreKind 0: the greatest membrane    1: the last one    2: saturate(score + membrane, ScoreWidth)
// The first step of a sample needs no score of an earlier one, so nothing is ever cleared. room_o falls with the last word of
// a sample and rises when all its scores are taken: the neuron update of the next step waits, its adds do not.
// Width law: ScoreWidth >= MembraneWidth. Source: int_net/reference.py, _scores.

`default_nettype none

module snn_scores #(
  parameter NumLanes      = 2,
  parameter NumSlots      = 2,
  parameter SlotWidth     = 1,
  parameter NumNeurons    = 4,
  parameter MembraneWidth = 16,
  parameter ScoreWidth    = 16,
  parameter ScoreKind     = 0
) (
  input  wire                              clk_i,
  input  wire                              rst_ni,
  // Words of membranes
  output wire                              room_o,
  input  wire                              valid_i,
  input  wire [SlotWidth-1:0]              slot_i,
  input  wire [NumLanes*MembraneWidth-1:0] membranes_i,
  input  wire                              last_i,
  input  wire                              sample_end_i,
  // Scores of a sample
  output wire                              valid_o,
  input  wire                              ready_i,
  output wire [ScoreWidth-1:0]             score_o,
  output wire                              last_o
);

  localparam CountWidth = $clog2(NumLanes + 1);
  localparam LastLanesNumber = NumNeurons - (NumSlots - 1) * NumLanes;
  localparam LastSlotNumber = NumSlots - 1;
  localparam [CountWidth-1:0] AllLanes = NumLanes[CountWidth-1:0];
  localparam [CountWidth-1:0] LastLanes = LastLanesNumber[CountWidth-1:0];
  localparam [SlotWidth-1:0] LastSlot = LastSlotNumber[SlotWidth-1:0];

  // Memory: read with a word, written two cycles later
  reg [NumLanes*ScoreWidth-1:0]  mem [0:NumSlots-1];
  reg [NumLanes*ScoreWidth-1:0]  read_q, sum_q;
  wire [NumLanes*ScoreWidth-1:0] sum;

  reg                              valid_q, valid_q2, first_q, first_q2, end_q, end_q2, end_q3;
  reg [SlotWidth-1:0]              slot_q, slot_q2;
  reg [NumLanes*MembraneWidth-1:0] membranes_q;
  reg                              scanning_q, fetch_q, load_q;
  reg [SlotWidth-1:0]              scan_slot_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q  <= 1'b0;
      valid_q2 <= 1'b0;
      first_q  <= 1'b1;
      end_q    <= 1'b0;
      end_q2   <= 1'b0;
      end_q3   <= 1'b0;
    end else begin
      valid_q  <= valid_i;
      valid_q2 <= valid_q;
      if (valid_i & last_i) first_q <= sample_end_i;
      end_q  <= valid_i & last_i & sample_end_i;
      end_q2 <= end_q;
      end_q3 <= end_q2;
    end
  end

  always @(posedge clk_i) begin
    read_q      <= mem[scanning_q ? scan_slot_q : slot_i];
    first_q2    <= first_q;
    membranes_q <= membranes_i;
    slot_q      <= slot_i;
    slot_q2     <= slot_q;
    sum_q       <= sum;
    if (valid_q2) mem[slot_q2] <= sum_q;
  end

  genvar lane;
  generate
    for (lane = 0; lane < NumLanes; lane = lane + 1) begin : gen_lane
      wire signed [ScoreWidth-1:0]    score = read_q[lane*ScoreWidth+:ScoreWidth];
      wire signed [MembraneWidth-1:0] narrow = membranes_q[lane*MembraneWidth+:MembraneWidth];
      wire signed [ScoreWidth-1:0]    membrane = {{(ScoreWidth - MembraneWidth){narrow[MembraneWidth-1]}}, narrow};
      wire signed [ScoreWidth-1:0]    next;

      if (ScoreKind == 0) begin : gen_max
        assign next = (score > membrane) ? score : membrane;
      end else if (ScoreKind == 1) begin : gen_last
        assign next = membrane;
        wire unused_score = ^score;
      end else begin : gen_sum
        wire signed [ScoreWidth:0] wide = {score[ScoreWidth-1], score} + {membrane[ScoreWidth-1], membrane};

        snn_saturate #(
          .InWidth(ScoreWidth + 1),
          .OutWidth(ScoreWidth)
        ) u_saturate (
          .value_i(wide),
          .value_o(next)
        );
      end

      assign sum[lane*ScoreWidth+:ScoreWidth] = first_q2 ? membrane : next;
    end
  endgenerate

  // Scan: fetch a slot, load it, shift it out
  reg [NumLanes*ScoreWidth-1:0] shift_q;
  reg [CountWidth-1:0]          left_q;

  wire taken = valid_o & ready_i;
  wire last_lane = left_q == {{(CountWidth - 1){1'b0}}, 1'b1};
  wire last_slot = scan_slot_q == LastSlot;

  assign room_o = ~scanning_q;
  assign valid_o = left_q != {CountWidth{1'b0}};
  assign score_o = shift_q[ScoreWidth-1:0];
  assign last_o = last_lane & last_slot;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      scanning_q  <= 1'b0;
      fetch_q     <= 1'b0;
      load_q      <= 1'b0;
      left_q      <= {CountWidth{1'b0}};
      scan_slot_q <= {SlotWidth{1'b0}};
    end else begin
      if (valid_i & last_i & sample_end_i) scanning_q <= 1'b1;
      else if (taken & last_o) scanning_q <= 1'b0;
      fetch_q <= end_q3 | (taken & last_lane & ~last_slot);
      load_q  <= fetch_q;
      if (load_q) left_q <= last_slot ? LastLanes : AllLanes;
      else if (taken) left_q <= left_q - {{(CountWidth - 1){1'b0}}, 1'b1};
      if (taken & last_lane) scan_slot_q <= last_slot ? {SlotWidth{1'b0}} : scan_slot_q + {{(SlotWidth - 1){1'b0}}, 1'b1};
    end
    if (load_q) shift_q <= read_q;
    else if (taken) shift_q <= shift_q >> ScoreWidth;
  end

endmodule

`default_nettype wire
