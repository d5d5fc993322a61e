// Read-only memory with a registered read, so that every synthesiser can use block RAM.
//
// data_o is word addr_i of the clock edge before. InitFile holds Depth words of Width bits in hexadecimal. IsBlock: a block memory,
// whatever the synthesiser would choose.

`default_nettype none

module snn_rom #(
  parameter Width     = 8,
  parameter Depth     = 2,
  parameter AddrWidth = 1,
  parameter IsBlock   = 0,
  parameter InitFile  = ""
) (
  input  wire                 clk_i,
  input  wire [AddrWidth-1:0] addr_i,
  output reg  [Width-1:0]     data_o
);

  // All words that an address can name, so that no multiplexer follows the memory
  generate
    if (IsBlock != 0) begin : gen_block
      (* rom_style = "block" *)
      reg [Width-1:0] mem [0:(1<<AddrWidth)-1];

      initial if (InitFile != "") $readmemh(InitFile, mem, 0, Depth - 1);

      always @(posedge clk_i) data_o <= mem[addr_i];
    end else begin : gen_any
      reg [Width-1:0] mem [0:(1<<AddrWidth)-1];

      initial if (InitFile != "") $readmemh(InitFile, mem, 0, Depth - 1);

      always @(posedge clk_i) data_o <= mem[addr_i];
    end
  endgenerate

endmodule

`default_nettype wire
