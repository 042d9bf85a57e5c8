"""Runs the fuzzers: see ci/fuzz for what it is asked, work.py for what it keeps.

For each target: the fleet runs while triage looks at what it finds; then the fleet is stopped, the inbox worked off, and the
corpora merged. What was learnt and found is on disk at any time, so a kill costs what the last seconds brought, at most.
"""

import os
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

import corpora
import screen
from builds import Builds
from complaint import ENVIRONMENT, FOUND, USAGE, Trouble, warn
from fleet import Fleet
from options import USAGE_LINES, parse
from triage import Triage, new_shapes
from work import Run, Work, read_json

TICK_SECONDS = 0.2
SAVE_SECONDS = 5
# Below so much free space nothing more is begun: full disks lose corpora.
LEAST_FREE = 256 << 20


class Interrupt:
    """Counts Ctrl-C and SIGTERM: the first ends the run in order, the second leaves out all that can wait."""

    def __init__(self):
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._on_signal)

    def _on_signal(self, number, frame):
        del number, frame
        self.count += 1

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
            lines.append(f"    again: {' '.join([relative(steve), *words])} '{place}'")
        for command in builds.replayers(finding["target"], shape["engine"])[:1]:
            lines.append(f"       or: {relative(command[0])} '{place}'")
        view.say("\n".join(lines))

    return tell


def who(shape):
    """Seeds that crash are nobody's finding: they crash before an engine has begun."""
    return shape["engine"] if shape["instance"] != "seeds" else "a seed"


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

    def fuzz(self, target):
        begin = time.monotonic()
        spent_before = self.run.seconds(target)
        fleet = Fleet(self.builds, self.work, self.run, target)
        view = screen.open_view(self.options)
        triage = Triage(self.builds, self.work, self.run, target, announce(self.builds, view, self.work.root), view.say)
        try:
            fleet.prepare()
            triage.start()
            fleet.round_began = time.monotonic()
            spent = spent_before
            while spent < self.options.seconds and not self.interrupt.came():
                fleet.tick()
                self._collect(fleet, triage)
                view.show(fleet, triage, spent, "")
                self.run.save(SAVE_SECONDS)
                self._look_at_disk()
                time.sleep(TICK_SECONDS)
                spent = spent_before + time.monotonic() - begin
                self.run.state["seconds"][target] = spent
            fleet.stop()
            self._finish_triage(fleet, triage, view, spent)
            if not triage.new and not self.interrupt.came():
                fleet.see_that_it_ran()
            self._merge(fleet, triage, view, spent)
        finally:
            fleet.stop()
            triage.finish()
            view.close()
            self.run.save()
        self._take_rows(fleet, triage, spent)

    @staticmethod
    def _collect(fleet, triage):
        for engine, instance, path in fleet.crash_files():
            triage.take(engine, instance, path)

    def _look_at_disk(self):
        if shutil.disk_usage(self.work.root).free < LEAST_FREE:
            raise Trouble(
                ENVIRONMENT,
                f"the disk of {self.work.root} is almost full; free some space and start again: it goes on from here",
            )

    def _finish_triage(self, fleet, triage, view, spent):
        time.sleep(1.1)  # the last crash files are whole then
        self._collect(fleet, triage)
        deadline = time.monotonic() + max(120, self.options.seconds / 10)
        triage.no_more()
        while triage.is_alive() and time.monotonic() < deadline and not self.interrupt.came_twice():
            view.show(fleet, triage, spent, "looking at the last crash files")
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
        result = corpora.merge(
            self.builds.binary("libfuzzer", target),
            fleet.corpus,
            [*fleet.queues(), *fleet.folders],
            fleet.found,
            fleet.libfuzzer / "merge.log",
            self.work.environment(TMPDIR=str(fleet.temporary)),
            limit,
            self.interrupt.came,
        )
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
            self.rows.append([engine, fleet.target, int(spent), done, rate, corpus, edges, found, names or "-"])
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
        print("\n== figures")
        heading = ["engine", "target", "seconds", "execs", "exec/s", "corpus", "edges", "new", "instances"]
        screen.print_table([heading, *self.rows])
        new = [f for f in read_json(self.work.findings, []) if new_shapes(f, self.run.number)]
        if new:
            print("\n== new findings")
            rows = [["name", "target", "by", "after", "ops", "shapes", "crashes"]]
            for f in new:
                shapes = new_shapes(f, self.run.number)
                after = screen.duration(shapes[0]["after"])
                ops = min((shape["ops"] for shape in shapes if shape["ops"] is not None), default="-")
                rows.append([f["name"], f["target"], shapes[0]["instance"], after, ops, len(shapes), f["count"]])
            screen.print_table(rows)
            print(f"Candidates for corpus/crashes, with reports: {relative(self.work.root / 'candidates')}")
            if len(new) > 1:
                print("Several names may be one bug: mend the shortest first, and start again; what it caused drops off.")
        if self.remarks:
            print("\n== notes")
            for remark in self.remarks:
                print(remark)
        sys.stdout.flush()
        return len(new)


def fuzz(options):
    # A core of a process that has mapped a terabyte is of no use to anyone.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    builds = Builds(options)
    work = Work(options.work)
    work.open()
    interrupt = Interrupt()
    if work.left_over:
        print(f"== ended {work.left_over} processes that an earlier run left behind", flush=True)
    try:
        builds.make()
        asked = {"targets": options.targets, "engines": options.engines, "seconds": options.seconds}
        run = Run(work, {key: list(value) if isinstance(value, tuple) else value for key, value in asked.items()})
        if run.resumed:
            spent = screen.duration(sum(run.state["seconds"].values()))
            print(f"== going on with the run of {run.state['started']}, {spent} in", flush=True)
        session = Session(builds, work, run, interrupt)
        for target in options.targets:
            if interrupt.came():
                break
            engines = " and ".join(options.engines)
            print(f"== {engines} on {target}, {options.jobs} at a time, for {options.seconds} s", flush=True)
            session.fuzz(target)
        run.finish()
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
            print(USAGE_LINES, file=sys.stderr)
        return trouble.status


if __name__ == "__main__":
    sys.exit(main())
