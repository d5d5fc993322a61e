// Max pool: a window spikes once in a time step if any of its inputs does. Events carry windows (snn_address_map).
//
// A bit for each window says that it spiked in this step: the first event of a window goes on, later ones are dropped. Two banks of
// words take turns, so that one is cleared, a word a cycle, while the other is in use; the end of the next step waits for that.
// A bank in which no bit was set is not cleared. After a reset both are, and nothing is taken for so many cycles.
// Latency: three cycles; one event a cycle. Ends of steps are three cycles apart at least.

`default_nettype none

module snn_max_pool #(
  parameter NumWindows = 2,
  parameter AddrWidth  = 1
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // Events in
  input  wire                 event_valid_i,
  output wire                 event_ready_o,
  input  wire [AddrWidth-1:0] event_addr_i,
  input  wire                 event_step_end_i,
  input  wire                 event_sample_end_i,
  // Events out
  output wire                 pooled_valid_o,
  input  wire                 pooled_ready_i,
  output wire [AddrWidth-1:0] pooled_addr_o,
  output wire                 pooled_step_end_o,
  output wire                 pooled_sample_end_o
);

  // An address is {word, bit}
  localparam BitWidth = (AddrWidth < 5) ? AddrWidth : 5;
  localparam WordBits = 1 << BitWidth;
  localparam WordWidth = (AddrWidth > BitWidth) ? AddrWidth - BitWidth : 1;
  localparam LastWordNumber = (NumWindows - 1) / WordBits;
  localparam [WordWidth-1:0] LastWord = LastWordNumber[WordWidth-1:0];
  localparam BitAddrWidth = 1 + WordWidth + BitWidth;  // {bank, word, bit}

  reg                     bank_q;  // of the step that enters
  reg [1:0]               clear_q;  // banks that are being cleared
  reg [WordWidth-1:0]     clear_word_q;

  // Stages: read the word; take what was not written yet; set the bit
  reg                     event_q, event_q2, end_q, end_q2, sample_end_q, sample_end_q2;
  reg [BitAddrWidth-1:0]  bit_addr_q, bit_addr_q2;
  reg                     hit_q, hit_q2;  // the event one or two before is in the same word
  reg [WordBits-1:0]      word_q2, set_q3;
  reg                     used_q;  // the bank of this step has a bit set

  wire                    ready;  // all stages go on
  wire [1:0]              bank_q2 = {bit_addr_q2[BitAddrWidth-1], ~bit_addr_q2[BitAddrWidth-1]};
  wire [BitAddrWidth-1:0] bit_addr = {bank_q, {(WordWidth + BitWidth - AddrWidth){1'b0}}, event_addr_i};
  wire [WordBits-1:0]     set = word_q2 | ({{(WordBits - 1){1'b0}}, 1'b1} << bit_addr_q2[BitWidth-1:0]);
  wire                    seen = word_q2[bit_addr_q2[BitWidth-1:0]];
  wire                    ending = end_q | end_q2 | (|clear_q);  // the other bank is not clear yet
  wire                    taken = event_valid_i & event_ready_o;
  wire [2*WordBits-1:0]   words;
  wire [WordBits-1:0]     word = bit_addr_q[BitAddrWidth-1] ? words[WordBits+:WordBits] : words[0+:WordBits];

  assign event_ready_o = ready & ~clear_q[bank_q] & ~(event_step_end_i & ending);

  genvar bank;
  generate
    for (bank = 0; bank < 2; bank = bank + 1) begin : gen_bank
      (* no_rw_check *)  // a word of which a write is under way is forwarded
      reg [WordBits-1:0] mem [0:(1<<WordWidth)-1];
      reg [WordBits-1:0] word_q;

      wire                 clear = clear_q[bank];
      wire                 write = clear | (event_q2 & bank_q2[bank]);
      wire [WordWidth-1:0] write_word = clear ? clear_word_q : bit_addr_q2[BitWidth+:WordWidth];

      always @(posedge clk_i) begin
        if (write) mem[write_word] <= clear ? {WordBits{1'b0}} : set;
        if (ready) word_q <= mem[bit_addr[BitWidth+:WordWidth]];
      end

      assign words[bank*WordBits+:WordBits] = word_q;
    end
  endgenerate

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      event_q  <= 1'b0;
      event_q2 <= 1'b0;
      end_q    <= 1'b0;
      end_q2   <= 1'b0;
      bank_q   <= 1'b0;
    end else if (ready) begin
      event_q  <= taken & ~event_step_end_i;
      event_q2 <= event_q;
      end_q    <= taken & event_step_end_i;
      end_q2   <= end_q;
      bank_q   <= bank_q ^ (taken & event_step_end_i);
    end
    if (ready) begin
      sample_end_q  <= event_step_end_i & event_sample_end_i;
      sample_end_q2 <= sample_end_q;
      bit_addr_q    <= bit_addr;
      bit_addr_q2   <= bit_addr_q;
      hit_q         <= event_q & (bit_addr_q[BitAddrWidth-1:BitWidth] == bit_addr[BitAddrWidth-1:BitWidth]);
      hit_q2        <= event_q2 & (bit_addr_q2[BitAddrWidth-1:BitWidth] == bit_addr[BitAddrWidth-1:BitWidth]);
      word_q2       <= hit_q ? set : hit_q2 ? set_q3 : word;
      set_q3        <= set;
    end
  end

  // Clear the bank of a step behind its last event
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      clear_q      <= 2'b11;
      clear_word_q <= {WordWidth{1'b0}};
      used_q       <= 1'b0;
    end else begin
      if (ready & end_q2 & used_q) clear_q <= bank_q2;
      else if (clear_word_q == LastWord) clear_q <= 2'b00;
      if (clear_word_q == LastWord) clear_word_q <= {WordWidth{1'b0}};
      else if (|clear_q) clear_word_q <= clear_word_q + {{(WordWidth - 1){1'b0}}, 1'b1};
      if (ready & (event_q2 | end_q2)) used_q <= event_q2;
    end
  end

  snn_stream_register #(
    .Width(AddrWidth + 2)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i((event_q2 & ~seen) | end_q2),
    .ready_o(ready),
    .data_i({sample_end_q2, end_q2, bit_addr_q2[AddrWidth-1:0]}),
    .valid_o(pooled_valid_o),
    .ready_i(pooled_ready_i),
    .data_o({pooled_sample_end_o, pooled_step_end_o, pooled_addr_o})
  );

endmodule

`default_nettype wire
