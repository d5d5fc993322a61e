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

  // Many lanes in groups, a group in a cycle; the memory says which of them have spikes
  localparam GroupLanes = (NumLanes <= 16) ? NumLanes : 16;
  localparam NumGroups = (NumLanes + GroupLanes - 1) / GroupLanes;
  localparam TagWidth = SlotWidth + 1;
  localparam GroupWidth = TagWidth + 1 + NumGroups + GroupLanes;

  localparam WordWidth = SlotWidth + NumLanes + 2 + ((NumGroups == 1) ? 0 : NumGroups);
  localparam NumWordsWithRoom = (1 << DepthWidth) - NumSlots - NumLate;
  localparam [DepthWidth:0] LevelWithRoom = NumWordsWithRoom[DepthWidth:0];
  localparam [AddrWidth-1:0] Lanes = NumLanes[AddrWidth-1:0];  // exact wherever there is a slot above 0

  wire [DepthWidth:0]  level;
  wire [WordWidth-1:0] pushed_word, fetched_word;
  wire                 fetched, fetched_ready;

  assign room_o = level <= LevelWithRoom;

  snn_queue #(
    .Width(WordWidth),
    .DepthWidth(DepthWidth)
  ) u_queue (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .push_i(spike_valid_i & (spike_last_i | (spike_i != {NumLanes{1'b0}}))),
    .data_i(pushed_word),
    .level_o(level),
    .valid_o(fetched),
    .ready_i(fetched_ready),
    .data_o(fetched_word)
  );

  // Groups of the fetched word
  wire                  fetched_end = fetched_word[WordWidth-2];
  wire [TagWidth-1:0]   fetched_tag = {fetched_word[WordWidth-1], fetched_word[WordWidth-3-:SlotWidth]};
  wire                  split_valid, split_ready;
  wire [GroupWidth-1:0] split_group;  // {sample end, slot, step end, group (one-hot), spikes}

  generate
    if (NumGroups == 1) begin : gen_one_group
      assign pushed_word = {spike_sample_end_i, spike_last_i, spike_slot_i, spike_i};
      assign split_valid = fetched;
      assign fetched_ready = split_ready;
      assign split_group = {fetched_tag, fetched_end, 1'b1, fetched_word[NumLanes-1:0]};
    end else begin : gen_groups
      wire [NumGroups*GroupLanes-1:0] spikes = {{(NumGroups * GroupLanes - NumLanes){1'b0}}, spike_i};
      wire [NumGroups-1:0]            groups;

      assign pushed_word = {spike_sample_end_i, spike_last_i, spike_slot_i, groups, spike_i};

      genvar group;
      for (group = 0; group < NumGroups; group = group + 1) begin : gen_group
        assign groups[group] = |spikes[group*GroupLanes+:GroupLanes];
      end

      snn_spike_split #(
        .NumLanes(NumLanes),
        .GroupLanes(GroupLanes),
        .NumGroups(NumGroups),
        .TagWidth(TagWidth)
      ) u_split (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .word_valid_i(fetched),
        .word_ready_o(fetched_ready),
        .word_spikes_i(fetched_word[NumLanes-1:0]),
        .word_groups_i(fetched_word[NumLanes+:NumGroups]),
        .word_end_i(fetched_end),
        .word_tag_i(fetched_tag),
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

  wire [GroupLanes-1:0] lowest, remaining;

  snn_lowest #(
    .Width(GroupLanes)
  ) u_lowest (
    .bits_i(spikes_q),
    .lowest_o(lowest),
    .remaining_o(remaining)
  );

  wire any_spike = spikes_q != {GroupLanes{1'b0}};
  wire last_event = remaining == {GroupLanes{1'b0}} & ~(any_spike & end_q);
  wire taken = event_valid_o & event_ready_i;

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
