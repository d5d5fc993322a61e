// A queue of so many beats and not one more, each of which waits a cycle at least; a wire where there are none.

`default_nettype none

module short_queue #(
  parameter Width = 4,
  parameter Depth = 1
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

  generate
    if (Depth == 0) begin : gen_wire
      assign valid_o = valid_i;
      assign ready_o = ready_i;
      assign data_o = data_i;
    end else begin : gen_queue
      reg [Depth*Width-1:0] beats_q;
      reg [15:0]            level_q;

      assign valid_o = level_q != 16'd0;
      assign ready_o = level_q != Depth[15:0];
      assign data_o = beats_q[0+:Width];

      wire push = valid_i & ready_o;
      wire pop = valid_o & ready_i;

      always @(posedge clk_i) begin
        if (!rst_ni) level_q <= 16'd0;
        else level_q <= level_q + {15'd0, push} - {15'd0, pop};
        if (pop) beats_q <= beats_q >> Width;
        if (push) beats_q[(level_q-{15'd0, pop})*Width+:Width] <= data_i;
      end
    end
  endgenerate

endmodule

`default_nettype wire
