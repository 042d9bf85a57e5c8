"""Runs the fuzzers: see ci/fuzz for what it is asked, work.py for what it keeps.

For each target: the fleet runs while triage looks at what it finds; then the fleet is stopped, the inbox worked off, and the
corpora merged. What was learnt and found is on disk at any time, so a kill costs what the last seconds brought, at most.
"""

import contextlib
import functools
import os
import resource
import shlex
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import corpora
import screen
from builds import Builds
from complaint import ENVIRONMENT, FOUND, USAGE, Trouble, say, warn
from fleet import SETTLED_SECONDS, Fleet
from options import USAGE_LINES, parse
from symptoms import is_symptom, new_shapes
from triage import Triage
from work import Run, Work, read_findings

TICK_SECONDS = 0.2
SAVE_SECONDS = 5
# Below so much free space the engines are stopped until there is more: full disks lose corpora.
LEAST_FREE = 256 << 20


class Interrupt:
    """Counts Ctrl-C and what else asks for an end: the first ends the run in order, the second leaves out all that can wait.

    Ctrl-C comes from a person, for whom the run is done. A machine that goes down or a terminal that is closed (SIGTERM, SIGHUP) is nobody's
    wish: the next start goes on with it.
    """

    def __init__(self):
        self.count = 0
        self.by_person = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._on_signal)

    def _on_signal(self, number, frame):
        del frame
        self.count += 1
        self.by_person |= number == signal.SIGINT

    def came(self):
        return self.count > 0

    def came_twice(self):
        return self.count > 1


def announce(builds, view, root):
    """@return what tells of a new finding as soon as it is laid down"""

    def tell(finding, shape):
        place = relative(root / "candidates" / finding["target"] / shape["file"])
        ops = f"{shape['ops']} ops" if shape["ops"] is not None else f"{shape['bytes']} bytes"
        lines = [
            "",
            f"ci/fuzz: {who(shape)} found a bug in {finding['target']}: {finding['name']}",
            f"    oracle={finding['oracle']} {finding['what']}",
            f"    {ops}: {place}, with its report beside it",
        ]
        if "again" in shape:
            steve, *words = shape["again"]
            lines.append(f"    again: {shlex.join([relative(steve), *words, place])}")
        for command in builds.replayers(finding["target"], shape["engine"])[:1]:
            lines.append(f"       or: {shlex.join([relative(command[0]), place])}")
        view.say("\n".join(lines))

    return tell


def who(shape):
    """Seeds that crash are nobody's finding: they crash before an engine has begun."""
    others = {"seeds": "a seed", "by-hand": "a file laid into the inbox", "again": "a candidate of another name"}
    return others.get(shape["instance"], shape["engine"])


def relative(path):
    """As a person standing in the project's folder would type it."""
    try:
        return str(Path(path).relative_to(Builds(None).root))
    except ValueError:
        return str(path)


