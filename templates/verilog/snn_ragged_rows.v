// Rows of the ragged layout: for a spike of input i it tells every lane where in its own memory its part of row i lies.
//
// Two rows share a word of the row table: a base address and, for each lane, an offset and the numbers of weights of both. Lane
// p's part of the even row starts at base + offset[p], that of the odd row behind it. What has weights goes into the queues of
// snn_ragged_lane; lanes then walk at their own pace.
// The end of a time step goes into all queues as a part without weights, whose first bit of start is the sample's end.
// Once all lanes have come to it, step_o pulses, so much later that the neuron update follows the last add.
// tag_o, the tag of the event, goes with push_o.
// Latency: three cycles from an event to push_o. An event is taken while every queue has room for five.

`default_nettype none

module snn_ragged_rows #(
  parameter NumLanes     = 2,
  parameter AddrWidth    = 1,
  parameter RowAddrWidth = 1,  // AddrWidth - 1, but at least 1
  parameter WordWidth    = 2,
  parameter OffsetWidth  = 1,
  parameter CountWidth   = 1,
  parameter WordDelay    = 3,
  parameter TagWidth     = 1
) (
  input  wire                                                     clk_i,
  input  wire                                                     rst_ni,
  // Events
  input  wire                                                     event_valid_i,
  output wire                                                     event_ready_o,
  input  wire [AddrWidth-1:0]                                     event_addr_i,
  input  wire [TagWidth-1:0]                                      event_tag_i,
  input  wire                                                     event_step_end_i,
  input  wire                                                     event_sample_end_i,
  // Row table (registered read): {base, {offset, weights of the odd row, weights of the even row} of each lane}
  output wire [RowAddrWidth-1:0]                                  row_addr_o,
  input  wire [WordWidth+NumLanes*(OffsetWidth+2*CountWidth)-1:0] row_i,
  // Queues of the lanes
  input  wire [NumLanes-1:0]                                      room_i,
  output reg  [NumLanes-1:0]                                      push_o,
  output reg  [NumLanes*WordWidth-1:0]                            start_o,
  output reg  [NumLanes*CountWidth-1:0]                           count_o,
  output reg  [TagWidth-1:0]                                      tag_o,
  input  wire [NumLanes-1:0]                                      ended_i,
  input  wire                                                     sample_ended_i,
  // Neuron update
  output wire                                                     step_o,
  output reg                                                      step_sample_end_o
);

  localparam PartWidth = OffsetWidth + 2 * CountWidth;
  localparam SumWidth = WordWidth + CountWidth;
  localparam RowWidth = WordWidth + NumLanes * PartWidth;

  // Fetch: event -> row table -> register -> start of each part
  reg                fetch_q, fetch_q2, odd_q, odd_q2, end_q, end_q2, sample_end_q, sample_end_q2, room_q;
  reg [TagWidth-1:0] tag_q, tag_q2;
  reg [RowWidth-1:0] row_q;

  wire accept = event_valid_i & event_ready_o;

  assign event_ready_o = room_q;

  generate
    if (AddrWidth == 1) begin : gen_one_word
      assign row_addr_o = {RowAddrWidth{1'b0}};
    end else begin : gen_words
      assign row_addr_o = event_addr_i[AddrWidth-1:1];
    end
  endgenerate

  always @(posedge clk_i) begin
    fetch_q       <= rst_ni & accept;
    fetch_q2      <= rst_ni & fetch_q;
    room_q        <= rst_ni & (&room_i);
    odd_q         <= event_addr_i[0];
    odd_q2        <= odd_q;
    end_q         <= event_step_end_i;
    end_q2        <= end_q;
    sample_end_q  <= event_sample_end_i;
    sample_end_q2 <= sample_end_q;
    tag_q         <= event_tag_i;
    tag_q2        <= tag_q;
    tag_o         <= tag_q2;
    row_q         <= row_i;
  end

  wire [WordWidth-1:0] base = row_q[RowWidth-1-:WordWidth];

  genvar lane;
  generate
    for (lane = 0; lane < NumLanes; lane = lane + 1) begin : gen_part
      wire [CountWidth-1:0]  even = row_q[lane*PartWidth+:CountWidth];
      wire [CountWidth-1:0]  odd = row_q[lane*PartWidth+CountWidth+:CountWidth];
      wire [OffsetWidth-1:0] offset = row_q[lane*PartWidth+2*CountWidth+:OffsetWidth];
      wire [CountWidth-1:0]  count = odd_q2 ? odd : even;
      wire [CountWidth-1:0]  behind = even & {CountWidth{odd_q2}};
      wire [SumWidth-1:0]    sum = {{CountWidth{1'b0}}, base} + {{(SumWidth - OffsetWidth){1'b0}}, offset} + {{WordWidth{1'b0}}, behind};
      wire [WordWidth-1:0]   start = sum[WordWidth-1:0];
      wire                   unused_sum = ^sum[SumWidth-1:WordWidth];

      always @(posedge clk_i) begin
        push_o[lane] <= rst_ni & fetch_q2 & (end_q2 | (count != {CountWidth{1'b0}}));
        count_o[lane*CountWidth+:CountWidth] <= end_q2 ? {CountWidth{1'b0}} : count;
        start_o[lane*WordWidth+:WordWidth] <= end_q2 ? {{(WordWidth - 1){1'b0}}, sample_end_q2} : start;
      end
    end
  endgenerate

  // End of a step: all lanes wait, for the first time since they walked
  localparam StepDelay = WordDelay - 3;
  reg               all_ended_q;
  reg [StepDelay:0] all_ended_delay_q;  // bit d is all_ended_q of d + 1 cycles ago

  always @(posedge clk_i) begin
    all_ended_q       <= ~rst_ni | (&ended_i);
    step_sample_end_o <= sample_ended_i;
  end

  generate
    if (StepDelay == 0) begin : gen_step_at_once
      always @(posedge clk_i) all_ended_delay_q <= ~rst_ni | all_ended_q;
      assign step_o = all_ended_q & ~all_ended_delay_q;
    end else begin : gen_step_later
      always @(posedge clk_i) all_ended_delay_q <= {all_ended_delay_q[StepDelay-1:0], all_ended_q} | {(StepDelay + 1){~rst_ni}};
      assign step_o = all_ended_delay_q[StepDelay-1] & ~all_ended_delay_q[StepDelay];
    end
  endgenerate

endmodule

`default_nettype wire
