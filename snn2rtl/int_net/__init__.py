"""The integer network: what is computed, its golden model, its file, its proven ranges."""
