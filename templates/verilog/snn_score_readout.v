// Readout of integrators: takes the scores of a sample one after the other and gives the class with the highest, ties to the lowest.
//
// class = argmax(scores). scores_o holds the scores of the sample whose beat is on the output. The next sample's scores wait
// until the result is taken. Latency: two cycles from the last score to the result.

`default_nettype none

module snn_score_readout #(
  parameter NumClasses = 2,
  parameter AddrWidth  = 1,
  parameter ScoreWidth = 8
) (
  input  wire                             clk_i,
  input  wire                             rst_ni,
  // Scores
  input  wire                             score_valid_i,
  output wire                             score_ready_o,
  input  wire [ScoreWidth-1:0]            score_i,
  input  wire                             score_last_i,
  // Result
  output reg                              result_valid_o,
  input  wire                             result_ready_i,
  output reg  [AddrWidth-1:0]             class_o,
  output reg  [NumClasses*ScoreWidth-1:0] scores_o
);

  reg                         take_q, last_q, first_q;
  reg        [AddrWidth-1:0]  index_q;  // of the score in score_q
  reg signed [ScoreWidth-1:0] score_q, best_q;

  wire take = score_valid_i & score_ready_o;
  wire wins = first_q | (score_q > best_q);

  assign score_ready_o = ~result_valid_o & ~(take_q & last_q);

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      take_q         <= 1'b0;
      first_q        <= 1'b1;
      index_q        <= {AddrWidth{1'b0}};
      result_valid_o <= 1'b0;
    end else begin
      take_q <= take;
      if (take_q) begin
        first_q <= last_q;
        index_q <= last_q ? {AddrWidth{1'b0}} : index_q + {{(AddrWidth - 1){1'b0}}, 1'b1};
      end
      if (take_q & last_q) result_valid_o <= 1'b1;
      else if (result_ready_i) result_valid_o <= 1'b0;
    end
  end

  always @(posedge clk_i) begin
    if (take) begin
      score_q <= score_i;
      last_q  <= score_last_i;
      scores_o[(NumClasses-1)*ScoreWidth+:ScoreWidth] <= score_i;
    end
    if (take_q & wins) begin
      class_o <= index_q;
      best_q  <= score_q;
    end
  end

  genvar i;
  generate
    for (i = 0; i < NumClasses - 1; i = i + 1) begin : gen_shift
      always @(posedge clk_i) if (take) scores_o[i*ScoreWidth+:ScoreWidth] <= scores_o[(i+1)*ScoreWidth+:ScoreWidth];
    end
  endgenerate

endmodule

`default_nettype wire
