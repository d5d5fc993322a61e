// Entrance of a network of pixels or values: from AXI4-Stream beats to events, one for each pixel that is not black (zero).
//
// Beat b of a sample holds the pixels from b * NumPixels on, the first one in the lowest bits; tlast closes the sample. Pixels that
// no beat brings are black, those behind the last input mean nothing. With HasSteps every step of a sample brings all inputs: the beat
// of the last one ends the step, and the next beat begins with the first input again; tlast ends the step, too.
// Beats with an event in them wait in a queue of 16 (snn_group_queue.v), so that black beats cost no event. One event a cycle; the
// end of a step, and of the sample with its last step, is one. Without HasSteps a sample is one step.
// Latency: five cycles from a beat to its first event.

`default_nettype none

module snn_pixel_ingress #(
  parameter NumInputs  = 16,
  parameter AddrWidth  = 4,
  parameter NumPixels  = 8,
  parameter PixelWidth = 8,
  parameter HasSteps   = 0
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
  output wire                            event_step_end_o,
  output wire                            event_sample_end_o
);

  localparam DataWidth = NumPixels * PixelWidth;
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
  wire                step_end = beat_last_i | ((HasSteps != 0) & at_last);

  always @(posedge clk_i) begin
    if (!rst_ni | (accept & step_end)) begin
      base_q <= {AddrWidth{1'b0}};
      past_q <= 1'b0;
    end else if (accept) begin
      base_q <= base_q + Stride;
      past_q <= past_q | at_last;
    end
  end

  reg                  beat_q, beat_step_end_q, beat_sample_end_q;
  reg [NumPixels-1:0]  beat_events_q;
  reg [AddrWidth-1:0]  beat_base_q;
  reg [DataWidth-1:0]  beat_data_q;

  always @(posedge clk_i) begin
    beat_q            <= rst_ni & accept;
    beat_step_end_q   <= step_end;
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

  // Queue of beats, of which a beat may be on the way
  wire                  event_valid, event_ready, event_end, event_last;
  wire [NumPixels-1:0]  event_place;
  wire [PixelWidth-1:0] event_pixel;
  wire [AddrWidth-1:0]  event_base;

  snn_group_queue #(
    .NumPlaces(NumPixels),
    .DataWidth(PixelWidth),
    .TagWidth(1 + AddrWidth),
    .NumLate(1)
  ) u_queue (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .room_o(beat_ready_o),
    .group_valid_i(beat_q),
    .group_events_i(beat_events_q),
    .group_data_i(beat_data_q),
    .group_end_i(beat_step_end_q),
    .group_tag_i({beat_sample_end_q, beat_base_q}),
    .event_valid_o(event_valid),
    .event_ready_i(event_ready),
    .event_place_o(event_place),
    .event_data_o(event_pixel),
    .event_end_o(event_end),
    .event_tag_o({event_last, event_base})
  );

  reg [AddrWidth-1:0] index;
  integer i;

  always @* begin
    index = {AddrWidth{1'b0}};
    for (i = 0; i < NumPixels; i = i + 1) begin
      if (event_place[i]) index = index | i[AddrWidth-1:0];
    end
  end

  snn_stream_register #(
    .Width(2 + PixelWidth + AddrWidth)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(event_valid),
    .ready_o(event_ready),
    .data_i({event_end & ((HasSteps == 0) | event_last), event_end, event_pixel, event_base + index}),
    .valid_o(event_valid_o),
    .ready_i(event_ready_i),
    .data_o({event_sample_end_o, event_step_end_o, event_pixel_o, event_addr_o})
  );

endmodule

`default_nettype wire
