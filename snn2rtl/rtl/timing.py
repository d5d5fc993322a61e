"""Cycles of a layer's pipeline, for the planner, the estimate and the parameters that templates print.

A word's address goes to a weight memory; the word comes to the lanes, which add; at the end of a step the neuron update
takes every slot through the neurons, whose spikes go to the spike queue.
"""

MEMORY = 1  # a registered read
WORD_REGISTER = 1  # behind a weight memory, whose output is slow
BANK_CHOICE = 1  # register behind the choice of a bank
WORD_IN_LANE = 1  # register in front of the lanes
PRODUCT = 1  # of a weight and a value
FORWARD_DISTANCE = 3  # cycles after which a lane's write is back in its memory; nearer ones are forwarded
SPIKE_DELAY = 4  # from a slot's update to its spikes in the level of the spike queue, without extra stages
DRAIN = 4  # between the neuron update and the next step's sums, in which the pipeline empties
HELD_CURRENT = 1  # extra stage of the update where a held current is added
GREATEST_SUM = 2  # extra stages of the update where neurons take the greatest of several sums
QUEUE_GROUP = 16  # lanes of which the spike queue takes the spikes in one cycle


def entry_delay(num_banks: int) -> int:
    """Return the cycles from a word's address to the word in the lanes."""
    return MEMORY + WORD_REGISTER + WORD_IN_LANE + (BANK_CHOICE if num_banks > 1 else 0)
