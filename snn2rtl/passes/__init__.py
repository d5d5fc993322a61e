"""Passes: each one a function from a network to a network.

Exact ones change no spike that anybody reads, the others report what they change.

As the user asks: choose_readout.
Exact: drop_identities, fold_batch_norm, fold_neurons (float), silence_unread (integer).
Approximating: quantize, which makes the integer network and an entry of the report for every layer.
"""
