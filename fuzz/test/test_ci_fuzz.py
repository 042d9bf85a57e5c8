"""Tests of ci/fuzz: what it makes of bad input, a second start, a kill, and crash files of all kinds.

The engines and Steve are stubs (stubs/), so that it is quick and what is found is known; the presets fuzz and afl run ci/fuzz
with the engines themselves.
"""

import fcntl
import importlib.util
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
# Nothing takes so long; what does hangs.
LONG = 200
STUBS = Path(__file__).resolve().with_name("stubs")
sys.path.insert(0, str(ROOT / "ci" / "fuzzing"))

import fleet  # noqa: E402
import screen  # noqa: E402
from complaint import ENVIRONMENT, Trouble  # noqa: E402
from guard import free_shared_memory, processes_of  # noqa: E402

# Does not start in a folder whose statistics it cannot read.
AFL_FUZZ = """#!/usr/bin/env bash
out=$4/$6
if [ -e "$out/fuzzer_stats" ] && ! grep -q execs_done "$out/fuzzer_stats"; then
    echo "[-] PROGRAM ABORT : Malformed data in '$out/fuzzer_stats'"
    exit 1
fi
mkdir -p "$out/queue"
echo "execs_done : 7" >"$out/fuzzer_stats"
exec sleep 1000
"""


