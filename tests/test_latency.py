"""What is timed, how often, and what is said about it."""

import numpy as np
import pytest
from networks import chain, dense, random_spikes

from snn2rtl.data.samples import Samples
from snn2rtl.float_net.network import SpikingNetwork
from snn2rtl.float_net.nodes import Linear, Neuron
from snn2rtl.int_net import reference
from snn2rtl.measure import latency
from snn2rtl.measure.latency import Latency, latencies, time_calls


def test_the_warm_up_is_not_timed() -> None:
    now, calls = [0.0], []

    def call() -> None:
        calls.append(now[0])
        now[0] += 100 if len(calls) <= latency.WARM_UP else len(calls)

    assert time_calls(call, 3, lambda: now[0]) == (3, 4, 5)
    assert len(calls) == latency.WARM_UP + 3


def test_the_median_is_that_of_a_call() -> None:
    timed = Latency("it", "cpu", 4, (5.0, 1.0, 2.0, 9.0))
    assert timed.median == 3.5
    data = {"what": "it", "device": "cpu", "batch": 4, "median_seconds": 3.5, "seconds": [5.0, 1.0, 2.0, 9.0]}
    assert timed.to_dict() == data


def test_a_single_sample_and_a_batch_run(monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain(dense(np.ones((2, 3), int)))
    seen = []
    monkeypatch.setattr(reference, "run", lambda network, inputs, **options: seen.append((inputs.shape, options)))
    timed = latencies(network, None, Samples(random_spikes(network, 5, 4), None, None), 2, 100)
    assert [(x.what, x.device, x.batch) for x in timed] == [(latency.GOLDEN, "cpu", 1), (latency.GOLDEN, "cpu", 4)]
    calls = latency.WARM_UP + 2
    plain = {"record_spikes": False}
    assert seen == [((5, 1, 3), plain)] * calls + [((5, 4, 3), plain)] * calls


def test_one_sample_is_timed_once() -> None:
    network = chain(dense([[1]]))
    timed = latencies(network, None, Samples(random_spikes(network, 2, 1), None, None), 1, 100)
    assert [x.batch for x in timed] == [1]
    assert timed[0].median > 0


def test_the_float_network_is_timed_where_there_is_one() -> None:
    network = chain(dense([[1]]))
    linear = Linear(name="fc1", weight=[[1.0]], bias=[0.0])
    neuron = Neuron(name="lif1", tau=2.0, v_threshold=1.0, v_reset=0.0, decay_input=True)
    source = SpikingNetwork(name="net", nodes=(linear, neuron))
    timed = latencies(network, source, Samples(random_spikes(network, 2, 3), None, None), 1, 2)
    on_cpu = [(x.what, x.batch) for x in timed if x.device.startswith("cpu")]
    assert on_cpu == [(what, batch) for batch in (1, 2) for what in (latency.GOLDEN, latency.TORCH)]


def test_a_float_network_that_spikingjelly_lacks_is_not_timed() -> None:
    network = chain(dense([[1]]))
    linear = Linear(name="fc1", weight=[[1.0]], bias=[0.0], recurrent=[[1.0]])
    neuron = Neuron(name="lif1", tau=2.0, v_threshold=1.0, v_reset=0.0)
    source = SpikingNetwork(name="net", nodes=(linear, neuron))
    timed = latencies(network, source, Samples(random_spikes(network, 2, 1), None, None), 1, 1)
    assert [x.what for x in timed] == [latency.GOLDEN]
