// Fork: every beat of a stream goes to NumOut streams, each of which takes it when it can.
//
// The next beat follows in the cycle after the last of them has taken this one. No register: a beat passes in the cycle in which it
// comes, one a cycle. valid_o does not wait for ready_i; all streams share data_o.

`default_nettype none

module snn_fork #(
  parameter Width  = 8,
  parameter NumOut = 2
) (
  input  wire              clk_i,
  input  wire              rst_ni,
  input  wire              valid_i,
  output wire              ready_o,
  input  wire [Width-1:0]  data_i,
  output wire [NumOut-1:0] valid_o,
  input  wire [NumOut-1:0] ready_i,
  output wire [Width-1:0]  data_o
);

  reg [NumOut-1:0] taken_q;  // streams that have the beat already

  wire [NumOut-1:0] taken = taken_q | ready_i;

  assign ready_o = &taken;
  assign valid_o = {NumOut{valid_i}} & ~taken_q;
  assign data_o = data_i;

  always @(posedge clk_i) begin
    if (!rst_ni) taken_q <= {NumOut{1'b0}};
    else if (valid_i) taken_q <= ready_o ? {NumOut{1'b0}} : taken;
  end

endmodule

`default_nettype wire
