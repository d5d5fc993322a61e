"""From the integer network to Verilog: design.py decides everything, emit.py and the templates print it."""
