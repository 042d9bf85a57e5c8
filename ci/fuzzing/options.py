"""The command line of ci/fuzz."""

import hashlib
import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

from complaint import USAGE, Trouble

ROOT = Path(__file__).resolve().parents[2]
# Every target has seeds (ci/corpus makes them).
TARGETS = sorted(folder.name for folder in (ROOT / "corpus" / "seeds").iterdir() if folder.is_dir())
ENGINES = ("libfuzzer", "aflpp")
MOST_JOBS = 1024
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

WITH_VALUE = ("--engine", "--target", "--time", "--jobs", "--name", "--work", "--sync", "--built", "--seeds")
USAGE_LINES = """usage: ci/fuzz [--engine libfuzzer|aflpp|all] [--target fuzz_jeff|fuzz_text|...|all] [--time D] [--jobs N]
               [--no-mutator] [--work D] [--built D] [--seeds D] [--sync D [--name N]]"""


@dataclass
class Options:
    engines: tuple = ENGINES
    targets: tuple = ("fuzz_jeff",)
    seconds: int = 60
    jobs: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    mutator: bool = True
    work: Path = ROOT / "build" / "fuzz-work"
    built: Path | None = None
    seeds: list = field(default_factory=list)
    sync: Path | None = None
    name: str = ""


def _refuse(sentence):
    raise Trouble(USAGE, sentence)


def _one_of(option, value, names):
    if value == "all":
        return tuple(names)
    if value not in names:
        _refuse(f"no {option[2:]} '{value}'; expected one of {', '.join(names)}, or all")
    return (value,)


def _time(value):
    match = re.fullmatch(r"([1-9][0-9]{0,7})([smhd]?)", value)
    if not match:
        _refuse(f"--time '{value}'; expected a number and s, m, h or d, such as 10m")
    return int(match[1]) * UNITS[match[2]]


def _jobs(value):
    if not re.fullmatch(r"[1-9][0-9]{0,3}", value):
        _refuse(f"--jobs '{value}'; expected a number from 1 on")
    if int(value) > MOST_JOBS:
        _refuse(f"--jobs {value}; expected {MOST_JOBS} at most, and no more than there are cores if they are to be quick")
    return int(value)


def _name(value):
    # It becomes the name of a folder, and AFL++ allows no more.
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,16}", value):
        _refuse(f"--name '{value}'; expected up to 16 letters, digits, - and _")
    return value


def _machine(host):
    """A name for this machine's instances; of long ones that begin alike each has its own."""
    name = re.sub(r"[^A-Za-z0-9_-]", "-", host.split(".")[0]) or "machine"
    return name if len(name) <= 16 else f"{name[:11]}-{hashlib.sha1(host.encode()).hexdigest()[:4]}"


def _folder(option, value, origin, there):
    path = origin / value
    if there and not path.is_dir():
        _refuse(f"{option} {value}: {'not a folder' if path.exists() else 'there is no such folder'}")
    return path


def parse(arguments, origin):
    """@param origin the folder that relative names begin at. @return Options"""
    options = Options()
    mutator = os.environ.get("STEVE_MUTATOR", "on")
    if mutator not in ("on", "off"):
        _refuse(f"STEVE_MUTATOR is '{mutator}'; expected on or off")
    options.mutator = mutator == "on"
    words = iter(arguments)
    for option in words:
        if option == "--no-mutator":
            options.mutator = False
            continue
        if option not in WITH_VALUE:
            _refuse(f"no option '{option}'; `ci/fuzz --help` says what each does")
        value = next(words, None)
        if value is None:
            _refuse(f"{option} needs a value")
        if option == "--engine":
            options.engines = _one_of(option, value, ENGINES)
        elif option == "--target":
            options.targets = _one_of(option, value, TARGETS)
        elif option == "--time":
            options.seconds = _time(value)
        elif option == "--jobs":
            options.jobs = _jobs(value)
        elif option == "--name":
            options.name = _name(value)
        elif option == "--work":
            options.work = _folder(option, value, origin, False)
        elif option == "--sync":
            options.sync = _folder(option, value, origin, False)
        elif option == "--built":
            options.built = _folder(option, value, origin, True)
        else:
            options.seeds.append(_folder(option, value, origin, True))
    if options.sync and not options.name:
        options.name = _machine(socket.gethostname())
    return options
