// Clock for the replay bench, for simulators that run a Verilog test bench as it is. +wave=FILE writes a waveform.

`default_nettype none

module replay_tb;

  reg clk;
  reg [8*1024-1:0] path;

  replay u_replay (.clk_i(clk));

  initial begin
    clk = 1'b0;
    if ($value$plusargs("wave=%s", path)) begin
      $dumpfile(path);
      $dumpvars(0, replay_tb);
    end
    forever #5 clk = ~clk;
  end

endmodule

`default_nettype wire
