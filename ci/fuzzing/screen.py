"""What a person sees: a live screen on a terminal, a line now and then in a pipe, and the table at the end."""

import os
import shutil
import sys
import time
from collections import deque

BARS = "▁▂▃▄▅▆▇█"
ENGINE_NAMES = {"libfuzzer": "libFuzzer", "aflpp": "AFL++"}

# How often a line comes in a pipe: a twentieth of the run, within these.
LINE_SECONDS = (10, 600)


def duration(seconds):
    seconds = int(max(0, seconds))
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= length or (unit == "s" and not parts):
            parts.append(f"{seconds // length}{unit}")
            seconds %= length
        elif parts:
            parts.append(f"0{unit}")
    return " ".join(parts[:2])


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


def edges_by_engine(fleet):
    best = {}
    for instance in fleet.instances:
        best[instance.engine] = max(best.get(instance.engine, 0), instance.figures.edges)
    return best


def rate(fleet):
    return sum(instance.figures.rate for instance in fleet.instances if instance.runs)


def execs(fleet):
    return sum(instance.execs for instance in fleet.instances)


class Lines:
    """For a pipe."""

    def __init__(self, options):
        low, high = LINE_SECONDS
        self._every = min(max(options.seconds / 20, low), high)
        self._next = time.monotonic() + self._every
        self._seconds = options.seconds

    def show(self, fleet, triage, spent, phase):
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        edges = "+".join(str(count) for count in edges_by_engine(fleet).values())
        running = " ".join(f"{i.name}={short(i.figures.rate)}/s" for i in fleet.instances if i.runs)
        self._print(
            f"{fleet.target} {duration(spent)} of {duration(self._seconds)}{f' {phase}' if phase else ''}:"
            f" exec/s={rate(fleet):.0f} execs={short(execs(fleet))} corpus={sum(i.figures.corpus for i in fleet.instances)}"
            f" edges={edges} crashes={triage.counts['crashes']} waiting={triage.waiting} findings={len(triage.new)} ({running})"
        )

    @staticmethod
    def _print(text):
        try:
            print(text, flush=True)
        except OSError:  # who read it is gone; the run goes on
            sys.stdout = open(os.devnull, "w")  # pylint: disable=consider-using-with

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def close(self):
        pass


class Screen:
    """For a terminal: its own screen, drawn anew twice a second; what was said meanwhile is printed when it closes."""

    def __init__(self, options):
        self._options = options
        self._colour = "NO_COLOR" not in os.environ
        self._said = []
        self._next = 0.0
        self._sampled = 0.0
        self._rates = deque(maxlen=400)
        self._edges = {}
        sys.stdout.write("\x1b[?1049h\x1b[?25l")

    def close(self):
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()
        for text in self._said:
            print(text, file=sys.stderr, flush=True)
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
        width, height = shutil.get_terminal_size((100, 30))
        width = min(width, 118) - 2
        lines = [
            *self._head(fleet, spent, phase, width),
            *self._instances(fleet, width),
            *self._curves(fleet, width),
            *self._findings(triage, width, now),
        ][: height - 2]
        lines.append("")
        lines.append(self._dim(" Ctrl-C ends it in order. What it has learnt is kept, and the next start goes on."[: width + 1]))
        sys.stdout.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines[: height - 1]) + "\x1b[J")
        sys.stdout.flush()

    def _sample(self, fleet, now):
        # So that the curves span the whole run, whatever its length.
        if now - self._sampled < max(1.0, self._options.seconds / self._rates.maxlen):
            return
        self._sampled = now
        self._rates.append(rate(fleet))
        for engine, edges in edges_by_engine(fleet).items():
            self._edges.setdefault(engine, deque(maxlen=self._rates.maxlen)).append(edges)

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
        lines = [self._dim(f" {'instance':<22}{'exec/s':>9}{'execs':>9}{'corpus':>9}{'edges':>9}{'last find':>12}   state")]
        for slot in fleet.slots:
            for instance in slot.instances if len(slot.instances) <= 3 else [slot.current]:
                lines.append(self._instance(slot, instance, width))
        return [*lines, ""]

    def _instance(self, slot, instance, width):
        figures = instance.figures
        find = duration(time.time() - instance.last_find) + " ago" if instance.last_find else "–"
        name = instance.name
        numbers = f"{short(figures.rate):>9}{short(instance.execs):>9}{figures.corpus:>9}{figures.edges:>9}{find:>12}"
        state = figures.note
        if not instance.runs:
            state = state or ("waits for its turn" if len(slot.instances) > 1 else "stopped")
            return self._dim(f"   {name:<20}{numbers}   {state}"[:width])
        if instance.way is not None:
            state += f", {instance.way.schedule}"
        elif instance.stops and not instance.forks:
            state += f"stopped {instance.stops}× at a finding"
        if len(slot.instances) > 1:
            state += f", then {slot.instances[(slot.turn + 1) % len(slot.instances)].name}"
        mark = self._paint("●", "38", "5", "40") if figures.execs else self._paint("○", "38", "5", "220")
        return f" {mark} {self._bold(f'{name:<20}')}{numbers}   {self._dim(state[: max(0, width - 75)])}"

    def _curves(self, fleet, width):
        columns = max(10, width - 42)
        total = rate(fleet)
        lines = [f" {'exec/s':<18}{self._paint(sparkline(self._rates, columns), '38', '5', '39')} {total:,.0f}"]
        for engine, values in self._edges.items():
            name = f"edges {ENGINE_NAMES[engine]}"
            lines.append(f" {name:<18}{self._paint(sparkline(values, columns), '38', '5', '40')} {values[-1]:,}")
        return [*lines, ""]

    def _findings(self, triage, width, now):
        counts = triage.counts
        new = triage.new
        head = f"{len(new)} finding{'s' if len(new) != 1 else ''}"
        head = self._paint(head, "1", "38", "5", "203") if new else self._paint("no finding", "1", "38", "5", "40")
        rest = f"   {counts['crashes']} crash files, {triage.waiting} waiting for triage"
        if counts["silent"]:
            rest += f", {counts['silent']} that crash no more"
        lines = [f" {head}{self._dim(rest)}"]
        if triage.trouble:
            lines.append(self._paint(f"   triage waits: {triage.trouble}"[:width], "38", "5", "203"))
        for finding in new:
            first = finding["shapes"][0]
            ops = f"{first['ops']} ops" if first.get("ops") else f"{first.get('bytes', 0)} bytes"
            shapes = len(finding["shapes"])
            facts = f"{ops}, {shapes} shape{'s' if shapes > 1 else ''}, ×{finding['count']}, {first.get('engine', '')}"
            lines.append(f"   {self._paint('✗', '38', '5', '203')} {self._bold(finding['name'])}  {self._dim(facts)}")
            lines.append(self._dim(f"     {finding['what']}"[:width]))
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
        print("  ".join(cells).rstrip())
