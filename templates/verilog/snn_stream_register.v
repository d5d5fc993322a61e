// Register stage of a stream: cuts every path in both directions, passes one beat a cycle.
//
// Latency: one cycle. A beat that arrives while the receiver stalls waits in the spare register.

`default_nettype none

module snn_stream_register #(
  parameter Width = 8
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire             valid_i,
  output wire             ready_o,
  input  wire [Width-1:0] data_i,
  output wire             valid_o,
  input  wire             ready_i,
  output wire [Width-1:0] data_o
);

  reg             valid_q, spare_valid_q;
  reg [Width-1:0] data_q, spare_q;

  assign ready_o = ~spare_valid_q;
  assign valid_o = valid_q;
  assign data_o = data_q;

  wire advance = ready_i | ~valid_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q       <= 1'b0;
      spare_valid_q <= 1'b0;
    end else begin
      if (advance) valid_q <= valid_i | spare_valid_q;
      spare_valid_q <= ~advance & (spare_valid_q | valid_i);
    end
  end

  always @(posedge clk_i) begin
    if (advance) data_q <= spare_valid_q ? spare_q : data_i;
    if (ready_o) spare_q <= data_i;
  end

endmodule

`default_nettype wire
