// Behind the banks of a read-only memory: a register for each, the choice of one of them, and a register for the way.
//
// data_o is the word of bank addr_i[AddrWidth-1:BankAddrWidth], three cycles after addr_i where there is one bank, four cycles
// where there are more, the bank's own cycle included. A block memory's output is slow and the memories of a large layer lie
// all over the device: nothing but a register follows them.

`default_nettype none

module snn_bank_select #(
  parameter Width         = 8,
  parameter NumBanks      = 2,
  parameter AddrWidth     = 2,
  parameter BankAddrWidth = 1
) (
  input  wire                      clk_i,
  input  wire [AddrWidth-1:0]      addr_i,
  input  wire [NumBanks*Width-1:0] data_i,
  output reg  [Width-1:0]          data_o
);

  reg [NumBanks*Width-1:0] data_q;

  always @(posedge clk_i) data_q <= data_i;

  generate
    if (NumBanks == 1) begin : gen_one_bank
      always @(posedge clk_i) data_o <= data_q;

      wire unused_addr = ^addr_i;
    end else begin : gen_banks
      localparam BankWidth = AddrWidth - BankAddrWidth;
      reg [BankWidth-1:0] bank_q, bank_q2;
      reg [Width-1:0]     chosen_q;

      always @(posedge clk_i) begin
        bank_q   <= addr_i[AddrWidth-1:BankAddrWidth];
        bank_q2  <= bank_q;
        chosen_q <= data_q[bank_q2*Width+:Width];
        data_o   <= chosen_q;
      end

      wire unused_addr = ^addr_i[BankAddrWidth-1:0];
    end
  endgenerate

endmodule

`default_nettype wire
