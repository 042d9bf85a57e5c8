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
# Nothing takes so long; what does hangs.
LONG = 200
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

    # Bad input

    def test_bad_usage_is_refused_and_nothing_is_made(self):
        missing = self.folder / "missing"
        for arguments, sentence in (
            (["--time", "soon"], "--time 'soon'; expected a number and s, m, h or d"),
            (["--jobs", "0"], "--jobs '0'; expected a number from 1 on"),
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
        process = self.start()
        self.wait_for(lambda: self.inputs() and (self.work / "run.json").exists())
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

    # Triage

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

    def test_what_would_not_shrink_to_the_end_is_one(self):
        status, said = self.triage("BUGpin steve: moved", "BUGpin steve: moved 1", "BUGpin steve: moved 2")
        self.assertEqual(status, 1, said)
        self.assertEqual([file.name for file in self.candidates.glob("*.bin")], ["pin-steve-moved.bin"])

    def test_what_steve_does_not_see_the_target_does(self):
        status, said = self.triage("BUGpin only the target 7", "BUGpin only the target 8")
        self.assertEqual(status, 1, said)
        (finding,) = self.findings()
        self.assertEqual((finding["name"], finding["count"]), ("pin-only-target", 2))

    def test_input_that_names_no_driver_is_for_the_family_of_its_target(self):
        bug = "BUGpin steve: moved, unnamed shape:aa"
        status, said = self.triage(bug, arguments=["--target", "fuzz_freelist"])
        self.assertEqual(status, 1, said)
        self.assertIn("steve replay --driver freelist '", said)
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

    def test_damaged_list_of_findings_is_put_aside(self):
        self.work.mkdir()
        (self.work / "findings.json").write_text("[{")
        status, said = self.fuzz("--time", "1s")
        self.assertEqual(status, 0, said)
        self.assertIn("is damaged; put aside", said)
        self.assertEqual([file.read_text() for file in self.work.glob("findings.json.unreadable-*")], ["[{"])


if __name__ == "__main__":
    unittest.main()
