// Queue of beats in a memory, for edges of the graph that go around populations.
//
// It lets the sender run ahead; nothing needs it to be correct (snn_merge). It holds 2**DepthWidth beats, and three more behind
// the memory. Latency: three cycles; one beat a cycle. No path goes from one side to the other.

`default_nettype none

module snn_event_queue #(
  parameter Width      = 8,
  parameter DepthWidth = 4
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire             valid_i,
  output wire             ready_o,
  input  wire [Width-1:0] data_i,
  output wire             valid_o,
  input  wire             ready_i,
  output wire [Width-1:0] data_o
);

  wire [DepthWidth:0] level;
  wire                fetched, fetched_ready;
  wire [Width-1:0]    fetched_data;

  assign ready_o = ~level[DepthWidth];

  snn_queue #(
    .Width(Width),
    .DepthWidth(DepthWidth)
  ) u_queue (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .push_i(valid_i & ready_o),
    .data_i(data_i),
    .level_o(level),
    .valid_o(fetched),
    .ready_i(fetched_ready),
    .data_o(fetched_data)
  );

  wire unused_level = ^level[DepthWidth-1:0];

  // The memory's output is slow
  snn_stream_register #(
    .Width(Width)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(fetched),
    .ready_o(fetched_ready),
    .data_i(fetched_data),
    .valid_o(valid_o),
    .ready_i(ready_i),
    .data_o(data_o)
  );

endmodule

`default_nettype wire
