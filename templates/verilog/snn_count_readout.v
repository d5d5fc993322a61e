// Readout: counts the spikes of each output neuron and gives the class with the most, ties to the lowest.
//
// counts[i] = min(spikes of neuron i in the sample, 2**CountWidth - 1);  class = argmax(counts)
// The winner is kept while counting, so the result is there in the cycle after the sample's end, and the next sample follows
// at once. counts_o holds the counts of the sample whose beat is on the output.

`default_nettype none

module snn_count_readout #(
  parameter NumClasses = 2,
  parameter AddrWidth  = 1,
  parameter CountWidth = 8
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

  reg [NumClasses*CountWidth-1:0] counts_q;
  reg [AddrWidth-1:0]             best_q;
  reg [CountWidth-1:0]            best_count_q;

  assign event_ready_o = ~result_valid_o | result_ready_i | ~event_sample_end_i;

  wire accept = event_valid_i & event_ready_o;
  wire spike = accept & ~event_step_end_i;
  wire finish = accept & event_sample_end_i;

  wire [CountWidth-1:0] count = counts_q[event_addr_i*CountWidth+:CountWidth];
  wire [CountWidth-1:0] count_next = (count == Full) ? Full : count + {{(CountWidth - 1){1'b0}}, 1'b1};
  wire                  wins = (count_next > best_count_q) | ((count_next == best_count_q) & (event_addr_i < best_q));

  always @(posedge clk_i) begin
    if (!rst_ni | finish) begin
      counts_q     <= {(NumClasses * CountWidth){1'b0}};
      best_q       <= {AddrWidth{1'b0}};
      best_count_q <= {CountWidth{1'b0}};
    end else if (spike) begin
      counts_q[event_addr_i*CountWidth+:CountWidth] <= count_next;
      if (wins) begin
        best_q       <= event_addr_i;
        best_count_q <= count_next;
      end
    end
  end

  always @(posedge clk_i) begin
    if (!rst_ni) result_valid_o <= 1'b0;
    else if (finish) result_valid_o <= 1'b1;
    else if (result_ready_i) result_valid_o <= 1'b0;
    if (finish) begin
      class_o  <= best_q;
      counts_o <= counts_q;
    end
  end

endmodule

`default_nettype wire
