"""Exact pass: from a graph of modules to layers: every linear node becomes a part of the weights before neurons."""

from snn2rtl.passes.lower.lower import input_shape, lower

__all__ = ["input_shape", "lower"]
