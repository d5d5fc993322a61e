// Clamps a signed number to a narrower width, or cuts it where Saturate is 0: then it is proven to fit.
//
// Width law: InWidth >= OutWidth. No register.

`default_nettype none

module snn_saturate #(
  parameter InWidth  = 16,
  parameter OutWidth = 16,
  parameter Saturate = 1
) (
  input  wire signed [InWidth-1:0]  value_i,
  output wire signed [OutWidth-1:0] value_o
);

  generate
    if (Saturate != 0) begin : gen_saturate
      localparam signed [OutWidth-1:0] Greatest = {1'b0, {(OutWidth - 1){1'b1}}};
      localparam signed [OutWidth-1:0] Least = {1'b1, {(OutWidth - 1){1'b0}}};
      wire fits = value_i == {{(InWidth - OutWidth){value_i[OutWidth-1]}}, value_i[OutWidth-1:0]};

      assign value_o = fits ? value_i[OutWidth-1:0] : value_i[InWidth-1] ? Least : Greatest;
    end else begin : gen_never_saturates
      assign value_o = value_i[OutWidth-1:0];
      if (InWidth > OutWidth) begin : gen_unused
        wire unused_high_bits = ^value_i[InWidth-1:OutWidth];
      end
    end
  endgenerate

endmodule

`default_nettype wire
