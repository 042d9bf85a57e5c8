"""Tests of all commands of ci/: what they say of themselves, and of what they do not know. None of it may begin to install or to build."""

import os
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONG = 100
COMMANDS = [[file] for file in sorted((ROOT / "ci").iterdir()) if file.is_file() and os.access(file, os.X_OK)]
COMMANDS += [[ROOT / "ci" / "bugs", "--fuzz"], [ROOT / "ci" / "bench", "--fuzz"]]
# They hand their arguments to what they have yet to build.
LATE = ("bench", "quickstart")


def opening_comment(text):
    """Of a script, without its marks."""
    if '"""' in text:
        return text.split('"""')[1].strip()
    lines = text.splitlines()[1:]
    count = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[:count])


def run(command, *arguments):
    """@return (status, what it says, what it complains of)"""
    ended = subprocess.run([*command, *arguments], cwd="/", capture_output=True, text=True, timeout=LONG, check=False)
    return ended.returncode, ended.stdout, ended.stderr


class CiCommands(unittest.TestCase):
    def test_help_is_the_opening_comment(self):
        for command in COMMANDS:
            for arguments in (["--help"], ["-h"], ["--any", "thing", "--help"]):
                status, said, complaint = run(command, *arguments)
                self.assertEqual((status, complaint), (0, ""), command)
                if len(command) == 1:
                    self.assertEqual(said.strip(), opening_comment(command[0].read_text()).strip(), command)
                self.assertGreater(len(said.splitlines()), 1, command)

    def test_option_that_is_none_is_named_with_what_was_expected(self):
        for command in COMMANDS:
            if len(command) > 1 or command[0].name not in LATE:
                status, said, complaint = run(command, "--frobnicate")
                self.assertEqual((status, said), (2, ""), command)
                self.assertIn("--frobnicate", complaint)
                self.assertRegex(complaint, "expected|usage:")
                self.assertNotIn("Traceback", complaint)

    def test_arguments_that_ctest_would_pass_over_are_refused(self):
        for arguments, sentence in (
            (["jeff"], "'jeff' belongs to no option; expected -R 'jeff'"),
            (["-R", "jeff", "-j"], "-j needs a value"),
            (["-R", "jeff", "steve"], "'steve' belongs to no option"),
            (["--frobnicate=3"], "no option '--frobnicate=3'"),
        ):
            status, said, complaint = run([ROOT / "ci" / "test"], *arguments)
            self.assertEqual((status, said), (2, ""), arguments)
            self.assertIn(sentence, complaint)


if __name__ == "__main__":
    unittest.main()
