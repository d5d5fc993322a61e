// Queue of groups of events, and what gives the events one after the other.
//
// A group has places, some of which are events with data; group_end_i says that it ends something, which is an event of its own
// behind those of the places. Groups without any event are dropped, so that they cost nobody a cycle. One event a cycle, lowest
// place first; event_tag_o is its group's tag, event_place_o has the bit of its place, none at an end.
// A group may come NumLate cycles after room_o was last high, one a cycle. Latency: two cycles from a group to its first event.

`default_nettype none

module snn_group_queue #(
  parameter NumPlaces = 8,
  parameter DataWidth = 8,
  parameter TagWidth  = 1,
  parameter NumLate   = 0
) (
  input  wire                           clk_i,
  input  wire                           rst_ni,
  // Groups
  output wire                           room_o,
  input  wire                           group_valid_i,
  input  wire [NumPlaces-1:0]           group_events_i,
  input  wire [NumPlaces*DataWidth-1:0] group_data_i,
  input  wire                           group_end_i,
  input  wire [TagWidth-1:0]            group_tag_i,
  // Events
  output wire                           event_valid_o,
  input  wire                           event_ready_i,
  output wire [NumPlaces-1:0]           event_place_o,
  output reg  [DataWidth-1:0]           event_data_o,
  output wire                           event_end_o,
  output wire [TagWidth-1:0]            event_tag_o
);

  localparam AllWidth = NumPlaces * DataWidth;
  localparam EntryWidth = 1 + TagWidth + NumPlaces + AllWidth;
  localparam LevelWithoutRoom = 16 - NumLate;
  localparam [4:0] Full = LevelWithoutRoom[4:0];

  wire                  fetched, pop;
  wire [EntryWidth-1:0] entry;
  wire [4:0]            level;

  assign room_o = level < Full;

  snn_queue #(
    .Width(EntryWidth),
    .DepthWidth(4)
  ) u_queue (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .push_i(group_valid_i & (group_end_i | (|group_events_i))),
    .data_i({group_end_i, group_tag_i, group_events_i, group_data_i}),
    .level_o(level),
    .valid_o(fetched),
    .ready_i(pop),
    .data_o(entry)
  );

  // Serialise: one event for each place, lowest first, then the end
  reg [NumPlaces-1:0] events_q;
  reg [AllWidth-1:0]  data_q;
  reg [TagWidth-1:0]  tag_q;
  reg                 end_q;

  wire [NumPlaces-1:0] remaining;

  snn_lowest #(
    .Width(NumPlaces)
  ) u_lowest (
    .bits_i(events_q),
    .lowest_o(event_place_o),
    .remaining_o(remaining)
  );

  wire                 any_event = |events_q;
  wire                 last_event = ~(|remaining) & ~(any_event & end_q);

  assign event_valid_o = any_event | end_q;
  assign event_end_o = ~any_event;
  assign event_tag_o = tag_q;
  assign pop = fetched & (~event_valid_o | (event_ready_i & last_event));

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      events_q <= {NumPlaces{1'b0}};
      end_q    <= 1'b0;
    end else if (pop) begin
      events_q <= entry[AllWidth+:NumPlaces];
      end_q    <= entry[EntryWidth-1];
    end else if (event_valid_o & event_ready_i) begin
      events_q <= remaining;
      end_q    <= any_event & end_q;
    end
  end

  always @(posedge clk_i) begin
    if (pop) begin
      tag_q  <= entry[AllWidth+NumPlaces+:TagWidth];
      data_q <= entry[AllWidth-1:0];
    end
  end

  integer place;

  always @* begin
    event_data_o = {DataWidth{1'b0}};
    for (place = 0; place < NumPlaces; place = place + 1) begin
      if (event_place_o[place]) event_data_o = event_data_o | data_q[place*DataWidth+:DataWidth];
    end
  end

endmodule

`default_nettype wire
