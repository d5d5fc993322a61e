// Residual blocks in a row: a fork, two stages on one way, a queue on the other, and a merge that adds both.

`default_nettype none

module fork_join #(
  parameter NumBlocks  = 1,
  parameter AddrWidth  = 4,
  parameter QueueDepth = 1,  // beats on the way around the stages; 0 is a wire
  parameter InTurn     = 0   // the naive merge
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

  wire [NumBlocks:0]             valid, ready;
  wire [(NumBlocks+1)*Width-1:0] beats;

  assign valid[0] = valid_i;
  assign ready_o = ready[0];
  assign beats[0+:Width] = {sample_end_i, step_end_i, addr_i};
  assign valid_o = valid[NumBlocks];
  assign ready[NumBlocks] = ready_i;
  assign {sample_end_o, step_end_o, addr_o} = beats[NumBlocks*Width+:Width];

  genvar block;
  generate
    for (block = 0; block < NumBlocks; block = block + 1) begin : gen_block
      wire [Width-1:0] beat, early, late, around;
      wire [1:0]       out_valid, out_ready;
      wire             early_valid, early_ready, delayed_valid, delayed_ready, around_valid, around_ready;

      snn_fork #(
        .Width(Width),
        .NumOut(2)
      ) u_fork (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .valid_i(valid[block]),
        .ready_o(ready[block]),
        .data_i(beats[block*Width+:Width]),
        .valid_o(out_valid),
        .ready_i(out_ready),
        .data_o(beat)
      );

      step_stage #(
        .Width(Width)
      ) u_early (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .valid_i(out_valid[0]),
        .ready_o(out_ready[0]),
        .data_i(beat),
        .step_end_i(beat[AddrWidth]),
        .valid_o(early_valid),
        .ready_i(early_ready),
        .data_o(early)
      );

      step_stage #(
        .Width(Width)
      ) u_late (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .valid_i(early_valid),
        .ready_o(early_ready),
        .data_i(early),
        .step_end_i(early[AddrWidth]),
        .valid_o(delayed_valid),
        .ready_i(delayed_ready),
        .data_o(late)
      );

      short_queue #(
        .Width(Width),
        .Depth(QueueDepth)
      ) u_around (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .valid_i(out_valid[1]),
        .ready_o(out_ready[1]),
        .data_i(beat),
        .valid_o(around_valid),
        .ready_i(around_ready),
        .data_o(around)
      );

      wire [1:0]             in_valid = {around_valid, delayed_valid};
      wire [1:0]             in_ready;
      wire [2*AddrWidth-1:0] in_addr = {around[AddrWidth-1:0], late[AddrWidth-1:0]};
      wire [1:0]             in_step_end = {around[AddrWidth], late[AddrWidth]};
      wire [1:0]             in_sample_end = {around[AddrWidth+1], late[AddrWidth+1]};

      assign {around_ready, delayed_ready} = in_ready;

      if (InTurn != 0) begin : gen_in_turn
        in_turn_merge #(
          .AddrWidth(AddrWidth)
        ) u_merge (
          .clk_i(clk_i),
          .rst_ni(rst_ni),
          .event_valid_i(in_valid),
          .event_ready_o(in_ready),
          .event_addr_i(in_addr),
          .event_step_end_i(in_step_end),
          .event_sample_end_i(in_sample_end),
          .row_valid_o(valid[block+1]),
          .row_ready_i(ready[block+1]),
          .row_addr_o(beats[(block+1)*Width+:AddrWidth]),
          .row_step_end_o(beats[(block+1)*Width+AddrWidth]),
          .row_sample_end_o(beats[(block+1)*Width+AddrWidth+1])
        );
      end else begin : gen_merge
        snn_merge #(
          .NumIn(2),
          .InWidth(AddrWidth),
          .RowWidth(AddrWidth)
        ) u_merge (
          .clk_i(clk_i),
          .rst_ni(rst_ni),
          .event_valid_i(in_valid),
          .event_ready_o(in_ready),
          .event_addr_i(in_addr),
          .event_step_end_i(in_step_end),
          .event_sample_end_i(in_sample_end),
          .row_valid_o(valid[block+1]),
          .row_ready_i(ready[block+1]),
          .row_addr_o(beats[(block+1)*Width+:AddrWidth]),
          .row_step_end_o(beats[(block+1)*Width+AddrWidth]),
          .row_sample_end_o(beats[(block+1)*Width+AddrWidth+1])
        );
      end
    end
  endgenerate

endmodule

`default_nettype wire
