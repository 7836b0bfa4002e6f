# Costs: what the library costs before a program runs, the seconds that a compiler takes for it.
# SPDX-License-Identifier: MIT
import pathlib
import random
import re
import resource
import subprocess

from reporting.programs import Failure, Job

ROOT = pathlib.Path(__file__).resolve().parents[2]


def includes_of_others():
    """What of Boost.Hana and of GSL the library includes."""
    header = (ROOT / "single_include/shm.hpp").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^#include <(?:boost|gsl)/[\w./]+>$", header, re.MULTILINE)) + "\n"


SOURCES = {
    "shm.hpp": "#include <shm.hpp>\n",
    "Boost.Hana's and GSL's parts": includes_of_others(),
    "an empty file": "\n",
}


class IncludeJob(Job):
    """Seconds of processor time that the compiler takes, checking alone."""

    def __init__(self, compiler):
        super().__init__("include", compiler, list(SOURCES))

    def measure(self, seconds):
        return {contender: {"value": self.seconds_for(SOURCES[contender]), "unit": "s", "better": "less"}
                for contender in random.sample(self.contenders, len(self.contenders))}

    def seconds_for(self, source):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.program, "-std=c++17", "-I", ROOT / "include", "-fsyntax-only", "-x", "c++", "-"],
                              input=source, text=True, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Failure(f"{self.program} refuses {source}{done.stderr}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
