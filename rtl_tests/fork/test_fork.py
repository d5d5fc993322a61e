"""snn_fork: every stream gets every beat once, whoever stalls."""

import pytest

PARAMETERS = {
    "two": {"Width": 12, "NumOut": 2},
    "five": {"Width": 5, "NumOut": 5},
    "one": {"Width": 1, "NumOut": 1},
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_fork(bench, name):
    bench("snn_fork", "rtl_tests.fork.fork_tests", PARAMETERS[name])
