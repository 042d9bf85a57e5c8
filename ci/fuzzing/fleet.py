"""The instances of a target: started, watched, started again when they die, and given turns where processes are too few.

A slot is a place for one instance and for those that take turns in it. Turns end together, at the end of a round; an instance
that reads what others found only when it starts, as libFuzzer does, is started again then as well.
"""

import math
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field

import corpora
import engines
from complaint import ENVIRONMENT, Trouble
from work import free_name

# An instance that ends before it has run so long did not start; the wait before the next try doubles from one second on.
SHORT_LIFE = 20
LONGEST_WAIT = 600
# Not one figure from any instance after so many tries each: there is no use.
TRIES = 3

# libFuzzer ends at a finding, and is started again. From so many on that would take more of its time than fork mode does.
STOPS_BEFORE_FORK = 3

RATE_SECONDS = 20

DAMAGED = "damaged"

# A crash file that looks the same for so long is whole. Its date says nothing: clocks are set, and those of other machines differ.
SETTLED_SECONDS = 1

# So large a log is cut to its end.
MOST_LOGGED = 16 << 20
LOG_KEPT = 64 << 10


@dataclass
class Instance:
    """One process of an engine (in fork mode libFuzzer's has children) and what became of it."""

    name: str
    engine: str
    way: engines.Way | None  # AFL++'s
    log: object
    forks: bool = False  # libFuzzer's fork mode
    stops: int = 0  # how often it ended at a finding
    process: subprocess.Popen | None = None
    started: float = 0.0  # by the clock on the wall, as AFL++'s statistics are
    began: float = 0.0  # by the one that nobody sets
    deaths: int = 0  # short lives in a row
    next_start: float = 0.0
    execs_before: int = 0  # what AFL++ says at the start
    execs_kept: int = 0  # of earlier processes in this run
    figures: engines.Figures = field(default_factory=engines.Figures)
    has_run: bool = False
    statsd: engines.Statsd | None = None
    was_set_aside: bool = False
    log_look: tuple | None = None
    log_since: float = 0.0
    samples: deque = field(default_factory=deque)  # (when, execs), of the last seconds
    last_find: float = 0.0

    @property
    def execs(self):
        return self.execs_kept + self.figures.execs

    @property
    def runs(self):
        return self.process is not None


class Slot:
    def __init__(self, instances):
        self.instances = instances
        self.turn = 0

    @property
    def current(self):
        return self.instances[self.turn]


def deal(options, ways):
    """Which instances take turns in which slot: pairs of engine and way, or number of libFuzzer's process.

    Turns of both engines alternate where there is one process for both.
    """
    afl = [("aflpp", way) for way in ways] if "aflpp" in options.engines else []
    own = 0
    slots = []
    if "libfuzzer" in options.engines:
        if afl and options.jobs == 1:
            return [[turn for fuzzer in afl for turn in (("libfuzzer", 1), fuzzer)]]
        own = options.jobs // 2 if afl else options.jobs
        slots = [[("libfuzzer", number + 1)] for number in range(own)]
    processes = options.jobs - own
    for number in range(min(processes, len(afl))):
        slots.append(afl[number:] if number == processes - 1 else [afl[number]])
    return slots


def round_seconds(options):
    """How long a turn lasts."""
    longest = options.seconds / 2 if options.jobs == 1 and len(options.engines) > 1 else 3600
    return min(max(options.seconds / 8, 60), longest)


def builds_needed(options):
    """Which builds of AFL++'s targets come to their turn."""
    turns = math.ceil(options.seconds / round_seconds(options))
    steps = [step for slot in deal(options, engines.WAYS) for step in slot[:turns]]
    return {way.build for engine, way in steps if engine == "aflpp"} | ({"plain"} if "aflpp" in options.engines else set())


