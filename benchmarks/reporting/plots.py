# Plots: the figures of a run as pictures; a contender has one colour in all of them.
# SPDX-License-Identifier: MIT
import math
import statistics

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  the way of drawing is chosen before

from reporting import titles  # noqa: E402
from reporting.results import scaled  # noqa: E402
from reporting.tables import IS_OURS  # noqa: E402

MAIN = ("shm::mutex", "shm::object", "shm::array")  # never two of them in one picture
OURS = ("#c1121f", "#f3722c", "#7b2cbf", "#ff8fa3", "#9d0208", "#e85d04", "#5a189a", "#d00000")
OTHERS = ("#1f77b4", "#2ca02c", "#17a2b8", "#8c6d31", "#393b79", "#7f7f7f", "#bcbd22", "#637939", "#6b6ecf", "#8c564b",
          "#0b7a75", "#b5cf6b", "#9edae5", "#a0a0ff", "#c7a76c", "#2f4f4f", "#98df8a", "#5f9ea0", "#aec7e8", "#c49c94")
MARKERS = "osv^D<>ph*XPd"
STEADY = {"svg.hashsalt": "shm", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
          "axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False}


def drawn_name(name):
    """memcpy stays memcpy where it tears."""
    return name.removesuffix(" (torn)")


class Palette:
    """contender -> how it is drawn, the same in every plot of a run."""

    def __init__(self, results):
        names = sorted({drawn_name(name) for job in results.jobs for name in results.contenders(job)})
        self.ours = [name for name in names if name.startswith(IS_OURS)]
        self.others = [name for name in names if not name.startswith(IS_OURS)]

    def is_ours(self, name):
        return name.startswith(IS_OURS)

    def colour(self, name):
        name = drawn_name(name)
        if name in MAIN:
            return OURS[0]
        if self.is_ours(name):
            return OURS[1:][self.ours.index(name) % (len(OURS) - 1)]
        return OTHERS[self.others.index(name) % len(OTHERS)]

    def line(self, name):
        label, name = name, drawn_name(name)
        place = (self.ours if self.is_ours(name) else self.others).index(name)
        style = {"color": self.colour(name), "marker": MARKERS[place % len(MARKERS)], "label": label}
        return {**style, "linewidth": 2.6, "markersize": 6, "zorder": 5} if self.is_ours(name) else \
            {**style, "linewidth": 1.1, "markersize": 4, "alpha": 0.9}


def points(results, kind, contender, figure="value", suffix=""):
    """(number in the job's name, median) for each job KIND/NUMBER[/SUFFIX] that has the contender."""
    found = []
    for job in results.jobs:
        parts = job.split("/")
        if parts[0] == kind and "/".join(parts[2:]) == suffix and contender in results.contenders(job):
            figures = results.jobs[job][contender]["figures"]
            if figure in figures:
                found.append((int(parts[1]), statistics.median(figures[figure])))
    return sorted(found)


def contenders_of(results, kind, suffix=""):
    return list(dict.fromkeys(name for job in results.jobs for name in results.contenders(job)
                              if job.split("/")[0] == kind and "/".join(job.split("/")[2:]) == suffix))


def curves(axes, results, palette, kind, title, figure="value", suffix="", ylabel="ns", ylog=True, in_words=str):
    """A line for each contender over the number in the jobs' names."""
    ticks = set()
    for name in contenders_of(results, kind, suffix):
        drawn = points(results, kind, name, figure, suffix)
        if drawn:
            axes.plot(*zip(*drawn), **palette.line(name))
            ticks.update(number for number, _ in drawn)
    axes.set_xscale("log", base=2)
    if ylog:
        axes.set_yscale("log")
    if ylabel == "ns":
        axes.yaxis.set_major_formatter(lambda value, _: scaled(value, "ns").replace(".00 ", " ").replace(".0 ", " "))
        ylabel = ""
    axes.set_xticks(sorted(ticks), [in_words(tick) for tick in sorted(ticks)], rotation=45 if len(ticks) > 5 else 0)
    axes.minorticks_off()
    axes.set_title(title)
    axes.set_ylabel(ylabel)


def bars(axes, results, palette, job, title, xlabel):
    """Best on top; a line from the least to the most."""
    better = results.better(job)
    names = sorted(results.contenders(job), key=lambda name: statistics.median(results.values(job, name)),
                   reverse=better == "less")
    for place, name in enumerate(names):
        values = results.values(job, name)
        middle = statistics.median(values)
        axes.barh(place, middle, color=palette.colour(name), alpha=1 if palette.is_ours(name) else 0.6)
        axes.plot([min(values), max(values)], [place, place], color="black", linewidth=1)
        axes.annotate(f" {scaled(middle, results.unit(job))}", (max(values), place), va="center", fontsize=8)
    axes.set_yticks(range(len(names)), names)
    for label, name in zip(axes.get_yticklabels(), names):
        label.set_fontweight("bold" if palette.is_ours(name) else "normal")
    axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.minorticks_off()
    axes.set_title(title)
    axes.set_xlabel(xlabel)


def finished(figure, palette, columns=5):
    """One legend for all panels, below them, ours first."""
    named = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            named.setdefault(label, handle)
    if named:
        order = sorted(named, key=lambda name: (not palette.is_ours(name), name))
        figure.legend([named[name] for name in order], order, loc="lower center", ncols=columns, frameon=False,
                      fontsize=8)
        height = (0.25 + 0.17 * math.ceil(len(order) / columns)) / figure.get_figheight()
        figure.get_layout_engine().set(rect=(0, height, 1, 1 - height))
    return figure


def panels(count, height, width=3.6):
    figure, axes = pyplot.subplots(1, count, figsize=(max(width * count, 7.2), height), layout="constrained",
                                   squeeze=False)
    return figure, axes[0]


def lock_alone(results, palette):
    figure, (axes,) = panels(1, 4.2)
    bars(axes, results, palette, "lock", "lock and unlock, nobody else wants it", "ns (logarithmic)")
    return figure


def contended(results, palette):
    figure, (speed, fair) = panels(2, 5.2, 5.2)
    curves(speed, results, palette, "contended", "all processes together", ylabel="million lock+unlock / s")
    curves(fair, results, palette, "contended", "fairness: least / most", "fairness", ylabel="", ylog=False)
    for axes in (speed, fair):
        axes.set_xlabel("processes")
    return finished(figure, palette)


def reads(results, palette):
    figure, drawn = panels(3, 4.8)
    for axes, (suffix, title) in zip(drawn, (("alone", "no writer"), ("every10us", "a write every 10 µs"),
                                             ("fullspeed", "a writer at full speed"))):
        curves(axes, results, palette, "read", title, suffix=suffix, ylabel="ns", in_words=titles.in_bytes)
    return finished(figure, palette)


def growth_of_size(results, palette):
    figure, drawn = panels(3, 4.2)
    for axes, verb in zip(drawn, ("load", "store", "create")):
        curves(axes, results, palette, f"size {verb}", verb, in_words=titles.in_bytes)
        axes.set_xlabel("size of T")
    return finished(figure, palette)


def growth_of_count(results, palette):
    figure, drawn = panels(5, 4.4, 2.9)
    for axes, verb in zip(drawn, ("load", "store", "create", "open", "first pass")):
        curves(axes, results, palette, f"count {verb}", f"{verb}{' of an element' if verb in ('load', 'store') else ''}",
               in_words=in_short)
        axes.set_xlabel("elements of 8 B")
    return finished(figure, palette)


def in_short(number):
    """10000000 -> 10M"""
    return f"{number // 1_000_000}M" if number >= 1_000_000 else f"{number // 1000}k" if number >= 1000 else str(number)


def growth_of_seats(results, palette):
    figure, drawn = panels(2, 3.6)
    for axes, verb in zip(drawn, ("open", "create")):
        curves(axes, results, palette, f"seats {verb}", verb)
        axes.set_xlabel("seats")
    return finished(figure, palette)


def killed(results, palette):
    jobs = [job for job in titles.sorted_jobs(results.jobs) if job.startswith("kill/")]
    figure, drawn = panels(len(jobs), 3.0, 5.2)
    for axes, job in zip(drawn, jobs):
        bars(axes, results, palette, job, f"the holder has {job.partition('/')[2]} resident",
             f"{results.unit(job)} until the next owner (logarithmic)")
    return figure


def lifetimes(results, palette):
    figure, drawn = panels(3, 3.4, 4.4)
    for axes, job in zip(drawn, ("open", "create", "remove")):
        bars(axes, results, palette, job, job, "ns (logarithmic)")
    return figure


DRAWINGS = {"lock": lock_alone, "contended": contended, "reads": reads, "lifetimes": lifetimes, "kill": killed,
            "seats": growth_of_seats, "size": growth_of_size, "count": growth_of_count}


def draw(results, folder):
    palette = Palette(results)
    with matplotlib.rc_context(STEADY):
        for name in titles.PICTURES.values():
            figure = DRAWINGS[name](results, palette)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
            pyplot.close(figure)
