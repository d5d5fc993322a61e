// Row fetch of one lane of the ragged layout: reads the parts of rows that wait in its queue, one weight a cycle.
//
// add_o comes WordDelay cycles after word_addr_o, with the word behind its memory and snn_bank_select; tag_o, the tag of the
// part, comes a cycle before it. first_o comes FirstDelay cycles after the address of a part's first word. A part of no weights is the end of a time step: then ended_o stands, with the first bit of its
// start as sample_end_o, until done_i.
// The queue holds 16 parts; room_o says that five more fit, which is what may be on the way when it falls.

`default_nettype none

module snn_ragged_lane #(
  parameter WordWidth  = 2,
  parameter CountWidth = 1,
  parameter WordDelay  = 3,
  parameter FirstDelay = 2,
  parameter TagWidth   = 1
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Parts of rows
  output wire                  room_o,
  input  wire                  push_i,
  input  wire [WordWidth-1:0]  start_i,
  input  wire [CountWidth-1:0] count_i,
  input  wire [TagWidth-1:0]   tag_i,
  // Weight memory and lane
  output wire [WordWidth-1:0]  word_addr_o,
  output wire                  add_o,
  output wire [TagWidth-1:0]   tag_o,
  output wire                  first_o,
  // Neuron update
  output wire                  ended_o,
  output wire                  sample_end_o,
  input  wire                  done_i
);

  localparam TagDelay = WordDelay - 1;
  localparam EntryWidth = TagWidth + WordWidth + CountWidth;

  // Queue
  reg [EntryWidth-1:0] queue [0:15];
  reg [3:0]            head_q, tail_q;
  reg [4:0]            level_q;
  wire                 pop;

  assign room_o = level_q < 5'd12;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q  <= 4'd0;
      tail_q  <= 4'd0;
      level_q <= 5'd0;
    end else begin
      head_q  <= head_q + {3'd0, pop};
      tail_q  <= tail_q + {3'd0, push_i};
      level_q <= level_q + {4'd0, push_i} - {4'd0, pop};
    end
  end

  always @(posedge clk_i) if (push_i) queue[tail_q] <= {tag_i, start_i, count_i};

  // Walk
  wire [EntryWidth-1:0] part = queue[head_q];
  wire [CountWidth-1:0] part_count = part[CountWidth-1:0];

  reg [WordWidth-1:0]         word_q;
  reg [CountWidth-1:0]        left_q;  // words left, the one at word_q included
  reg [TagWidth-1:0]          tag_q;
  reg                         waiting_q;
  reg [WordDelay-1:0]         add_delay_q;  // bit or tag d - 1 is the value of d cycles ago
  reg [TagDelay*TagWidth-1:0] tag_delay_q;
  reg [FirstDelay:0]          first_delay_q;

  wire active = left_q != {CountWidth{1'b0}};
  wire last_word = left_q == {{(CountWidth - 1){1'b0}}, 1'b1};

  assign pop = (level_q != 5'd0) & ~waiting_q & (~active | last_word);
  assign word_addr_o = word_q;
  assign add_o = add_delay_q[WordDelay-1];
  assign tag_o = tag_delay_q[(TagDelay-1)*TagWidth+:TagWidth];
  assign first_o = first_delay_q[FirstDelay];
  assign ended_o = waiting_q;
  assign sample_end_o = word_q[0];

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      left_q      <= {CountWidth{1'b0}};
      waiting_q   <= 1'b1;
      add_delay_q <= {WordDelay{1'b0}};
    end else begin
      if (pop) left_q <= part_count;
      else if (active) left_q <= left_q - {{(CountWidth - 1){1'b0}}, 1'b1};
      if (pop & (part_count == {CountWidth{1'b0}})) waiting_q <= 1'b1;
      else if (done_i) waiting_q <= 1'b0;
      add_delay_q <= {add_delay_q[WordDelay-2:0], active};
    end
  end

  always @(posedge clk_i) begin
    if (pop) word_q <= part[CountWidth+:WordWidth];
    else if (active) word_q <= word_q + {{(WordWidth - 1){1'b0}}, 1'b1};
    if (pop) tag_q <= part[WordWidth+CountWidth+:TagWidth];
    tag_delay_q <= {tag_delay_q[(TagDelay-1)*TagWidth-1:0], tag_q};
    first_delay_q <= {first_delay_q[FirstDelay-1:0], pop};
  end

endmodule

`default_nettype wire
