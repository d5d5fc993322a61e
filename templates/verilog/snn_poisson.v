// Poisson encoder: from the pixels of a sample that are not black to the spikes of NumSteps time steps.
//
//   pixel k of a sample's list spikes in step t where noise < pixel * Rate
//   noise: word k % 4 (16 bits) of state t * (pixels / 4 + 1) + k / 4 of a xorshift generator, which every sample begins anew
//
// While a list is walked, step after step, the next sample enters a second one. Four pixels a cycle: a step takes pixels / 4 + 1
// cycles, or as many as it has events where those are more.
// Latency: eight cycles from the end of a sample to its first event, and one for each group without a spike before it.
// Source: encoders.py, Encoder.encode; G. Marsaglia, Xorshift RNGs, 2003.

`default_nettype none

module snn_poisson #(
  parameter AddrWidth  = 4,
  parameter GroupWidth = 3,  // bits of the greatest number of pixels / 4
  parameter NumSteps   = 4,
  parameter StepWidth  = 2,
  parameter Rate       = 257
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // Pixels
  input  wire                 pixel_valid_i,
  output wire                 pixel_ready_o,
  input  wire [AddrWidth-1:0] pixel_addr_i,
  input  wire [7:0]           pixel_i,
  input  wire                 pixel_sample_end_i,
  // Spikes
  output wire                 event_valid_o,
  input  wire                 event_ready_i,
  output wire [AddrWidth-1:0] event_addr_o,
  output wire                 event_step_end_o,
  output wire                 event_sample_end_o
);

  localparam [15:0] RateBits = Rate[15:0];
  localparam [63:0] Start = 64'h0139408dcbbf7a44;
  localparam LastStepNumber = NumSteps - 1;
  localparam [StepWidth-1:0] LastStep = LastStepNumber[StepWidth-1:0];
  localparam EntryWidth = AddrWidth + 16;

  // Enter: address and pixel * Rate, into one of two lists
  reg [1:0]            full_q;
  reg                  enter_list_q;
  reg                  entry_q, end_q, list_q;
  reg [EntryWidth-1:0] entry_data_q;
  reg [GroupWidth+1:0] number_q;  // of the entry in its list

  wire        accept = pixel_valid_i & pixel_ready_o;
  wire [15:0] bound = {8'd0, pixel_i} * RateBits;
  assign pixel_ready_o = ~full_q[enter_list_q];

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      enter_list_q <= 1'b0;
      entry_q      <= 1'b0;
      end_q        <= 1'b0;
      number_q     <= {(GroupWidth + 2){1'b0}};
    end else begin
      enter_list_q <= enter_list_q ^ (accept & pixel_sample_end_i);
      entry_q      <= accept & ~pixel_sample_end_i;
      end_q        <= accept & pixel_sample_end_i;
      number_q     <= end_q ? {(GroupWidth + 2){1'b0}} : number_q + {{(GroupWidth + 1){1'b0}}, entry_q};
    end
  end

  always @(posedge clk_i) begin
    list_q       <= enter_list_q;
    entry_data_q <= {pixel_addr_i, bound};
  end

  // Walk: NumSteps times over a full list
  reg                  read_list_q;
  reg [GroupWidth-1:0] group_q;
  reg [StepWidth-1:0]  step_q;
  reg [GroupWidth+1:0] size0_q, size1_q;  // of the lists
  wire                 room;
  wire [GroupWidth+1:0] size = read_list_q ? size1_q : size0_q;
  wire walk = full_q[read_list_q] & room;
  wire last_group = group_q == size[GroupWidth+1:2];
  wire last_step = step_q == LastStep;
  wire walked = walk & last_group & last_step;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      full_q      <= 2'b00;
      read_list_q <= 1'b0;
      group_q     <= {GroupWidth{1'b0}};
      step_q      <= {StepWidth{1'b0}};
    end else begin
      full_q      <= (full_q | {end_q & list_q, end_q & ~list_q}) & ~{walked & read_list_q, walked & ~read_list_q};
      read_list_q <= read_list_q ^ walked;
      if (walk) group_q <= last_group ? {GroupWidth{1'b0}} : group_q + {{(GroupWidth - 1){1'b0}}, 1'b1};
      if (walk & last_group) step_q <= last_step ? {StepWidth{1'b0}} : step_q + {{(StepWidth - 1){1'b0}}, 1'b1};
    end
  end

  always @(posedge clk_i) begin
    if (end_q & ~list_q) size0_q <= number_q;
    if (end_q & list_q) size1_q <= number_q;
  end

  // A group on its way: its entries are read, registered, compared with the noise
  reg       read_q, read_q2, spike_q;
  reg       step_end_q, step_end_q2, step_end_q3;
  reg       sample_end_q, sample_end_q2, sample_end_q3;
  reg [3:0] used_q, used_q2, spikes_q;  // places
  wire [4*AddrWidth-1:0] spike_addrs;

  always @(posedge clk_i) begin
    {spike_q, read_q2, read_q}                   <= {3{rst_ni}} & {read_q2, read_q, walk};
    {step_end_q3, step_end_q2, step_end_q}       <= {step_end_q2, step_end_q, last_group};
    {sample_end_q3, sample_end_q2, sample_end_q} <= {sample_end_q2, sample_end_q, last_group & last_step};
    used_q2                                      <= used_q;
    used_q                                       <= ~({4{last_group}} & (4'b1111 << size[1:0]));
  end

  // Noise
  function [63:0] following;
    input [63:0] state;
    begin
      following = state ^ (state << 13);
      following = following ^ (following >> 7);
      following = following ^ (following << 17);
    end
  endfunction

  reg [63:0] state_q;

  always @(posedge clk_i) begin
    if (!rst_ni | (read_q2 & sample_end_q2)) state_q <= Start;
    else if (read_q2) state_q <= following(state_q);
  end

  genvar place;
  generate
    for (place = 0; place < 4; place = place + 1) begin : gen_place
      localparam [1:0] Place = place[1:0];
      reg [EntryWidth-1:0] mem [0:(2<<GroupWidth)-1];
      reg [EntryWidth-1:0] data_q, data_q2;
      reg [AddrWidth-1:0]  addr_q;

      always @(posedge clk_i) begin
        if (entry_q & (number_q[1:0] == Place)) mem[{list_q, number_q[GroupWidth+1:2]}] <= entry_data_q;
        data_q          <= mem[{read_list_q, group_q}];
        data_q2         <= data_q;
        addr_q          <= data_q2[16+:AddrWidth];
        spikes_q[place] <= used_q2[place] & (state_q[place*16+:16] < data_q2[15:0]);
      end

      assign spike_addrs[place*AddrWidth+:AddrWidth] = addr_q;
    end
  endgenerate

  // Spikes, one after the other
  wire                 event_valid, event_ready, event_end, event_sample_end;
  wire [AddrWidth-1:0] event_addr;
  wire [3:0]           event_place;

  snn_group_queue #(
    .NumPlaces(4),
    .DataWidth(AddrWidth),
    .TagWidth(1),
    .NumLate(3)
  ) u_queue (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .room_o(room),
    .group_valid_i(spike_q),
    .group_events_i(spikes_q),
    .group_data_i(spike_addrs),
    .group_end_i(step_end_q3),
    .group_tag_i(sample_end_q3),
    .event_valid_o(event_valid),
    .event_ready_i(event_ready),
    .event_place_o(event_place),
    .event_data_o(event_addr),
    .event_end_o(event_end),
    .event_tag_o(event_sample_end)
  );

  wire unused_place = ^event_place;
  snn_stream_register #(
    .Width(AddrWidth + 2)
  ) u_register (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .valid_i(event_valid),
    .ready_o(event_ready),
    .data_i({event_end & event_sample_end, event_end, event_addr}),
    .valid_o(event_valid_o),
    .ready_i(event_ready_i),
    .data_o({event_sample_end_o, event_step_end_o, event_addr_o})
  );

endmodule

`default_nettype wire
