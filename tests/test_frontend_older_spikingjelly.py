"""SpikingJelly 0.0.0.0.14, the release before 2.0.0, as far as it differs here: names that it lacks."""

import subprocess
import sys

CODE = """
from spikingjelly.activation_based import base, layer, neuron, surrogate
for name in ("DeterministicPass", "Rect", "SuperSpike"):
    delattr(surrogate, name)
del base.MemoryModule.get_reset_value
from torch import nn
from snn2rtl.frontend import from_module
node = neuron.LIFNode(tau=4.0, v_threshold=0.5, v_reset=None, surrogate_function=surrogate.ATan())
print(from_module(nn.Sequential(layer.Linear(2, 1), node)).nodes[1])
"""


def test_networks_of_the_release_before_are_read():
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Neuron(name='1', tau=4.0, v_threshold=0.5, v_reset=None, decay_input=True")
