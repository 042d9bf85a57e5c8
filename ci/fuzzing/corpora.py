"""Corpora as a whole: which of the given inputs crash already, and the merge of what both engines learnt."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from engines import HANG_SECONDS

# As many crashing seeds are told one by one; more than that is one bug that breaks everything.
MOST_CRASHING = 32
CHUNK = 200
CHUNK_SECONDS = 600


def plain(path, folder):
    """A name for libFuzzer, whose fork mode and merge hand names to a shell as they are: the path itself, or, if a shell would make something
    else of it, a link in a folder that the process has to run in."""
    if re.fullmatch(r"[A-Za-z0-9_./+:@%,-]+", str(path)):
        return str(path)
    link = folder / "links" / hashlib.sha1(str(path).encode(errors="surrogateescape")).hexdigest()[:12]
    link.parent.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(Path(path).absolute())
    return str(link.relative_to(folder))


def recover(folder):
    """Puts right what a kill in the middle of merge()'s exchange left: a corpus that has only its old name."""
    old = folder.with_name(folder.name + ".old")
    if old.is_dir() and not folder.exists():
        os.replace(old, folder)
    shutil.rmtree(old, ignore_errors=True)
    for end in (".merged", ".gathered"):
        shutil.rmtree(folder.with_name(folder.name + end), ignore_errors=True)


def inputs_of(folders):
    return sorted(
        file for folder in folders for file in folder.rglob("*") if file.is_file() and not file.name.startswith(".")
    )


def crashing(command, files, call, stopped):
    """Yields those of the files that end the target.

    @param command a target that is given files @param call runs it (Triage._call) @param stopped tells when to stop
    """
    seen = 0
    while files and seen < MOST_CRASHING and not stopped():
        chunk = files[:CHUNK]
        status, output = call([*command, *chunk], CHUNK_SECONDS)
        if status == 0:
            files = files[CHUNK:]
            continue
        # libFuzzer says `Running: FILE`, the replayer of AFL++'s builds `FILE: 12 bytes, `, before it runs the file.
        names = re.findall(r"^Running: (.*)$|^(.*): \d+ bytes, ", output, re.M)
        last = names[-1][0] or names[-1][1] if names else ""
        index = next((at for at, file in enumerate(chunk) if str(file) == last), None)
        if index is None:
            return
        seen += 1
        yield chunk[index]
        files = files[index + 1 :]


def digest_of(file):
    return hashlib.sha1(file.read_bytes()).hexdigest()


def gather(folders, place):
    """Each input of some folders once, by its contents: instances of AFL++ have most of theirs from each other.

    @return how many files there were
    """
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    files = inputs_of(folders)
    for file in files:
        try:
            copy = place / digest_of(file)
            if not copy.exists():
                shutil.copyfile(file, copy)
        except FileNotFoundError:  # another machine's, and gone by now
            pass
    return len(files)


def merge(binary, corpus, others, found, log, environment, seconds, stopped):
    """Replaces a corpus by the smallest files of it and of other folders that together reach all that all of them reach.

    @param others folders that are only read @param found where inputs go that crash meanwhile @param seconds at most
    @return (files before, files after), or a sentence why it was left for another time; the corpus is then as it was
    """
    merged = corpus.with_name(corpus.name + ".merged")
    old = corpus.with_name(corpus.name + ".old")
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    gathered = corpus.with_name(corpus.name + ".gathered")
    before = gather([corpus, *others], gathered)
    folder = corpus.parent
    command = [plain(binary, folder), "-merge=1", "-max_len=1048576", f"-timeout={HANG_SECONDS}", "-rss_limit_mb=4096"]
    command += [f"-artifact_prefix={plain(found, folder)}/", plain(merged, folder), plain(gathered, folder)]
    begin = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
        while process.poll() is None:
            time.sleep(0.05)
            if stopped() or time.monotonic() - begin > seconds:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                shutil.rmtree(merged, ignore_errors=True)
                shutil.rmtree(gathered, ignore_errors=True)
                return "interrupted" if stopped() else f"not done in {seconds:.0f} s"
    given = {digest_of(file) for file in inputs_of([gathered])}
    made = [digest_of(file) for file in inputs_of([merged])]
    shutil.rmtree(gathered, ignore_errors=True)
    after = len(made)
    # libFuzzer does not look whether what it writes gets written: a full disk leaves the beginnings of files.
    if process.returncode == 0 and not (given.issuperset(made) and len(set(made)) == after):
        shutil.rmtree(merged, ignore_errors=True)
        return "libFuzzer's merge did not write all that it kept; is the disk full?"
    if process.returncode != 0 or (after == 0 and before > 0):
        shutil.rmtree(merged, ignore_errors=True)
        return f"libFuzzer's merge ended with {process.returncode}; see {log}"
    os.replace(corpus, old)
    os.replace(merged, corpus)
    shutil.rmtree(old)
    return before, after
