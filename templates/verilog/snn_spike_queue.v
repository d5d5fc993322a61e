// Queue of a layer's spikes: takes a word of NumLanes spike bits a cycle, gives one event a cycle.
//
// Event address: slot * NumLanes + lane. Words without a spike are not stored, but the last one of a time step is, and is
// followed by the event of the step's end. room_o: the words of a whole step fit.
// Latency: two cycles from a word to its first event; no gap between the events of queued words.

`default_nettype none

module snn_spike_queue #(
  parameter NumLanes   = 2,
  parameter NumSlots   = 2,
  parameter SlotWidth  = 1,
  parameter AddrWidth  = 2,
  parameter DepthWidth = 2
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // Words of spikes
  output wire                 room_o,
  input  wire                 spike_valid_i,
  input  wire [SlotWidth-1:0] spike_slot_i,
  input  wire [NumLanes-1:0]  spike_i,
  input  wire                 spike_last_i,
  input  wire                 spike_sample_end_i,
  // Events
  output wire                 event_valid_o,
  input  wire                 event_ready_i,
  output wire [AddrWidth-1:0] event_addr_o,
  output wire                 event_step_end_o,
  output wire                 event_sample_end_o
);

  localparam WordWidth = SlotWidth + NumLanes + 2;
  localparam NumWordsWithRoom = (1 << DepthWidth) - NumSlots;
  localparam [DepthWidth:0] LevelWithRoom = NumWordsWithRoom[DepthWidth:0];
  localparam [AddrWidth-1:0] Lanes = NumLanes[AddrWidth-1:0];  // exact wherever there is a slot above 0

  // Memory of 2**DepthWidth words; word_q is the one at head_q once ready_q says so
  reg [WordWidth-1:0]  mem [0:(1<<DepthWidth)-1];
  reg [WordWidth-1:0]  word_q;
  reg                  ready_q;
  reg [DepthWidth-1:0] head_q, tail_q;
  reg [DepthWidth:0]   level_q;

  wire push = spike_valid_i & (spike_last_i | (spike_i != {NumLanes{1'b0}}));
  wire pop;
  wire [DepthWidth:0]   level_popped = level_q - {{DepthWidth{1'b0}}, pop};
  wire [DepthWidth-1:0] head_d = head_q + {{(DepthWidth - 1){1'b0}}, pop};

  assign room_o = level_q <= LevelWithRoom;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      ready_q <= 1'b0;
      head_q  <= {DepthWidth{1'b0}};
      tail_q  <= {DepthWidth{1'b0}};
      level_q <= {(DepthWidth + 1){1'b0}};
    end else begin
      ready_q <= level_popped != {(DepthWidth + 1){1'b0}};
      head_q  <= head_d;
      tail_q  <= tail_q + {{(DepthWidth - 1){1'b0}}, push};
      level_q <= level_popped + {{DepthWidth{1'b0}}, push};
    end
  end

  always @(posedge clk_i) begin
    if (push) mem[tail_q] <= {spike_sample_end_i, spike_last_i, spike_slot_i, spike_i};
    word_q <= mem[head_d];
  end

  // Serialise: one event for each set bit, lowest lane first, then the step's end
  reg  [NumLanes-1:0]  spikes_q;
  reg  [AddrWidth-1:0] base_q;
  reg                  end_q, sample_end_q;

  wire [NumLanes-1:0] lowest = spikes_q & (~spikes_q + {{(NumLanes - 1){1'b0}}, 1'b1});
  wire [NumLanes-1:0] remaining = spikes_q & ~lowest;
  wire                any_spike = spikes_q != {NumLanes{1'b0}};
  wire                last_event = remaining == {NumLanes{1'b0}} & ~(any_spike & end_q);
  wire                taken = event_valid_o & event_ready_i;

  assign pop = ready_q & (~event_valid_o | (taken & last_event));
  assign event_valid_o = any_spike | end_q;
  assign event_step_end_o = ~any_spike;
  assign event_sample_end_o = ~any_spike & sample_end_q;

  reg [AddrWidth-1:0] lane;
  integer i;

  always @* begin
    lane = {AddrWidth{1'b0}};
    for (i = 0; i < NumLanes; i = i + 1) begin
      if (lowest[i]) lane = lane | i[AddrWidth-1:0];
    end
  end

  assign event_addr_o = base_q + lane;

  wire [AddrWidth-1:0] slot = {{(AddrWidth - SlotWidth){1'b0}}, word_q[NumLanes+:SlotWidth]};

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      spikes_q <= {NumLanes{1'b0}};
      end_q    <= 1'b0;
    end else if (pop) begin
      spikes_q <= word_q[NumLanes-1:0];
      end_q    <= word_q[NumLanes+SlotWidth];
    end else if (taken) begin
      spikes_q <= remaining;
      end_q    <= any_spike & end_q;
    end
  end

  always @(posedge clk_i) begin
    if (pop) begin
      base_q       <= slot * Lanes;
      sample_end_q <= word_q[NumLanes+SlotWidth+1];
    end
  end

endmodule

`default_nettype wire