class Session:
    """One run over all its targets."""

    def __init__(self, builds, work, run, interrupt):
        self.builds = builds
        self.options = builds.options
        self.work = work
        self.run = run
        self.interrupt = interrupt
        self.rows = []
        self.remarks = []
        self._unsaved = False

    def fuzz(self, target):
        self._refuse_full_disk()
        begin = time.monotonic()
        spent_before = self.run.seconds(target)
        with contextlib.ExitStack() as at_end:  # all of it, also if a part fails
            at_end.callback(self._save, functools.partial(say, stream=sys.stderr))
            fleet = Fleet(self.builds, self.work, self.run, target)
            view = screen.open_view(self.options)
            at_end.callback(view.close)
            triage = Triage(self.builds, self.work, self.run, target, announce(self.builds, view, self.work.root), view.say)
            at_end.callback(triage.finish)
            at_end.callback(fleet.stop)
            fleet.prepare()
            triage.start()
            fleet.round_began = time.monotonic()
            spent = spent_before
            while spent < self.options.seconds and not self.interrupt.came():
                fleet.tick()
                self._collect(fleet, triage)
                view.show(fleet, triage, spent, "")
                begin += self._wait_for_space(fleet, triage, view, spent)
                self._save(view.say, SAVE_SECONDS)
                time.sleep(TICK_SECONDS)
                spent = spent_before + time.monotonic() - begin
                self.run.state["seconds"][target] = spent
            fleet.stop()
            self._finish_triage(fleet, triage, view, spent)
            if not triage.new and not self.interrupt.came():
                fleet.see_that_it_ran()
            self._merge(fleet, triage, view, spent)
        self._take_rows(fleet, triage, spent)

    def _save(self, tell, at_most_every=0.0):
        """What cannot be written now is later."""
        try:
            self.run.save(at_most_every)
            self._unsaved = False
        except OSError as error:
            if not self._unsaved:
                tell(f"ci/fuzz: {error.filename}: {error.strerror}; the next start would not know of the time since then")
            self._unsaved = True

    @staticmethod
    def _collect(fleet, triage):
        for engine, instance, path in fleet.crash_files():
            triage.take(engine, instance, path)

    def _full_disk(self):
        """The folder whose disk is almost full, or None."""
        for folder in filter(None, (self.work.root, self.options.sync)):
            try:
                if shutil.disk_usage(folder).free < LEAST_FREE:
                    return folder
            except OSError:  # not made yet, or a shared folder that cannot be reached for a while
                pass
        return None

    def _refuse_full_disk(self):
        folder = self._full_disk()
        if folder is not None:
            raise Trouble(
                ENVIRONMENT,
                f"the disk of {folder} is almost full; expected {LEAST_FREE >> 20} MiB to be free; "
                "free some space and start again: it goes on from here",
            )

    def _wait_for_space(self, fleet, triage, view, spent):
        """A disk that something else fills for a while does not end a run of weeks. @return the seconds that this took"""
        folder = self._full_disk()
        if folder is None:
            return 0
        begin = time.monotonic()
        fleet.stop()
        view.say(f"ci/fuzz: the disk of {folder} is almost full; it goes on when {LEAST_FREE >> 20} MiB are free")
        while self._full_disk() and not self.interrupt.came():
            if time.monotonic() - begin > self.options.seconds / 10:
                self._refuse_full_disk()
            view.show(fleet, triage, spent, "waits for space on the disk")
            time.sleep(TICK_SECONDS)
        return time.monotonic() - begin

    def _finish_triage(self, fleet, triage, view, spent):
        self._collect(fleet, triage)
        time.sleep(SETTLED_SECONDS + 0.1)  # the last crash files are whole then
        self._collect(fleet, triage)
        deadline = time.monotonic() + max(120, self.options.seconds / 10)
        triage.no_more()
        while triage.is_alive() and time.monotonic() < deadline and not self.interrupt.came_twice():
            view.show(fleet, triage, spent, screen.LAST_CRASHES)
            time.sleep(TICK_SECONDS / 2)
        triage.finish()

    def _merge(self, fleet, triage, view, spent):
        target = fleet.target
        if "libfuzzer" not in self.options.engines:
            return
        if self.interrupt.came():
            self._remark(fleet, "corpora not merged, since it was interrupted; the next run does it")
            return
        view.show(fleet, triage, spent, "merging the corpora")
        limit = min(max(self.options.seconds / 10, 120), 1800)
        try:
            result = corpora.merge(
                self.builds.binary("libfuzzer", target),
                fleet.corpus,
                [*fleet.queues(), *fleet.folders],
                fleet.found,
                fleet.libfuzzer / "merge.log",
                self.work.environment(TMPDIR=corpora.plain(fleet.temporary, fleet.libfuzzer)),
                limit,
                self.interrupt.came,
            )
        except OSError as error:
            result = f"{error.filename or 'a file'}: {error.strerror}"
        if isinstance(result, str):
            self._remark(fleet, f"corpora not merged: {result}; nothing is lost")
        else:
            before, after = result
            self._remark(fleet, f"{before} inputs of all corpora merged into {after}: {relative(fleet.corpus)}")

    def _remark(self, fleet, sentence):
        self.remarks.append(f"{fleet.target}: {sentence}")

    def _take_rows(self, fleet, triage, spent):
        new = triage.new
        for engine in self.options.engines:
            own = [instance for instance in fleet.instances if instance.engine == engine]
            done = sum(instance.execs for instance in own)
            found = sum(1 for finding in new if new_shapes(finding, self.run.number)[0]["engine"] == engine)
            corpus = sum(instance.figures.corpus for instance in own)
            edges = max((instance.figures.edges for instance in own), default=0)
            names = " ".join(instance.name for instance in own if instance.has_run or instance.execs)
            rate = f"{done / max(spent, 1):.0f}"
            self.rows.append([engine, fleet.target, screen.duration(spent), done, rate, corpus, edges, found, names or "-"])
        if triage.waiting:
            self._remark(fleet, f"{triage.waiting} crash files wait for triage; the next run goes on with them")
        if triage.counts["silent"]:
            place = relative(triage.silent)
            self._remark(fleet, f"{triage.counts['silent']} crash files do not crash any more; kept in {place}")
        known = [finding for finding in triage.findings if finding["status"] == "open" and finding not in new]
        if known:
            names = ", ".join(finding["name"] for finding in known)
            self._remark(fleet, f"known from earlier runs and still there: {names}")

    def conclude(self):
        """The table. @return how many findings are new"""
        say("\n== figures")
        heading = ["engine", "target", "time", "execs", "exec/s", "corpus", "edges", "new", "instances"]
        screen.print_table([heading, *self.rows])
        new = [f for f in read_findings(self.work.findings) if new_shapes(f, self.run.number)]
        if new:
            say("\n== new findings")
            rows = [["name", "target", "by", "after", "ops", "shapes", "crashes"]]
            for f in new:
                shapes = new_shapes(f, self.run.number)
                after = screen.duration(shapes[0]["after"])
                own = [shape for shape in shapes if not is_symptom(f, shape)] or shapes
                ops = min((shape["ops"] for shape in own if shape["ops"] is not None), default="-")
                rows.append([f["name"], f["target"], shapes[0]["instance"], after, ops, len(shapes), f["count"]])
            screen.print_table(rows)
            say(f"Candidates for corpus/crashes, with reports: {relative(self.work.root / 'candidates')}")
            if len(new) > 1:
                say("Several names may be one bug: mend the shortest first, and start again; what it caused drops off.")
        if self.remarks:
            say("\n== notes")
            for remark in self.remarks:
                say(remark)
        return len(new)