def load_main():
    """ci/fuzz's own module, without running it."""
    spec = importlib.util.spec_from_file_location("ci_fuzz_main", ROOT / "ci" / "fuzzing" / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Runs(unittest.TestCase):
    """What the tests have in common: a work folder, and ways to start ci/fuzz in it."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=os.getcwd(), prefix="ci-fuzz-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.work = self.folder / "work"
        self.target = self.work / "fuzz_jeff"
        self.candidates = self.work / "candidates" / "fuzz_jeff"

    def command(self, *arguments, built=STUBS, engine="libfuzzer"):
        words = [ROOT / "ci" / "fuzz", "--engine", engine, "--built", built, "--work", self.work, "--jobs", "1", *arguments]
        return [str(word) for word in words]

    def fuzz(self, *arguments, environment=None, **how):
        """Runs it to its end. @return (status, all it says)"""
        ended = subprocess.run(
            self.command(*arguments, **how),
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONG,
            check=False,
        )
        return ended.returncode, ended.stdout.decode()

    def start(self, *arguments, crashes=None, environment=None):
        """Starts it, to go on for longer than any test."""
        more = {"STUB_CRASHES": str(crashes)} if crashes else {}
        process = subprocess.Popen(
            self.command("--time", "1h", *arguments),
            env={**os.environ, **more, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.addCleanup(self.end, process)
        return process

    def fuzz_until(self, condition, *arguments, **how):
        """Runs it until a condition holds, and then ends it in order. @return (status, all it says)"""
        process = self.start(*arguments, **how)
        self.wait_for(condition)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=LONG)[0].decode()
        return process.returncode, said

    def crashes(self, *texts):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        for number, text in enumerate(texts):
            (folder / f"{number}").write_text(text)
        return folder

    def triage(self, *texts, arguments=()):
        """Runs it until all these crash files are its own."""
        crashes = self.crashes(*texts)
        return self.fuzz_until(lambda: not list(crashes.iterdir()), *arguments, crashes=crashes)

    @staticmethod
    def end(process):
        if process.returncode is None:
            process.kill()
            process.communicate()

    def wait_for(self, condition):
        deadline = time.monotonic() + LONG
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.05)

    def inputs(self):
        corpus = self.target / "libfuzzer" / "corpus"
        return sorted(corpus.iterdir()) if corpus.is_dir() else []

    def findings(self):
        return json.loads((self.work / "findings.json").read_text())


class CiFuzz(Runs):
    # Bad input

    def test_bad_usage_is_refused_and_nothing_is_made(self):
        missing = self.folder / "missing"
        for arguments, sentence in (
            (["--time", "soon"], "--time 'soon'; expected a number and s, m, h or d"),
            (["--jobs", "0"], "--jobs '0'; expected a number from 1 on"),
            (["--jobs", "9999"], "--jobs 9999; expected 1024 at most"),
            (["--target", "fuzz_mine"], "no target 'fuzz_mine'; expected one of fuzz_"),
            (["--seeds", missing], f"--seeds {missing}: there is no such folder"),
            (["--built", missing], f"--built {missing}: there is no such folder"),
            (["--frobnicate", "1"], "no option '--frobnicate'"),
            (["--time"], "--time needs a value"),
        ):
            status, said = self.fuzz(*arguments)
            self.assertEqual(status, 2, said)
            self.assertIn(sentence, said)
            self.assertFalse(self.work.exists())

    def test_folder_that_cannot_be_written_is_said(self):
        self.work = self.folder / "file"
        self.work.write_text("mine")
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 3, said)
        self.assertIn(f"cannot work in {self.work}", said)
        self.assertEqual(self.work.read_text(), "mine")

    def test_missing_binary_is_said(self):
        status, said = self.fuzz("--time", "1s", "--target", "fuzz_text")
        self.assertEqual(status, 3, said)
        self.assertIn("fuzz_text is not there", said)

    def test_missing_afl_is_said(self):
        tools = self.folder / "tools"
        tools.mkdir()
        for tool in ("bash", "python3", "dirname", "setpriv", "env"):
            (tools / tool).symlink_to(shutil.which(tool) if tool != "python3" else sys.executable)
        status, said = self.fuzz("--time", "1s", engine="aflpp", environment={"PATH": str(tools)})
        self.assertEqual(status, 3, said)
        self.assertIn("AFL++ is not installed", said)

    def test_engine_that_does_not_start_is_said_with_its_last_words(self):
        status, said = self.fuzz("--time", "1h", environment={"STUB_DIES": "1"})
        self.assertEqual(status, 3, said)
        self.assertIn("libfuzzer does not start", said)
        self.assertIn("the stub dies", said)

    def test_folder_of_afl_that_is_damaged_is_set_aside_with_its_crash_files_taken(self):
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "afl-fuzz").write_text(AFL_FUZZ)
        (tools / "afl-fuzz").chmod(0o755)
        main = self.target / "aflpp" / "out" / "main"
        (main / "queue").mkdir(parents=True)
        (main / "crashes").mkdir()
        (main / "fuzzer_stats").write_text("garbage")
        (main / "crashes" / "id:0").write_text("BUGpin steve: moved shape:aa")
        process = self.start("--engine", "aflpp", environment={"PATH": f"{tools}:{os.environ['PATH']}"})
        self.wait_for(lambda: (main / "fuzzer_stats").exists() and "execs_done" in (main / "fuzzer_stats").read_text())
        self.wait_for(lambda: (self.work / "findings.json").exists())
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=LONG)[0].decode()
        self.assertEqual(process.returncode, 1, said)
        self.assertEqual((main.with_name("main-damaged") / "fuzzer_stats").read_text(), "garbage")

    def test_names_may_have_spaces(self):
        self.work = self.folder / "a work folder"
        self.target = self.work / "fuzz_jeff"
        seeds = self.folder / "some seeds"
        seeds.mkdir()
        (seeds / "a seed").write_text("as it was")
        status, said = self.fuzz("--time", "2s", "--seeds", seeds)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"\d+ inputs of all corpora merged into \d+")
        self.assertIn(b"as it was", [file.read_bytes() for file in self.inputs()])

    def test_empty_and_huge_seeds_stay_as_they_are(self):
        seeds = self.folder / "seeds"
        seeds.mkdir()
        (seeds / "empty").write_bytes(b"")
        (seeds / "huge").write_bytes(b"x" * (1 << 20))
        seeds.chmod(0o555)
        status, said = self.fuzz("--time", "1s", "--seeds", seeds)
        self.assertEqual(status, 0, said)
        self.assertEqual((seeds / "empty").stat().st_size, 0)
        self.assertEqual((seeds / "huge").stat().st_size, 1 << 20)
        self.assertEqual(len(list(seeds.iterdir())), 2)

    def test_engine_is_told_the_words_of_a_target_that_has_some(self):
        built = self.folder / "built"
        shutil.copytree(STUBS, built)
        shutil.copy(STUBS / "fuzz_jeff", built / "fuzz_text")
        for target, told in (("fuzz_text", True), ("fuzz_jeff", False)):
            status, said = self.fuzz("--time", "1s", "--target", target, built=built)
            self.assertEqual(status, 0, said)
            log = (self.work / target / "libfuzzer" / "libfuzzer.log").read_text()
            self.assertIn("options: ", log)
            self.assertEqual(f"{ROOT / 'fuzz' / 'fuzz_text.dict'}" in log, told, log)

    # One at a time, and after a kill

    def start_and_learn(self):
        before = len(self.inputs())
        process = self.start()
        self.wait_for(lambda: len(self.inputs()) > before and (self.work / "run.json").exists())
        return process

    def test_second_start_in_a_folder_is_refused(self):
        process = self.start_and_learn()
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 3, said)
        self.assertIn(f"another ci/fuzz works in {self.work} (pid {process.pid} ", said)
        self.assertIsNone(process.poll())

    def test_kill_leaves_no_process_and_the_next_start_goes_on(self):
        process = self.start_and_learn()
        process.kill()
        process.communicate()
        learnt = {file.read_bytes() for file in self.inputs()}
        self.wait_for(lambda: not processes_of(self.work))
        state = json.loads((self.work / "run.json").read_text())
        state["seconds"]["fuzz_jeff"] = 3599  # as if it had come so far
        (self.work / "run.json").write_text(json.dumps(state))
        status, said = self.fuzz("--time", "1h")
        self.assertEqual(status, 0, said)
        self.assertIn("going on with the run of", said)
        self.assertLessEqual(learnt, {file.read_bytes() for file in self.inputs()})
        self.assertTrue(json.loads((self.work / "run.json").read_text())["finished"])

    def test_left_over_processes_are_ended_by_the_next_start(self):
        process = self.start_and_learn()
        both = [process.pid, *(int(pid) for pid in os.listdir("/proc") if pid.isdigit() and self.is_guard(pid))]
        self.assertEqual(len(both), 2)
        for number in (signal.SIGSTOP, signal.SIGKILL):  # so that neither sees the other go
            for pid in both:
                os.kill(pid, number)
        process.communicate()
        self.assertTrue(processes_of(self.work))
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"ended \d+ processes that an earlier run left behind")
        self.assertEqual(processes_of(self.work), [])

    def is_guard(self, pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return any(word.endswith(b"guard.py") for word in words) and str(self.work).encode() in words

    def test_interrupt_ends_it_in_order(self):
        status, said = self.fuzz_until(self.inputs)
        self.assertEqual(status, 0, said)
        self.assertIn("== figures", said)
        self.assertEqual(processes_of(self.work), [])

    def test_engine_that_stops_again_and_again_goes_on_in_fork_mode(self):
        status, said = self.fuzz_until(self.inputs, environment={"STUB_STOPS": "1"})
        self.assertEqual(status, 0, said)

    def test_what_the_machine_ends_goes_on_with_the_next_start(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            process = self.start_and_learn()
            process.send_signal(number)
            said = process.communicate(timeout=LONG)[0].decode()
            self.assertEqual(process.returncode, 0, said)
            self.assertIn("the next start in the same way does the rest", said)
            self.assertFalse(json.loads((self.work / "run.json").read_text())["finished"])
        before = len(self.inputs())
        status, said = self.fuzz_until(lambda: len(self.inputs()) > before)
        self.assertEqual(status, 0, said)
        self.assertIn("going on with the run of", said)

    def test_closed_terminal_leaves_no_process_and_all_that_was_learnt(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe("env", ["env", "TERM=xterm", *self.command("--time", "1h")], os.environ)
        self.wait_for(self.inputs)
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.assertEqual(processes_of(self.work), [])
        state = json.loads((self.work / "run.json").read_text())
        self.assertFalse(state["finished"])
        self.assertTrue(self.inputs())

    def test_nobody_who_reads_is_no_failure(self):
        process = self.start()
        process.stdout.close()
        self.wait_for(self.inputs)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(LONG), 0)

    def test_lock_of_a_run_that_is_gone_is_waited_for_though_its_number_is_another_process_by_now(self):
        self.work.mkdir()
        with (self.work / "lock").open("w") as lock:
            lock.write(f"pid {os.getpid()} on {socket.gethostname()} since then\n1\n")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)  # its guard
            process = self.start()
            time.sleep(0.5)
        self.wait_for(self.inputs)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=LONG)[0].decode()
        self.assertEqual(process.returncode, 0, said)

    def test_state_that_says_something_else_is_put_aside(self):
        for name, text in (
            ("run.json", "7"),
            ("run.json", '{"id": 3, "finished": false, "asked": {}, "started": "then", "seconds": null, "execs": {}}'),
            ("run.json", "\0" * 512),
            ("findings.json", '[{"name": 3}]'),
            ("findings.json", "{}"),
        ):
            self.work.mkdir(exist_ok=True)
            (self.work / name).write_text(text)
            status, said = self.fuzz("--time", "1s")
            self.assertEqual(status, 0, said)
            self.assertIn(f"{name} is damaged; put aside", said)
        aside = sorted(file.read_text() for file in self.work.glob("*.unreadable-*"))
        self.assertEqual(len(aside), 5, aside)

    def test_merge_that_does_not_write_all_leaves_the_corpus(self):
        seeds = self.folder / "seeds"
        seeds.mkdir()
        (seeds / "seed").write_text("as it was")
        status, said = self.fuzz("--time", "2s", "--seeds", seeds, environment={"STUB_CUTS": "1"})
        self.assertEqual(status, 0, said)
        self.assertIn("did not write all that it kept", said)
        self.assertTrue(self.inputs())
        self.assertFalse(any(file.name.startswith("merged-") for file in self.inputs()))

    def test_full_disk_is_waited_for_with_the_engines_stopped(self):
        main = load_main()
        said, shown, ended = [], [], []
        view = SimpleNamespace(say=said.append, show=lambda *what: shown.append(what[-1]))
        some_fleet = SimpleNamespace(stop=lambda: ended.append(True))
        interrupt = SimpleNamespace(came=lambda: False)
        options = SimpleNamespace(sync=None, seconds=36000)
        session = main.Session(SimpleNamespace(options=options), SimpleNamespace(root=self.folder), None, interrupt)
        free = [1, 1, main.LEAST_FREE]
        with mock.patch.object(main.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free.pop(0))):
            session._wait_for_space(some_fleet, None, view, 0)
        self.assertEqual((free, len(ended), len(shown), len(said)), ([], 1, 1, 1))
        options.seconds = 0
        with mock.patch.object(main.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1)):
            with self.assertRaisesRegex(Trouble, "is almost full; expected 256 MiB to be free") as caught:
                session._wait_for_space(some_fleet, None, view, 0)
        self.assertEqual(caught.exception.status, ENVIRONMENT)

    def test_shared_memory_of_a_process_that_was_killed_is_freed(self):
        make = "import ctypes; print(ctypes.CDLL(None).shmget(0, 4096, 0o1600))"  # IPC_PRIVATE, IPC_CREAT
        process = subprocess.Popen([sys.executable, "-c", make], stdout=subprocess.PIPE)
        segment = int(process.communicate()[0])
        free_shared_memory({process.pid + 1})
        self.assertEqual(self.segments(process.pid), [segment])
        free_shared_memory({process.pid})
        self.assertEqual(self.segments(process.pid), [])

    @staticmethod
    def segments(pid):
        rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
        return [int(row[1]) for row in rows if int(row[4]) == pid]

    def test_log_is_cut_to_its_end_while_it_is_written(self):
        log = self.folder / "log"
        with log.open("ab", buffering=0) as writer:
            writer.write(b"old\n" * (fleet.MOST_LOGGED // 4) + b"last\n")
            instance = SimpleNamespace(runs=True, log=log)
            fleet.Fleet._cut_logs(SimpleNamespace(instances=[instance]))
            writer.write(b"new\n")
        self.assertEqual(log.stat().st_size, fleet.LOG_KEPT + 4)
        self.assertTrue(log.read_bytes().endswith(b"old\nlast\nnew\n"))

    def test_curve_has_the_whole_run_in_few_figures(self):
        curve = screen.Curve()
        for second in range(100000):
            curve.add(second, second)
        self.assertLessEqual(len(curve.values), screen.MOST_SAMPLES)
        self.assertLess(curve.values[0], 1000)
        self.assertGreater(curve.values[-1], 99000)


class CiFuzzTriage(Runs):
    def test_same_bug_is_named_once(self):
        status, said = self.triage(*(f"BUGpin steve: block of s{n} moved from 0x{n}f shape:aa" for n in range(20)))
        self.assertEqual(status, 1, said)
        self.assertEqual(said.count("found a bug"), 1)
        (finding,) = self.findings()
        self.assertEqual(finding["name"], "pin-steve-block-moved")
        self.assertEqual(finding["count"], 20)
        self.assertEqual([shape["shape"] for shape in finding["shapes"]], ["aa"])
        names = sorted(file.name for file in self.candidates.glob("*.*"))
        self.assertEqual(names, ["pin-steve-block-moved.bin", "pin-steve-block-moved.txt"])
        self.assertIn("corpus/crashes/fuzz_jeff", (self.candidates / names[1]).read_text())

    def test_shapes_of_one_oracle_are_kept_apart_under_one_name(self):
        status, said = self.triage("BUGpin steve: moved shape:aa", "BUGpin steve: moved shape:bb", "BUGpin steve: went shape:bb")
        self.assertEqual(status, 1, said)
        names = sorted(file.name for file in self.candidates.glob("*.bin"))
        self.assertEqual(names, ["pin-steve-moved-2.bin", "pin-steve-moved.bin"])
        self.assertEqual(said.count("found a bug"), 1)

    def test_other_oracles_have_other_names_and_all_complaints_of_a_check_one(self):
        status, said = self.triage("BUGpin steve: a shape:aa", "BUGcheck steve: two holes shape:aa", "BUGcheck steve: no hole shape:bb")
        self.assertEqual(status, 1, said)
        self.assertEqual(sorted(finding["name"] for finding in self.findings()), ["check-steve-two-holes", "pin-steve"])
        self.assertIn("check-steve-two-holes also shows as check-steve-no-hole", said)
        names = sorted(file.name for file in self.candidates.glob("*.bin"))
        self.assertEqual(names, ["check-steve-two-holes-2.bin", "check-steve-two-holes.bin", "pin-steve.bin"])

    def test_findings_are_one_if_a_part_of_their_ops_breaks_the_same(self):
        crash = "BUGcrash steve: (SIGSEGV) shape:aa part:check two holes."
        status, said = self.triage("BUGpin steve: a shape:bb part:align off.", "BUGcheck steve: two holes shape:aa", crash)
        self.assertEqual(status, 1, said)
        self.assertEqual(sorted(finding["name"] for finding in self.findings()), ["check-steve-two-holes", "pin-steve"])
        self.assertIn("check-steve-two-holes also shows as crash-sigsegv", said)

    def test_findings_that_turn_out_to_be_one_are_joined(self):
        both = "BUGpin steve: c shape:cc part:check two holes."
        status, said = self.triage("BUGcrash steve: (SIGBUS) shape:aa", "BUGcheck steve: two holes shape:bb", "BUGpin steve: a shape:dd", both)
        self.assertEqual(status, 1, said)
        self.assertEqual(sorted(finding["name"] for finding in self.findings()), ["check-steve-two-holes", "crash-sigbus"])
        self.assertIn("pin-steve is check-steve-two-holes once more", said)
        (joined,) = (finding for finding in self.findings() if finding["name"] == "check-steve-two-holes")
        self.assertEqual((joined["count"], [shape["shape"] for shape in joined["shapes"]]), (3, ["bb", "dd", "cc"]))

    def names(self):
        return sorted(finding["name"] for finding in self.findings() if finding["status"] == "open")

    def test_findings_are_one_if_one_comes_to_what_the_other_is_whichever_is_first(self):
        plain, late = "BUGalign steve: off shape:aa", "BUGhang steve: no end shape:bb slips:align off."
        for order in ((plain, late), (late, plain)):
            with self.subTest(order):
                shutil.rmtree(self.work, ignore_errors=True)
                status, said = self.triage(*order)
                self.assertEqual(status, 1, said)
                self.assertEqual(self.names(), ["align-steve-off"])
                self.assertRegex(said, r"\nalign-steve-off +fuzz_jeff ")
                self.assertNotRegex(said, r"\nhang-steve-no-end +fuzz_jeff ")
                # Both have their file, and the report of the one tells of the other.
                self.assertEqual(sorted(file.read_text() for file in self.candidates.glob("*.bin")), sorted(order))
                reports = [file.read_text() for file in self.candidates.glob("*.txt")]
                self.assertEqual(sum("Also seen as " in report for report in reports), 1, reports)
                self.assertEqual(sum("(steve shrink --any-oracle) to 3 ops: align:" in report for report in reports), 1)
                self.assertIn("Also seen as hang: ", (self.candidates / "align-steve-off.txt").read_text())

    def test_findings_are_one_if_the_same_ops_break_both_oracles(self):
        texts = ["BUGalign steve: off shape:aa then:check not aligned.", "BUGcheck steve: slot shape:bb"]
        for order in (texts, texts[::-1]):
            with self.subTest(order):
                shutil.rmtree(self.work, ignore_errors=True)
                status, said = self.triage(*order)
                self.assertEqual(status, 1, said)
                self.assertEqual(len(self.names()), 1)
                self.assertEqual(sorted(file.read_text() for file in self.candidates.glob("*.bin")), sorted(texts))

    def test_symptom_of_the_same_shape_has_its_own_file(self):
        texts = ["BUGhandle steve: not refused shape:aa", "BUGcheck steve: flags shape:aa slips:handle not refused."]
        status, said = self.triage(*texts)
        self.assertEqual(status, 1, said)
        self.assertEqual(self.names(), ["handle-steve-not-refused"])
        self.assertEqual(sorted(file.read_text() for file in self.candidates.glob("*.bin")), sorted(texts))

    def test_symptom_that_would_not_shrink_to_the_end_has_its_own_file(self):
        texts = ["BUGalign steve: off shape:aa", *(f"BUGcontent steve: {word} slips:align off." for word in ("lost", "gone"))]
        status, said = self.triage(*texts)
        self.assertEqual(status, 1, said)
        self.assertEqual(self.names(), ["align-steve-off"])
        self.assertEqual(sorted(file.read_text() for file in self.candidates.glob("*.bin")), sorted(texts[:2]))

    def test_findings_that_come_to_different_ends_are_two(self):
        status, said = self.triage("BUGpin steve: a shape:aa slips:align off.", "BUGhang steve: b shape:bb slips:zero lost.")
        self.assertEqual(status, 1, said)
        self.assertEqual(self.names(), ["hang-steve", "pin-steve"])

    def test_what_was_taken_for_a_symptom_is_new_once_the_bug_is_mended_and_it_is_not(self):
        late = "BUGhang steve: no end shape:bb slips:align off."
        self.assertEqual(self.triage("BUGalign steve: off shape:aa", late)[0], 1)
        (mended,) = (file for file in self.candidates.glob("*.bin") if "off shape:aa" in file.read_text())
        mended.write_text("mended")
        candidate = self.candidates / "hang-steve-no-end.bin"
        status, said = self.fuzz_until(candidate.exists)
        self.assertEqual(status, 1, said)
        self.assertIn("align-steve-off does not break fuzz_jeff any more, but 1 that were taken for it do", said)
        self.assertEqual(self.names(), ["hang-steve-no-end"])
        self.assertEqual(candidate.read_text(), late)

    def test_what_would_not_shrink_to_the_end_is_one(self):
        status, said = self.triage("BUGpin steve: moved", "BUGpin steve: moved 1", "BUGpin steve: moved 2")
        self.assertEqual(status, 1, said)
        self.assertEqual([file.name for file in self.candidates.glob("*.bin")], ["pin-steve-moved.bin"])

    def test_what_steve_does_not_see_the_target_does(self):
        status, said = self.triage("BUGpin only the target 7", "BUGpin only the target 8")
        self.assertEqual(status, 1, said)
        (finding,) = self.findings()
        self.assertEqual((finding["name"], finding["count"]), ("pin-only-target", 2))

    def test_what_the_target_leaves_early_is_shrunk_by_steve(self):
        status, said = self.triage("BUGcheck only the target early:check two holes. shape:aa")
        self.assertEqual(status, 1, said)
        (finding,) = self.findings()
        self.assertEqual((finding["name"], finding["count"]), ("check-two-holes", 1))
        self.assertEqual([shape["shape"] for shape in finding["shapes"]], ["aa"])

    def test_input_that_names_no_driver_is_for_the_family_of_its_target(self):
        bug = "BUGpin steve: moved, unnamed shape:aa"
        status, said = self.triage(bug, arguments=["--target", "fuzz_freelist"])
        self.assertEqual(status, 1, said)
        self.assertIn("steve replay --driver freelist ", said)
        (finding,) = self.findings()
        self.assertEqual(finding["shapes"][0]["shape"], "aa")

    def test_known_bug_is_not_new_and_a_mended_one_is_again(self):
        bug = "BUGpin steve: moved shape:aa"
        self.assertEqual(self.triage(bug)[0], 1)
        status, said = self.triage(bug)
        self.assertEqual(status, 0, said)
        self.assertIn("known from earlier runs and still there: pin-steve-moved", said)
        candidate = self.candidates / "pin-steve-moved.bin"
        candidate.write_text("mended")
        status, said = self.fuzz_until(lambda: not candidate.exists())
        self.assertEqual(status, 0, said)
        self.assertIn("pin-steve-moved does not break fuzz_jeff any more", said)
        self.assertEqual(self.triage(bug)[0], 1)

    def test_crash_files_that_crash_no_more_are_counted_and_kept(self):
        status, said = self.triage(*(f"quiet {n}" for n in range(30)))
        self.assertEqual(status, 0, said)
        self.assertIn("30 crash files do not crash any more", said)
        self.assertEqual(len(list((self.target / "silent").iterdir())), 30)

    def test_crash_files_wait_while_steve_cannot_run(self):
        crashes = self.crashes("BUGpin steve: moved shape:aa")
        environment = {"STUB_STEVE_FAILS": "1"}
        status, said = self.fuzz_until(lambda: not list(crashes.iterdir()), crashes=crashes, environment=environment)
        self.assertEqual(status, 0, said)
        self.assertIn("steve: no process to be had", said)
        self.assertIn("1 crash files wait for triage", said)
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 1, said)

    def test_seed_that_crashes_is_a_finding(self):
        seeds = self.folder / "seeds"
        seeds.mkdir()
        for number, text in enumerate(("fine", "BUGpin steve: moved shape:aa", "fine too", "BUGzero steve: lost shape:aa")):
            (seeds / f"{number}").write_text(text)
        findings = self.work / "findings.json"
        status, said = self.fuzz_until(lambda: findings.exists() and len(self.findings()) == 2, "--seeds", seeds)
        self.assertEqual(status, 1, said)
        self.assertEqual(sorted(finding["name"] for finding in self.findings()), ["pin-steve-moved", "zero-steve-lost"])

    def test_crash_file_of_another_time_is_taken(self):
        found = self.target / "libfuzzer" / "found"
        found.mkdir(parents=True)
        file = found / "crash-1"
        file.write_text("BUGpin steve: moved shape:aa")
        tomorrow = time.time() + 86400  # as after a clock that was set back
        os.utime(file, (tomorrow, tomorrow))
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 1, said)
        self.assertFalse(file.exists())

    def test_candidates_that_the_list_does_not_know_are_not_overwritten(self):
        self.assertEqual(self.triage("BUGpin steve: moved, and this is the first shape:aa")[0], 1)
        before = {file: file.read_bytes() for file in self.candidates.rglob("*.*")}
        (self.work / "findings.json").write_text("")
        status, said = self.triage("BUGpin steve: moved, and this is the first shape:bb")
        self.assertEqual(status, 1, said)
        for file, data in before.items():
            self.assertEqual(file.read_bytes(), data)
        self.assertEqual(len(list(self.candidates.rglob("*.*"))), 2 * len(before))

    def test_finding_that_cannot_be_written_down_waits_and_is_told_by_the_next_start(self):
        obstacle = self.work / "findings.json.new"
        obstacle.mkdir(parents=True)
        bug = "BUGpin steve: moved shape:aa"
        laid_down = self.candidates / "pin-steve-moved.txt"
        status, said = self.fuzz_until(laid_down.exists, crashes=self.crashes(bug))
        self.assertEqual(status, 0, said)
        self.assertIn("1 crash files wait for triage", said)
        obstacle.rmdir()
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 1, said)
        self.assertEqual(said.count("found a bug"), 1)
        self.assertEqual(len(list(self.candidates.glob("*.*"))), 2)
        self.assertEqual((self.candidates / "originals" / "pin-steve-moved.bin").read_text(), bug)

    def test_file_that_triage_cannot_do_with_holds_up_no_other(self):
        inbox = self.target / "inbox"
        (inbox / "folder").mkdir(parents=True)
        (inbox / "by hand").write_text("BUGzero steve: lost shape:bb")
        (inbox / "libfuzzer+libfuzzer+0+poison").write_text("POISON")
        status, said = self.triage("BUGpin steve: moved shape:aa")
        self.assertEqual(status, 1, said)
        self.assertEqual(sorted(finding["name"] for finding in self.findings()), ["pin-steve-moved", "zero-steve-lost"])
        self.assertIn("1 crash files wait for triage", said)
        self.assertEqual((inbox / "libfuzzer+libfuzzer+0+poison").read_text(), "POISON")

    def test_damaged_list_of_findings_is_put_aside(self):
        self.work.mkdir()
        (self.work / "findings.json").write_text("[{")
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 0, said)
        self.assertIn("is damaged; put aside", said)
        self.assertEqual([file.read_text() for file in self.work.glob("findings.json.unreadable-*")], ["[{"])


if __name__ == "__main__":
    unittest.main()
