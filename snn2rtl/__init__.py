"""snn2rtl: from a SpikingJelly network to proven, event-driven Verilog."""

__version__ = "0.1.0"
