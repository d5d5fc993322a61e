// Product of a weight and a pixel, for the lane of a directly coded layer; the pixel is not negative.
//
// product_o = weight_i * pixel_i, a cycle later. Width law: |weight * pixel| < 2**(WeightWidth - 1 + PixelWidth).

`default_nettype none

module snn_pixel_product #(
  parameter WeightWidth = 4,
  parameter PixelWidth  = 8
) (
  input  wire                                      clk_i,
  input  wire signed [WeightWidth-1:0]             weight_i,
  input  wire        [PixelWidth-1:0]              pixel_i,
  output reg  signed [WeightWidth+PixelWidth-1:0] product_o
);

  localparam ProductWidth = WeightWidth + PixelWidth;
  wire signed [PixelWidth:0]   pixel = {1'b0, pixel_i};
  wire signed [ProductWidth:0] product = weight_i * pixel;
  wire unused_product = product[ProductWidth];  // the sign again

  always @(posedge clk_i) product_o <= product[ProductWidth-1:0];

endmodule

`default_nettype wire
