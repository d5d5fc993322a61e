"""From the integer network to Verilog: plan.py decides, design.py holds it, emit.py and templates print it."""
