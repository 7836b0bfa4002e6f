# Programs: what can be measured, and how one measurement is taken. No other part knows how they are called.
# SPDX-License-Identifier: MIT
"""A measurement is one contender at one job, once. Two kinds of program take them: those of Google Benchmark, whose
benchmarks are named JOB|CONTENDER, and our own, which print JSON (--list, then --job and --contender)."""
import abc
import json
import os
import random
import re
import subprocess

# program -> which part of the time each of its measurements gets: some prepare for longer than they measure
GOOGLE = {"locks": 1.0, "values": 1.0, "lifetimes": 0.4, "growth": 0.25, "maps": 0.25}
OWN = ("together", "again", "footprint")
PATIENCE = 120  # seconds; a measurement that takes longer hangs


class Failure(Exception):
    """A program did not do its work."""


class Job(abc.ABC):
    """One job and those who compete at it. measure() takes one measurement of each, beside each other in time."""

    def __init__(self, name, program, contenders):
        self.name, self.program, self.contenders = name, program, contenders

    @abc.abstractmethod
    def measure(self, seconds):
        """contender -> {"value", "unit", "better", and further figures}"""


class GoogleJob(Job):
    """All contenders in one process, which shuffles them."""

    def measure(self, seconds):
        said = run([self.program, f"--benchmark_filter=^{self.name}[|]", "--benchmark_format=json",
                    f"--benchmark_min_time={seconds * GOOGLE[self.program.name]}", "--benchmark_enable_random_interleaving=true"], one_core)
        found = {}
        for entry in parsed(said, self.program)["benchmarks"]:
            job, contender = parted(entry["run_name"])
            if entry.get("error_occurred"):
                raise Failure(f"{self.program}: {job}, {contender}: {entry['error_message']}")
            counters = {name: entry[name] for name in entry if name not in KNOWN_KEYS}
            found[contender] = {"value": in_nanoseconds(entry), "unit": "ns", "better": "less", **counters}
        return found


class OwnJob(Job):
    """A process, or several, for each measurement; the order is drawn anew each time."""

    def measure(self, seconds):
        found = {}
        for contender in random.sample(self.contenders, len(self.contenders)):
            said = run([self.program, "--job", self.name, "--contender", contender, "--seconds", str(seconds)])
            figures = parsed(said, self.program)
            if None in figures.values():
                raise Failure(f"{self.program}: {self.name}, {contender}: a figure is no number: {figures}")
            found[contender] = {key: figures[key] for key in figures if key not in ("job", "contender")}
        return found


KNOWN_KEYS = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions",
              "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit", "label",
              "aggregate_name", "aggregate_unit"}
UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def in_nanoseconds(entry):
    return entry["real_time"] * UNITS[entry["time_unit"]]


def parted(name):
    """Google Benchmark appends how it takes the time."""
    job, _, contender = re.sub(r"(/(manual_time|real_time|process_time|iterations:\d+))+$", "", name).partition("|")
    return job, contender


def one_core():
    """A process alone stays on one core, the last: the first one serves most interrupts."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(command, prepare=None):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=PATIENCE, preexec_fn=prepare)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"{' '.join(map(str, command))}: not done after {PATIENCE} s") from late
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def jobs_of(folder):
    """All jobs of all programs in that folder."""
    jobs = []
    for name in GOOGLE:
        program = folder / name
        listed = [parted(line) for line in run([program, "--benchmark_list_tests"]).splitlines()]
        jobs += grouped(listed, program, GoogleJob)
    for name in OWN:
        program = folder / name
        listed = [(entry["job"], entry["contender"]) for entry in parsed(run([program, "--list"]), program)]
        jobs += grouped(listed, program, OwnJob)
    return jobs


def parsed(said, program):
    try:
        return json.loads(said)
    except json.JSONDecodeError as problem:
        raise Failure(f"{program} said no JSON ({problem}): {said[:200]}") from problem


def grouped(listed, program, kind):
    by_job = {}
    for job, contender in listed:
        by_job.setdefault(job, []).append(contender)
    return [kind(job, program, contenders) for job, contenders in by_job.items()]
