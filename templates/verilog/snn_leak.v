// Leak of a membrane or of another state: what of it is left after a time step.
//
// Kind 0: v    1: v - (v >>> Shift)    2: (v * Factor) >>> Shift    3: v - (v >>> number_i)    4: (v * number_i) >>> Shift
// Kinds 3 and 4 have a number for each neuron. >>> floors. No register. Source: int_net/neurons/leaks.py.

`default_nettype none

module snn_leak #(
  parameter Width       = 16,
  parameter Kind        = 1,
  parameter Shift       = 1,
  parameter Factor      = 0,
  parameter NumberWidth = 1
) (
  input  wire signed [Width-1:0]       value_i,
  input  wire        [NumberWidth-1:0] number_i,
  output wire signed [Width-1:0]       value_o
);

  generate
    if (Kind == 1 || Kind == 3) begin : gen_shift
      if (Kind == 3) begin : gen_each
        assign value_o = value_i - (value_i >>> number_i);
      end else begin : gen_all
        assign value_o = value_i - (value_i >>> Shift);
        wire unused_number = ^number_i;
      end
    end else if (Kind == 2 || Kind == 4) begin : gen_multiplier
      localparam FactorWidth = Shift + 2;
      localparam ProductWidth = Width + FactorWidth;
      wire signed [FactorWidth-1:0]  factor;
      wire signed [ProductWidth-1:0] product = value_i * factor;

      if (Kind == 4) begin : gen_each
        assign factor = {{(FactorWidth - NumberWidth){1'b0}}, number_i};
      end else begin : gen_all
        assign factor = Factor[FactorWidth-1:0];
        wire unused_number = ^number_i;
      end
      assign value_o = product[Shift+:Width];
      wire unused_product = ^{product[ProductWidth-1:Shift+Width], product[Shift-1:0]};
    end else begin : gen_no_leak
      assign value_o = value_i;
      wire unused_number = ^number_i;
    end
  endgenerate

endmodule

`default_nettype wire
