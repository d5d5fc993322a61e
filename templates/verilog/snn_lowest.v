// The lowest set bit, and those above it.
//
// The bits above it are made by a tree, which is faster than the carry of a subtraction.

`default_nettype none

module snn_lowest #(
  parameter Width = 2
) (
  input  wire [Width-1:0] bits_i,
  output wire [Width-1:0] lowest_o,
  output wire [Width-1:0] remaining_o
);

  function [Width-1:0] bits_above;
    input [Width-1:0] bits;
    integer distance;
    begin
      bits_above = bits << 1;
      for (distance = 1; distance < Width; distance = distance * 2) bits_above = bits_above | (bits_above << distance);
    end
  endfunction

  wire [Width-1:0] above = bits_above(bits_i);

  assign lowest_o = bits_i & ~above;
  assign remaining_o = bits_i & above;

endmodule

`default_nettype wire
