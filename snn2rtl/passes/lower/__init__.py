"""Exact pass: from a graph of modules to layers: every linear node becomes a part of the weights before neurons."""

from snn2rtl.passes.lower.lower import has_shape, lower

__all__ = ["has_shape", "lower"]
