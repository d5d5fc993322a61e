// Watches a stream: writes every beat to <+record=DIR>/<Name>.hex, compares it with <+expect=DIR>/<Name>.hex.
//
// Without +record nothing is written, without +expect nothing is compared.

`default_nettype none

module replay_monitor #(
  parameter Width = 8,
  parameter Name  = "stream"
) (
  input  wire             clk_i,
  input  wire             valid_i,
  input  wire [Width-1:0] data_i,
  input  wire             finish_i,
  output reg  [31:0]      errors_o
);

  reg [8*1024-1:0] folder, path;
  integer record, expect_file, read, beats;
  reg [Width-1:0] expected;

  initial begin
    record = 0;
    expect_file = 0;
    beats = 0;
    errors_o = 32'd0;
    if ($value$plusargs("record=%s", folder)) begin
      $sformat(path, "%0s/%0s.hex", folder, Name);
      record = $fopen(path, "w");
      if (record == 0) begin
        $display("FAIL: cannot write %0s", path);
        $finish;
      end
    end
    if ($value$plusargs("expect=%s", folder)) begin
      $sformat(path, "%0s/%0s.hex", folder, Name);
      expect_file = $fopen(path, "r");
      if (expect_file == 0) begin
        $display("FAIL: cannot open %0s", path);
        $finish;
      end
    end
  end

  always @(posedge clk_i) begin
    if (valid_i) begin
      beats <= beats + 1;
      if (record != 0) $fdisplay(record, "%h", data_i);
      if (expect_file != 0) begin
        read = $fscanf(expect_file, "%h\n", expected);
        if (read != 1 || data_i !== expected) begin
          errors_o <= errors_o + 32'd1;
          if (errors_o < 10) begin
            if (read == 1) $display("MISMATCH %0s beat %0d: expected %h, got %h", Name, beats, expected, data_i);
            else $display("MISMATCH %0s beat %0d: expected no beat, got %h", Name, beats, data_i);
          end
        end
      end
    end
    if (finish_i) begin
      if (record != 0) $fclose(record);
      if (expect_file != 0) begin
        read = $fscanf(expect_file, "%h\n", expected);
        if (read == 1) begin
          errors_o <= errors_o + 32'd1;
          $display("MISMATCH %0s beat %0d: expected %h, got no beat", Name, beats, expected);
        end
      end
    end
  end

endmodule

`default_nettype wire
