# Results: every figure of a run, as results.json keeps it, and what is computed from the figures.
# SPDX-License-Identifier: MIT
import json
import math
import statistics

FORMAT = 1


class Results:
    """A run: its machine and settings, and job -> contender -> figures, one of each for each repetition."""

    def __init__(self, about):
        self.about = about
        self.jobs = {}

    @classmethod
    def read(cls, path):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["format"] != FORMAT:
            raise ValueError(f"{path}: format {kept['format']}, and this reads {FORMAT}")
        results = cls(kept["about"])
        results.jobs = kept["jobs"]
        return results

    def write(self, path):
        kept = {"format": FORMAT, "about": self.about, "jobs": self.jobs}
        path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def add(self, job, measured):
        """One repetition: contender -> its figures."""
        for contender, figures in measured.items():
            known = self.jobs.setdefault(job, {}).setdefault(
                contender, {"unit": figures["unit"], "better": figures["better"], "figures": {}})
            for name, figure in figures.items():
                if name not in ("unit", "better", "group"):
                    known["figures"].setdefault(name, []).append(figure)

    def contenders(self, job):
        return list(self.jobs.get(job, {}))

    def values(self, job, contender, figure="value"):
        """Of each repetition; KeyError where that was not measured."""
        return self.jobs[job][contender]["figures"][figure]

    def ratios(self, job, ours, reference):
        """Inside each repetition, so that a slow moment of the machine hits both."""
        return [a / b if b else math.inf
                for a, b in zip(self.values(job, ours), self.values(job, reference), strict=True)]

    def unit(self, job):
        return next(iter(self.jobs[job].values()))["unit"]

    def better(self, job):
        return next(iter(self.jobs[job].values()))["better"]


def spread(values):
    """median, least, most"""
    return statistics.median(values), min(values), max(values)


def plain(number):
    """Three digits that count, as people write them."""
    if number == 0:
        return "0"
    if math.isinf(number):
        return "∞"
    if abs(number) >= 99.95:
        return f"{number:,.0f}"
    return f"{number:.2f}" if abs(number) < 9.995 else f"{number:.1f}"


def scaled(value, unit):
    """A time in the unit that suits it."""
    unit = unit.replace("us", "µs")
    if unit != "ns":
        return f"{plain(value)} {unit}"
    for factor, larger in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if abs(value) >= factor:
            return f"{plain(value / factor)} {larger}"
    return f"{plain(value)} ns"
