# Pages: the figures in the documents, put there from results.json between marks.
# SPDX-License-Identifier: MIT
"""A block begins with <!-- figures: NAME --> and ends with <!-- /figures -->; what stands between is made here."""
import pathlib
import re
import statistics

from reporting import tables, titles
from reporting.results import Results, plain, scaled

RESULTS = pathlib.Path("docs/benchmarks/results.json")
REPORT = pathlib.Path("docs/benchmarks/report.md")
PAGES = (pathlib.Path("README.md"), pathlib.Path("docs/performance.md"))
BLOCK = re.compile(r"(<!-- figures: (.+?) -->\n).*?(<!-- /figures -->)", re.DOTALL)


def median(results, job, contender):
    return scaled(statistics.median(results.values(job, contender)), results.unit(job))


def ratio(results, job, ours, reference):
    return plain(statistics.median(results.ratios(job, ours, reference)))


def in_short(results):
    """For the README: what most people ask first."""
    machine = results.about["machine"]
    return (f"On {machine['cores']} cores ({machine['processor']}; medians): lock and "
            f"unlock {median(results, 'lock', 'shm::mutex')}, where a process-shared pthread mutex takes "
            f"{median(results, 'lock', 'pthread mutex')}, a robust one {median(results, 'lock', 'pthread robust')} and a "
            f"`semop` pair {median(results, 'lock', 'semop')};\n`load()` of 64 B "
            f"{ratio(results, 'load/64', 'shm::object', 'memcpy')} times a call of `memcpy`, of 64 KiB "
            f"{ratio(results, 'load/65536', 'shm::object', 'memcpy')} times;\n"
            f"open {ratio(results, 'open', 'shm::object', 'shmget+shmat')} times `shmget` + `shmat` + `shmdt`.\n")


def block(results, name):
    """What stands in the block of that name."""
    kind, _, detail = name.partition(" ")
    if kind == "job":
        return tables.job_table(results, detail)
    if kind == "growth":
        return tables.growth_table(results, [job for job in titles.sorted_jobs(results.jobs)
                                             if job.partition("/")[0] == detail])
    made = {"budget": lambda: tables.verdict_table(tables.verdicts_of(results, "budget")),
            "target": lambda: tables.verdict_table(tables.verdicts_of(results, "target")),
            "machine": lambda: tables.machine_table(results),
            "conditions": lambda: tables.conditions(results),
            "short": lambda: in_short(results)}
    if name not in made:
        raise ValueError(f"there are no figures called '{name}'")
    return made[name]()


def refreshed(results, text):
    return BLOCK.sub(lambda found: found[1] + "\n" + block(results, found[2]) + "\n" + found[3], text)


def expected(root):
    """page -> its text as the results in that tree want it"""
    results = Results.read(root / RESULTS)
    pages = {page: refreshed(results, (root / page).read_text(encoding="utf-8")) for page in PAGES}
    pages[REPORT] = tables.report(results)
    return pages


def refresh(root):
    for page, text in expected(root).items():
        (root / page).write_text(text, encoding="utf-8")


def differing(root):
    """Pages that do not agree with results.json."""
    return [page for page, text in expected(root).items() if (root / page).read_text(encoding="utf-8") != text]
