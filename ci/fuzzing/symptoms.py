"""What a crash file shows, and what it is called.

Findings are told apart by the oracle and the shape of the shrunk sequence: the kinds of its ops and their slots, as Steve
tells it. One bug has many shapes, so they are gathered under one name: that of the oracle which breaks first when everything is looked at
after every op, and of what it says. Those that break the same oracle so are one, and so are

- those of which a part breaks the same (faces.py),
- those of which all breaks the same with the first oracle turned off,
- those that come to the same when they are shrunk on and any oracle will do: a hang may be a wrong address some ops later.

What shows something else than the finding that it is taken for is a symptom of it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

NAME_LENGTH = 64
# A name can do without.
FILLERS = set("an the of to from in on at with as is it its was were be been has had that this which and or for".split())
# What breaks in the end, whatever was wrong before: no good name, if there is a better one.
VAGUE = ("crash", "hang", "memory")


@dataclass
class Broken:
    """What a crash file shows."""

    oracle: str
    what: str
    op: int | None = None  # at which the target saw it
    steve: Path | None = None  # which Steve sees it; None: the target alone
    way: tuple = ()  # what it is told for that (Builds.ways_to_replay)
    output: str = ""


@dataclass
class Symptoms:
    """All that a shrunk sequence shows, in one way or another."""

    first: Broken  # if everything is looked at after every op
    groups: list  # of that, and of all else
    plainest: Broken | None = None  # what it comes to if it is shrunk on and any oracle will do
    plainest_ops: int = 0

    @property
    def group(self):
        return self.groups[0]


def without_figures(sentence):
    """Sizes, addresses and slots differ from file to file; and only in a region does a block have an offset."""
    return re.sub(r"(\bat (offset )?)?\bs?\d[0-9a-fx]*\b", "", sentence)


def name_for(oracle, what):
    """Such as check-two-holes-lie-side-by-side, or crash-sigsegv."""
    what = what.removeprefix("the allocator's own check says: ")
    died = re.search(r"\((SIG[A-Z]+)|(ended itself with exit status)", what)
    if died:
        what = died[1] or "exit status"
    words = re.findall(r"[a-z]+", without_figures(what).replace("'", "").lower())
    words = [word for word in words if word not in FILLERS and len(word) > 1]
    name = oracle
    for word in words:
        if len(name) + 1 + len(word) > NAME_LENGTH:
            break
        name += "-" + word
    return name


def group_of(shown):
    """What is taken for one bug in two files. A heap that is damaged in one place soon is in others, so whatever its own check says
    first is one; there are crashes for more reasons than that."""
    return name_for(shown.oracle, shown.what) if shown.oracle == "crash" else shown.oracle


def signature_of(shown):
    """What can be told of a crash file before it is shrunk."""
    return f"{shown.oracle}: {without_figures(shown.what)}"


def is_symptom(finding, entry):
    """Whether a shape shows something else than what the finding has its name from."""
    own = group_of(Broken(finding["oracle"], finding["what"]))
    return entry.get("shows", own) != own


def new_shapes(finding, run):
    return [shape for shape in finding["shapes"] if shape["run"] == run]
