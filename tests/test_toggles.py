"""What is read from a SAIF file: the registers below each layer, and nothing else."""

from snn2rtl.verify.toggles import count

SAIF = """
 (INSTANCE TOP
  (INSTANCE replay
   (NET
    (reset_q\\[0\\] (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 9))
   )
   (INSTANCE u_dut
    (INSTANCE u_fc1
     (NET
      (fire_at\\[0\\] (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 3))
      (charged\\[0\\] (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 99))
     )
     (INSTANCE gen_lane[0]
      (INSTANCE u_lane
       (NET
        (sum_q\\[1\\] (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 20))
        (slot_q2 (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 100))
        (mem\\[0\\]\\[1\\] (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 99))
       )
      )
      (INSTANCE u_neuron
       (NET
        (spike_o (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 1000))
       )
      )
     )
    )
    (INSTANCE u_fc2
     (NET
      (add_q (T0 1) (T1 2) (TZ 0) (TX 0) (TB 0) (TC 5))
     )
    )
   )
  )
 )
"""


def test_registers_below_each_layer_are_counted() -> None:
    assert count(SAIF.splitlines()) == {"u_fc1": 1123, "u_fc2": 5}
