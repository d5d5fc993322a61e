"""Hardware against golden model: runs an output folder's Verilog in a simulator and compares every spike."""
