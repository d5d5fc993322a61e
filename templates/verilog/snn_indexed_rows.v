// Row fetch of the indexed layout: for a spike of input i it reads only the words that row i has, one a cycle.
//
// The row table gives first word and number of words of a row; both are fetched ahead of the walk, so that an empty row costs
// one cycle and other rows nothing but their words. A word holds for each lane a slot and a weight.
// add_o comes WordDelay cycles after word_addr_o, with the word behind its memory and snn_bank_select; tag_o, the tag of the
// event, comes a cycle before it.
// An event of a time step's end makes step_o pulse a cycle before the add of the last word; then no row is walked until done_i.

`default_nettype none

module snn_indexed_rows #(
  parameter AddrWidth  = 1,
  parameter WordWidth  = 2,
  parameter CountWidth = 1,
  parameter WordDelay  = 3,
  parameter TagWidth   = 1
) (
  input  wire                            clk_i,
  input  wire                            rst_ni,
  // Events
  input  wire                            event_valid_i,
  output wire                            event_ready_o,
  input  wire [AddrWidth-1:0]            event_addr_i,
  input  wire [TagWidth-1:0]             event_tag_i,
  input  wire                            event_step_end_i,
  input  wire                            event_sample_end_i,
  // Row table (registered read): {first word, number of words}
  output wire [AddrWidth-1:0]            row_addr_o,
  input  wire [WordWidth+CountWidth-1:0] row_i,
  // Weight memory and lanes
  output wire [WordWidth-1:0]            word_addr_o,
  output wire                            add_o,
  output wire [TagWidth-1:0]             tag_o,
  // Neuron update
  output wire                            step_o,
  output wire                            step_sample_end_o,
  input  wire                            done_i
);

  localparam StepDelay = WordDelay - 1;
  localparam TagDelay = WordDelay - 1;
  localparam RowWidth = WordWidth + CountWidth;
  localparam EntryWidth = TagWidth + 2 + RowWidth;

  // Fetch: event -> row table -> register -> queue of four rows
  reg                  fetch_q, fetch_q2;
  reg                  end_q, end_q2, sample_end_q, sample_end_q2;
  reg [TagWidth-1:0]   tag_q, tag_q2;
  reg [RowWidth-1:0]   row_q;
  reg [EntryWidth-1:0] queue [0:3];
  reg [1:0]            head_q, tail_q;
  reg [2:0]            level_q, claimed_q;  // claimed: in the queue or on the way to it

  wire accept = event_valid_i & event_ready_o;
  wire pop;

  assign event_ready_o = ~claimed_q[2];
  assign row_addr_o = event_addr_i;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      fetch_q   <= 1'b0;
      fetch_q2  <= 1'b0;
      head_q    <= 2'd0;
      tail_q    <= 2'd0;
      level_q   <= 3'd0;
      claimed_q <= 3'd0;
    end else begin
      fetch_q   <= accept;
      fetch_q2  <= fetch_q;
      tail_q    <= tail_q + {1'b0, fetch_q2};
      head_q    <= head_q + {1'b0, pop};
      level_q   <= level_q + {2'b0, fetch_q2} - {2'b0, pop};
      claimed_q <= claimed_q + {2'b0, accept} - {2'b0, pop};
    end
  end

  always @(posedge clk_i) begin
    end_q         <= event_step_end_i;
    sample_end_q  <= event_sample_end_i;
    end_q2        <= end_q;
    sample_end_q2 <= sample_end_q;
    tag_q         <= event_tag_i;
    tag_q2        <= tag_q;
    row_q         <= row_i;
    if (fetch_q2) queue[tail_q] <= {tag_q2, sample_end_q2, end_q2, row_q};
  end

  // Walk
  wire [EntryWidth-1:0] row = queue[head_q];
  wire                  row_sample_end = row[RowWidth+1];
  wire                  row_end = row[RowWidth];
  wire [WordWidth-1:0]  row_first = row[CountWidth+:WordWidth];
  wire [CountWidth-1:0] row_count = row[CountWidth-1:0];

  reg [WordWidth-1:0]  word_q;
  reg [CountWidth-1:0] left_q;  // words left, the one at word_q included
  reg [TagWidth-1:0]   walked_tag_q;
  reg                  waiting_q;

  wire active = left_q != {CountWidth{1'b0}};
  wire last_word = left_q == {{(CountWidth - 1){1'b0}}, 1'b1};

  assign pop = (level_q != 3'd0) & ~waiting_q & (~active | last_word);
  assign word_addr_o = word_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      left_q    <= {CountWidth{1'b0}};
      waiting_q <= 1'b1;
    end else begin
      if (pop) left_q <= row_end ? {CountWidth{1'b0}} : row_count;
      else if (active) left_q <= left_q - {{(CountWidth - 1){1'b0}}, 1'b1};
      if (pop & row_end) waiting_q <= 1'b1;
      else if (done_i) waiting_q <= 1'b0;
    end
  end

  always @(posedge clk_i) begin
    word_q <= pop ? row_first : word_q + {{(WordWidth - 1){1'b0}}, 1'b1};
    if (pop) walked_tag_q <= row[RowWidth+2+:TagWidth];
  end

  // Delays: bit or tag d - 1 is the value of d cycles ago
  reg [WordDelay-1:0]         add_delay_q, step_delay_q, sample_end_delay_q;
  reg [TagDelay*TagWidth-1:0] tag_delay_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      add_delay_q  <= {WordDelay{1'b0}};
      step_delay_q <= {WordDelay{1'b0}};
    end else begin
      add_delay_q  <= {add_delay_q[WordDelay-2:0], active};
      step_delay_q <= {step_delay_q[WordDelay-2:0], pop & row_end};
    end
    sample_end_delay_q <= {sample_end_delay_q[WordDelay-2:0], row_sample_end};
    tag_delay_q        <= {tag_delay_q[(TagDelay-1)*TagWidth-1:0], walked_tag_q};
  end

  assign add_o = add_delay_q[WordDelay-1];
  assign tag_o = tag_delay_q[(TagDelay-1)*TagWidth+:TagWidth];
  assign step_o = step_delay_q[StepDelay-1];
  assign step_sample_end_o = sample_end_delay_q[StepDelay-1];

endmodule

`default_nettype wire
