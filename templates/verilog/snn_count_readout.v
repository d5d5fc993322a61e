// Readout: counts the spikes of each output neuron and gives the class with the most, ties to the lowest.
//
// counts[i] = min(spikes of neuron i in the sample, 2**CountWidth - 1);  class = argmax(counts)
// The winner is kept while counting, so the result is there two cycles after the sample's end, and the next sample follows at
// once. counts_o holds the counts of the sample whose beat is on the output.
// Forward must be 1 where a class may have events in consecutive cycles: one neuron has not, for the end of a step lies between, but
// a group of neurons has (snn_address_map makes their addresses that of the group).

`default_nettype none

module snn_count_readout #(
  parameter NumClasses = 2,
  parameter AddrWidth  = 1,
  parameter CountWidth = 8,
  parameter Forward    = 0
) (
  input  wire                             clk_i,
  input  wire                             rst_ni,
  // Events
  input  wire                             event_valid_i,
  output wire                             event_ready_o,
  input  wire [AddrWidth-1:0]             event_addr_i,
  input  wire                             event_step_end_i,
  input  wire                             event_sample_end_i,
  // Result
  output reg                              result_valid_o,
  input  wire                             result_ready_i,
  output reg  [AddrWidth-1:0]             class_o,
  output reg  [NumClasses*CountWidth-1:0] counts_o
);

  localparam [CountWidth-1:0] Full = {CountWidth{1'b1}};

  // Read the count of the class
  reg                             spike_q, finish_q;
  reg [AddrWidth-1:0]             addr_q;
  reg [CountWidth-1:0]            count_q;
  reg [NumClasses*CountWidth-1:0] counts_q;

  wire                            accept = event_valid_i & event_ready_o;
  wire                            hit = (Forward != 0) & spike_q & (addr_q == event_addr_i);  // counted in this very cycle
  wire [CountWidth-1:0]           count_next;

  assign event_ready_o = ~event_sample_end_i | ~(finish_q | (result_valid_o & ~result_ready_i));

  always @(posedge clk_i) begin
    spike_q  <= rst_ni & accept & ~event_step_end_i;
    finish_q <= rst_ni & accept & event_sample_end_i;
    addr_q   <= event_addr_i;
    count_q  <= finish_q ? {CountWidth{1'b0}} : hit ? count_next : counts_q[event_addr_i*CountWidth+:CountWidth];
  end

  // Count, and keep the winner
  reg [AddrWidth-1:0]  best_q;
  reg [CountWidth-1:0] best_count_q;

  assign count_next = (count_q == Full) ? Full : count_q + {{(CountWidth - 1){1'b0}}, 1'b1};

  wire wins = (count_next > best_count_q) | ((count_next == best_count_q) & (addr_q < best_q));

  always @(posedge clk_i) begin
    if (!rst_ni | finish_q) begin
      counts_q     <= {(NumClasses * CountWidth){1'b0}};
      best_q       <= {AddrWidth{1'b0}};
      best_count_q <= {CountWidth{1'b0}};
    end else if (spike_q) begin
      counts_q[addr_q*CountWidth+:CountWidth] <= count_next;
      if (wins) begin
        best_q       <= addr_q;
        best_count_q <= count_next;
      end
    end
  end

  always @(posedge clk_i) begin
    if (!rst_ni) result_valid_o <= 1'b0;
    else if (finish_q) result_valid_o <= 1'b1;
    else if (result_ready_i) result_valid_o <= 1'b0;
    if (finish_q) begin
      class_o  <= best_q;
      counts_o <= counts_q;
    end
  end

endmodule

`default_nettype wire
