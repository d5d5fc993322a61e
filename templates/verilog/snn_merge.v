// Merge: the events of NumIn streams in one, step by step, each in the rows of its source: row = offset of the source + address.
//
// Events of a step come in any order, whoever has one, the lowest source first: no source waits for another until its step ends, so a
// fork and a merge never block each other, whatever lies between them. The end of a step goes on when all sources have it.
// Previous: bit of each source that brings the events of the step before (recurrence). In the first step of a sample there are
// none: the events of the last sample's last step belong to no step and are dropped, while other events go on.
// Laws: one source at least is not Previous, and all those end a sample together. RowWidth >= InWidth, that of the widest source.
// A Previous source that does not itself wait for this stream (no loop) must hold a whole step of events before it.
// Latency: one cycle (a register); one event a cycle. Source: int_net/reference.py.

`default_nettype none

module snn_merge #(
  parameter                      NumIn    = 2,
  parameter                      InWidth  = 1,
  parameter                      RowWidth = 2,
  parameter [NumIn*RowWidth-1:0] Offsets  = 0,
  parameter [NumIn-1:0]          Previous = 0
) (
  input  wire                     clk_i,
  input  wire                     rst_ni,
  // Events of the sources
  input  wire [NumIn-1:0]         event_valid_i,
  output wire [NumIn-1:0]         event_ready_o,
  input  wire [NumIn*InWidth-1:0] event_addr_i,
  input  wire [NumIn-1:0]         event_step_end_i,
  input  wire [NumIn-1:0]         event_sample_end_i,
  // Events of all
  output wire                     row_valid_o,
  input  wire                     row_ready_i,
  output wire [RowWidth-1:0]      row_addr_o,
  output wire                     row_step_end_o,
  output wire                     row_sample_end_o
);

  reg [NumIn-1:0] returning_q;  // Previous sources whose step before has not ended
  reg             drop_q;       // that step was the last of a sample

  // An end of this step waits at its source for those of all others; an end of the step before is only noted
  wire [NumIn-1:0] ending = event_valid_i & event_step_end_i;
  wire             step_end = &((Previous & ~returning_q) | (~Previous & ending));
  wire             sample_end = step_end & (|(event_sample_end_i & ~Previous));

  wire [NumIn-1:0] dropped = Previous & {NumIn{drop_q}};
  wire [NumIn-1:0] early = Previous & ~returning_q;  // events of this step, which is not theirs
  wire [NumIn-1:0] events = event_valid_i & ~event_step_end_i & ~dropped & ~early;
  wire [NumIn-1:0] first, others;
  wire             ready;

  snn_lowest #(
    .Width(NumIn)
  ) u_lowest (
    .bits_i(events),
    .lowest_o(first),
    .remaining_o(others)
  );

  wire unused_others = ^others;

  assign event_ready_o = ({NumIn{ready}} & first) | ({NumIn{ready & step_end}} & ~Previous)
                       | (Previous & returning_q & (event_step_end_i | dropped));

  reg [RowWidth-1:0] row_addr;
  integer            i;

  always @* begin
    row_addr = {RowWidth{1'b0}};
    for (i = 0; i < NumIn; i = i + 1) begin
      if (first[i]) begin
        row_addr = row_addr
                 | (Offsets[i*RowWidth+:RowWidth] + {{(RowWidth - InWidth){1'b0}}, event_addr_i[i*InWidth+:InWidth]});
      end
    end
  end

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      returning_q <= {NumIn{1'b0}};
      drop_q      <= 1'b0;
    end else if (step_end & ready) begin
      returning_q <= {NumIn{1'b1}};
      drop_q      <= sample_end;
    end else begin
      returning_q <= returning_q & ~ending;
    end
  end

  snn_stream_register #(
    .Width(RowWidth + 2)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i((|events) | step_end),
    .ready_o(ready),
    .data_i({sample_end, step_end, row_addr}),
    .valid_o(row_valid_o),
    .ready_i(row_ready_i),
    .data_o({row_sample_end_o, row_step_end_o, row_addr_o})
  );

endmodule

`default_nettype wire
