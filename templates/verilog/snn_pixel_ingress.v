// Entrance of a directly coded network: from AXI4-Stream beats of pixels to events, one for each pixel that is not black.
//
// Beat b of a sample holds the pixels from b * NumPixels on, the first one in the lowest bits; tlast closes the sample. Pixels that
// no beat brings are black, those behind the last input mean nothing.
// Beats with an event in them wait in a queue of 16, so that black beats cost no event. One event a cycle; the sample's end is one.
// Latency: five cycles from a beat to its first event.

`default_nettype none

module snn_pixel_ingress #(
  parameter NumInputs  = 16,
  parameter AddrWidth  = 4,
  parameter NumPixels  = 8,
  parameter PixelWidth = 8
) (
  input  wire                            clk_i,
  input  wire                            rst_ni,
  // Beats
  input  wire                            beat_valid_i,
  output wire                            beat_ready_o,
  input  wire [NumPixels*PixelWidth-1:0] beat_data_i,
  input  wire                            beat_last_i,
  // Events
  output wire                            event_valid_o,
  input  wire                            event_ready_i,
  output wire [AddrWidth-1:0]            event_addr_o,
  output wire [PixelWidth-1:0]           event_pixel_o,
  output wire                            event_sample_end_o
);

  localparam DataWidth = NumPixels * PixelWidth;
  localparam EntryWidth = 1 + AddrWidth + NumPixels + DataWidth;
  localparam LastBaseNumber = (NumInputs - 1) / NumPixels * NumPixels;
  localparam NumLastPixels = NumInputs - LastBaseNumber;
  localparam [AddrWidth-1:0] LastBase = LastBaseNumber[AddrWidth-1:0];
  localparam [AddrWidth-1:0] Stride = NumPixels[AddrWidth-1:0];  // exact wherever there is a second beat
  localparam [NumPixels-1:0] LastPixels = {NumPixels{1'b1}} >> (NumPixels - NumLastPixels);

  // Beats: which pixels make an event
  reg [AddrWidth-1:0] base_q;
  reg                 past_q;  // beats of this sample behind the last input
  wire                accept = beat_valid_i & beat_ready_o;
  wire                at_last = base_q == LastBase;

  always @(posedge clk_i) begin
    if (!rst_ni | (accept & beat_last_i)) begin
      base_q <= {AddrWidth{1'b0}};
      past_q <= 1'b0;
    end else if (accept) begin
      base_q <= base_q + Stride;
      past_q <= past_q | at_last;
    end
  end

  reg                  beat_q, beat_sample_end_q;
  reg [NumPixels-1:0]  beat_events_q;
  reg [AddrWidth-1:0]  beat_base_q;
  reg [DataWidth-1:0]  beat_data_q;

  always @(posedge clk_i) begin
    beat_q            <= rst_ni & accept;
    beat_sample_end_q <= beat_last_i;
    beat_base_q       <= base_q;
    beat_data_q       <= beat_data_i;
  end

  genvar pixel;
  generate
    for (pixel = 0; pixel < NumPixels; pixel = pixel + 1) begin : gen_pixel
      always @(posedge clk_i) begin
        beat_events_q[pixel] <= ~past_q & (~at_last | LastPixels[pixel]) & (|beat_data_i[pixel*PixelWidth+:PixelWidth]);
      end
    end
  endgenerate

  // Queue of beats
  reg [EntryWidth-1:0] mem [0:15];
  reg [3:0]            head_q, tail_q;
  reg [4:0]            level_q;
  reg                  fetched_q;
  reg [EntryWidth-1:0] fetched_entry_q;
  wire                 pop;

  wire push = beat_q & (beat_sample_end_q | (|beat_events_q));
  wire advance = pop | ~fetched_q;
  wire fetch = advance & (level_q != 5'd0);

  assign beat_ready_o = level_q < 5'd15;  // a beat may be on the way

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
    if (push) mem[tail_q] <= {beat_sample_end_q, beat_base_q, beat_events_q, beat_data_q};
    if (advance) fetched_entry_q <= mem[head_q];
  end

  // Serialise: one event for each set bit, lowest first, then the sample's end
  reg [NumPixels-1:0] events_q;
  reg [AddrWidth-1:0] addr_q;
  reg [DataWidth-1:0] data_q;
  reg                 end_q;

  // Pixels above the lowest event, as a tree, which is faster than the carry of a subtraction
  function [NumPixels-1:0] pixels_above;
    input [NumPixels-1:0] events;
    integer distance;
    begin
      pixels_above = events << 1;
      for (distance = 1; distance < NumPixels; distance = distance * 2) begin
        pixels_above = pixels_above | (pixels_above << distance);
      end
    end
  endfunction

  wire [NumPixels-1:0] above = pixels_above(events_q);
  wire [NumPixels-1:0] lowest = events_q & ~above;
  wire [NumPixels-1:0] remaining = events_q & above;
  wire                 any_event = |events_q;
  wire                 last_event = ~(|remaining) & ~(any_event & end_q);
  wire                 event_valid = any_event | end_q;
  wire                 event_ready;

  assign pop = fetched_q & (~event_valid | (event_ready & last_event));

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      events_q <= {NumPixels{1'b0}};
      end_q    <= 1'b0;
    end else if (pop) begin
      events_q <= fetched_entry_q[DataWidth+:NumPixels];
      end_q    <= fetched_entry_q[EntryWidth-1];
    end else if (event_valid & event_ready) begin
      events_q <= remaining;
      end_q    <= any_event & end_q;
    end
  end

  always @(posedge clk_i) begin
    if (pop) begin
      addr_q <= fetched_entry_q[DataWidth+NumPixels+:AddrWidth];
      data_q <= fetched_entry_q[DataWidth-1:0];
    end
  end

  reg [AddrWidth-1:0]  index;
  reg [PixelWidth-1:0] value;
  integer i;

  always @* begin
    index = {AddrWidth{1'b0}};
    value = {PixelWidth{1'b0}};
    for (i = 0; i < NumPixels; i = i + 1) begin
      if (lowest[i]) begin
        index = index | i[AddrWidth-1:0];
        value = value | data_q[i*PixelWidth+:PixelWidth];
      end
    end
  end

  snn_stream_register #(
    .Width(1 + PixelWidth + AddrWidth)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(event_valid),
    .ready_o(event_ready),
    .data_i({~any_event, value, addr_q + index}),
    .valid_o(event_valid_o),
    .ready_i(event_ready_i),
    .data_o({event_sample_end_o, event_pixel_o, event_addr_o})
  );

endmodule

`default_nettype wire
