// The memory in a block memory cell: two ports on bytes of nine bits, each as wide for reading and for writing as its cell
// says. The vendors' and Yosys' libraries have no behaviour of it.
//
// A width of 1, 2 or 4 takes that many of a byte's lowest eight bits; 0 is no access. Addresses count single bits of the
// lowest eight. What a port reads while the other one writes it comes out inverted, for no design may rely on it, unless
// the cell promises the old word (ReadFirst).

`default_nettype none

module snn_cell_memory #(
  parameter NumBytes    = 2048,
  parameter AddrWidth   = 14,
  parameter ReadWidthA  = 9,
  parameter WriteWidthA = 9,
  parameter ReadWidthB  = 9,
  parameter WriteWidthB = 9,
  parameter ReadFirstA  = 0,
  parameter ReadFirstB  = 0
) (
  input  wire                 clk_a_i,
  input  wire                 enable_a_i,
  input  wire [7:0]           write_a_i,  // of each byte
  input  wire [AddrWidth-1:0] addr_a_i,
  input  wire [71:0]          data_a_i,
  output reg  [71:0]          data_a_o,
  input  wire                 clk_b_i,
  input  wire                 enable_b_i,
  input  wire [7:0]           write_b_i,
  input  wire [AddrWidth-1:0] addr_b_i,
  input  wire [71:0]          data_b_i,
  output reg  [71:0]          data_b_o
);

  localparam ReadBytesA = ReadWidthA > 9 ? ReadWidthA / 9 : 1;
  localparam ReadBytesB = ReadWidthB > 9 ? ReadWidthB / 9 : 1;
  localparam WriteBytesA = WriteWidthA > 9 ? WriteWidthA / 9 : WriteWidthA > 0;
  localparam WriteBytesB = WriteWidthB > 9 ? WriteWidthB / 9 : WriteWidthB > 0;
  localparam IndexWidth = AddrWidth - 3;

  reg [8:0] mem [0:NumBytes-1];

  // First byte of a word of so many
  wire [IndexWidth-1:0] read_a = addr_a_i[AddrWidth-1:3] & ~(ReadBytesA - 1);
  wire [IndexWidth-1:0] read_b = addr_b_i[AddrWidth-1:3] & ~(ReadBytesB - 1);
  wire [IndexWidth-1:0] write_a = addr_a_i[AddrWidth-1:3] & ~(WriteBytesA - 1);
  wire [IndexWidth-1:0] write_b = addr_b_i[AddrWidth-1:3] & ~(WriteBytesB - 1);
  wire [2:0] bit_a = addr_a_i[2:0] & ~(ReadWidthA - 1);
  wire [2:0] bit_b = addr_b_i[2:0] & ~(ReadWidthB - 1);

  // What a write changes of a byte
  wire [2:0] shift_a = WriteWidthA < 9 ? addr_a_i[2:0] & ~(WriteWidthA - 1) : 3'd0;
  wire [2:0] shift_b = WriteWidthB < 9 ? addr_b_i[2:0] & ~(WriteWidthB - 1) : 3'd0;
  wire [8:0] mask_a = WriteWidthA < 9 ? ((1 << WriteWidthA) - 1) << shift_a : 9'h1ff;
  wire [8:0] mask_b = WriteWidthB < 9 ? ((1 << WriteWidthB) - 1) << shift_b : 9'h1ff;

  integer i, j, k, l;
  reg [8:0] byte_a, byte_b;

  always @(posedge clk_a_i) begin
    if (enable_a_i) begin
      for (i = 0; i < WriteBytesA; i = i + 1) if (write_a_i[i])
        mem[write_a + i] <= (mem[write_a + i] & ~mask_a) | ((data_a_i[9*i+:9] << shift_a) & mask_a);
      if (ReadWidthA != 0) begin
        data_a_o <= 72'd0;
        for (i = 0; i < ReadBytesA; i = i + 1) begin
          byte_a = mem[read_a + i];
          for (k = 0; k < WriteBytesB; k = k + 1)
            if (ReadFirstB == 0 && enable_b_i && write_b_i[k] && write_b + k == read_a + i) byte_a = byte_a ^ mask_b;
          if (ReadWidthA < 9) data_a_o[7:0] <= (byte_a >> bit_a) & ((1 << ReadWidthA) - 1);
          else data_a_o[9*i+:9] <= byte_a;
        end
      end
    end
  end

  always @(posedge clk_b_i) begin
    if (enable_b_i) begin
      for (j = 0; j < WriteBytesB; j = j + 1) if (write_b_i[j])
        mem[write_b + j] <= (mem[write_b + j] & ~mask_b) | ((data_b_i[9*j+:9] << shift_b) & mask_b);
      if (ReadWidthB != 0) begin
        data_b_o <= 72'd0;
        for (j = 0; j < ReadBytesB; j = j + 1) begin
          byte_b = mem[read_b + j];
          for (l = 0; l < WriteBytesA; l = l + 1)
            if (ReadFirstA == 0 && enable_a_i && write_a_i[l] && write_a + l == read_b + j) byte_b = byte_b ^ mask_a;
          if (ReadWidthB < 9) data_b_o[7:0] <= (byte_b >> bit_b) & ((1 << ReadWidthB) - 1);
          else data_b_o[9*j+:9] <= byte_b;
        end
      end
    end
  end

endmodule

`default_nettype wire
