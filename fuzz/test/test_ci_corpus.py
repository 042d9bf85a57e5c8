"""Tests of ci/corpus and ci/coverage: what they make of bad input, of a second start, and of what fails on the way.

The scripts run in a tree of their own, in which what they call are stubs: a merge that keeps every file once, an afl-showmap that sees
nothing, and no cmake.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONG = 100

TARGET = """#!/usr/bin/env bash
[ ! -e "$(dirname "$0")/fails" ] || { echo "ERROR: a stub that fails"; exit 1; }
for last; do merged=$previous previous=$last; done
for file in "$last"/*; do
    [ -f "$file" ] || continue
    hash=$(sha1sum <"$file")
    cp "$file" "$merged/${hash%% *}"
done
"""

# What begins with `other` is for another driver; the rest becomes upper case, for canonical.
TAKE_SEEDS = """#!/usr/bin/env bash
for folder in "${@:3}"; do
    for file in "$folder"/*; do
        [ -f "$file" ] && [[ $(cat "$file") != other* ]] || continue
        [ -e "$2/$(basename "$file")" ] || tr a-z A-Z <"$file" >"$2/$(basename "$file")"
    done
done
"""


def make_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class CiCorpus(unittest.TestCase):
    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(dir=os.getcwd(), prefix="ci-corpus-")).resolve()
        self.addCleanup(shutil.rmtree, self.tree, ignore_errors=True)
        for script in ("command.sh", "corpus", "coverage"):
            make_program(self.tree / "ci" / script, (ROOT / "ci" / script).read_text())
        make_program(self.tree / "ci" / "setup", "#!/bin/sh\n")
        for tool in ("cmake", "afl-showmap"):
            make_program(self.tree / "tools" / tool, "#!/bin/sh\n")
        self.built = self.tree / "build" / "fuzz" / "bin"
        make_program(self.built / "fuzz_combo", TARGET)
        make_program(self.built / "take_seeds", TAKE_SEEDS)
        make_program(self.built / "make_seeds", '#!/bin/sh\necho drawn >"$2/drawn.bin"\n')
        self.seeds = self.tree / "corpus" / "seeds" / "fuzz_combo"
        self.seeds.mkdir(parents=True)
        (self.seeds / "old.bin").write_text("old\n")

    def run_script(self, *words):
        """@return (status, all it says)"""
        ended = subprocess.run(
            [str(self.tree / "ci" / words[0]), *words[1:]],
            env={**os.environ, "PATH": f"{self.tree / 'tools'}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONG,
            check=False,
        )
        return ended.returncode, ended.stdout.decode()

    def corpus(self, *words):
        return self.run_script("corpus", "--target", "fuzz_combo", *words)

    def contents(self):
        return {file.name: file.read_text() for file in self.seeds.iterdir()}

    def grow(self, folder, **files):
        place = self.tree / "build" / "fuzz-work" / "fuzz_combo" / folder
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name).write_text(text)

    def test_bad_usage_is_refused(self):
        for words, sentence in (
            (["corpus", "--target", "fuzz_mine"], "no target 'fuzz_mine'; expected one of fuzz_"),
            (["corpus", "--check", "--built", "missing"], "--built 'missing'; expected a folder"),
            (["corpus", "--built", "build"], "--built and --tolerate go with --check"),
            (["corpus", "--check", "--grown"], "--grown has no place there"),
            (["coverage", "--ops", "few"], "--ops 'few'; expected a number"),
            (["coverage", "--time", "1m"], "no option '--time'"),
        ):
            status, said = self.run_script(*words)
            self.assertEqual(status, 2, said)
            self.assertIn(sentence, said)

    def test_second_one_in_the_same_folder_is_refused(self):
        for script, folder in (("corpus", "corpus-work"), ("coverage", "coverage")):
            with (self.tree / "build" / f"{folder}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                status, said = self.run_script(script)
            self.assertEqual(status, 3, said)
            self.assertIn(f"another ci/{script} works in", said)
        self.assertEqual(self.contents(), {"old.bin": "old\n"})

    def test_new_seeds_take_the_place_of_the_old_ones(self):
        status, said = self.corpus()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.contents(), {"old.bin": "OLD\n", "drawn.bin": "drawn\n"})
        self.assertEqual([folder.name for folder in self.seeds.parent.iterdir()], ["fuzz_combo"])

    def test_what_has_grown_is_taken_from_every_instance_and_not_for_other_drivers(self):
        self.grow("libfuzzer/corpus", a="learnt by libFuzzer")
        self.grow("aflpp/out/main/queue", b="learnt by main", c="other driver")
        self.grow("aflpp/out/asan/queue", b="learnt by asan")
        status, said = self.corpus("--grown")
        self.assertEqual(status, 0, said)
        grown = {text for name, text in self.contents().items() if name.startswith("grown-")}
        self.assertEqual(grown, {"LEARNT BY LIBFUZZER", "LEARNT BY MAIN", "LEARNT BY ASAN"})

    def test_what_cannot_be_minimised_leaves_the_seeds_as_they_were(self):
        (self.built / "fails").touch()
        status, said = self.corpus()
        self.assertNotEqual(status, 0)
        self.assertIn("fuzz_combo could not be minimised", said)
        self.assertEqual(self.contents(), {"old.bin": "old\n"})

    def test_seeds_that_a_kill_left_under_their_old_name_are_taken(self):
        self.seeds.rename(self.seeds.with_name("fuzz_combo.old"))
        status, said = self.corpus()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.contents(), {"old.bin": "OLD\n", "drawn.bin": "drawn\n"})

    def test_too_many_seeds_leave_them_as_they_were(self):
        large = 'for i in 1 2 3; do { echo $i; head -c 1000000 /dev/zero; } >"$2/$i.bin"; done'
        make_program(self.built / "make_seeds", f"#!/bin/sh\n{large}\n")
        status, said = self.corpus()
        self.assertEqual(status, 1, said)
        self.assertIn("corpus/seeds is left as it was", said)
        self.assertEqual(self.contents(), {"old.bin": "old\n"})

    def test_folder_that_cannot_be_written_is_said(self):
        shutil.rmtree(self.seeds.parent)
        self.seeds.parent.write_text("mine")
        status, said = self.corpus()
        self.assertEqual(status, 3, said)
        self.assertIn("cannot write to corpus/seeds", said)
        self.assertEqual(self.seeds.parent.read_text(), "mine")


if __name__ == "__main__":
    unittest.main()
