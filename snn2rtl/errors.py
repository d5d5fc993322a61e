"""The errors that a user can meet; each message names the subject, the rule and the offending value.

Messages say numbers by told_apart(), so that what differs never looks the same.
"""

from collections.abc import Sequence


class Snn2RtlError(Exception):
    """Base of every error that is the input's fault and not ours; the command line prints it and exits with 1."""


class ModelFileError(Snn2RtlError):
    """A model, network or description file cannot be read."""


class DataError(Snn2RtlError):
    """A data set or an array of samples is missing, corrupt or of the wrong shape."""


class OptionError(Snn2RtlError):
    """An option has a value that this network or this machine cannot take."""


class OutputError(Snn2RtlError):
    """An output cannot be written, or would overwrite somebody else's files."""


class UnsupportedModelError(Snn2RtlError):
    """A network holds something that has no exact hardware here; all its problems are listed at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class QuantizationError(Snn2RtlError):
    """A number does not fit the format that was asked for."""


class StrictError(Snn2RtlError):
    """An approximation was made although --strict forbids any."""


class ToolNotFoundError(Snn2RtlError):
    """A simulator or a synthesis tool is not installed."""


class ToolFailedError(Snn2RtlError):
    """A simulator or a synthesis tool ended with an error; output is all that it printed."""

    def __init__(self, message: str, output: str = "") -> None:
        self.output = output
        super().__init__(message)


class VerificationError(Snn2RtlError):
    """The hardware and the golden model disagree."""


class DivergedError(Snn2RtlError):
    """Training left numbers that are not finite, with which it cannot go on."""


class StudyError(Snn2RtlError):
    """A study cannot be reached, is another one than was asked for, or has found nothing."""


def told_apart(*values: float) -> list[str]:
    """Return the numbers in six digits, or in as many as tell those apart that differ.

    >>> told_apart(0.5, 0.25), told_apart(1.0, 1 - 1e-9)
    (['0.5', '0.25'], ['1', '0.999999999'])
    """
    apart = (n for n in range(6, 17) if len({f"{value:.{n}g}" for value in values}) == len(set(values)))
    digits = next(apart, 17)  # enough for any two floats
    return [f"{value:.{digits}g}" for value in values]
