"""The float world: training networks with PyTorch and SpikingJelly."""
