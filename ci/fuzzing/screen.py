"""What a person sees: a live screen on a terminal, a line now and then in a pipe, and the table at the end."""

import os
import sys
import time

from complaint import say

BARS = "▁▂▃▄▅▆▇█"
ENGINE_NAMES = {"libfuzzer": "libFuzzer", "aflpp": "AFL++"}

# How often a line comes in a pipe: at first soon, so that one sees that it works, and in the end every twentieth of the run, within these.
LINE_SECONDS = (10, 600)

# What it is at when a run ends, before it merges.
LAST_CRASHES = "looking at the last crash files"

# Columns of the live screen; what is left of the width is for the names and states of instances.
MOST_WIDTH = 118
FIGURES_WIDTH = 44
# Figures that a curve keeps.
MOST_SAMPLES = 400


def duration(seconds):
    seconds = int(max(0, seconds))
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length or (unit == "s" and not parts):
            parts.append(f"{seconds // length}{unit}")
            seconds %= length
        elif parts:
            parts.append("")
    return " ".join(filter(None, parts[:2]))


def short(number):
    """1234567 as 1.23M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size * 9.995:
            value = number / size
            return f"{value:.{0 if value >= 99.95 else 1}f}{unit}"
    return f"{number:.0f}"


def sparkline(values, width):
    """All values in at most so many columns, each the mean of some; the lowest is the lowest bar."""
    values = list(values)
    if not values:
        return ""
    if len(values) > width:
        edges = [len(values) * column // width for column in range(width + 1)]
        values = [sum(values[begin:end]) / (end - begin) for begin, end in zip(edges, edges[1:])]
    low, high = min(values), max(values)
    span = (high - low) or 1
    return "".join(BARS[min(7, int((value - low) / span * 7.99))] if high > low else BARS[3] for value in values)


def cut(text, width):
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def edges_by_engine(fleet):
    best = {}
    for instance in fleet.instances:
        best[instance.engine] = max(best.get(instance.engine, 0), instance.figures.edges)
    return best


def rate(fleet):
    return sum(instance.figures.rate for instance in fleet.instances if instance.runs)


def execs(fleet):
    return sum(instance.execs for instance in fleet.instances)


class Curve:
    """A figure from the beginning of a run, of a minute or of a month: once it has too many samples it goes on with half of them."""

    def __init__(self):
        self.values = []
        self._every = 1.0
        self._next = 0.0

    def add(self, value, now):
        if now < self._next:
            return
        self.values.append(value)
        if len(self.values) > MOST_SAMPLES:
            self.values = [sum(pair) / 2 for pair in zip(self.values[::2], self.values[1::2])]
            self._every *= 2
        self._next = now + self._every


class Lines:
    """For a pipe."""

    def __init__(self, options):
        low, high = LINE_SECONDS
        self._longest = min(max(options.seconds / 20, low), high)
        self._every = low
        self._next = time.monotonic() + self._every
        self._seconds = options.seconds

    def show(self, fleet, triage, spent, phase):
        if time.monotonic() < self._next:
            return
        self._every = min(2 * self._every, self._longest)
        self._next = time.monotonic() + self._every
        edges = "+".join(str(count) for count in edges_by_engine(fleet).values())
        running = " ".join(f"{i.name}={short(i.figures.rate)}/s" for i in fleet.instances if i.runs)
        say(
            f"{fleet.target} {duration(spent)} of {duration(self._seconds)}{f' {phase}' if phase else ''}:"
            f" exec/s={rate(fleet):.0f} execs={short(execs(fleet))} corpus={sum(i.figures.corpus for i in fleet.instances)}"
            f" edges={edges} crashes={triage.counts['crashes']} waiting={triage.waiting} findings={len(triage.new)} ({running})"
        )

    def say(self, text):
        say(text, sys.stderr)

    def close(self):
        pass


class Screen:
    """For a terminal: its own screen, drawn anew twice a second; what was said meanwhile is printed when it closes.

    Lines are as long as they are: the terminal cuts them at its edge, however narrow it becomes.
    """

    def __init__(self, options):
        self._options = options
        self._colour = "NO_COLOR" not in os.environ
        self._said = []
        self._next = 0.0
        self._rates = Curve()
        self._edges = {}
        self._write("\x1b[?1049h\x1b[?25l\x1b[?7l")

    @staticmethod
    def _write(text):
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:  # the terminal is gone; the run ends in order, or goes on if it was asked to (nohup)
            pass

    def close(self):
        self._write("\x1b[?7h\x1b[?25h\x1b[?1049l")
        for text in self._said:
            say(text, sys.stderr)
        self._said = []

    def say(self, text):
        self._said.append(text)

    def _paint(self, text, *codes):
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if self._colour else text

    def _bold(self, text):
        return self._paint(text, "1")

    def _dim(self, text):
        return self._paint(text, "38", "5", "244")

    def show(self, fleet, triage, spent, phase):
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.5
        self._sample(fleet, now)
        width, height = self._size()
        width = min(width, MOST_WIDTH) - 2
        lines = [*self._head(fleet, spent, phase, width), *self._instances(fleet, width), *self._curves(fleet, width)]
        lines = [*lines, *self._findings(triage, height - len(lines) - 3)][: max(0, height - 3)]
        once_more = " Ctrl-C once more ends it at once. What waits is kept for the next one."
        hint = once_more if phase == LAST_CRASHES else " Ctrl-C ends the run in order. What it learnt is kept for the next one."
        lines += ["", self._dim(hint)]
        self._write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines[: height - 1]) + "\x1b[J")

    @staticmethod
    def _size():
        try:
            size = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            size = (0, 0)
        return (size[0] or 100, size[1] or 30)

    def _sample(self, fleet, now):
        self._rates.add(rate(fleet), now)
        for engine, edges in edges_by_engine(fleet).items():
            self._edges.setdefault(engine, Curve()).add(edges, now)

    def _head(self, fleet, spent, phase, width):
        options = self._options
        what = " + ".join(ENGINE_NAMES[engine] for engine in options.engines)
        jobs = f"{options.jobs} process{'es' if options.jobs > 1 else ''}"
        place = f"{options.targets.index(fleet.target) + 1} of {len(options.targets)}: " if len(options.targets) > 1 else ""
        title = f" {place}{fleet.target}"
        rest = f"   {what}, {jobs}"
        right = phase or f"{duration(spent)} of {duration(options.seconds)}"
        gap = " " * max(1, width - len(title) - len(rest) - len(right))
        share = min(1.0, spent / options.seconds)
        full = int((width - 1) * share)
        bar = self._paint("━" * full, "38", "5", "39") + self._paint("━" * (width - 1 - full), "38", "5", "238")
        return ["", self._bold(title) + self._dim(rest) + gap + self._bold(right), " " + bar, ""]

    def _instances(self, fleet, width):
        shown = [(slot, i) for slot in fleet.slots for i in (slot.instances if len(slot.instances) <= 3 else [slot.current])]
        names = max(len("instance"), *(len(instance.name) for _, instance in shown))
        head = f"   {'instance':<{names}}{'exec/s':>8}{'execs':>8}{'corpus':>8}{'edges':>8}{'last find':>12}   state"
        return [self._dim(head), *(self._instance(slot, instance, names, width) for slot, instance in shown), ""]

    def _instance(self, slot, instance, names, width):
        figures = instance.figures
        find = duration(time.monotonic() - instance.last_find) if instance.last_find else "–"
        name = f"{instance.name:<{names}}"
        numbers = f"{short(figures.rate):>8}{short(instance.execs):>8}{figures.corpus:>8}{figures.edges:>8}{find:>12}"
        if not instance.runs:
            state = figures.note or ("waits for its turn" if len(slot.instances) > 1 else "stopped")
            return self._dim(f"   {name}{numbers}   {state}")
        states = [figures.note]
        if instance.way is not None:
            states.append(instance.way.schedule)
        elif instance.stops and not instance.forks:
            states.append(f"stopped {instance.stops}× at a finding")
        if len(slot.instances) > 1:
            states.append(f"then {slot.instances[(slot.turn + 1) % len(slot.instances)].name}")
        state = ", ".join(filter(None, states))
        mark = self._paint("●", "38", "5", "40") if figures.execs else self._paint("○", "38", "5", "220")
        return f" {mark} {self._bold(name)}{numbers}   {self._dim(cut(state, width - names - FIGURES_WIDTH - 5))}"

    def _curves(self, fleet, width):
        columns = max(10, width - 42)
        total = rate(fleet)
        lines = [f" {'exec/s':<18}{self._paint(sparkline(self._rates.values, columns), '38', '5', '39')} {total:,.0f}"]
        for engine, edges in edges_by_engine(fleet).items():
            name = f"edges {ENGINE_NAMES[engine]}"
            curve = sparkline(self._edges[engine].values, columns) if edges else ""
            lines.append(f" {name:<18}{self._paint(curve, '38', '5', '40')} {f'{edges:,}' if edges else '–'}")
        return [*lines, ""]

    def _findings(self, triage, room):
        """@param room for so many lines"""
        counts = triage.counts
        new = triage.new
        head = f"{len(new)} finding{'s' if len(new) != 1 else ''}"
        head = self._paint(head, "1", "38", "5", "203") if new else self._paint("no finding", "1", "38", "5", "40")
        rest = f"   {counts['crashes']} crash files, {triage.waiting} waiting for triage"
        if counts["silent"]:
            rest += f", {counts['silent']} that crash no more"
        lines = [f" {head}{self._dim(rest)}"]
        if triage.trouble:
            lines.append(self._paint(f"   triage waits: {triage.trouble}", "38", "5", "203"))
        fit = max(0, room - len(lines)) // 2
        if len(new) > fit:
            fit = max(0, room - len(lines) - 1) // 2
            lines.append(self._dim(f"   {len(new) - fit} before these" if fit else "   the window is too small to list them"))
        for finding in new[len(new) - fit :]:
            first = finding["shapes"][0]
            ops = f"{first['ops']} ops" if first.get("ops") else f"{first.get('bytes', 0)} bytes"
            shapes = len(finding["shapes"])
            facts = f"{ops}, {shapes} shape{'s' if shapes > 1 else ''}, ×{finding['count']}, {first.get('engine', '')}"
            lines.append(f"   {self._paint('✗', '38', '5', '203')} {self._bold(finding['name'])}  {self._dim(facts)}")
            lines.append(self._dim(f"     {finding['what']}"))
        return lines


def open_view(options):
    on_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return Screen(options) if on_terminal else Lines(options)


def print_table(rows):
    """Rows of words, the first one the heading. Figures are set flush right."""
    if not rows:
        return
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    flush = [any(row[column][:1].isdigit() for row in rows[1:]) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(row, widths, flush))
        say("  ".join(cells).rstrip())
