"""The float network: its nodes, its graph, and a float reference that runs it."""
