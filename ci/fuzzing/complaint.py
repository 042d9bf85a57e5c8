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


def warn(sentence):
    print(f"ci/fuzz: {sentence}", file=sys.stderr, flush=True)
