"""What a mutant costs: the instructions that lib/jeff spends in runs that are the same each time. Valgrind's callgrind counts them,
exactly: a run twice gives the same number. What Jeff calls in libc (memmove, say) is Jeff's, what it calls in Steve (hooks) is not.
"""
import bisect
import re
import subprocess

# Little but requests; compaction after compaction, with much that is locked; the edge of refusal.
PROFILES = ["churn", "lock-heavy", "classic", "full"]
OPS = 10000
SCRAMBLED_OPS = 1250  # a heap that scrambles moves all it has at each request
# Steve's own checks ask Jeff for more than clients do.
QUIET = ["--check", "light", "--without", "check"]


def runs(drivers):
    """Arguments of `steve run` for a file whose code these drivers reach, the one that reaches it soonest first."""
    others = [driver for driver in ("jeff", "jeff-mapped") if driver != drivers[0]]
    for number, profile in enumerate(PROFILES):
        for driver in [drivers[0]] + ([others[0]] if number % 2 else []):
            ops = SCRAMBLED_OPS if driver == "jeff-scramble" else OPS
            yield ["--driver", driver, "--seed", "1", "--ops", str(ops), "--profile", profile, *QUIET]


def functions(path):
    """The functions that an object or a program defines: addresses and names, by address."""
    lines = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout.splitlines()
    fields = [line.split() for line in lines]
    return sorted((int(field[0], 16), field[2]) for field in fields if len(field) == 3 and field[1] in "tT")


class Counter:
    """Counts what a program spends in functions of some objects. The program has fixed addresses (-no-pie): Steve maps memory
    into its own image, after which Valgrind knows no symbols of it and tells addresses alone."""

    def __init__(self, program, rest, objects):
        self.program = program
        known = functions(program)
        self.addresses = [address for address, _ in known]
        self.names = [name for _, name in known]
        self.steve = {name for _, name in functions(rest)}
        self.counted = {name for path in objects for _, name in functions(path)} - self.steve

    def name(self, text):
        address = re.fullmatch(r"0x([0-9a-f]+)", text)
        place = bisect.bisect(self.addresses, int(address[1], 16)) if address else 0
        return self.names[place - 1] if place else text

    def count(self, arguments, folder):
        """The instructions of one `steve run`; None if it does not pass."""
        profile = folder / "callgrind.out"
        command = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={profile}", self.program, "run", "--no-isolate",
                   "--no-shrink", "--out", folder / "out", *arguments]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self.read(profile) if done.returncode == 0 else None

    def read(self, profile):
        """Sums up a profile: the lines of each function that is counted, and of calls from there to what is not Steve's."""
        names, total, function, callee, is_call = {}, 0, None, None, False
        for line in profile.open():
            if match := re.match(r"(fn|cfn)=\((\d+)\)(?: (.*))?", line):
                if match[3]:
                    names[match[2]] = self.name(match[3])
                if match[1] == "fn":
                    function = names[match[2]]
                else:
                    callee = names[match[2]]
            elif line.startswith("calls="):
                is_call = True  # the next line has what the call cost
            elif function and (match := re.match(r"[+*-]?\d* (\d+)$", line)):
                outside = callee not in self.counted and callee not in self.steve
                if function in self.counted and (not is_call or outside):
                    total += int(match[1])
                is_call = False
        return total


def ratios(counts, originals):
    """Of all runs together, and of the one where it is largest. None if a run did not pass, or spent nothing."""
    if None in counts or not all(originals):
        return None
    return round(sum(counts) / sum(originals), 4), round(max(a / b for a, b in zip(counts, originals)), 4)
