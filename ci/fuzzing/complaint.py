"""How ci/fuzz says what is wrong, and with which exit status."""

import sys

FOUND = 1
USAGE = 2
ENVIRONMENT = 3


class Trouble(Exception):
    """Ends ci/fuzz with a sentence on stderr: what was expected, and what to do."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


def say(text, stream=None):
    """A line for a person, on stdout unless said otherwise. That nobody reads it any more, or that the disk of a log is full, must not end
    a run of weeks: the line is lost then, and the next may get through."""
    stream = stream or sys.stdout
    try:
        print(text, file=stream, flush=True)
    except (OSError, ValueError):
        pass


def warn(sentence):
    say(f"ci/fuzz: {sentence}", sys.stderr)