def fuzz(options):
    # A core of a process that has mapped a terabyte is of no use to anyone.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    builds = Builds(options)
    work = Work(options.work)
    work.open()
    interrupt = Interrupt()
    if work.left_over:
        say(f"== ended {work.left_over} processes that an earlier run left behind")
    try:
        builds.make()
        asked = {"targets": options.targets, "engines": options.engines, "seconds": options.seconds}
        run = Run(work, {key: list(value) if isinstance(value, tuple) else value for key, value in asked.items()})
        if run.resumed:
            spent = screen.duration(sum(run.state["seconds"].values()))
            say(f"== going on with the run of {run.state['started']}, {spent} in")
        session = Session(builds, work, run, interrupt)
        for target in options.targets:
            if interrupt.came():
                break
            engines = " and ".join(screen.ENGINE_NAMES[engine] for engine in options.engines)
            say(f"== {engines} on {target}, {options.jobs} at a time, for {screen.duration(options.seconds)}")
            session.fuzz(target)
        if not interrupt.came() or interrupt.by_person:
            run.finish()
        else:
            session.remarks.append("it was told to end by a signal; the next start in the same way does the rest of its time")
        found = session.conclude()
    finally:
        work.close()
    if found:
        warn(f"{found} found; see above")
        return FOUND
    return 0


def main():
    origin = Path(os.environ.get("STEVE_FUZZ_ORIGIN", os.getcwd()))
    try:
        options = parse(sys.argv[1:], origin)
        return fuzz(options)
    except OSError as error:
        warn(f"{error.filename or 'a file'}: {error.strerror}; what was learnt is kept, start again to go on")
        return ENVIRONMENT
    except Trouble as trouble:
        warn(trouble)
        if trouble.status == USAGE:
            say(USAGE_LINES, sys.stderr)
        return trouble.status
    except Exception:  # pylint: disable=broad-except
        # Python's own status for it would be that of a finding.
        say(traceback.format_exc(), sys.stderr)
        warn("a bug in ci/fuzz itself, see above; what was learnt and found is kept, start again to go on")
        return ENVIRONMENT


def let_go_of_streams():
    """What nobody took is dropped, or Python would end with a status of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    ended_with = main()
    let_go_of_streams()
    sys.exit(ended_with)
