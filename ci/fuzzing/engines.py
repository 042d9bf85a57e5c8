"""What is known of each engine: how an instance is started, and what its figures say."""

import re
import socket
from collections import namedtuple
from dataclasses import dataclass

# The longest input, in bytes, and the longest time for one: the same for both engines.
MAX_LENGTH = 4096
HANG_SECONDS = 10

# Of an instance, from its start on. `edges` is the engine's own measure: those of one are not those of the other.
Figures = namedtuple("Figures", "execs rate corpus edges note", defaults=(0, 0.0, 0, 0, ""))


@dataclass(frozen=True)
class Way:
    """One way to run an instance of AFL++. Its name is its folder in the sync folder."""

    name: str
    build: str = "plain"  # plain, asan, or cmplog: then beside the plain one
    schedule: str = "fast"
    ops_only: bool = False  # the mutator that knows ops, without AFL++'s own stages

    @property
    def is_main(self):
        return self.name == "main"


# The main instance leaves bytes alone: its own stages would keep it at the first seeds for long.
# Most wanted first; the last process takes turns at all that have none of their own.
WAYS = (
    Way("main", ops_only=True),
    Way("asan", build="asan", schedule="explore", ops_only=True),
    Way("cmplog", build="cmplog", schedule="explore"),
    Way("rare", schedule="rare"),
    Way("coe", schedule="coe", ops_only=True),
    Way("exploit", schedule="exploit"),
    Way("lin", schedule="lin", ops_only=True),
    Way("seek", schedule="seek"),
    Way("quad", schedule="quad"),
    Way("mmopt", schedule="mmopt"),
)


# With these, libFuzzer ends at a finding.
LIBFUZZER_FOUND = (70, 71, 77)


# libFuzzer looks up every edge of every input among the rarest that it knows. With the hundred that are its default that takes, in
# the first minutes of a process, more time than the inputs do.
LIBFUZZER_RARE = ["-entropic_number_of_rarest_features=20", "-entropic_feature_frequency_threshold=20"]


def libfuzzer_command(binary, corpus, folders, found, dictionary, forks):
    """@param dictionary words of its inputs, or None
    @param forks goes on after a finding, at the price of a process and a merge every few seconds, later every ten minutes
    """
    command = [binary, corpus, *folders, f"-artifact_prefix={found}/", f"-max_len={MAX_LENGTH}"]
    command += [f"-timeout={HANG_SECONDS}", "-rss_limit_mb=4096", "-print_funcs=0", "-print_final_stats=1", *LIBFUZZER_RARE]
    if dictionary is not None:
        command.append(f"-dict={dictionary}")
    if forks:
        command += ["-fork=1", "-ignore_crashes=1", "-ignore_ooms=1", "-ignore_timeouts=1"]
    return command


_FORK_LINE = re.compile(rb"^#(\d+): cov: (\d+) ft: \d+ corp: (\d+) exec/s:? \d+ .* time: (\d+)s job: (\d+)", re.M)
_PLAIN_LINE = re.compile(rb"^#(\d+)\t\w+ +cov: (\d+) ft: \d+ corp: (\d+)/\S+ .*exec/s: (\d+)", re.M)
_FINAL_LINE = re.compile(rb"^stat::number_of_executed_units: (\d+)", re.M)


def libfuzzer_figures(log, forks, silence):
    """From the end of its log: a line whenever a job of fork mode ends; else whenever it learns something, and at its end.

    @param silence for how many seconds it has said nothing
    """
    try:
        with open(log, "rb") as stream:
            stream.seek(max(0, stream.seek(0, 2) - 65536))
            text = stream.read()
    except OSError:
        text = b""
    lines = (_FORK_LINE if forks else _PLAIN_LINE).findall(text)
    if not lines:
        return Figures(note="reading its corpus")
    if forks:
        execs, edges, corpus, seconds, job = map(int, lines[-1])
        return Figures(execs, execs / max(1, seconds), corpus, edges, f"fork mode, job {job}")
    execs, edges, corpus, rate = map(int, lines[-1])
    final = _FINAL_LINE.findall(text)
    execs = int(final[-1]) if final else execs + int(rate * silence)
    return Figures(execs, rate, corpus, edges, "")


