"""From crash files to findings: replayed by Steve, shrunk, told apart, and laid down with a name and a report.

symptoms.py says which are one. Each shape is laid down once; what else comes of it is counted. A symptom of another finding keeps its
own file, and is a finding of its own if it shows when that one is mended.

Shrinking takes its time and a bug may show in every second input. So, as in `steve run --keep-going`, the signature of a file is
looked at first: the oracle and its sentence. Of each the first SHRUNK_ALWAYS files are shrunk, then those whose number is a
power of two; and none any more once one would not shrink to the end.

What Steve does not break is run by the target itself, which sees some things that Steve does not (a leak, an input that is
slow as a whole); what that does not break either is kept in silent/ and counted. Some inputs it leaves early, and looks at the heap
there: the ops until then are Steve's as well.
"""

import json
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import corpora
import faces
from complaint import ENVIRONMENT, FOUND
from engines import HANG_SECONDS, MAX_LENGTH
from symptoms import VAGUE, Broken, Symptoms, group_of, is_symptom, name_for, new_shapes, signature_of
from work import free_name, move_whole, read_findings, write_whole

SHRUNK_ALWAYS = 4
BATCH = 24
SCRATCH = "triage-"
# Crash files of a finding that are kept beside its candidates.
KEPT_AGAIN = 8
RETRY_SECONDS = 30
SHRINK_SECONDS = 10
# What is not at its end after that, on a busy machine, is shrunk on, as long as it gets smaller.
SHRINK_TURNS = 4
# So many oracles are turned off, one after the other, to see what breaks then.
AFTER = 3
# Of each finding, so many shapes are shrunk on with any oracle.
SLIPS = 8
MOST_SAID = 4 << 20
SANITIZERS = ("ASAN", "UBSAN")


def came_from(file):
    """What the name of a file in the inbox says: engine, instance, and when it came. A person may put one there, too."""
    parts = file.name.split("+")
    return (parts[0], parts[1], parts[2]) if len(parts) > 3 else ("libfuzzer", "by-hand", "")


@dataclass
class Shrunk:
    """The smallest file that shows the same."""

    file: Path
    shape: str = ""  # "": of no use, since it might be smaller yet
    ops: int | None = None


