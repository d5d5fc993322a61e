// Puts a layer's own spikes of the step before into its stream of events: row NumInputs + p is that of place p.
//
// The end of a step goes on only when all spikes of the step before have come back. The spikes of a sample's last step
// belong to no step and are dropped, while the next sample's first events go on. Source: int_net/reference.py.

`default_nettype none

module snn_recurrence #(
  parameter NumInputs  = 2,
  parameter InWidth    = 1,
  parameter PlaceWidth = 1,
  parameter RowWidth   = 2
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Events of the inputs
  input  wire                  event_valid_i,
  output wire                  event_ready_o,
  input  wire [InWidth-1:0]    event_addr_i,
  input  wire                  event_step_end_i,
  input  wire                  event_sample_end_i,
  // The layer's own events
  input  wire                  back_valid_i,
  output wire                  back_ready_o,
  input  wire [PlaceWidth-1:0] back_addr_i,
  input  wire                  back_step_end_i,
  // Events of both
  output wire                  row_valid_o,
  input  wire                  row_ready_i,
  output wire [RowWidth-1:0]   row_addr_o,
  output wire                  row_step_end_o,
  output wire                  row_sample_end_o
);

  localparam [RowWidth-1:0] FirstRow = NumInputs[RowWidth-1:0];

  reg returning_q;  // spikes of the step before are still to come
  reg drop_q;       // that step was the last of a sample

  wire back = back_valid_i & ~back_step_end_i & ~drop_q;
  wire forward = event_valid_i & (~event_step_end_i | ~returning_q);

  assign back_ready_o = back_step_end_i | drop_q | row_ready_i;
  assign event_ready_o = row_ready_i & ~back & (~event_step_end_i | ~returning_q);
  assign row_valid_o = back | forward;
  assign row_addr_o = back ? FirstRow + {{(RowWidth - PlaceWidth){1'b0}}, back_addr_i}
                           : {{(RowWidth - InWidth){1'b0}}, event_addr_i};
  assign row_step_end_o = ~back & event_step_end_i;
  assign row_sample_end_o = ~back & event_sample_end_i;

  wire step_end = event_valid_i & event_ready_o & event_step_end_i;

  always @(posedge clk_i) begin
    if (!rst_ni) returning_q <= 1'b0;
    else if (step_end) returning_q <= 1'b1;
    else if (back_valid_i & back_step_end_i) returning_q <= 1'b0;
    if (step_end) drop_q <= event_sample_end_i;
  end

endmodule

`default_nettype wire
