// Replays beats from a file into a stream: one hexadecimal word {last, data} a line; +input=FILE names it.
//
// In every cycle without a waiting beat the next one is held back with probability +stall_in=N / 256 (+seed=N).
// With +alone a sample waits until those before it are done: results of samples_done_i have been taken.

`default_nettype none

module replay_source #(
  parameter DataWidth = 8
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  output reg                  valid_o,
  input  wire                 ready_i,
  output reg  [DataWidth-1:0] data_o,
  output reg                  last_o,
  output reg                  done_o,
  output reg  [31:0]          samples_o,
  input  wire [31:0]          samples_done_i
);

  reg [8*1024-1:0] path;
  integer file, read, seed, stall;
  reg [DataWidth:0] word;
  reg send, alone, between;

  initial begin
    if (!$value$plusargs("input=%s", path)) path = "tb/vectors/input.hex";
    if (!$value$plusargs("stall_in=%d", stall)) stall = 0;
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    alone = $test$plusargs("alone") != 0;
    between = 1'b1;
    file = $fopen(path, "r");
    if (file == 0) begin
      $display("FAIL: cannot open %0s", path);
      $finish;
    end
    valid_o = 1'b0;
    done_o = 1'b0;
    samples_o = 32'd0;
  end

  always @(posedge clk_i) begin
    if (rst_ni && (!valid_o || ready_i)) begin
      valid_o <= 1'b0;
      if (stall == 0) send = 1'b1;
      else send = ($random(seed) & 255) >= stall;
      if (alone && between) send = send && samples_done_i == samples_o;
      if (!done_o && send) begin
        read = $fscanf(file, "%h\n", word);
        if (read == 1) begin
          valid_o <= 1'b1;
          {last_o, data_o} <= word;
          between = word[DataWidth];
          if (between) samples_o <= samples_o + 32'd1;
        end else begin
          done_o <= 1'b1;
        end
      end
    end
  end

endmodule

`default_nettype wire