def afl_command(way, binaries, seeds, out, instance, foreign, dictionary):
    """@param binaries by build @param foreign a folder where another engine leaves inputs @param dictionary as libFuzzer's"""
    command = ["afl-fuzz", "-i", seeds, "-o", out, "-M" if way.is_main else "-S", instance, "-p", way.schedule]
    command += ["-t", "1000+", "-m", "none", "-G", str(MAX_LENGTH)]
    if way.is_main and foreign is not None:
        command += ["-F", foreign]
    if dictionary is not None:
        command += ["-x", dictionary]
    if way.build == "cmplog":
        command += ["-c", binaries["cmplog"]]
    return [*command, "--", binaries["asan" if way.build == "asan" else "plain"]]


def afl_environment(way, mutator):
    """Nothing is asked of the system: the checks of core pattern, governor and affinity are passed over.

    @param mutator the library that afl-fuzz loads, or None
    """
    environment = {
        "AFL_AUTORESUME": "1",
        "AFL_SKIP_CPUFREQ": "1",
        "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
        "AFL_NO_AFFINITY": "1",
        "AFL_NO_UI": "1",
        "AFL_NO_CRASH_README": "1",
        "AFL_IMPORT_FIRST": "1",
        "AFL_CMPLOG_ONLY_NEW": "1",
        "AFL_HANG_TMOUT": str(HANG_SECONDS * 1000),
    }
    if mutator is not None:
        environment["AFL_CUSTOM_MUTATOR_LIBRARY"] = str(mutator)
        if way.ops_only:
            environment["AFL_CUSTOM_MUTATOR_ONLY"] = "1"
    return environment


def afl_execs(folder):
    """Executions of an instance since its folder was made, by its last statistics."""
    return int(_afl_statistics(folder).get("execs_done", 0))


def _number(text):
    """0 for what is none: a disk that is full cuts files short."""
    try:
        return float(text.rstrip("%"))
    except ValueError:
        return 0.0


def _afl_statistics(folder):
    try:
        lines = (folder / "fuzzer_stats").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip(): _number(value.strip()) for key, value in pairs}


class Statsd:
    """Where an instance of AFL++ sends its figures once a second. Its files say nothing in the first minute."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self._last = {}

    def environment(self):
        self._last = {}
        return {"AFL_STATSD": "1", "AFL_STATSD_HOST": "127.0.0.1", "AFL_STATSD_PORT": str(self._socket.getsockname()[1])}

    def last(self):
        """Name and value of all figures, as they came last; none before the first."""
        while True:
            try:
                message = self._socket.recv(65536).decode(errors="replace")
            except OSError:  # nothing more has come
                return self._last
            self._last.update((name, _number(value)) for name, value in re.findall(r"(\w+):([0-9.]+)\|g", message))


def afl_figures(folder, started, execs_before, sent):
    """@param execs_before those of earlier starts, which AFL++ counts on from @param sent what came by Statsd"""
    statistics = _afl_statistics(folder)
    fresh = statistics.get("last_update", 0) >= started
    if not fresh and not sent:
        return Figures(note="trying its seeds")
    figures = {**(statistics if fresh else {}), **sent}
    execs = int(figures.get("execs_done", 0))
    if fresh:
        execs = max(execs, int(statistics.get("execs_done", 0)))  # written when it ended, after the last that was sent
    if execs >= execs_before:
        execs -= execs_before
    rate = figures.get("execs_per_sec", 0.0)
    corpus = int(figures.get("corpus_count", 0))
    edges = int(figures.get("edges_found", 0))
    cycle = int(figures.get("cycle_done", figures.get("cycles_done", 0)))
    return Figures(execs, rate, corpus, edges, f"cycle {cycle}")