class Fleet:
    """All instances of one target."""

    def __init__(self, setup, work, run, target):
        """@param setup options, and where binaries are (main)"""
        self.setup = setup
        self.work = work
        self.run = run
        self.target = target
        options = setup.options
        self.libfuzzer = work.target(target, "libfuzzer")
        self.aflpp = work.target(target, "aflpp")
        self.sync = self._make(options.sync / target if options.sync else self.aflpp / "out")
        corpora.recover(self.libfuzzer / "corpus")
        self.corpus = work.target(target, "libfuzzer", "corpus")
        self.found = work.target(target, "libfuzzer", "found")
        self.temporary = work.target(target, "libfuzzer", "tmp")
        self.folders = setup.folders(target)
        self._deal(options)
        self.round = round_seconds(options)
        self.round_began = time.monotonic()
        self._seen = {}  # crash files: how they looked, and since when
        self._logs_looked_at = 0.0
        for instance in self.instances:
            instance.execs_kept = run.state["execs"].get(f"{target}/{instance.name}", 0)

    @staticmethod
    def _make(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Trouble(ENVIRONMENT, f"{folder}: {error.strerror}; expected a folder to write to (--sync D)") from None
        return folder.resolve()

    def _deal(self, options):
        prefix = f"{options.name}-" if options.name else ""
        known = {}

        def instance(engine, way):
            if engine == "libfuzzer":
                name = engine + (f"-{way}" if way > 1 else "")
                return known.setdefault(name, Instance(prefix + name, engine, None, self.libfuzzer / f"{name}.log"))
            return known.setdefault(way, Instance(prefix + way.name, engine, way, self.aflpp / f"{way.name}.log"))

        builds = self.setup.builds(self.target)
        ways = [way for way in engines.WAYS if way.build in builds]
        self.slots = [Slot([instance(*step) for step in slot]) for slot in deal(options, ways)]

    @property
    def instances(self):
        """Each of them once."""
        return list({instance.name: instance for slot in self.slots for instance in slot.instances}.values())

    # Starting

    def prepare(self):
        """What an earlier start left behind, and AFL++'s seeds."""
        for folder in self.temporary.iterdir():
            self._harvest(folder)
        if not any(instance.engine == "aflpp" for instance in self.instances):
            return
        seeds = self.aflpp / "seeds"
        shutil.rmtree(seeds, ignore_errors=True)
        seeds.mkdir()
        # An empty sequence: AFL++ wants at least one, and one that does not crash.
        (seeds / "empty.bin").write_bytes(bytes(16))
        for file in corpora.inputs_of(self.folders):
            if file.stat().st_size > 0:
                shutil.copyfile(file, free_name(seeds / file.name))

    def _command(self, instance):
        setup, mutator = self.setup, "on" if self.setup.options.mutator else "off"
        dictionary = setup.dictionary(self.target)
        if instance.engine == "libfuzzer":
            binary, corpus, found, temporary, *folders = (
                corpora.plain(path, self.libfuzzer)
                for path in (
                    setup.binary("libfuzzer", self.target), self.corpus, self.found, self._temporary_of(instance), *self.folders
                )
            )
            words = dictionary and corpora.plain(dictionary, self.libfuzzer)
            command = engines.libfuzzer_command(binary, corpus, folders, found, words, instance.forks)
            return command, {"TMPDIR": temporary, "STEVE_MUTATOR": mutator}
        binaries = {build: setup.binary("aflpp", self.target, build) for build in ("plain", "asan", "cmplog")}
        command = engines.afl_command(
            instance.way, binaries, self.aflpp / "seeds", self.sync, instance.name, self.corpus, dictionary
        )
        environment = engines.afl_environment(instance.way, setup.mutator(self.target))
        return command, {**environment, **instance.statsd.environment(), "STEVE_MUTATOR": mutator}

    def _temporary_of(self, instance):
        folder = self.temporary / instance.name
        folder.mkdir(exist_ok=True)
        return folder

    def _start(self, instance):
        if instance.engine == "aflpp":
            instance.statsd = instance.statsd or engines.Statsd()
            instance.execs_before = engines.afl_execs(self.sync / instance.name)
        command, environment = self._command(instance)
        if instance.log.exists():
            os.replace(instance.log, instance.log.with_name(instance.log.name + ".old"))
        with open(instance.log, "ab") as log:  # at its end, wherever that is: see _cut_logs()
            # Killed with ci/fuzz, also by SIGKILL; what it started itself is the guard's.
            instance.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)],
                cwd=self.libfuzzer,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.work.environment(**environment),
                start_new_session=True,
            )
        if instance.engine == "aflpp":
            self.work.begins(instance.process.pid)
        instance.started = time.time()
        instance.began = time.monotonic()
        instance.samples.clear()
        instance.figures = instance.figures._replace(execs=0, rate=0.0, note="starting")

    # Watching

    def tick(self):
        """Takes figures, starts what died again, and gives turns. To be called a few times a second."""
        now = time.monotonic()
        if now - self.round_began >= self.round:
            self.round_began = now
            self._end_round()
        for slot in self.slots:
            instance = slot.current
            if instance.runs and instance.process.poll() is not None:
                self._bury(instance)
            if not instance.runs and now >= instance.next_start:
                try:
                    self._start(instance)
                except OSError as error:  # no process, no memory, no file to be had for a while
                    self._put_off(instance, f"cannot be started: {error.strerror}; again soon")
            if instance.runs:
                self._take_figures(instance)
        self._give_up_if_hopeless()
        if now - self._logs_looked_at >= 60:
            self._logs_looked_at = now
            self._cut_logs()

    def _cut_logs(self):
        """A log is of use for its end. In weeks it would fill the disk."""
        for instance in self.instances:
            try:
                if instance.runs and instance.log.stat().st_size > MOST_LOGGED:
                    with open(instance.log, "r+b", buffering=0) as log:
                        log.seek(-LOG_KEPT, os.SEEK_END)
                        end = log.read(LOG_KEPT)
                        log.truncate(0)
                    with open(instance.log, "ab", buffering=0) as log:
                        log.write(end)
            except OSError:
                pass  # next time

    def _take_figures(self, instance):
        if instance.engine == "libfuzzer":
            figures = engines.libfuzzer_figures(instance.log, instance.forks, self._silence(instance))
        else:
            sent = instance.statsd.last()
            figures = engines.afl_figures(self.sync / instance.name, instance.started, instance.execs_before, sent)
            figures = figures._replace(rate=self._rate(instance, figures.execs))
        if figures.execs == 0:  # nothing to say yet: corpus and edges are what they were
            figures = instance.figures._replace(execs=0, rate=0.0, note=figures.note)
        if figures.corpus > instance.figures.corpus > 0:
            instance.last_find = time.monotonic()
        instance.figures = figures
        instance.has_run |= figures.execs > 0
        self.run.state["execs"][f"{self.target}/{instance.name}"] = instance.execs

    @staticmethod
    def _silence(instance):
        """For how long its log has not changed."""
        now, look = time.monotonic(), _look_of(instance.log)
        if look != instance.log_look:
            instance.log_look, instance.log_since = look, now
        return now - instance.log_since

    @staticmethod
    def _rate(instance, execs):
        """Of the last RATE_SECONDS: AFL++'s own figure is of the first seconds for long."""
        now = time.monotonic()
        if execs and (not instance.samples or now - instance.samples[-1][0] >= 1):
            instance.samples.append((now, execs))
        while instance.samples and now - instance.samples[0][0] > RATE_SECONDS:
            instance.samples.popleft()
        if len(instance.samples) < 2:
            return 0.0
        (begin, before), (end, after) = instance.samples[0], instance.samples[-1]
        return max(0, after - before) / (end - begin)

    def _keep_execs(self, instance):
        instance.execs_kept = instance.execs
        instance.figures = instance.figures._replace(execs=0, rate=0.0, note="")

    def _bury(self, instance):
        """It ended by itself, which no instance should."""
        self._take_figures(instance)
        self._keep_execs(instance)
        status = instance.process.returncode
        self._forget(instance)
        if instance.engine == "libfuzzer" and not instance.forks and status in engines.LIBFUZZER_FOUND:
            instance.stops += 1
            instance.forks = instance.stops >= STOPS_BEFORE_FORK
            instance.has_run = True
            return
        if time.monotonic() - instance.began > SHORT_LIFE:
            instance.deaths = 0
        self._put_off(instance, f"ended with {status}; again soon")
        if instance.deaths >= TRIES:
            self._set_aside(instance)

    def _set_aside(self, instance):
        """AFL++ does not start in a folder that a power cut or a full disk has damaged, however often it is asked to. The folder gets another
        name, under which all instances go on to read its queue, and this one begins with a new one."""
        folder = self.sync / instance.name
        said = log_end(instance.log)
        if instance.engine != "aflpp" or instance.was_set_aside or f"{folder}/" not in said or "in use" in said:
            return
        try:
            os.replace(folder, free_name(folder.with_name(f"{instance.name}-{DAMAGED}")))
        except OSError:
            return
        instance.was_set_aside = True
        instance.deaths = 0
        instance.next_start = time.monotonic()
        instance.figures = instance.figures._replace(note="its folder was damaged; begins anew")

    @staticmethod
    def _put_off(instance, note):
        instance.deaths += 1
        instance.next_start = time.monotonic() + min(2 ** (instance.deaths - 1), LONGEST_WAIT)
        instance.figures = instance.figures._replace(note=note)

    def _forget(self, instance):
        """Its process has ended."""
        if instance.engine == "aflpp":
            self.work.has_ended(instance.process.pid)
        instance.process = None

    def _give_up_if_hopeless(self):
        if not any(slot.current.has_run or slot.current.deaths < TRIES for slot in self.slots):
            raise self._cannot_start(self.slots[0].current)

    def see_that_it_ran(self):
        """Trouble if an engine has done nothing in all this time and did not live through it."""
        for engine in self.setup.options.engines:
            own = [instance for instance in self.instances if instance.engine == engine]
            dead = [instance for instance in own if instance.deaths]
            if dead and not any(instance.has_run for instance in own):
                raise self._cannot_start(dead[0])

    @staticmethod
    def _cannot_start(instance):
        return Trouble(ENVIRONMENT, f"{instance.name} does not start; the end of {instance.log}:\n{log_end(instance.log)}")

    def _end_round(self):
        for slot in self.slots:
            restarts = slot.current.engine == "libfuzzer" and len(self.slots) > 1
            if len(slot.instances) > 1 or restarts:
                self._stop([slot.current])
                slot.turn = (slot.turn + 1) % len(slot.instances)

    # Stopping

    def stop(self):
        """Ends all instances, in order as far as they can, and takes what they leave."""
        self._stop([slot.current for slot in self.slots])

    def _stop(self, instances):
        running = [instance for instance in instances if instance.runs]
        for instance in running:
            # They write their last figures then. libFuzzer's fork mode knows no such end: its files are harvested.
            self._signal(instance, signal.SIGKILL if instance.forks else signal.SIGTERM)
        deadline = time.monotonic() + 5
        for instance in running:
            try:
                instance.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            self._signal(instance, signal.SIGKILL)
            instance.process.wait()
            self._take_figures(instance)
            self._keep_execs(instance)
            self._forget(instance)
            if instance.forks:
                self._harvest(self.temporary / instance.name)

    @staticmethod
    def _signal(instance, number):
        try:
            if number == signal.SIGTERM:
                instance.process.send_signal(number)
            else:
                os.killpg(instance.process.pid, number)
        except ProcessLookupError:
            pass

    def _harvest(self, folder):
        """What the jobs of a libFuzzer in fork mode had found when it was killed goes to its corpus."""
        try:
            for file in folder.glob("libFuzzerTemp.*/C*/*"):
                if not (self.corpus / file.name).exists():
                    os.replace(file, self.corpus / file.name)
        except OSError:
            return  # a full disk; the next start does it
        shutil.rmtree(folder, ignore_errors=True)

    # What there is

    def crash_files(self):
        """Files that an engine has left as findings and that are whole by now: (engine, instance, path)."""
        self._seen, before = {}, self._seen
        for engine, instance, file in self._left():
            look = _look_of(file)
            if look is None:
                continue
            known, since = before.get(file, (None, 0.0))
            if known != look:
                self._seen[file] = look, time.monotonic()
            elif time.monotonic() - since < SETTLED_SECONDS:
                self._seen[file] = known, since
            else:
                yield engine, instance, file

    def _left(self):
        for file in sorted(self.found.iterdir()):
            if not file.name.startswith(("slow-unit-", ".")):
                yield "libfuzzer", "libfuzzer", file
        for instance in self.instances:
            if instance.engine == "aflpp":
                # AFL++ renames its folders when it starts again.
                for pattern in ("/crashes*/id:*", "/hangs*/id:*", f"-{DAMAGED}*/crashes*/id:*", f"-{DAMAGED}*/hangs*/id:*"):
                    try:
                        files = sorted(self.sync.glob(instance.name + pattern))
                    except OSError:  # of a shared folder that cannot be reached for a while
                        continue
                    for file in files:
                        yield "aflpp", instance.name, file

    def queues(self):
        """Folders of inputs that AFL++ keeps, those of other machines, too."""
        return sorted(folder for folder in self.sync.glob("*/queue") if folder.is_dir())


def _look_of(file):
    """What changes while a file is written; None if it is gone, or no file."""
    try:
        status = file.stat()
        return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
    except OSError:
        return None


def log_end(log):
    """The last lines of an instance's log, without the escapes that colour it."""
    for path in (log, log.with_name(log.name + ".old")):
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        if text.strip():
            text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
            return "\n".join("    " + line for line in text.splitlines()[-20:])
    return "    (nothing)"
