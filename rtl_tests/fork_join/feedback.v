// A population whose events of the step before come back to it, through a fork without a queue.
//
// A stage and a queue that holds a step: it takes events of the next step while it gives those of this one.

`default_nettype none

module feedback #(
  parameter AddrWidth = 4
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  input  wire                 valid_i,
  output wire                 ready_o,
  input  wire [AddrWidth-1:0] addr_i,
  input  wire                 step_end_i,
  input  wire                 sample_end_i,
  output wire                 valid_o,
  input  wire                 ready_i,
  output wire [AddrWidth-1:0] addr_o,
  output wire                 step_end_o,
  output wire                 sample_end_o
);

  localparam Width = AddrWidth + 2;  // {sample end, step end, address}

  wire [1:0]       out_valid;
  wire             back_ready, row_valid, row_ready, stage_valid, stage_ready, queue_valid, queue_ready;
  wire [Width-1:0] row, stage, queue, beat;

  assign valid_o = out_valid[0];
  assign {sample_end_o, step_end_o, addr_o} = beat;

  snn_merge #(
    .NumIn(2),
    .InWidth(AddrWidth),
    .RowWidth(AddrWidth),
    .Previous(2'b01)
  ) u_merge (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .event_valid_i({valid_i, out_valid[1]}),
    .event_ready_o({ready_o, back_ready}),
    .event_addr_i({addr_i, beat[AddrWidth-1:0]}),
    .event_step_end_i({step_end_i, beat[AddrWidth]}),
    .event_sample_end_i({sample_end_i, beat[AddrWidth+1]}),
    .row_valid_o(row_valid),
    .row_ready_i(row_ready),
    .row_addr_o(row[AddrWidth-1:0]),
    .row_step_end_o(row[AddrWidth]),
    .row_sample_end_o(row[AddrWidth+1])
  );

  step_stage #(
    .Width(Width),
    .DepthWidth(8)
  ) u_stage (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(row_valid),
    .ready_o(row_ready),
    .data_i(row),
    .step_end_i(row[AddrWidth]),
    .valid_o(stage_valid),
    .ready_i(stage_ready),
    .data_o(stage)
  );

  short_queue #(
    .Width(Width),
    .Depth(64)
  ) u_queue (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(stage_valid),
    .ready_o(stage_ready),
    .data_i(stage),
    .valid_o(queue_valid),
    .ready_i(queue_ready),
    .data_o(queue)
  );

  snn_fork #(
    .Width(Width),
    .NumOut(2)
  ) u_fork (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(queue_valid),
    .ready_o(queue_ready),
    .data_i(queue),
    .valid_o(out_valid),
    .ready_i({back_ready, ready_i}),
    .data_o(beat)
  );

endmodule

`default_nettype wire
