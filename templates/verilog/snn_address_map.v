// Addresses looked up: an event goes on as one event for each of its targets, in their order (pools, groups of outputs).
//
// A row of the map has NumTargets targets {valid, address}, the first in the lowest bits; an event without a valid one ends here.
// targets_i: registered read of the row at target_addr_o. What is looked up comes in the order of its events, ends of steps too.
// Latency: three cycles; one event a cycle, no gap between the targets of an event and those of the next.

`default_nettype none

module snn_address_map #(
  parameter AddrWidth   = 2,
  parameter NumTargets  = 1,
  parameter TargetWidth = 1
) (
  input  wire                                  clk_i,
  input  wire                                  rst_ni,
  // Events in
  input  wire                                  event_valid_i,
  output wire                                  event_ready_o,
  input  wire [AddrWidth-1:0]                  event_addr_i,
  input  wire                                  event_step_end_i,
  input  wire                                  event_sample_end_i,
  // Map
  output wire [AddrWidth-1:0]                  target_addr_o,
  input  wire [NumTargets*(TargetWidth+1)-1:0] targets_i,
  // Events out
  output wire                                  mapped_valid_o,
  input  wire                                  mapped_ready_i,
  output wire [TargetWidth-1:0]                mapped_addr_o,
  output wire                                  mapped_step_end_o,
  output wire                                  mapped_sample_end_o
);

  // Two stages: an event while its row is read, and its targets that are left
  reg                              read_q, read_step_end_q, read_sample_end_q;
  reg [AddrWidth-1:0]              read_addr_q;
  reg [NumTargets-1:0]             left_q;
  reg [NumTargets*TargetWidth-1:0] targets_q;
  reg                              step_end_q, sample_end_q;

  wire [NumTargets-1:0]             first, remaining, valid;
  wire [NumTargets*TargetWidth-1:0] targets;
  wire                              ready;
  wire                              mapped = (|left_q) | step_end_q;
  wire                              done = ~mapped | (ready & ~(|remaining));

  assign event_ready_o = ~read_q | done;
  assign target_addr_o = event_ready_o ? event_addr_i : read_addr_q;

  snn_lowest #(
    .Width(NumTargets)
  ) u_lowest (
    .bits_i(left_q),
    .lowest_o(first),
    .remaining_o(remaining)
  );

  genvar i;
  generate
    for (i = 0; i < NumTargets; i = i + 1) begin : gen_target
      assign {valid[i], targets[i*TargetWidth+:TargetWidth]} = targets_i[i*(TargetWidth+1)+:TargetWidth+1];
    end
  endgenerate

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      read_q     <= 1'b0;
      left_q     <= {NumTargets{1'b0}};
      step_end_q <= 1'b0;
    end else begin
      if (event_ready_o) read_q <= event_valid_i;
      if (done) begin
        left_q     <= valid & {NumTargets{read_q & ~read_step_end_q}};
        step_end_q <= read_q & read_step_end_q;
      end else if (ready) begin
        left_q <= remaining;
      end
    end
    if (event_ready_o) begin
      read_addr_q       <= event_addr_i;
      read_step_end_q   <= event_step_end_i;
      read_sample_end_q <= event_sample_end_i;
    end
    if (done) begin
      targets_q    <= targets;
      sample_end_q <= read_step_end_q & read_sample_end_q;
    end
  end

  reg [TargetWidth-1:0] addr;
  integer               target;

  always @* begin
    addr = {TargetWidth{1'b0}};
    for (target = 0; target < NumTargets; target = target + 1) begin
      if (first[target]) addr = addr | targets_q[target*TargetWidth+:TargetWidth];
    end
  end

  snn_stream_register #(
    .Width(TargetWidth + 2)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(mapped),
    .ready_o(ready),
    .data_i({sample_end_q, step_end_q, addr}),
    .valid_o(mapped_valid_o),
    .ready_i(mapped_ready_i),
    .data_o({mapped_sample_end_o, mapped_step_end_o, mapped_addr_o})
  );

endmodule

`default_nettype wire
