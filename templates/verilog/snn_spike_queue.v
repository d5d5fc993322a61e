// Queue of a layer's spikes: takes a word of NumLanes spike bits a cycle, gives one event a cycle.
//
// Event address: slot * NumLanes + lane. Words without a spike are not stored, but the last one of a time step is, and is
// followed by the event of the step's end. room_o: the words of a whole step fit, and NumLate more, which may be on the way.
// Latency: three cycles from a word to its first event, four with more than 16 lanes; no gap between the events of queued words.

`default_nettype none

module snn_spike_queue #(
  parameter NumLanes   = 2,
  parameter NumSlots   = 2,
  parameter SlotWidth  = 1,
  parameter AddrWidth  = 2,
  parameter DepthWidth = 2,
  parameter NumLate    = 0
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
  localparam NumWordsWithRoom = (1 << DepthWidth) - NumSlots - NumLate;
  localparam [DepthWidth:0] LevelWithRoom = NumWordsWithRoom[DepthWidth:0];
  localparam [AddrWidth-1:0] Lanes = NumLanes[AddrWidth-1:0];  // exact wherever there is a slot above 0

  // Memory of 2**DepthWidth words; level: those not fetched yet
  reg [WordWidth-1:0]  mem [0:(1<<DepthWidth)-1];
  reg [DepthWidth-1:0] head_q, tail_q;
  reg [DepthWidth:0]   level_q;
  reg                  fetched_q;
  reg [WordWidth-1:0]  fetched_word_q;
  wire                 fetched_ready;

  wire push = spike_valid_i & (spike_last_i | (spike_i != {NumLanes{1'b0}}));
  wire advance = fetched_ready | ~fetched_q;
  wire fetch = advance & (level_q != {(DepthWidth + 1){1'b0}});

  assign room_o = level_q <= LevelWithRoom;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      fetched_q <= 1'b0;
      head_q    <= {DepthWidth{1'b0}};
      tail_q    <= {DepthWidth{1'b0}};
      level_q   <= {(DepthWidth + 1){1'b0}};
    end else begin
      if (advance) fetched_q <= fetch;
      head_q  <= head_q + {{(DepthWidth - 1){1'b0}}, fetch};
      tail_q  <= tail_q + {{(DepthWidth - 1){1'b0}}, push};
      level_q <= level_q + {{DepthWidth{1'b0}}, push} - {{DepthWidth{1'b0}}, fetch};
    end
  end

  always @(posedge clk_i) begin
    if (push) mem[tail_q] <= {spike_sample_end_i, spike_last_i, spike_slot_i, spike_i};
    if (advance) fetched_word_q <= mem[head_q];
  end

  // Many lanes in groups, a group in a cycle
  localparam GroupLanes = (NumLanes <= 16) ? NumLanes : 16;
  localparam NumGroups = (NumLanes + GroupLanes - 1) / GroupLanes;
  localparam TagWidth = SlotWidth + 1;
  localparam GroupWidth = TagWidth + 1 + NumGroups + GroupLanes;
  wire                  split_valid, split_ready;
  wire [GroupWidth-1:0] split_group;  // {sample end, slot, step end, group (one-hot), spikes}

  generate
    if (NumGroups == 1) begin : gen_one_group
      assign split_valid = fetched_q;
      assign fetched_ready = split_ready;
      assign split_group = {
        fetched_word_q[WordWidth-1], fetched_word_q[NumLanes+:SlotWidth], fetched_word_q[WordWidth-2], 1'b1,
        fetched_word_q[NumLanes-1:0]
      };
    end else begin : gen_groups
      snn_spike_split #(
        .NumLanes(NumLanes),
        .GroupLanes(GroupLanes),
        .NumGroups(NumGroups),
        .TagWidth(TagWidth)
      ) u_split (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .word_valid_i(fetched_q),
        .word_ready_o(fetched_ready),
        .word_spikes_i(fetched_word_q[NumLanes-1:0]),
        .word_end_i(fetched_word_q[WordWidth-2]),
        .word_tag_i({fetched_word_q[WordWidth-1], fetched_word_q[NumLanes+:SlotWidth]}),
        .group_valid_o(split_valid),
        .group_ready_i(split_ready),
        .group_spikes_o(split_group[GroupLanes-1:0]),
        .group_onehot_o(split_group[GroupLanes+:NumGroups]),
        .group_end_o(split_group[GroupLanes+NumGroups]),
        .group_tag_o(split_group[GroupWidth-1-:TagWidth])
      );
    end
  endgenerate

  // Between the memory and what follows, so that neither waits for the other within a cycle
  wire                  ready, pop;
  wire [GroupWidth-1:0] word;

  snn_stream_register #(
    .Width(GroupWidth)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(split_valid),
    .ready_o(split_ready),
    .data_i(split_group),
    .valid_o(ready),
    .ready_i(pop),
    .data_o(word)
  );

  // Serialise: one event for each set bit, lowest lane first, then the step's end
  reg  [GroupLanes-1:0] spikes_q;
  reg  [AddrWidth-1:0]  base_q;
  reg                   end_q, sample_end_q;

  // Lanes above the lowest spike, as a tree, which is faster than the carry of a subtraction
  function [GroupLanes-1:0] lanes_above;
    input [GroupLanes-1:0] spikes;
    integer distance;
    begin
      lanes_above = spikes << 1;
      for (distance = 1; distance < GroupLanes; distance = distance * 2) begin
        lanes_above = lanes_above | (lanes_above << distance);
      end
    end
  endfunction

  wire [GroupLanes-1:0] above = lanes_above(spikes_q);
  wire [GroupLanes-1:0] lowest = spikes_q & ~above;
  wire [GroupLanes-1:0] remaining = spikes_q & above;
  wire                any_spike = spikes_q != {GroupLanes{1'b0}};
  wire                last_event = remaining == {GroupLanes{1'b0}} & ~(any_spike & end_q);
  wire                taken = event_valid_o & event_ready_i;

  assign pop = ready & (~event_valid_o | (taken & last_event));
  assign event_valid_o = any_spike | end_q;
  assign event_step_end_o = ~any_spike;
  assign event_sample_end_o = ~any_spike & sample_end_q;

  reg [AddrWidth-1:0] lane, group;
  integer i;

  always @* begin
    lane = {AddrWidth{1'b0}};
    for (i = 0; i < GroupLanes; i = i + 1) begin
      if (lowest[i]) lane = lane | i[AddrWidth-1:0];
    end
    group = {AddrWidth{1'b0}};
    for (i = 0; i < NumGroups * GroupLanes; i = i + GroupLanes) begin
      if (word[GroupLanes+i/GroupLanes]) group = group | i[AddrWidth-1:0];
    end
  end

  assign event_addr_o = base_q + lane;

  wire [AddrWidth-1:0] slot = {{(AddrWidth - SlotWidth){1'b0}}, word[GroupLanes+NumGroups+1+:SlotWidth]};

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      spikes_q <= {GroupLanes{1'b0}};
      end_q    <= 1'b0;
    end else if (pop) begin
      spikes_q <= word[GroupLanes-1:0];
      end_q    <= word[GroupLanes+NumGroups];
    end else if (taken) begin
      spikes_q <= remaining;
      end_q    <= any_spike & end_q;
    end
  end

  always @(posedge clk_i) begin
    if (pop) begin
      base_q       <= slot * Lanes + group;
      sample_end_q <= word[GroupWidth-1];
    end
  end

endmodule

`default_nettype wire
