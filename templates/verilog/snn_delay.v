// Delays of a layer's inputs: an event of input i in step t goes on in step t + delay[i] of the same sample.
//
// Events that wait lie in lists, one for each coming step: list (step mod 2**DelayWidth) holds their addresses. The list of
// this step goes on from its start, while events of the inputs that wait are put into theirs; the end of the step goes on
// last. The end of a sample empties all lists. Nothing is searched, and no path grows with the number of inputs.
// A list holds every input that waits once; what comes twice in a step is no longer added twice.
// delay_i: registered read of the delays at delay_addr_o. Source: delays.py.

`default_nettype none

module snn_delay #(
  parameter AddrWidth  = 2,
  parameter DelayWidth = 1,
  parameter PlaceWidth = 1
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Events in
  input  wire                  event_valid_i,
  output wire                  event_ready_o,
  input  wire [AddrWidth-1:0]  event_addr_i,
  input  wire                  event_step_end_i,
  input  wire                  event_sample_end_i,
  // Delays
  output wire [AddrWidth-1:0]  delay_addr_o,
  input  wire [DelayWidth-1:0] delay_i,
  // Events out
  output wire                  delayed_valid_o,
  input  wire                  delayed_ready_i,
  output wire [AddrWidth-1:0]  delayed_addr_o,
  output wire                  delayed_step_end_o,
  output wire                  delayed_sample_end_o
);

  localparam NumLists = 1 << DelayWidth;

  // Lists: addresses and their number
  reg [AddrWidth-1:0]  mem [0:(1<<(DelayWidth+PlaceWidth))-1];
  reg [PlaceWidth:0]   count [0:NumLists-1];
  reg [NumLists-1:0]   used_q;  // lists whose count means something
  reg [DelayWidth-1:0] head_q;  // the list of this step

  // Two stages: an event while its delay is read, and the event with its delay
  reg                  read_q, read_step_end_q, read_sample_end_q;
  reg [AddrWidth-1:0]  read_addr_q;
  reg                  held_q, step_end_q, sample_end_q, now_q;
  reg [AddrWidth-1:0]  addr_q;
  reg [DelayWidth-1:0] list_q, read_head_q;  // where the event goes; the list of the read event's step
  wire                 taken;

  // The next address of this step's list
  reg [PlaceWidth:0]  left_q;
  reg                 waited_q;
  reg [AddrWidth-1:0] waited_addr_q;

  wire more = waited_q | (left_q != {(PlaceWidth + 1){1'b0}});
  wire pass = held_q & now_q & (step_end_q ? ~more : ~waited_q);
  wire store = held_q & ~now_q;
  wire held_ready = ~held_q | taken;
  wire end_step = pass & step_end_q & delayed_ready_i;
  wire fetch = (left_q != {(PlaceWidth + 1){1'b0}}) & (~waited_q | delayed_ready_i);

  assign taken = store | (pass & delayed_ready_i);
  assign event_ready_o = ~read_q | held_ready;
  assign delay_addr_o = event_ready_o ? event_addr_i : read_addr_q;
  assign delayed_valid_o = waited_q | pass;
  assign delayed_addr_o = waited_q ? waited_addr_q : addr_q;
  assign delayed_step_end_o = ~waited_q & step_end_q;
  assign delayed_sample_end_o = ~waited_q & sample_end_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      read_q      <= 1'b0;
      held_q      <= 1'b0;
      read_head_q <= {DelayWidth{1'b0}};
    end else begin
      if (event_ready_o) read_q <= event_valid_i;
      if (held_ready) held_q <= read_q;
      if (held_ready & read_q & read_step_end_q) read_head_q <= read_head_q + {{(DelayWidth - 1){1'b0}}, 1'b1};
    end
    if (event_ready_o) begin
      read_addr_q       <= event_addr_i;
      read_step_end_q   <= event_step_end_i;
      read_sample_end_q <= event_sample_end_i;
    end
    if (held_ready) begin
      addr_q       <= read_addr_q;
      step_end_q   <= read_step_end_q;
      sample_end_q <= read_step_end_q & read_sample_end_q;
      list_q       <= read_head_q + delay_i;
      now_q        <= read_step_end_q | (delay_i == {DelayWidth{1'b0}});
    end
  end

  // Store
  wire [DelayWidth-1:0] next_head = head_q + {{(DelayWidth - 1){1'b0}}, 1'b1};
  wire [PlaceWidth:0]   place = used_q[list_q] ? count[list_q] : {(PlaceWidth + 1){1'b0}};
  wire                  full = place[PlaceWidth];

  always @(posedge clk_i) begin
    if (store & ~full) begin
      mem[{list_q, place[PlaceWidth-1:0]}] <= addr_q;
      count[list_q] <= place + {{PlaceWidth{1'b0}}, 1'b1};
    end
    if (fetch) waited_addr_q <= mem[{head_q, left_q[PlaceWidth-1:0] - {{(PlaceWidth - 1){1'b0}}, 1'b1}}];
  end

  // Steps
  wire [NumLists-1:0] first = {{(NumLists - 1){1'b0}}, 1'b1};

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      used_q   <= {NumLists{1'b0}};
      head_q   <= {DelayWidth{1'b0}};
      left_q   <= {(PlaceWidth + 1){1'b0}};
      waited_q <= 1'b0;
    end else begin
      if (end_step) begin
        head_q <= next_head;
        used_q <= sample_end_q ? {NumLists{1'b0}} : used_q & ~(first << head_q);
        left_q <= (~sample_end_q & used_q[next_head]) ? count[next_head] : {(PlaceWidth + 1){1'b0}};
      end else begin
        if (store & ~full) used_q <= used_q | (first << list_q);
        if (fetch) left_q <= left_q - {{PlaceWidth{1'b0}}, 1'b1};
      end
      if (fetch) waited_q <= 1'b1;
      else if (delayed_ready_i) waited_q <= 1'b0;
    end
  end

endmodule

`default_nettype wire
