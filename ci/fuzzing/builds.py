"""The programs that a run needs: made, or found where --built says."""

import os
import shutil
import subprocess
import sys

import fleet
from complaint import ENVIRONMENT, Trouble
from engines import HANG_SECONDS
from options import ROOT

# Of AFL++'s: the folder of a build under build/, and under --built.
AFL_PRESETS = {"plain": "afl", "asan": "afl-asan", "cmplog": "afl-cmplog"}


STEVE_PRESETS = ("release", "debug")


class Builds:
    def __init__(self, options):
        self.options = options
        self.root = ROOT
        self.steves = []  # the fast one, then the careful one, with assertions and sanitizers; perhaps not both

    # Making

    def make(self):
        """Installs and builds what is missing, or sees whether it is there. Trouble if it cannot be had."""
        if self.options.built is None:
            self._build()
            places = [ROOT / "build" / preset / "bin" / "steve" for preset in STEVE_PRESETS]
        else:
            built = self.options.built
            places = [built / "steve"]
            for preset in STEVE_PRESETS:
                own = built / preset / "bin" / "steve"
                places.append(own if own.exists() else ROOT / "build" / preset / "bin" / "steve")
            places = places[:1] if places[0].exists() else places[1:]
        self.steves = [place for place in places if os.access(place, os.X_OK)]
        if "aflpp" in self.options.engines and shutil.which("afl-fuzz") is None:
            raise Trouble(
                ENVIRONMENT,
                "AFL++ is not installed: expected afl-fuzz on the PATH; install it with `ci/setup test`,"
                " or fuzz with --engine libfuzzer alone",
            )
        if shutil.which("setpriv") is None:
            raise Trouble(ENVIRONMENT, "expected setpriv on the PATH; it comes with the package util-linux")
        for target in self.options.targets:
            for engine in self.options.engines:
                binary = self.binary(engine, target)
                if not os.access(binary, os.X_OK):
                    raise Trouble(ENVIRONMENT, f"{binary} is not there")

    def _build(self):
        if subprocess.run([ROOT / "ci" / "setup", "build", "test"], stdin=subprocess.DEVNULL, check=False).returncode != 0:
            raise Trouble(ENVIRONMENT, "ci/setup could not install what is missing; what it says is above")
        for preset in STEVE_PRESETS:
            self._make(preset, ["steve"])
        targets = list(self.options.targets)
        if "libfuzzer" in self.options.engines:
            self._make("fuzz", targets)
        if "aflpp" in self.options.engines:
            needed = fleet.builds_needed(self.options)
            for build, preset in AFL_PRESETS.items():
                if build in needed:
                    self._make(preset, targets + (["steve_mutator"] if build == "plain" and self.options.mutator else []))

    def _make(self, preset, targets):
        print(f"== build/{preset}", flush=True)
        self._call(["cmake", "--preset", preset, "-DSTEVE_MUTATOR=ON"])
        self._call(["cmake", "--build", ROOT / "build" / preset, "--target", *targets, "--", "--quiet"])

    @staticmethod
    def _call(command):
        """Runs a part of a build, which has something to say only if it fails."""
        ended = subprocess.run(
            command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if ended.returncode != 0:
            sys.stderr.write(ended.stdout.decode(errors="replace"))
            words = " ".join(map(str, command))
            raise Trouble(ENVIRONMENT, f"`{words}` ended with {ended.returncode}; what it says is above")

    # Finding

    def binary(self, engine, target, build="plain"):
        """Under --built, either as in build/, or all in one folder, which then is one engine's."""
        preset = "fuzz" if engine == "libfuzzer" else AFL_PRESETS[build]
        if self.options.built is None:
            return ROOT / "build" / preset / "bin" / target
        if (self.options.built / preset / "bin").is_dir():
            return self.options.built / preset / "bin" / target
        return self.options.built / ("" if build == "plain" else build) / target

    def builds(self, target):
        """Which of AFL++'s builds of a target there are."""
        return {build for build in AFL_PRESETS if os.access(self.binary("aflpp", target, build), os.X_OK)}

    def mutator(self, target):
        """What afl-fuzz loads, or None. Text is no sequence: what knows ops is of no use to its target."""
        library = self.binary("aflpp", "steve_mutator.so")
        return library if self.options.mutator and target != "fuzz_text" and library.exists() else None

    @staticmethod
    def dictionary(target):
        """The words of a target's inputs, or None. What knows ops needs no words."""
        words = ROOT / "fuzz" / f"{target}.dict"
        return words if words.exists() else None

    def folders(self, target):
        """Where the engines begin: seeds, what was once a crash, and what --seeds names."""
        own = [ROOT / "corpus" / "seeds" / target, ROOT / "corpus" / "crashes" / target]
        return [folder for folder in own if folder.is_dir()] + self.options.seeds

    def ways_to_replay(self, target):
        """What Steve is told beside the files, one way after the other.

        They say themselves which driver they are for, but not what it runs against; and where they do not, the target takes the
        first of its family, Steve takes Jeff. So an input is run as Steve takes it, and then as the target does.
        """
        family, _, against = target.removeprefix("fuzz_").replace("_", "-").partition("-against-")
        listed = subprocess.run([self.steves[0], "drivers"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
        known = {line.split()[0] for line in listed.stdout.decode().splitlines() if line.split()}
        beside = ["--against", against] if against in known else []
        return [beside] + ([["--driver", family, *beside]] if family in known and family != "jeff" else [])

    def replayers(self, target, engine):
        """Commands that run the files that are appended to them; those of the engine first."""
        commands = []
        for build in ("plain", "asan") if "aflpp" in self.options.engines else ():
            if build in self.builds(target):
                commands.append([self.binary("aflpp", target, build)])
        fuzzers = self.minimizers(target)
        return fuzzers + commands if engine == "libfuzzer" else commands + fuzzers

    def minimizers(self, target):
        """Commands of libFuzzer's build."""
        if "libfuzzer" not in self.options.engines:
            return []
        # A busy machine is no hang: whoever calls looks at the CPU time.
        return [[self.binary("libfuzzer", target), f"-timeout={10 * HANG_SECONDS}", "-rss_limit_mb=4096"]]
