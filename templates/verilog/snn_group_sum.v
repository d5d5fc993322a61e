// Sums of groups of scores: GroupSize scores that follow each other become one, their sum, clamped to ScoreWidth.
//
// The scores of a sample are whole groups. The sum is clamped once, not at each score.
// Width law: InWidth + clog2(GroupSize) >= ScoreWidth. Latency: one cycle from the last score of a group; one score a cycle.

`default_nettype none

module snn_group_sum #(
  parameter GroupSize  = 2,
  parameter InWidth    = 8,
  parameter ScoreWidth = 8
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Scores
  input  wire                  score_valid_i,
  output wire                  score_ready_o,
  input  wire [InWidth-1:0]    score_i,
  input  wire                  score_last_i,
  // Sums
  output wire                  sum_valid_o,
  input  wire                  sum_ready_i,
  output wire [ScoreWidth-1:0] sum_o,
  output wire                  sum_last_o
);

  localparam SumWidth = InWidth + $clog2(GroupSize);
  localparam IndexWidth = (GroupSize > 1) ? $clog2(GroupSize) : 1;
  localparam LastNumber = GroupSize - 1;
  localparam [IndexWidth-1:0] Last = LastNumber[IndexWidth-1:0];

  reg                  valid_q, last_q;
  reg [IndexWidth-1:0] index_q;  // of the next score in its group
  reg [SumWidth-1:0]   sum_q;

  wire                  take = score_valid_i & score_ready_o;
  wire                  first = index_q == {IndexWidth{1'b0}};
  wire                  whole = index_q == Last;
  wire [SumWidth-1:0]   score = {{(SumWidth - InWidth){score_i[InWidth-1]}}, score_i};

  assign score_ready_o = ~valid_q | sum_ready_i;
  assign sum_valid_o = valid_q;
  assign sum_last_o = last_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      index_q <= {IndexWidth{1'b0}};
    end else begin
      if (score_ready_o) valid_q <= take & whole;
      if (take) index_q <= whole ? {IndexWidth{1'b0}} : index_q + {{(IndexWidth - 1){1'b0}}, 1'b1};
    end
    if (take) begin
      sum_q  <= first ? score : sum_q + score;
      last_q <= score_last_i;
    end
  end

  snn_saturate #(
    .InWidth(SumWidth),
    .OutWidth(ScoreWidth)
  ) u_saturate (
    .value_i(sum_q),
    .value_o(sum_o)
  );

endmodule

`default_nettype wire
