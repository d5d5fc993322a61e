// End of a time step: walks all slots of a layer, one a cycle, so that every neuron fires, resets and leaks.
//
// fire_o, slot_o and clear_o go with the lanes' operation; spike_* go with the spikes, three cycles later (lane: 1, neuron: 2);
// update_* come five cycles later, a cycle before the new states (lane: 1, neuron: 5). done_o tells the row walker to go on: its first add
// is WordDelay + 2 cycles later, which is five cycles after the last slot: then no write of an add meets an update.
// A neuron with ExtraStages takes so many cycles more for all of it; its second state is written a cycle before update_o.
// clear_o: the sweep writes the state of a new sample; it does so at the end of a sample, and once after reset, silently.
// A sweep starts only while room_i says that its spikes fit behind it, so the pipeline itself never stalls.

`default_nettype none

module snn_sweep #(
  parameter NumSlots    = 2,
  parameter SlotWidth   = 1,
  parameter WordDelay   = 2,
  parameter ExtraStages = 0
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  input  wire                 step_i,
  input  wire                 step_sample_end_i,
  input  wire                 room_i,
  output wire                 done_o,
  // Lanes
  output wire                 fire_o,
  output wire [SlotWidth-1:0] slot_o,
  output wire                 clear_o,
  // Spikes
  output wire                 spike_valid_o,
  output wire [SlotWidth-1:0] spike_slot_o,
  output wire                 spike_last_o,
  output wire                 spike_sample_end_o,
  // New states
  output wire                 second_write_o,
  output wire [SlotWidth-1:0] second_slot_o,
  output wire                 update_o,
  output wire [SlotWidth-1:0] update_slot_o
);

  localparam SpikeDelay = 3 + ExtraStages;
  localparam UpdateDelay = 5 + ExtraStages;
  localparam DoneSlotNumber = NumSlots + 2 + ExtraStages - WordDelay;  // its sweep is when done_o must come
  localparam LastSlotNumber = NumSlots - 1;
  localparam [SlotWidth-1:0] LastSlot = LastSlotNumber[SlotWidth-1:0];

  reg                 pending_q, running_q, clear_q, mute_q;
  reg [SlotWidth-1:0] slot_q;

  wire last = slot_q == LastSlot;
  wire start = pending_q & room_i;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      pending_q <= 1'b1;
      running_q <= 1'b0;
      clear_q   <= 1'b1;
      mute_q    <= 1'b1;
    end else begin
      if (step_i) pending_q <= 1'b1;
      else if (start) pending_q <= 1'b0;
      if (step_i) begin
        clear_q <= step_sample_end_i;
        mute_q  <= 1'b0;
      end
      if (start) running_q <= 1'b1;
      else if (last) running_q <= 1'b0;
    end
  end

  always @(posedge clk_i) slot_q <= running_q ? slot_q + {{(SlotWidth - 1){1'b0}}, 1'b1} : {SlotWidth{1'b0}};

  assign fire_o = running_q;
  assign slot_o = slot_q;
  assign clear_o = clear_q;

  // Delays: bit or word d - 1 is the value of d cycles ago
  reg [UpdateDelay-1:0]           fire_delay_q;
  reg [SpikeDelay-1:0]            last_delay_q;
  reg [UpdateDelay*SlotWidth-1:0] slot_delay_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      fire_delay_q <= {UpdateDelay{1'b0}};
      last_delay_q <= {SpikeDelay{1'b0}};
    end else begin
      fire_delay_q <= {fire_delay_q[UpdateDelay-2:0], running_q};
      last_delay_q <= {last_delay_q[SpikeDelay-2:0], running_q & last};
    end
    slot_delay_q <= {slot_delay_q[(UpdateDelay-1)*SlotWidth-1:0], slot_q};
  end

  generate
    if (DoneSlotNumber >= NumSlots) begin : gen_done_after
      assign done_o = last_delay_q[DoneSlotNumber-NumSlots];
    end else if (DoneSlotNumber >= 0) begin : gen_done_at_slot
      assign done_o = running_q & (slot_q == DoneSlotNumber[SlotWidth-1:0]);
    end else begin : gen_done_at_start
      assign done_o = start;
    end
  endgenerate

  assign spike_valid_o = fire_delay_q[SpikeDelay-1] & ~mute_q;
  assign spike_slot_o = slot_delay_q[(SpikeDelay-1)*SlotWidth+:SlotWidth];
  assign spike_last_o = last_delay_q[SpikeDelay-1];
  assign spike_sample_end_o = clear_q;
  assign second_write_o = fire_delay_q[UpdateDelay-2];
  assign second_slot_o = slot_delay_q[(UpdateDelay-2)*SlotWidth+:SlotWidth];
  assign update_o = fire_delay_q[UpdateDelay-1];
  assign update_slot_o = slot_delay_q[(UpdateDelay-1)*SlotWidth+:SlotWidth];

endmodule

`default_nettype wire
