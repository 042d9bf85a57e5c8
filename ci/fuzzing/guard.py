"""Ends the processes of a run, whatever becomes of ci/fuzz itself.

Every process that a run starts carries the name of its work folder in its environment, and so does all that these start in turn,
whoever their parent is by now. The guard is a process beside ci/fuzz that waits for it to be gone, also by SIGKILL, and then ends
what carries the name. It holds the lock of the work folder while it does, so that nothing begins there before.

An afl-fuzz that is killed leaves shared memory behind, 9 MiB until the machine is started anew. So the guard is told, on its stdin,
the number of each that begins, and of each that has ended and was cleaned up after: `+PID` and `-PID`, a line each.
"""

import ctypes
import os
import signal
import sys
import time

MARK = "STEVE_FUZZ_WORK"


def _carries(pid, entry):
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            return entry in environment.read().split(b"\0")
    except OSError:  # gone, or another user's
        return False


def processes_of(work):
    """The ids of all processes that carry the name of this work folder."""
    entry = f"{MARK}={work}".encode()
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and _carries(pid, entry)]


def end_all(work):
    """Kills them, and those that they start meanwhile. Returns how many there were."""
    entry = f"{MARK}={work}".encode()
    ended = set()
    for _ in range(200):
        pids = processes_of(work)
        if not pids:
            break
        for pid in pids:
            try:
                handle = os.pidfd_open(pid)
            except OSError:
                continue
            # Looked at once more through a handle that stays with this process: its number may be another's by now.
            try:
                if _carries(pid, entry):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    ended.add(pid)
            except OSError:
                pass
            finally:
                os.close(handle)
        time.sleep(0.02)
    return len(ended)


def free_shared_memory(pids):
    """Removes the shared memory that processes which have ended made, and that no other has attached."""
    if not pids:
        return
    try:
        with open("/proc/sysvipc/shm", encoding="ascii") as table:
            names, *rows = (line.split() for line in table)
        remove = ctypes.CDLL(None, use_errno=True).shmctl
    except (OSError, AttributeError, ValueError):
        return
    for row in rows:
        segment = dict(zip(names, map(int, row)))
        if segment["cpid"] in pids and segment["nattch"] == 0 and segment["uid"] == os.getuid():
            remove(segment["shmid"], 0, None)  # IPC_RMID


def main(work):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    begun = set()
    for line in sys.stdin.buffer:  # to the end, which comes when ci/fuzz ends
        if line.endswith(b"\n"):  # or a kill cut it short
            (begun.add if line.startswith(b"+") else begun.discard)(int(line[1:]))
    end_all(work)
    free_shared_memory(begun)


if __name__ == "__main__":
    main(sys.argv[1])
