"""Tests of ci/fuzz: what it makes of bad input, a second start, a kill, and crash files of all kinds.

The engines and Steve are stubs (stubs/), so that it is quick and what is found is known; the presets fuzz and afl run ci/fuzz
with the engines themselves.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(__file__).resolve().with_name("stubs")
sys.path.insert(0, str(ROOT / "ci" / "fuzzing"))

from guard import processes_of  # noqa: E402


class CiFuzz(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=os.getcwd(), prefix="ci-fuzz-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.work = self.folder / "work"
        self.target = self.work / "fuzz_jeff"
        self.candidates = self.work / "candidates" / "fuzz_jeff"

    def command(self, *arguments, built=STUBS, engine="libfuzzer"):
        words = [ROOT / "ci" / "fuzz", "--engine", engine, "--built", built, "--work", self.work, "--jobs", "1", *arguments]
        return [str(word) for word in words]

    def fuzz(self, *arguments, crashes=None, environment=None, **how):
        """Runs it to its end. @return (status, all it says)"""
        more = {"STUB_CRASHES": str(crashes)} if crashes else {}
        ended = subprocess.run(
            self.command(*arguments, **how),
            env={**os.environ, **more, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return ended.returncode, ended.stdout.decode()

    def start(self, *arguments):
        """Starts it, and waits until an input is learnt."""
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(self.end, process)
        self.wait_for(lambda: self.inputs() and (self.work / "run.json").exists())
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.05)

    def inputs(self):
        corpus = self.target / "libfuzzer" / "corpus"
        return sorted(corpus.iterdir()) if corpus.is_dir() else []

    def crashes(self, *texts):
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        for number, text in enumerate(texts):
            (folder / f"{number}").write_text(text)
        return folder

    def findings(self):
        return json.loads((self.work / "findings.json").read_text())

    # Bad input

    def test_bad_usage_is_refused_and_nothing_is_made(self):
        missing = self.folder / "missing"
        for arguments, sentence in (
            (["--time", "soon"], "--time 'soon'; expected a number and s, m, h or d"),
            (["--jobs", "0"], "--jobs '0'; expected a number from 1 on"),
            (["--target", "fuzz_mine"], "no target 'fuzz_mine'; expected one of fuzz_jeff,"),
            (["--seeds", missing], f"--seeds {missing}: there is no such folder"),
            (["--built", missing], f"--built {missing}: there is no such folder"),
            (["--frobnicate", "1"], "no option '--frobnicate'"),
            (["--time"], "'--time' needs a value"),
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
        status, said = self.fuzz("--time", "60s", environment={"STUB_DIES": "1"})
        self.assertEqual(status, 3, said)
        self.assertIn("libfuzzer does not start", said)
        self.assertIn("the stub dies", said)

    def test_engine_that_never_ran_does_not_pass(self):
        status, said = self.fuzz("--time", "1s", environment={"STUB_DIES": "1"})
        self.assertEqual(status, 3, said)
        self.assertIn("the stub dies", said)

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

    # One at a time, and after a kill

    def test_second_start_in_a_folder_is_refused(self):
        process = self.start("--time", "60s")
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 3, said)
        self.assertIn(f"another ci/fuzz works in {self.work} (pid {process.pid} ", said)
        self.assertIsNone(process.poll())

    def test_kill_leaves_no_process_and_the_next_start_goes_on(self):
        process = self.start("--time", "6s")
        self.wait_for(lambda: json.loads((self.work / "run.json").read_text())["seconds"])
        process.kill()
        process.wait()
        learnt = {file.read_bytes() for file in self.inputs()}
        self.wait_for(lambda: not processes_of(self.work))
        status, said = self.fuzz("--time", "6s")
        self.assertEqual(status, 0, said)
        self.assertIn("going on with the run of", said)
        self.assertLessEqual(learnt, {file.read_bytes() for file in self.inputs()})
        status, said = self.fuzz("--time", "6s")
        self.assertNotIn("going on with", said)

    def test_left_over_processes_are_ended_by_the_next_start(self):
        process = self.start("--time", "60s")
        guards = [pid for pid in os.listdir("/proc") if pid.isdigit() and self.is_guard(pid)]
        for pid in [process.pid, *map(int, guards)]:
            os.kill(pid, signal.SIGSTOP)  # so that neither sees the other go
        for pid in [process.pid, *map(int, guards)]:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        self.assertTrue(processes_of(self.work))
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 0, said)
        self.assertEqual(processes_of(self.work), [])

    def is_guard(self, pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return any(word.endswith(b"guard.py") for word in words) and str(self.work).encode() in words

    def test_interrupt_ends_it_in_order(self):
        process = self.start("--time", "60s")
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[0].decode()
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("== figures", said)
        self.assertEqual(processes_of(self.work), [])

    def test_engine_that_stops_again_and_again_goes_on_in_fork_mode(self):
        status, said = self.fuzz("--time", "3s", environment={"STUB_STOPS": "1"})
        self.assertEqual(status, 0, said)
        self.assertTrue(self.inputs())

    # Triage

    def test_same_bug_is_named_once(self):
        crashes = self.crashes(*(f"BUGsteve: block of s{n} moved from 0x{n}f shape:aa" for n in range(20)))
        status, said = self.fuzz("--time", "1s", crashes=crashes)
        self.assertEqual(status, 1, said)
        self.assertEqual(said.count("found a bug"), 1)
        (finding,) = self.findings()
        self.assertEqual(finding["name"], "pin-steve-block-of-moved-from")
        self.assertEqual(finding["count"], 20)
        self.assertEqual([shape["shape"] for shape in finding["shapes"]], ["aa"])
        names = sorted(file.name for file in self.candidates.glob("*.*"))
        self.assertEqual(names, ["pin-steve-block-of-moved-from.bin", "pin-steve-block-of-moved-from.txt"])
        self.assertIn("corpus/crashes/fuzz_jeff", (self.candidates / names[1]).read_text())

    def test_other_shapes_and_other_sentences_are_kept_apart(self):
        crashes = self.crashes("BUGsteve: moved shape:aa", "BUGsteve: moved shape:bb", "BUGsteve: lost shape:aa")
        status, said = self.fuzz("--time", "1s", crashes=crashes)
        self.assertEqual(status, 1, said)
        names = sorted(file.name for file in self.candidates.glob("*.bin"))
        self.assertEqual(names, ["pin-steve-lost.bin", "pin-steve-moved-2.bin", "pin-steve-moved.bin"])

    def test_what_steve_does_not_see_the_target_does(self):
        status, said = self.fuzz("--time", "1s", crashes=self.crashes("BUGonly the target 7", "BUGonly the target 8"))
        self.assertEqual(status, 1, said)
        (finding,) = self.findings()
        self.assertEqual((finding["name"], finding["count"]), ("pin-only-the-target", 2))

    def test_known_bug_is_not_new_and_a_mended_one_is_again(self):
        bug = "BUGsteve: moved shape:aa"
        self.assertEqual(self.fuzz("--time", "1s", crashes=self.crashes(bug))[0], 1)
        status, said = self.fuzz("--time", "1s", crashes=self.crashes(bug))
        self.assertEqual(status, 0, said)
        self.assertIn("known from earlier runs and still there: pin-steve-moved", said)
        candidate = self.candidates / "pin-steve-moved.bin"
        candidate.write_text("mended")
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 0, said)
        self.assertIn("pin-steve-moved does not break fuzz_jeff any more", said)
        self.assertFalse(candidate.exists())
        self.assertEqual(self.fuzz("--time", "1s", crashes=self.crashes(bug))[0], 1)

    def test_crash_files_that_crash_no_more_are_counted_and_kept(self):
        status, said = self.fuzz("--time", "1s", crashes=self.crashes(*(f"quiet {n}" for n in range(30))))
        self.assertEqual(status, 0, said)
        self.assertIn("30 crash files do not crash any more", said)
        self.assertEqual(len(list((self.target / "silent").iterdir())), 30)

    def test_seed_that_crashes_is_a_finding(self):
        status, said = self.fuzz("--time", "1s", "--seeds", self.crashes("fine", "BUGsteve: moved shape:aa", "fine too"))
        self.assertEqual(status, 1, said)
        self.assertEqual([finding["name"] for finding in self.findings()], ["pin-steve-moved"])

    def test_damaged_list_of_findings_is_put_aside(self):
        self.work.mkdir()
        (self.work / "findings.json").write_text("[{")
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 0, said)
        self.assertIn("is damaged; put aside", said)
        self.assertEqual([file.read_text() for file in self.work.glob("findings.json.unreadable-*")], ["[{"])


if __name__ == "__main__":
    unittest.main()
