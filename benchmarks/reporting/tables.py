# Tables: the figures of a run as Markdown.
# SPDX-License-Identifier: MIT
import math
import statistics

from reporting import judge, titles
from reporting.results import plain, scaled, spread

IS_OURS = "shm::"
FIGURES = {"fairness": "fairness", "longest_wait_us": "longest wait, µs", "torn": "torn", "starved": "starved",
           "reads": "reads", "locks": "of them under the lock", "writes_per_s": "writes/s",
           "segment": "segment, B", "semaphores": "semaphores, B"}


def table(header, rows):
    """The first column to the left, the others to the right."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in
                     (header, ["---", *["---:"] * (len(header) - 1)], *rows)) + "\n"


def ours_of(results, job):
    """Whom the others are compared with."""
    return next((name for name in results.contenders(job) if name.startswith(IS_OURS)), None)


def emphasised(name):
    return f"**{name}**" if name.startswith(IS_OURS) else name


def job_table(results, job):
    """Best first: median, least, most, ratio to ours, and whatever else was counted."""
    unit, better, ours = results.unit(job), results.better(job), ours_of(results, job)
    further = [name for name in FIGURES if any(name in results.jobs[job][contender]["figures"]
                                               for contender in results.contenders(job))]
    header = [titles.in_words(job), "median", "least", "most", *(["of ours"] if ours else []),
              *[FIGURES[name] for name in further]]
    rows = []
    for contender in sorted(results.contenders(job), key=lambda name: statistics.median(results.values(job, name)),
                            reverse=better == "more"):
        numbers = [scaled(value, unit) for value in spread(results.values(job, contender))]
        if ours:
            numbers.append(f"{plain(statistics.median(results.ratios(job, contender, ours)))} ×")
        for name in further:
            counted = results.jobs[job][contender]["figures"].get(name)
            numbers.append(plain(statistics.median(counted)) if counted else "")
        rows.append([emphasised(contender), *numbers])
    return table(header, rows)


def growth_table(results, jobs):
    """A line for each job, a column for each contender: medians."""
    contenders = list(dict.fromkeys(name for job in jobs for name in results.contenders(job)))
    rows = [[titles.in_words(job), *[median_of(results, job, name) for name in contenders]] for job in jobs]
    return table(["", *[emphasised(name) for name in contenders]], rows)


def median_of(results, job, contender):
    if contender not in results.contenders(job):
        return ""
    return scaled(statistics.median(results.values(job, contender)), results.unit(job))


def verdict_table(verdicts):
    rows = []
    for verdict in verdicts:
        measured = [plain(number) for number in spread(verdict.figures)] if verdict.figures else ["", "", ""]
        rows.append([verdict.row.what, verdict.row.limit_in_words(), measured[0], f"{measured[1]} – {measured[2]}",
                     verdict.word])
    return table(["", "limit", "median", "least – most", ""], rows)


def verdicts_of(results, kind):
    return [verdict for verdict in judge.verdicts(results) if verdict.row.kind == kind]


def machine_table(results):
    return table(["", ""], [[what, words] for what, words in results.about["machine"].items()]).replace("---:", "---")


def conditions(results):
    about = results.about
    said = (f"Measured on {about['date']}, shm {about['version']}: {about['repetitions']} repetitions of "
            f"{plain(about['seconds'] * 1000)} ms, {plain(about['took'] / 60)} minutes. In each repetition the contenders "
            "of a job run one after the other in an order drawn anew, and ratios are taken inside a repetition. Shown "
            "are medians.")
    if about["disturbed"]:
        said += (f"\n\n**The machine was busy with other work** (load average {plain(about['load'])} at the start): these "
                 "figures say little.")
    return said + "\n"


def is_growth(title):
    return title.startswith("As ")


def report(results):
    """The whole report."""
    parts = ["# Benchmark report\n", conditions(results), "Made by `./dev bench`; every figure is in "
             "[results.json](results.json), what they mean in [performance](../performance.md).\n",
             "## The machine\n", machine_table(results),
             "## Budgets\n", verdict_table(verdicts_of(results, "budget")),
             "## Targets\n", verdict_table(verdicts_of(results, "target"))]
    for title, explained, _ in titles.CHAPTERS:
        jobs = [job for job in titles.sorted_jobs(results.jobs) if titles.chapter_of(job) == title]
        if not jobs:
            continue
        parts += [f"## {title}\n", explained + "\n"]
        if title in titles.PICTURES:
            parts.append(f"![{title}]({titles.PICTURES[title]}.svg)\n")
        if is_growth(title):
            kinds = dict.fromkeys(job.partition("/")[0] for job in jobs)
            parts += [growth_table(results, [job for job in jobs if job.partition("/")[0] == kind]) for kind in kinds]
        else:
            parts += [job_table(results, job) for job in jobs]
    return "\n".join(parts)


def exponent(results, jobs, contender):
    """How the time grows over the last steps: 0 not at all, 1 as the work does."""
    (small, less), (large, more) = [(int(job.rsplit("/", 1)[1]), statistics.median(results.values(job, contender)))
                                    for job in (jobs[0], jobs[-1])]
    return math.log(more / less) / math.log(large / small)
