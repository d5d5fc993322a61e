// Queue in a memory of 2**DepthWidth words: one in and one out a cycle.
//
// level_o: words that wait, the one at data_o not among them. Who pushes sees to it that there is room.
// Latency: two cycles from push_i to valid_o. data_o is the memory's registered output.

`default_nettype none

module snn_queue #(
  parameter Width      = 8,
  parameter DepthWidth = 4
) (
  input  wire                clk_i,
  input  wire                rst_ni,
  input  wire                push_i,
  input  wire [Width-1:0]    data_i,
  output wire [DepthWidth:0] level_o,
  output wire                valid_o,
  input  wire                ready_i,
  output wire [Width-1:0]    data_o
);

  (* no_rw_check *)  // a word is read after the cycle of its write
  reg [Width-1:0]      mem [0:(1<<DepthWidth)-1];
  reg [DepthWidth-1:0] head_q, tail_q;
  reg [DepthWidth:0]   level_q;
  reg                  fetched_q;
  reg [Width-1:0]      fetched_word_q;

  wire advance = ready_i | ~fetched_q;
  wire fetch = advance & (level_q != {(DepthWidth + 1){1'b0}});

  assign level_o = level_q;
  assign valid_o = fetched_q;
  assign data_o = fetched_word_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      fetched_q <= 1'b0;
      head_q    <= {DepthWidth{1'b0}};
      tail_q    <= {DepthWidth{1'b0}};
      level_q   <= {(DepthWidth + 1){1'b0}};
    end else begin
      if (advance) fetched_q <= fetch;
      head_q  <= head_q + {{(DepthWidth - 1){1'b0}}, fetch};
      tail_q  <= tail_q + {{(DepthWidth - 1){1'b0}}, push_i};
      level_q <= level_q + {{DepthWidth{1'b0}}, push_i} - {{DepthWidth{1'b0}}, fetch};
    end
  end

  always @(posedge clk_i) begin
    if (push_i) mem[tail_q] <= data_i;
    if (advance) fetched_word_q <= mem[head_q];
  end

endmodule

`default_nettype wire
