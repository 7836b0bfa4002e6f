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


TYPES = ["int", "double", "float", "std::int16_t", "bool"]
OPENED = '#include <shm.hpp>\n{}int main() {{ return static_cast<int>(shm::object<{}>{{"x"}}.load(){}); }}\n'


def struct_of_30(member, before, between, after):
    """A program that opens a struct of 30 members, each written as `member` has it."""
    members = between.join(member.format(TYPES[i % len(TYPES)], f"m{i}") for i in range(30))
    return OPENED.format(f"struct wide {{\n{before}{members}{after}}};\n", "wide", ".m0")


# contender: standard, source
SOURCES = {
    "shm.hpp": ("c++17", "#include <shm.hpp>\n"),
    "Boost.Hana's and GSL's parts": ("c++17", includes_of_others()),
    "an empty file": ("c++17", "\n"),
    "shm::object<int>, C++20": ("c++20", OPENED.format("", "int", "")),
    "a plain struct of 30 members, C++20": ("c++20", struct_of_30("{} {};\n", "", "", "")),
    "a listed struct of 30 members, C++20": (
        "c++20", struct_of_30("({}, {})", "BOOST_HANA_DEFINE_STRUCT(wide, ", ", ", ");\n")),
}


class IncludeJob(Job):
    """Seconds of processor time that the compiler takes, checking alone."""

    def __init__(self, compiler):
        super().__init__("include", compiler, list(SOURCES))

    def measure(self, seconds):
        return {contender: {"value": self.seconds_for(SOURCES[contender]), "unit": "s", "better": "less"}
                for contender in random.sample(self.contenders, len(self.contenders))}

    def seconds_for(self, standard_and_source):
        standard, source = standard_and_source
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.program, f"-std={standard}", "-I", ROOT / "include", "-fsyntax-only", "-x", "c++", "-"],
                              input=source, text=True, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise Failure(f"{self.program} refuses {source}{done.stderr}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
