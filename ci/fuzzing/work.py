"""The work folder: what a run learns, and where it stands, so that the next start goes on from there.

    lock                     held by the run in this folder; says whose it is
    run.json                 the run: what it was asked for, and how much of its time is spent
    findings.json            what was ever found here (triage.py)
    candidates/<target>/     new crash files with their reports, ready for corpus/crashes/<target>/
    <target>/libfuzzer/      corpus/: inputs of both engines, merged at the end of a run; found/, logs, tmp/, links/
    <target>/aflpp/          seeds/, out/: AFL++'s sync folder (unless --sync says another); a log for each instance
    <target>/inbox/          crash files that wait for triage
    <target>/again/<name>/   some more crash files of a finding
    <target>/silent/         crash files that do not crash any more

Files are written beside their place and then renamed, so that a kill leaves the old or the new, and so does a power cut. What is damaged
nevertheless is put aside under a name of its own.
"""

import errno
import fcntl
import json
import os
import socket
import subprocess
import shutil
import sys
import time
from pathlib import Path

from complaint import ENVIRONMENT, Trouble, warn
from guard import MARK, end_all, free_shared_memory

GUARD = Path(__file__).with_name("guard.py")

# A guard of a run that was killed is done in less.
PATIENCE_SECONDS = 10


def write_whole(path, data):
    """Writes a file so that it is there as a whole or as it was before."""
    beside = path.with_name(path.name + ".new")
    try:
        with open(beside, "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
            file.flush()
            os.fsync(file.fileno())  # or a power cut may leave the new name and no contents
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    os.replace(beside, path)


def move_whole(path, place):
    """Moves a file to a place where none is, so that it is in one of the two as a whole, also from one file system to another."""
    try:
        os.rename(path, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = place.with_name(f".{place.name}.new")
        try:
            shutil.copyfile(path, beside)
            os.replace(beside, place)
        finally:
            beside.unlink(missing_ok=True)
        path.unlink()


def free_name(path, *suffixes):
    """The path, or one with a number, of which there is no file yet; nor one with any of the suffixes instead of its own."""
    number = 1
    free = path
    while any(os.path.lexists(free.with_suffix(suffix)) for suffix in (path.suffix, *suffixes)):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def read_json(path, default, is_sound):
    """What a file of ours says. One that says something else is put aside, not overwritten.

    @param is_sound whether what it says is what such a file has to say; what it raises is a no
    """
    try:
        said = json.loads(path.read_text())
        if is_sound(said):
            return said
    except FileNotFoundError:
        return default
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        pass
    aside = free_name(path.with_name(f"{path.name}.unreadable-{int(time.time())}"))
    os.replace(path, aside)
    warn(f"{path} is damaged; put aside as {aside.name}")
    return default


def read_findings(path):
    """All that were ever found in a work folder, by all its targets: see Triage._finding for what each says."""

    def is_sound(said):
        for finding in said:
            for key in ("name", "target", "oracle", "what", "status"):
                assert_is(finding[key], str)
            assert_is(finding["count"], int)
            for sign in finding["signatures"].values():
                assert_is(sign["seen"], int)
                assert_is(sign["unsettled"], bool)
            for shape in finding["shapes"]:
                for key in ("file", "shape", "engine", "instance"):
                    assert_is(shape[key], str)
                assert_is(shape["after"] + shape["run"] + shape["count"] + shape["bytes"] + (shape["ops"] or 0), (int, float))
        return isinstance(said, list)

    return read_json(path, [], is_sound)


def assert_is(value, kind):
    if not isinstance(value, kind):
        raise TypeError(kind)


def process_began(pid):
    """When a process began, in ticks since the machine did; None if there is none. With its number that is one process, whose number may be
    another's later."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()[19])
    except OSError:
        return None


class Work:
    """The folder, locked and guarded from open() to close()."""

    def __init__(self, root):
        self.root = root
        self.findings = root / "findings.json"
        self._lock = None
        self._guard = None
        self.left_over = 0

    def target(self, name, *parts):
        """A folder of a target, made if it is not there."""
        folder = self.root.joinpath(name, *parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def open(self):
        """Takes the lock, ends what an earlier run left behind, and sets the guard. Trouble if another run holds it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self.root = self.root.resolve()
            self.findings = self.root / "findings.json"
            self._lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            probe = self.root / ".writable"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise Trouble(
                ENVIRONMENT, f"cannot work in {self.root}: {error.strerror}; expected a folder to write to (--work D)"
            ) from None
        self._take_lock()
        self.left_over = end_all(self.root)
        self._guard = subprocess.Popen(
            [sys.executable, "-B", str(GUARD), str(self.root)],
            stdin=subprocess.PIPE,
            pass_fds=(self._lock,),
            start_new_session=True,
        )

    def _take_lock(self):
        begin = time.monotonic()
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder, _, began = os.pread(self._lock, 400, 0).decode(errors="replace").partition("\n")
                if time.monotonic() - begin > PATIENCE_SECONDS or self._is_alive(holder, began.strip()):
                    raise Trouble(
                        ENVIRONMENT,
                        f"another ci/fuzz works in {self.root} ({holder or 'it does not say which'}); "
                        "wait for it, or name another folder with --work; nothing was changed",
                    ) from None
                time.sleep(0.05)
        os.ftruncate(self._lock, 0)
        holder = f"pid {os.getpid()} on {socket.gethostname()} since {time.strftime('%F %T')}"
        os.pwrite(self._lock, f"{holder}\n{process_began(os.getpid())}\n".encode(), 0)

    @staticmethod
    def _is_alive(holder, began):
        """Whether it is the run itself that holds the lock. If not it is the guard of one that is gone, who soon is done."""
        words = holder.split()
        if len(words) < 4 or words[0] != "pid" or words[3] != socket.gethostname():
            return True
        return str(process_began(words[1])) == began

    def begins(self, pid):
        """Tells the guard of a process that leaves shared memory behind if it is killed."""
        self._tell_guard(f"+{pid}\n")

    def has_ended(self, pid):
        """Cleans up after such a process."""
        free_shared_memory({pid})
        self._tell_guard(f"-{pid}\n")

    def _tell_guard(self, line):
        try:
            self._guard.stdin.write(line.encode())
            self._guard.stdin.flush()
        except OSError:  # someone ended it; the next start looks for what is left
            pass

    def close(self):
        """Ends all that is left of the run, then gives up the lock."""
        if self._guard is not None:
            try:
                self._guard.stdin.close()
            except OSError:
                pass
            self._guard.wait()
        if self._lock is not None:
            os.close(self._lock)

    def environment(self, **more):
        """The environment of every process of a run."""
        return {**os.environ, MARK: str(self.root), **more}


class Run:
    """One run: from the start to --time, however often it is killed in between."""

    def __init__(self, work, asked):
        """@param asked what tells this run from another: targets, engines, time"""
        self._path = work.root / "run.json"
        self.state = read_json(self._path, {}, self._is_sound)
        self.resumed = not self.state.get("finished", True) and self.state.get("asked") == asked
        if not self.resumed:
            self.state = {
                # Also if the file was lost: what an earlier run found is not new.
                "id": 1 + max([self.state.get("id", 0), *(s["run"] for f in read_findings(work.findings) for s in f["shapes"])]),
                "asked": asked,
                "started": time.strftime("%F %T"),
                "finished": False,
                "seconds": {},
                "execs": {},
            }
        self._saved = 0.0
        self.save()

    @staticmethod
    def _is_sound(state):
        assert_is(state["id"], int)
        assert_is(state["finished"], bool)
        assert_is(state["started"], str)
        assert_is(state["asked"], dict)
        for figures in (state["seconds"], state["execs"], *state.get("triage", {}).values()):
            assert_is(sum(figures.values()), (int, float))
        return all("crashes" in counts and "silent" in counts for counts in state.get("triage", {}).values())

    @property
    def number(self):
        return self.state["id"]

    def seconds(self, target):
        return self.state["seconds"].get(target, 0.0)

    def save(self, at_most_every=0.0):
        if time.monotonic() - self._saved >= at_most_every:
            write_whole(self._path, json.dumps(self.state, indent=1))
            self._saved = time.monotonic()

    def finish(self):
        self.state["finished"] = True
        self.save()
