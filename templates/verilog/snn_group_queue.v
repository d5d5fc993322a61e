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

  // Queue
  reg [EntryWidth-1:0] mem [0:15];
  reg [3:0]            head_q, tail_q;
  reg [4:0]            level_q;
  reg                  fetched_q;
  reg [EntryWidth-1:0] fetched_entry_q;
  wire                 pop;

  wire push = group_valid_i & (group_end_i | (|group_events_i));
  wire advance = pop | ~fetched_q;
  wire fetch = advance & (level_q != 5'd0);

  assign room_o = level_q < Full;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      fetched_q <= 1'b0;
      head_q    <= 4'd0;
      tail_q    <= 4'd0;
      level_q   <= 5'd0;
    end else begin
      if (advance) fetched_q <= fetch;
      head_q  <= head_q + {3'd0, fetch};
      tail_q  <= tail_q + {3'd0, push};
      level_q <= level_q + {4'd0, push} - {4'd0, fetch};
    end
  end

  always @(posedge clk_i) begin
    if (push) mem[tail_q] <= {group_end_i, group_tag_i, group_events_i, group_data_i};
    if (advance) fetched_entry_q <= mem[head_q];
  end

  // Serialise: one event for each place, lowest first, then the end
  reg [NumPlaces-1:0] events_q;
  reg [AllWidth-1:0]  data_q;
  reg [TagWidth-1:0]  tag_q;
  reg                 end_q;

  // Places above the lowest event, as a tree, which is faster than the carry of a subtraction
  function [NumPlaces-1:0] places_above;
    input [NumPlaces-1:0] events;
    integer distance;
    begin
      places_above = events << 1;
      for (distance = 1; distance < NumPlaces; distance = distance * 2) begin
        places_above = places_above | (places_above << distance);
      end
    end
  endfunction

  wire [NumPlaces-1:0] above = places_above(events_q);
  wire [NumPlaces-1:0] remaining = events_q & above;
  wire                 any_event = |events_q;
  wire                 last_event = ~(|remaining) & ~(any_event & end_q);

  assign event_valid_o = any_event | end_q;
  assign event_place_o = events_q & ~above;
  assign event_end_o = ~any_event;
  assign event_tag_o = tag_q;
  assign pop = fetched_q & (~event_valid_o | (event_ready_i & last_event));

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      events_q <= {NumPlaces{1'b0}};
      end_q    <= 1'b0;
    end else if (pop) begin
      events_q <= fetched_entry_q[AllWidth+:NumPlaces];
      end_q    <= fetched_entry_q[EntryWidth-1];
    end else if (event_valid_o & event_ready_i) begin
      events_q <= remaining;
      end_q    <= any_event & end_q;
    end
  end

  always @(posedge clk_i) begin
    if (pop) begin
      tag_q  <= fetched_entry_q[AllWidth+NumPlaces+:TagWidth];
      data_q <= fetched_entry_q[AllWidth-1:0];
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
