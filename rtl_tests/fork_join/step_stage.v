// A stage that answers a time step only when it has ended, as a population does: then its events go on, and the end last.
//
// The worst for its neighbours: it takes nothing of the next step before it has given all of this one.

`default_nettype none

module step_stage #(
  parameter Width      = 4,
  parameter DepthWidth = 6
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire             valid_i,
  output wire             ready_o,
  input  wire [Width-1:0] data_i,
  input  wire             step_end_i,
  output wire             valid_o,
  input  wire             ready_i,
  output wire [Width-1:0] data_o
);

  reg [Width-1:0]      mem [0:(1<<DepthWidth)-1];  // the end of the step lies behind its events
  reg [DepthWidth-1:0] head_q, tail_q;
  reg                  giving_q;

  wire last = head_q == tail_q - {{(DepthWidth - 1){1'b0}}, 1'b1};

  assign ready_o = ~giving_q;
  assign valid_o = giving_q;
  assign data_o = mem[head_q];

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      head_q   <= {DepthWidth{1'b0}};
      tail_q   <= {DepthWidth{1'b0}};
      giving_q <= 1'b0;
    end else if (giving_q) begin
      if (ready_i) head_q <= head_q + {{(DepthWidth - 1){1'b0}}, 1'b1};
      if (ready_i & last) giving_q <= 1'b0;
    end else if (valid_i) begin
      mem[tail_q] <= data_i;
      tail_q      <= tail_q + {{(DepthWidth - 1){1'b0}}, 1'b1};
      giving_q    <= step_end_i;
    end
  end

endmodule

`default_nettype wire
