"""What else the ops of a finding break, to tell that two findings are one bug.

A corrupted heap shows in many ways: one op more, and the check that finds two holes side by side becomes a crash. So parts of a shrunk
sequence are run, too, the longest first: some of its ops in their order, and then all their blocks unlocked and freed one by one, in one
order or another, with a look at everything after each. Whatever one of them breaks is a face of the bug.
"""

import itertools
import re

# A part takes a millisecond, or ten where it crashes.
MOST_PARTS = 600
HEADER = ("steve-ops", "driver", "against", "heap", "base", "memory", "option", "threads")


def header_and_ops(text):
    """@return the lines of a sequence, in two lists; what Steve says beside it is left out"""
    lines = [line for line in text.splitlines() if line.split("#")[0].strip() and not line.startswith("steve: ")]
    header = [line for line in lines if line.split()[0] in HEADER]
    return header, lines[len(header) :]


def parts(text):
    """@param text a sequence as `steve show` prints it @return texts of its parts, MOST_PARTS at most"""
    header, ops = header_and_ops(text)
    chosen = (part for count in range(len(ops), 0, -1) for part in itertools.combinations(ops, count))
    # What is the same twice is run once.
    made = dict.fromkeys("\n".join([*header, *part, *end, ""]) for part in itertools.islice(chosen, MOST_PARTS) for end in _ends(part))
    return list(itertools.islice(made, MOST_PARTS))


def _ends(ops):
    slots = list(dict.fromkeys(re.findall(r"\bs\d+\b", " ".join(ops))))
    for order in (slots, slots[::-1], slots[::2] + slots[1::2], slots[1::2] + slots[::2]):
        yield [f"{word} {slot}" for slot in order for word in ("unlock", "unlock", "free")] + ["compact full"]
