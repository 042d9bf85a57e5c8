"""The work folder: what a run learns, and where it stands, so that the next start goes on from there.

    lock                     held by the run in this folder; says whose it is
    run.json                 the run: what it was asked for, and how much of its time is spent
    findings.json            what was ever found here (triage.py)
    candidates/<target>/     new crash files with their reports, ready for corpus/crashes/<target>/
    <target>/libfuzzer/      corpus/: inputs of both engines, merged at the end of a run; found/, log, tmp/
    <target>/aflpp/          seeds/, out/: AFL++'s sync folder (unless --sync says another); a log for each instance
    <target>/inbox/          crash files that wait for triage
    <target>/again/<name>/   some more crash files of a finding
    <target>/silent/         crash files that do not crash any more

Files are written beside their place and then renamed, so that a kill leaves the old or the new.
"""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from complaint import ENVIRONMENT, Trouble
from guard import MARK, end_all

GUARD = Path(__file__).with_name("guard.py")

# A guard of a run that was killed is done in less.
PATIENCE_SECONDS = 10


def write_whole(path, data):
    """Writes a file so that it is there as a whole or as it was before."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(data if isinstance(data, bytes) else data.encode())
    os.replace(beside, path)


def read_json(path, default):
    """What a file of ours says. One that is no JSON is put aside, not overwritten."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return default
    except ValueError:
        aside = path.with_name(f"{path.name}.unreadable-{int(time.time())}")
        os.replace(path, aside)
        print(f"ci/fuzz: {path} is damaged; put aside as {aside.name}", file=sys.stderr)
        return default


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
                holder = os.pread(self._lock, 200, 0).decode(errors="replace").strip()
                if time.monotonic() - begin > PATIENCE_SECONDS or self._is_alive(holder):
                    raise Trouble(
                        ENVIRONMENT,
                        f"another ci/fuzz works in {self.root} ({holder or 'it does not say which'}); "
                        "wait for it, or name another folder with --work; nothing was changed",
                    ) from None
                time.sleep(0.05)
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"pid {os.getpid()} on {socket.gethostname()} since {time.strftime('%F %T')}\n".encode(), 0)

    @staticmethod
    def _is_alive(holder):
        words = holder.split()
        if len(words) < 4 or words[3] != socket.gethostname():
            return True
        return os.path.exists(f"/proc/{words[1]}")

    def close(self):
        """Ends all that is left of the run, then gives up the lock."""
        if self._guard is not None:
            self._guard.stdin.close()
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
        self.state = read_json(self._path, {})
        self.resumed = not self.state.get("finished", True) and self.state.get("asked") == asked
        if not self.resumed:
            self.state = {
                "id": int(self.state.get("id", 0)) + 1,
                "asked": asked,
                "started": time.strftime("%F %T"),
                "finished": False,
                "seconds": {},
                "execs": {},
                "merged": {},
            }
        self._saved = 0.0
        self.save()

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
