// Splits words of spikes into groups of lanes, so that what looks for the next spike looks at few lanes only.
//
// Groups without a spike are left out. group_end_o goes with the last group of a word with word_end_i; such a word without a
// spike gives one empty group. tag_o is the tag of the word. One group a cycle, no gap between words.
// Which groups have spikes comes with a word, since words come from a block memory, whose output is slow.

`default_nettype none

module snn_spike_split #(
  parameter NumLanes   = 32,
  parameter GroupLanes = 16,
  parameter NumGroups  = 2,
  parameter TagWidth   = 1
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Words
  input  wire                  word_valid_i,
  output wire                  word_ready_o,
  input  wire [NumLanes-1:0]   word_spikes_i,
  input  wire [NumGroups-1:0]  word_groups_i,
  input  wire                  word_end_i,
  input  wire [TagWidth-1:0]   word_tag_i,
  // Groups
  output wire                  group_valid_o,
  input  wire                  group_ready_i,
  output reg  [GroupLanes-1:0] group_spikes_o,
  output wire [NumGroups-1:0]  group_onehot_o,
  output wire                  group_end_o,
  output wire [TagWidth-1:0]   group_tag_o
);

  localparam NumPlaces = NumGroups * GroupLanes;
  wire [NumPlaces-1:0] spikes = {{(NumPlaces - NumLanes){1'b0}}, word_spikes_i};

  reg                  busy_q, end_q;
  reg [NumPlaces-1:0]  spikes_q;
  reg [NumGroups-1:0]  left_q;  // groups with spikes, not given yet
  reg [TagWidth-1:0]   tag_q;

  wire [NumGroups-1:0] lowest, remaining;
  wire                 last = remaining == {NumGroups{1'b0}};

  snn_lowest #(
    .Width(NumGroups)
  ) u_lowest (
    .bits_i(left_q),
    .lowest_o(lowest),
    .remaining_o(remaining)
  );

  assign word_ready_o = ~busy_q | (group_ready_i & last);
  assign group_valid_o = busy_q;
  assign group_onehot_o = lowest;
  assign group_end_o = end_q & last;
  assign group_tag_o = tag_q;

  integer i;

  always @* begin
    group_spikes_o = {GroupLanes{1'b0}};
    for (i = 0; i < NumGroups; i = i + 1) begin
      if (lowest[i]) group_spikes_o = group_spikes_o | spikes_q[i*GroupLanes+:GroupLanes];
    end
  end

  always @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else if (word_ready_o) busy_q <= word_valid_i;
    if (word_ready_o) begin
      spikes_q <= spikes;
      end_q    <= word_end_i;
      tag_q    <= word_tag_i;
    end
    if (word_ready_o) left_q <= word_groups_i;
    else if (group_ready_i) left_q <= remaining;
  end

endmodule

`default_nettype wire