class Triage(threading.Thread):
    """Works through the inbox beside the fleet. `findings` and the counts are read by the screen at any time."""

    def __init__(self, setup, work, run, target, announce, say):
        """@param announce called with a finding that is new, and its shape @param say called with what else is worth a line"""
        super().__init__(daemon=True)
        self.setup = setup
        self.work = work
        self.run_number = run.number
        self.target = target
        self.announce = announce
        self.say = say
        self._ways = setup.ways_to_replay(target) if setup.steves else []
        self.inbox = work.target(target, "inbox")
        self.silent = work.target(target, "silent")
        self.candidates = work.root / "candidates" / target
        self.findings = [f for f in read_findings(work.findings) if f["target"] == target]
        for finding in self.findings:
            finding.setdefault("groups", [finding.get("group", finding["oracle"])])  # as they once were
            finding.setdefault("faces", [finding["name"]])
        self.counts = run.state.setdefault("triage", {}).setdefault(target, {"crashes": 0, "silent": 0})
        self.trouble = None
        self._failures = {}  # of files in the inbox: how often something went wrong with one
        self._stop_asked = False
        self._no_more = threading.Event()
        self._process = None
        for folder in (*work.target(target).glob(SCRATCH + "*"),):  # of a run that was killed
            shutil.rmtree(folder, ignore_errors=True)
        self._began = time.monotonic()

    # From the outside

    def take(self, engine, instance, path):
        """Moves a crash file into the inbox. Its new name says whose it is."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", path.name)[:100]
        try:
            self._move(path, self.inbox / f"{engine}+{instance}+{time.time_ns()}+{plain}")
        except FileNotFoundError:  # AFL++ has just renamed its folder: it is met again under the new name
            pass
        except OSError as error:  # of a shared folder, or a disk that is full for a while: it stays where it is until then
            self._tell_trouble(f"{path}: {error.strerror}")

    @property
    def waiting(self):
        return len(self._waiting_files())

    def _waiting_files(self):
        """Those in the inbox, in the order in which they came; those that triage could not do with last."""
        files = [file for file in self.inbox.iterdir() if file.is_file() and not file.name.startswith(".")]
        return sorted(files, key=lambda file: (self._failures.get(file.name, 0), came_from(file)[2], file.name))

    @property
    def new(self):
        return [finding for finding in self.findings if new_shapes(finding, self.run_number)]

    def no_more(self):
        """Nothing more is taken: the thread ends when the inbox is empty."""
        self._no_more.set()

    def finish(self):
        """Ends the thread now. What it was at stays in the inbox."""
        self._stop_asked = True
        self._no_more.set()
        while self.is_alive():
            process = self._process
            if process is not None and process.poll() is None:
                process.kill()
            self.join(0.1)

    def stopped(self):
        return self._stop_asked

    # The thread

    def run(self):
        self._guarded(self._look_at_candidates)
        self._guarded(self._look_at_seeds)
        while not self._stop_asked:
            last = self._no_more.is_set()
            files = self._waiting_files()
            # One that has failed holds up no others.
            untried = [file for file in files if file.name not in self._failures]
            batch = untried[:BATCH] or files[:1]
            well = self._guarded(self._look_at, batch)
            if last and not untried:
                return
            if not batch or not well:
                self._no_more.wait(0.5 if well else RETRY_SECONDS)

    def _guarded(self, step, *arguments):
        """What goes wrong in here, such as a disk that is full for a while, must not end a run of weeks. @return whether it went well"""
        try:
            step(*arguments)
            self.trouble = None
            return True
        except Exception as error:  # pylint: disable=broad-except
            self._tell_trouble(f"{type(error).__name__}: {error}")
            return False

    def _tell_trouble(self, trouble):
        if trouble != self.trouble:
            self.trouble = trouble
            self.say(f"ci/fuzz: triage of {self.target} waits: {trouble}; crash files are kept in {self.inbox}")

    def _call(self, command, seconds, names=False):
        """Runs a command. @return (status, output); None for the status if its time was over

        @param names whether a sanitizer's report is for people: to look up names takes a process and seconds of CPU time
        """
        options = {} if names else {f"{kind}_OPTIONS": _with_option(f"{kind}_OPTIONS", "symbolize=0") for kind in SANITIZERS}
        # No pipe: a process that it leaves behind would hold it open.
        with tempfile.TemporaryFile(dir=self.work.root) as said:
            process = self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self.work.environment(**options),
                start_new_session=True,
            )
            if self._stop_asked:
                process.kill()
            try:
                status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                status = None
            said.seek(0)
            return status, said.read(MOST_SAID).decode(errors="replace")

    def _scratch(self):
        return tempfile.TemporaryDirectory(dir=self.work.target(self.target), prefix=SCRATCH)

    # What breaks

    def _steve(self, steve, command, *arguments, seconds=120):
        return self._call([steve, command, *arguments], seconds)

    def _replay(self, files):
        """Which of the files break what in Steve. @return {file: Broken}"""
        broken = {}
        for steve in self.setup.steves:
            for way in self._ways:
                broken.update(self._replay_by(steve, way, [file for file in files if file not in broken]))
        return broken

    def _replay_by(self, steve, way, files):
        if not files or self._stop_asked:
            return {}
        broken = self._broken_by(steve, way, files)
        if broken is not None:
            return broken
        if len(files) == 1:
            return {}  # no sequence to Steve: the target will say
        return {file: broken for one in files for file, broken in self._replay_by(steve, way, [one]).items()}

    def _broken_by(self, steve, way, files, *arguments):
        """@return {file: Broken}; None if it does not get through all of them"""
        with self._scratch() as out:
            status, output = self._steve(steve, "replay", "--no-shrink", "--json", "--out", out, *way, *arguments, *files)
        if status == ENVIRONMENT:
            raise OSError(f"{steve} could not run: {output.strip()[-200:]}")
        begin = output.find("{\n")
        if status in (0, 1) and begin >= 0:
            try:
                document, _ = json.JSONDecoder().raw_decode(output[begin:])
                return {Path(f["file"]): Broken(f["oracle"], f["what"], steve=steve, way=way) for f in document["findings"]}
            except (ValueError, KeyError):
                pass
        return None

    def _run_target(self, file, engine, names=False):
        """What the target says of a file that Steve has nothing against. @return Broken, or None"""
        for command in self.setup.replayers(self.target, engine):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            status, output = self._call([*command, file], 10 * HANG_SECONDS, names)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if self._stop_asked:
                return None
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            if status is None or (status == 0 and spent > HANG_SECONDS):
                return Broken("hang", f"the input takes more than {HANG_SECONDS} s of CPU time", output=output)
            if status != 0:
                return self._reason(status, output)
        return None

    @staticmethod
    def _reason(status, output):
        found = re.search(r"oracle=(\S+) op=(\d+) (.*)", output)
        if found:
            return Broken(found[1], found[3], int(found[2]), output=output)
        if "ERROR: libFuzzer: out-of-memory" in output:
            return Broken("memory", "more than 4 GiB of memory, or in one allocation", output=output)
        for pattern in (r"Assertion .*", r"runtime error: .*", r"ERROR: (?:libFuzzer: |\w+Sanitizer: )(.*?)(?: on | \(|$)"):
            found = re.search(pattern, output, re.M)
            if found and "deadly signal" not in found[0]:
                return Broken("crash", found[found.lastindex or 0], output=output)
        last = next((line for line in reversed(output.splitlines()) if line.startswith("fuzz_")), "")
        return Broken("crash", last or f"the target ends with {status}", output=output)

    def _part_for_steve(self, file, shown, folder):
        """@return the ops until the target saw something, in a file of their own, and what Steve has against them; what was given, if
        nothing"""
        if shown.op is None or not self.setup.steves or self.target == "fuzz_text":
            return file, shown
        steve = self.setup.steves[0]
        _, text = self._steve(steve, "show", file)
        header, ops = faces.header_and_ops(text)
        for count in (shown.op, shown.op + 1):
            part = folder / f"first-{count}.bin"
            part.with_suffix(".ops").write_text("\n".join([*header, *ops[:count], ""]))
            self._steve(steve, "encode", part.with_suffix(".ops"), "-o", part)
            seen = self._replay([part]).get(part) if part.exists() else None
            if seen is not None and seen.oracle == shown.oracle:
                return part, seen
        return file, shown

    # One batch

    def _look_at(self, files):
        at = files[:1]  # which of them to hold something against
        try:
            broken = self._replay(files)
            for file in files:
                if self._stop_asked:
                    return
                at = [file]
                shown = broken.get(file) or self._run_target(file, came_from(file)[0])
                if self._stop_asked:
                    return
                if shown is None:
                    self._move(file, self.silent / file.name)
                    self.counts["silent"] += 1
                else:
                    self._meet(file, shown)
        except Exception:
            for file in at:
                self._failures[file.name] = self._failures.get(file.name, 0) + 1
            raise

    def _meet(self, file, shown):
        signature = signature_of(shown)
        owner = next((f for f in self._open() if signature in f["signatures"]), None)
        sign = owner["signatures"][signature] if owner else {"seen": 0, "unsettled": False}
        seen = sign["seen"] = sign["seen"] + 1
        if owner and (sign["unsettled"] or (seen > SHRUNK_ALWAYS and seen & (seen - 1) != 0)):
            self._count_crash(owner)
            self._keep_again(owner, file)
            return
        with self._scratch() as folder:
            part, shown = self._part_for_steve(file, shown, Path(folder))
            shrunk = self._shrink(part, shown, Path(folder))
            if self._stop_asked:
                return  # it stays in the inbox
            sign["unsettled"] = not shrunk.shape
            # What did not shrink to the end has no shape to go by: it is taken for the first of its signature.
            symptoms = None if owner and not shrunk.shape else self._symptoms(shrunk, shown)
            if symptoms:
                self._slip(shrunk, shown, symptoms, Path(folder) / "plainest.bin")
            if self._stop_asked:
                return
            finding = self._finding(symptoms) if symptoms else owner
            if owner is None:
                finding["signatures"][signature] = sign
            before = len(new_shapes(finding, self.run_number))
            self._enter(finding, file, shown, shrunk, symptoms)
        added = new_shapes(finding, self.run_number)
        if before == 0 and added:
            self.announce(finding, added[0])

    def _count_crash(self, finding):
        """Before its file leaves the inbox: what is not in the list of findings has to be met again."""
        finding["count"] += 1
        self.counts["crashes"] += 1
        self._save(finding)

    def _symptoms(self, shrunk, shown):
        """Looks at everything after every op: a corrupted heap has many faces later."""
        if not shown.steve:
            return Symptoms(shown, [group_of(shown)])
        first = self._closely(shown.steve, shown.way, [shrunk.file]).get(shrunk.file, shown)
        shown_so = [first, *self._after(shrunk.file, shown, first)]
        # To wait for each of many hangs is too long; and what was not shrunk has too many parts.
        if shrunk.shape and first.oracle not in ("hang", "memory"):
            _, text = self._call([shown.steve, "show", shrunk.file], 30)
            with self._scratch() as folder:
                files = []
                for number, part in enumerate(faces.parts(text)):
                    files.append(Path(folder) / f"{number}.ops")
                    files[-1].write_text(part)
                for steve in self.setup.steves:
                    shown_so += self._closely(steve, shown.way, files).values()
        return Symptoms(first, list(dict.fromkeys(map(group_of, shown_so))))

    def _after(self, file, shown, first):
        """@return what the same ops break after that, if nobody looks at it, such as what the allocator's own check says of a wrong address"""
        after = [first]
        while after[-1].oracle not in VAGUE and len(after) <= AFTER:
            off = ",".join(dict.fromkeys(broken.oracle for broken in after))
            seen = self._closely(shown.steve, shown.way, [file], "--without", off).get(file)
            if seen is None:
                break
            after.append(seen)
        return after[1:]

    def _slip(self, shrunk, shown, symptoms, plainest):
        """Shrinks on, whatever oracle breaks, and adds what that comes to. What shows late as a hang so is the wrong address that led to
        it; and since it is done for what is found first as well, either may come first.

        @param plainest where to put the sequence
        """
        if not shown.steve or self.target == "fuzz_text":
            return
        same = self._same(symptoms.groups)
        if len(same) == 1:
            if same[0].get("slips", 0) >= SLIPS or self._entry_of(same[0], shrunk, symptoms):
                return
            same[0]["slips"] = same[0].get("slips", 0) + 1
        more = ("--any-oracle", "--check", "paranoid")
        small = self._shrink_by_steve(shrunk.file, shown, plainest, *more, turns=1)
        if small.shape:
            broken = self._closely(shown.steve, shown.way, [small.file]).get(small.file)
            if broken is not None:
                symptoms.plainest, symptoms.plainest_ops = broken, small.ops
                symptoms.groups = list(dict.fromkeys([*symptoms.groups, group_of(broken)]))

    def _closely(self, steve, way, files, *arguments):
        """What files break if all is looked at after every op."""
        return {} if self._stop_asked else self._broken_by(steve, way, files, "--check", "paranoid", *arguments) or {}

    def _open(self):
        return [finding for finding in self.findings if finding["status"] == "open"]

    def _same(self, groups):
        """Findings that have one of these faces. What was mended and comes back is new."""
        return [finding for finding in self._open() if not set(groups).isdisjoint(finding["groups"])]

    def _finding(self, symptoms):
        """The finding that has one of these faces, made if there is none."""
        shown = symptoms.first
        name = name_for(shown.oracle, shown.what)
        same = self._same(symptoms.groups)
        same.sort(key=lambda finding: finding["oracle"] in VAGUE)  # a name that says more stays
        finding, *others = same or [
            {
                "name": name,
                "groups": [],
                "faces": [name],
                "target": self.target,
                "oracle": shown.oracle,
                "what": shown.what,
                "first": time.strftime("%F %T"),
                "status": "open",
                "count": 0,
                "signatures": {},
                "shapes": [],
            }
        ]
        for other in others:
            self._join(finding, other)
        if finding["oracle"] in VAGUE and shown.oracle not in VAGUE:
            self.say(f"ci/fuzz: {finding['name']} is called {name} from here on")
            finding.update(name=name, oracle=shown.oracle, what=shown.what)
        if name not in finding["faces"]:
            finding["faces"].append(name)
            self.say(f"ci/fuzz: {finding['name']} also shows as {name}")
        finding["groups"] = list(dict.fromkeys([*finding["groups"], *symptoms.groups]))
        return finding

    def _join(self, finding, other):
        """Two names turn out to be one bug. Files keep theirs."""
        finding["count"] += other["count"]
        for key in ("shapes", "groups", "faces"):
            finding[key] += other[key]
        finding["signatures"].update(other["signatures"])
        self.findings.remove(other)
        self.say(f"ci/fuzz: {other['name']} is {finding['name']} once more")
        self._tell_beside(finding)

    def _shrink(self, file, shown, folder):
        small = folder / "shrunk.bin"
        if shown.steve and self.target != "fuzz_text":
            return self._shrink_by_steve(file, shown, small)
        for command in self.setup.minimizers(self.target):
            limits = [f"-max_total_time={SHRINK_SECONDS}", f"-max_len={MAX_LENGTH}"]
            self._call([*command, "-minimize_crash=1", *limits, f"-exact_artifact_path={small}", file], 2 * SHRINK_SECONDS)
            if small.exists() and small.stat().st_size < file.stat().st_size:
                again = self._run_target(small, "libfuzzer")
                if again is not None and again.oracle == shown.oracle:
                    return Shrunk(small)
        return Shrunk(file)

    def _shrink_by_steve(self, file, shown, small, *more, turns=SHRINK_TURNS):
        best = Shrunk(file)
        for _ in range(turns):
            limit = f"{SHRINK_SECONDS}s"
            arguments = ("shrink", *shown.way, *more, "--time", limit, "-o", small, best.file)
            status, output = self._steve(shown.steve, *arguments, seconds=6 * SHRINK_SECONDS)
            figures = re.search(r"^verdict=fail .*repro_ops=(\d+) shape=(\w+)$", output, re.M)
            if status != FOUND or not figures or not small.exists():
                break
            ops, shape = int(figures[1]), figures[2]
            done = shape != "none"
            gained = best.ops is None or ops < best.ops
            best = Shrunk(small, shape if done else "", ops)
            if done or not gained:
                break
        return best

    @staticmethod
    def _entry_of(finding, shrunk, symptoms):
        """Where a finding has this shape already. A symptom that has the shape of what it is taken for is kept beside it."""

        def is_same(entry):
            shows = symptoms is None or entry.get("shows", symptoms.group) == symptoms.group
            # What did not shrink to the end is like any that shows the same.
            return shows and shrunk.shape in ("", entry["shape"])

        return next(filter(is_same, finding["shapes"]), None)

    def _enter(self, finding, file, shown, shrunk, symptoms):
        """Adds a shape, or counts one that is there."""
        known = finding["shapes"]
        same = self._entry_of(finding, shrunk, symptoms)
        if same is not None:
            same["count"] += 1
            self._count_crash(finding)
            self._keep_again(finding, file)
            return
        originals = self.work.target("candidates", self.target, "originals")
        first = f"{finding['name']}.bin" not in (entry["file"] for entry in known)
        name = self._name_for(finding["name"] + ("" if first else f"-{len(known) + 1}"), shrunk.file.read_bytes())
        original = free_name(originals / name)
        engine, instance, _ = came_from(file)
        entry = {
            "shape": shrunk.shape,
            "shows": symptoms.group if symptoms else group_of(shown),
            "file": name,
            "count": 1,
            "run": self.run_number,
            "engine": engine,
            "instance": instance,
            "after": round(time.monotonic() - self._began, 1),
            "ops": shrunk.ops,
            "bytes": shrunk.file.stat().st_size,
            "what": shown.what,
        }
        # First what a person sees, then the list of what there is; the file leaves the inbox last. So whenever this is cut short, by a kill or
        # a full disk, it is done once more.
        self._lay_down(finding, entry, original, shown, shrunk, symptoms)
        known.append(entry)
        self._tell_beside(finding)
        self._count_crash(finding)
        self._move(file, original)

    def _name_for(self, stem, data):
        """Of a candidate. Others may be there that the list of findings does not know, if that was damaged; one that says the same was laid
        down when this was cut short."""
        place = self.candidates / f"{stem}.bin"
        while not (place.exists() and place.read_bytes() == data) and (place.exists() or place.with_suffix(".txt").exists()):
            place = free_name(place, ".txt")
        return place.name

    def _tell_beside(self, finding):
        """In the first report of a finding: in what files it shows in another way."""
        own = [entry for entry in finding["shapes"] if not is_symptom(finding, entry)]
        reports = [(self.candidates / entry["file"]).with_suffix(".txt") for entry in own]
        for report in list(filter(Path.exists, reports))[:1]:  # a person may have taken some
            said = report.read_text()
            others = [entry for entry in finding["shapes"] if is_symptom(finding, entry)]
            lines = [f"Also seen as {entry['shows']}: {entry['file']}\n" for entry in others]
            more = "".join(line for line in lines if line not in said)
            if more:
                write_whole(report, said + more)

    def _lay_down(self, finding, entry, original, shown, shrunk, symptoms):
        place = self.candidates / entry["file"]
        write_whole(place, shrunk.file.read_bytes())
        text = ""
        if shown.steve:
            entry["again"] = [str(shown.steve), "replay", *shown.way]
            _, shown.output = self._call([shown.steve, "replay", "--no-shrink", *shown.way, place], 120, names=True)
            if self.target != "fuzz_text":
                _, text = self._call([shown.steve, "show", place], 30)
        # A candidate is for the target's folder: it must break the target, too.
        in_target = self._run_target(place, entry["engine"], names=True)
        if not shown.steve and in_target is not None:
            shown = in_target
        if in_target is None:
            entry["note"] = "this sequence breaks Steve's run alone, not the target's"
        if symptoms and symptoms.plainest and group_of(symptoms.plainest) != symptoms.group:
            slipped = f"{symptoms.plainest.oracle}: {symptoms.plainest.what}"
            entry["plainest"] = f"Shrunk on with any oracle (steve shrink --any-oracle) to {symptoms.plainest_ops} ops: {slipped}"
        write_whole(place.with_suffix(".txt"), self._report(finding, entry, place, original, text, shown, in_target))

    def _report(self, finding, entry, place, original, text, shown, in_target):
        again = []
        if shown.steve:
            again.append("    " + shlex.join([self._relative(shown.steve), "replay", *shown.way, self._relative(place)]))
        for command in self.setup.replayers(self.target, entry["engine"])[:1]:
            again.append("    " + shlex.join(self._relative(word) for word in [command[0], place]))
        parts = [
            f"{finding['name']}",
            "",
            f"The oracle {shown.oracle} is broken: {shown.what}",
            f"With a look at everything after every op (--check paranoid) first: {finding['oracle']}: {finding['what']}",
            *filter(None, [entry.get("plainest")]),
            f"Found by {entry['engine']} ({entry['instance']}) on {self.target}, {time.strftime('%F %T')}."
            f" The file as it came: originals/{original.name}",
        ]
        if "note" in entry:
            parts += ["", f"Note: {entry['note']}."]
        parts += ["", "Again:", "", *again]
        parts += ["", f"Once it is mended: {shlex.join(['cp', self._relative(place), f'corpus/crashes/{self.target}/'])}"]
        if text:
            parts += ["", "The sequence:", "", *("    " + line for line in text.splitlines())]
        if shown.output.strip():
            parts += ["", "Steve says:" if shown.steve else "The target says:", "", *_indented(shown.output)]
        if shown.steve and in_target is not None:
            parts += ["", "The target says:", "", *_indented(in_target.output)]
        return "\n".join(parts) + "\n"

    def _relative(self, path):
        try:
            return str(Path(path).relative_to(self.setup.root))
        except ValueError:
            return str(path)

    def _keep_again(self, finding, file):
        folder = self.work.target(self.target, "again", finding["name"])
        if len(os.listdir(folder)) < KEPT_AGAIN:
            self._move(file, folder / file.name)
        else:
            file.unlink()

    def _save(self, finding):
        if finding not in self.findings:
            self.findings.append(finding)
        others = [f for f in read_findings(self.work.findings) if f["target"] != self.target]
        write_whole(self.work.findings, json.dumps(others + self.findings, indent=1))

    @staticmethod
    def _move(file, place):
        """Nothing is overwritten, however the clock is set back."""
        move_whole(file, free_name(place))

    # What is there at the start

    def _look_at_candidates(self):
        """Candidates of earlier runs that do not break anything any more go to silent/; they are new if they come back. So are
        those that were taken for symptoms of a bug that is mended, and are there nevertheless."""
        for finding in self.findings:
            if finding["status"] != "open" or self._stop_asked:
                continue
            files = [self.candidates / entry["file"] for entry in finding["shapes"]]
            files = [file for file in files if file.exists()]
            if not files:
                continue  # taken by a person, who knows of it
            others = {self.candidates / entry["file"] for entry in finding["shapes"] if is_symptom(finding, entry)}
            broken = self._replay(files)
            left = [file for file in files if broken.get(file) or self._run_target(file, "libfuzzer")]
            if not others.issuperset(left) or (left and others.issuperset(files)) or self._stop_asked:
                continue
            for file in left:
                copy = self.inbox / f"{self.setup.options.engines[0]}+again+{time.time_ns()}+{file.name}"
                write_whole(copy, file.read_bytes())
            finding["status"] = "gone"  # and so they are new, when they are met again
            self._save(finding)
            for file in files:
                aside = f"{finding['name']}+{time.time_ns()}"
                self._move(file, self.silent / f"{aside}+{file.name}")
                if file.with_suffix(".txt").exists():
                    self._move(file.with_suffix(".txt"), self.silent / f"{aside}+{file.stem}.txt")
                self.counts["silent"] += file not in left
            place = self._relative(self.silent)
            rest = f", but {len(left)} that were taken for it do" if left else ""
            self.say(f"ci/fuzz: {finding['name']} does not break {self.target} any more{rest}; its files are in {place}")

    def _look_at_seeds(self):
        """Seeds and old crash files that break the target now; the engines would pass over them."""
        files = corpora.inputs_of(self.setup.folders(self.target))
        for command in self.setup.replayers(self.target, self.setup.options.engines[0])[:1]:
            for file in corpora.crashing(command, files, self._call, self.stopped):
                copy = self.inbox / f"{self.setup.options.engines[0]}+seeds+{time.time_ns()}+{file.name}"
                write_whole(copy, file.read_bytes())


def _with_option(variable, option):
    """The value of a variable that lists options, with one more."""
    return ":".join([*filter(None, [os.environ.get(variable)]), option])


def _indented(output):
    lines = output.strip().splitlines()
    if len(lines) > 60:
        lines = [*lines[:40], "...", *lines[-19:]]
    return ["    " + line for line in lines]
