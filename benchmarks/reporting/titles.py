# Titles: the jobs in the order and the words of the report.
# SPDX-License-Identifier: MIT
import re

# chapter, what stands in it, its jobs by pattern
CHAPTERS = [
    ("Lock and unlock alone", "One process, nobody else wants it.", r"lock"),
    ("Contended", "Processes lock, add to two words that have to agree, unlock and work a little outside. Throughput of "
     "all together; *fairness* is the count of the least lucky process divided by that of the luckiest.", r"contended/\d+"),
    ("Read alone", "`load()` of one process, and the same bytes copied in other ways; locks guard a `memcpy`.", r"load/\d+"),
    ("Read beside a writer", "One process writes, another reads: mean time per read, the clock apart. Locks guard a `memcpy`. *starved* is "
     "the share of the repetitions in which the reader got nothing before the writer ended.", r"read/\d+/\w+"),
    ("Read again", "Counted in a program of its own, which is not timed: how often one of our reads was "
     "made again because the writer lapped it.", r"again/\d+/\w+"),
    ("Store", "`store()` replaces the value.", r"store/\d+"),
    ("Update", "`update()` changes one word of the value, in place or on a draft.", r"update/\d+"),
    ("Elements of an array", "1024 elements; the next one is far from the last.", r"element (load|store)/\d+"),
    ("Entries of a map", "Keys and values of 8 B, in a full map. The other contenders are tables inside one process, without a "
     "lock or under a mutex that one thread takes. Erasures: a million, each followed by an insert.",
     r"map (after erasures )?(hit|miss|assign|erase and insert)/\d+"),
    ("Open, create, remove", "Open: of what is there, and closed again. A value of 512 B.", r"(open|create|remove)"),
    ("A holder is killed", "`kill -9` while it holds the lock and a waiter sleeps: from the call of `kill` until the "
     "waiter has the lock. By what the holder has resident.", r"kill/\w+"),
    ("Sleep and wake", "Two processes hand the lock to and fro and sleep in between: a round trip.", r"wake/\w+"),
    ("Memory", "With 64 seats: whole pages beyond those that the bare value would take, and 64 B for each semaphore. An "
     "object keeps several copies of its value.", r"memory"),
    ("Compile time", "Processor seconds of the compiler, checking alone.", r"include"),
    ("As the number of seats grows", "Read-write handles that may be open at once.", r"seats (open|create)/\d+"),
    ("As T grows", "An object of one T.", r"size (load|store|create)/\d+"),
    ("As N grows", "An array of N elements of 8 B. The first pass touches one element of each page, through a handle "
     "that was just opened.", r"count (load|store|create|open|first pass)/\d+"),
]

# chapter -> the name of its picture
PICTURES = {"Lock and unlock alone": "lock", "Contended": "contended", "Read beside a writer": "reads",
            "Open, create, remove": "lifetimes", "A holder is killed": "kill", "As the number of seats grows": "seats",
            "As T grows": "size", "As N grows": "count"}


def chapter_of(job):
    for title, _, pattern in CHAPTERS:
        if re.fullmatch(pattern, job):
            return title
    raise ValueError(f"no chapter of the report has the job {job}")


def in_bytes(size):
    """64 -> 64 B, 65536 -> 64 KiB"""
    for factor, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} B"


def in_words(job):
    """A job as people read it."""
    kind, *details = job.split("/")
    words = []
    for detail in details:
        if not detail.isdigit():
            words.append({"alone": "no writer", "every10us": "a write every 10 µs", "fullspeed": "a writer at full speed",
                          "roundtrip": "to and fro"}.get(detail, detail))
        elif kind == "contended":
            words.append("1 process" if detail == "1" else f"{detail} processes")
        elif kind.startswith("seats"):
            words.append(f"{detail} seats")
        elif kind.startswith("map"):
            words.append(f"{int(detail):,} entries")
        elif kind.startswith("count"):
            words.append(f"N = {int(detail):,}")
        else:
            words.append(in_bytes(int(detail)))
    verb = re.sub(r"^(seats|size|count|map) ", "", kind)
    return ", ".join([verb, *words])


def sorted_jobs(jobs):
    """As the chapters have them, and then by number."""
    titles = [title for title, _, _ in CHAPTERS]

    def place(job):
        kind, *details = job.split("/")
        return (titles.index(chapter_of(job)), kind, [(0, int(d), "") if d.isdigit() else (1, 0, d) for d in details])
    return sorted(jobs, key=place)
