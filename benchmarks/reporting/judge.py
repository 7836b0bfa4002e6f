# Judge: the budgets and the targets, a row each, and whether the figures of a run hold them.
# SPDX-License-Identifier: MIT
import dataclasses
import statistics
import typing

from reporting.results import plain

LOCK, OBJECT, MAP = "shm::mutex", "shm::object", "shm::map"
PTHREAD, ROBUST, SEMOP, SPIN = "pthread mutex", "pthread robust", "semop", "spin CAS"
READ_SIZES = {"64 B": 64, "1 KiB": 1024, "64 KiB": 65536, "1 MiB": 1048576}


@dataclasses.dataclass(frozen=True)
class Row:
    """One limit. measure(results) gives a figure for each repetition."""

    kind: str  # budget, target
    what: str
    limit: float
    at_most: bool
    measure: typing.Callable
    unit: str = "×"

    def limit_in_words(self):
        return f"{'≤' if self.at_most else '≥'} {plain(self.limit)} {self.unit}".strip()


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A row and what was measured; no figures: its contenders were not there."""

    row: Row
    figures: list

    @property
    def median(self):
        return statistics.median(self.figures)

    @property
    def holds(self):
        if not self.figures:
            return False
        return self.median <= self.row.limit if self.row.at_most else self.median >= self.row.limit

    @property
    def word(self):
        if not self.figures:
            return "not measured"
        return "holds" if self.holds else "**does not hold**"


def ratio(job, ours, reference):
    return lambda results: results.ratios(job, ours, reference)


def figure(job, contender, name="value", factor=1.0):
    return lambda results: [value * factor for value in results.values(job, contender, name)]


def beyond(job, ours, reference):
    """How much more, in each repetition."""
    return lambda results: [value - base for value, base in zip(results.values(job, ours), results.values(job, reference))]


NO_MUTEX = (OBJECT, "memcpy (torn)", "seqlock", SPIN, "raw futex")  # the last two are the limits, and outlive no holder


def beside_best_mutex(job):
    """The fastest copy under a mutex, inside each repetition."""
    def measure(results):
        locked = [results.values(job, contender) for contender in results.contenders(job)
                  if contender not in NO_MUTEX]
        return [ours / min(others) for ours, *others in zip(results.values(job, OBJECT), *locked, strict=True) if others]
    return measure


def sum_of_torn(results):
    """Over all jobs in which a reader meets a writer."""
    torn = [results.values(job, OBJECT, "torn") for job in results.jobs if job.startswith("read/")]
    return [sum(each) for each in zip(*torn, strict=True)]


def budgets():
    yield Row("budget", "lock+unlock beside a process-shared pthread mutex", 0.85, True, ratio("lock", LOCK, PTHREAD))
    yield Row("budget", "lock+unlock beside a robust pthread mutex", 0.65, True, ratio("lock", LOCK, ROBUST))
    yield Row("budget", "lock+unlock beside a semop pair", 0.05, True, ratio("lock", LOCK, SEMOP))
    for n in (2, 4, 8):
        yield Row("budget", f"contended by {n} processes beside a robust pthread mutex, throughput", 1, False,
                  ratio(f"contended/{n}", LOCK, ROBUST))
        yield Row("budget", f"contended by {n} processes, fairness (least / most)", 0.5, False,
                  figure(f"contended/{n}", LOCK, "fairness"), "")
    for words in ("64 B", "1 KiB"):
        yield Row("budget", f"load() of {words} beside a call of memcpy", 1.3, True,
                  ratio(f"load/{READ_SIZES[words]}", OBJECT, "memcpy"))
    for words, size in READ_SIZES.items():
        yield Row("budget", f"load() of {words} beside memcpy under a pthread mutex, a writer at full speed", 1, True,
                  ratio(f"read/{size}/fullspeed", OBJECT, PTHREAD))
    yield Row("budget", "torn values that load() gave", 0, True, sum_of_torn, "")
    for job, words in (("hit", "found"), ("miss", "not found"), ("after erasures miss", "not found, after a million erasures")):
        yield Row("budget", f"map: among 10⁶ entries, {words}, beside std::unordered_map without a lock", 1.5, True,
                  ratio(f"map {job}/1000000", MAP, "std::unordered_map"))
    yield Row("budget", "open beside shmget+shmat+shmdt", 3, True, ratio("open", OBJECT, "shmget+shmat"))
    yield Row("budget", "kill -9 → next owner, 1 MiB resident", 1, True, figure("kill/1MiB", LOCK), "ms")
    yield Row("budget", "sleep → wake, to and fro, beside semop", 1.1, True, ratio("wake/roundtrip", LOCK, SEMOP))
    yield Row("budget", "memory of an object of 64 B beside its value", 8, True,
              figure("memory", "shm::object of 64 B", factor=1 / 1024), "KiB")
    yield Row("budget", "compile time of #include <shm.hpp>", 1, True, figure("include", "shm.hpp"), "s")
    yield Row("budget", "compile time of a plain struct of 30 members, beyond that of object<int>", 0.3, True,
              beyond("include", "a plain struct of 30 members, C++20", "shm::object<int>, C++20"), "s")


def targets():
    yield Row("target", "lock+unlock beside a spinning compare-and-swap", 1.15, True, ratio("lock", LOCK, SPIN))
    yield Row("target", "lock+unlock beside a process-shared pthread mutex", 0.6, True, ratio("lock", LOCK, PTHREAD))
    for n in (2, 4, 8):
        yield Row("target", f"contended by {n} processes beside a robust pthread mutex, throughput", 1.2, False,
                  ratio(f"contended/{n}", LOCK, ROBUST))
        yield Row("target", f"contended by {n} processes, fairness (least / most)", 0.6, False,
                  figure(f"contended/{n}", LOCK, "fairness"), "")
    for words, limit in (("64 B", 1.15), ("64 KiB", 1.1)):
        yield Row("target", f"load() of {words} beside a call of memcpy", limit, True,
                  ratio(f"load/{READ_SIZES[words]}", OBJECT, "memcpy"))
    yield Row("target", "load() of 64 B beside memcpy, inlined", 1.15, True, ratio("load/64", OBJECT, "memcpy, inlined"))
    for words, limit in (("64 B", 0.5), ("1 KiB", 0.5), ("64 KiB", 1)):
        yield Row("target", f"load() of {words} beside the best mutex, a writer at full speed", limit, True,
                  beside_best_mutex(f"read/{READ_SIZES[words]}/fullspeed"))
    yield Row("target", "store() of 64 B beside lock+unlock and memcpy", 2, True,
              ratio("store/64", OBJECT, f"{LOCK} and memcpy"))
    yield Row("target", "open beside shmget+shmat+shmdt", 2.5, True, ratio("open", OBJECT, "shmget+shmat"))


def verdict(row, results):
    try:
        return Verdict(row, row.measure(results))
    except KeyError:
        return Verdict(row, [])


def verdicts(results):
    return [verdict(row, results) for row in (*budgets(), *targets())]
