// End of a time step: walks all slots of a layer, one a cycle, so that every neuron fires, resets and leaks.
//
// fire_o, slot_o, first_o and clear_o go with the lanes' operation; spike_* go with the spikes, three cycles later (lane: 1,
// neuron: 2); update_* come five cycles later, a cycle before the new states (lane: 1, neuron: 5); bias_slot_o is the slot whose
// bias is to be read, two cycles before the neuron takes it. done_o tells the row fetch to
// go on: its first add is WordDelay + 2 cycles later, which is five cycles after the last slot: then no write of an add meets an
// update.
// A neuron with ExtraStages takes so many cycles more for all of it; its second state is written a cycle before update_o.
// clear_o: the update writes the state of a new sample; it does so at the end of a sample, and once after reset, silently.
// An update starts only while room_i says that its spikes fit behind it, so the pipeline itself never stalls.
// NumSteps above 1 is for a directly coded layer, where step_i comes once a sample: that many updates follow, and first_o and done_o
// belong to the first one. They may follow each other without a gap, but a slot comes again after seven cycles and ExtraStages at the
// earliest, when its new state is written; spikes of up to four slots and ExtraStages of the update before are then on their way to
// room_i.

`default_nettype none

module snn_neuron_update #(
  parameter NumSlots    = 2,
  parameter SlotWidth   = 1,
  parameter WordDelay   = 3,
  parameter NumSteps    = 1,
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
  output wire                 first_o,
  output wire                 clear_o,
  // Spikes
  output wire                 spike_valid_o,
  output wire [SlotWidth-1:0] spike_slot_o,
  output wire                 spike_last_o,
  output wire                 spike_sample_end_o,
  // New states
  output wire [SlotWidth-1:0] bias_slot_o,
  output wire                 second_write_o,
  output wire [SlotWidth-1:0] second_slot_o,
  output wire                 update_o,
  output wire [SlotWidth-1:0] update_slot_o
);

  localparam SpikeDelay = 3 + ExtraStages;
  localparam UpdateDelay = 5 + ExtraStages;
  localparam DoneSlotNumber = NumSlots + 2 + ExtraStages - WordDelay;  // its update is when done_o must come
  localparam LastSlotNumber = NumSlots - 1;
  localparam [SlotWidth-1:0] LastSlot = LastSlotNumber[SlotWidth-1:0];

  reg                 pending_q, running_q, clear_q, mute_q;
  reg [SlotWidth-1:0] slot_q;

  wire last = slot_q == LastSlot;
  wire start, start_first;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      pending_q <= 1'b1;
      running_q <= 1'b0;
      clear_q   <= 1'b1;
      mute_q    <= 1'b1;
    end else begin
      if (step_i) pending_q <= 1'b1;
      else if (start_first) pending_q <= 1'b0;
      if (step_i) begin
        clear_q <= step_sample_end_i;
        mute_q  <= 1'b0;
      end
      if (start) running_q <= 1'b1;
      else if (last) running_q <= 1'b0;
    end
  end

  always @(posedge clk_i) slot_q <= (running_q & ~last) ? slot_q + {{(SlotWidth - 1){1'b0}}, 1'b1} : {SlotWidth{1'b0}};

  assign fire_o = running_q;
  assign slot_o = slot_q;
  assign clear_o = clear_q;

  // Delays: bit or word d - 1 is the value of d cycles ago
  reg [UpdateDelay-1:0]           fire_delay_q, last_delay_q;
  reg [UpdateDelay*SlotWidth-1:0] slot_delay_q;

  always @(posedge clk_i) begin
    if (!rst_ni) begin
      fire_delay_q <= {UpdateDelay{1'b0}};
      last_delay_q <= {UpdateDelay{1'b0}};
    end else begin
      fire_delay_q <= {fire_delay_q[UpdateDelay-2:0], running_q};
      last_delay_q <= {last_delay_q[UpdateDelay-2:0], running_q & last};
    end
    slot_delay_q <= {slot_delay_q[(UpdateDelay-1)*SlotWidth-1:0], slot_q};
  end

  // Steps of a sample
  generate
    if (NumSteps == 1) begin : gen_one_step
      assign start = pending_q & room_i;
      assign start_first = start;
      assign first_o = 1'b1;
      assign spike_sample_end_o = clear_q;
    end else begin : gen_steps
      localparam LeftNumber = NumSteps - 1;
      localparam LeftWidth = $clog2(NumSteps);
      localparam [LeftWidth-1:0] Left = LeftNumber[LeftWidth-1:0];
      localparam FreeDelay = 6 + ExtraStages - NumSlots;  // of the last slot, where it must wait for new states
      localparam FreeSlotNumber = NumSlots - 2;

      reg                  free_q, first_q;
      reg [LeftWidth-1:0]  left_q;  // updates after the one that runs
      reg [SpikeDelay-1:0] final_delay_q;
      wire                 again = left_q != {LeftWidth{1'b0}};
      wire                 free;

      if (FreeDelay < 0) begin : gen_free_at_slot
        assign free = running_q & (slot_q == FreeSlotNumber[SlotWidth-1:0]);
      end else if (FreeDelay == 0) begin : gen_free_at_last
        assign free = running_q & last;
      end else begin : gen_free_later
        assign free = last_delay_q[FreeDelay-1];
      end

      assign start = free_q & room_i & (again | pending_q);
      assign start_first = start & ~again;
      assign first_o = first_q;
      assign spike_sample_end_o = final_delay_q[SpikeDelay-1];

      always @(posedge clk_i) begin
        if (!rst_ni) begin
          free_q <= 1'b1;
          left_q <= {LeftWidth{1'b0}};
        end else begin
          if (start) free_q <= 1'b0;
          else if (free) free_q <= 1'b1;
          if (start_first) left_q <= mute_q ? {LeftWidth{1'b0}} : Left;
          else if (start) left_q <= left_q - {{(LeftWidth - 1){1'b0}}, 1'b1};
        end
        if (start) first_q <= ~again;
        final_delay_q <= {final_delay_q[SpikeDelay-2:0], ~again};
      end
    end

    if (DoneSlotNumber >= NumSlots) begin : gen_done_after
      reg [DoneSlotNumber-NumSlots:0] done_delay_q;
      wire [DoneSlotNumber-NumSlots+1:0] done = {done_delay_q, running_q & last & first_o};

      always @(posedge clk_i) done_delay_q <= rst_ni ? done[DoneSlotNumber-NumSlots:0] : {(DoneSlotNumber - NumSlots + 1){1'b0}};

      assign done_o = done[DoneSlotNumber-NumSlots+1];
    end else if (DoneSlotNumber >= 0) begin : gen_done_at_slot
      assign done_o = running_q & first_o & (slot_q == DoneSlotNumber[SlotWidth-1:0]);
    end else begin : gen_done_at_start
      assign done_o = start_first;
    end
  endgenerate

  assign spike_valid_o = fire_delay_q[SpikeDelay-1] & ~mute_q;
  assign spike_slot_o = slot_delay_q[(SpikeDelay-1)*SlotWidth+:SlotWidth];
  assign spike_last_o = last_delay_q[SpikeDelay-1];
  assign bias_slot_o = slot_delay_q[(UpdateDelay-3)*SlotWidth+:SlotWidth];
  assign second_write_o = fire_delay_q[UpdateDelay-2];
  assign second_slot_o = slot_delay_q[(UpdateDelay-2)*SlotWidth+:SlotWidth];
  assign update_o = fire_delay_q[UpdateDelay-1];
  assign update_slot_o = slot_delay_q[(UpdateDelay-1)*SlotWidth+:SlotWidth];

endmodule

`default_nettype wire
