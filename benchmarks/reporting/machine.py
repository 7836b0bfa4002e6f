# Machine: what the figures were measured on, for those who compare them with their own.
# SPDX-License-Identifier: MIT
import os
import pathlib
import platform
import re
import subprocess

BUSY = 0.5  # load average from which others disturb the measurement
# what, its version in the package's header, its package
REFERENCES = [("Google Benchmark", "libbenchmark-dev"), ("Boost", "libboost-dev"), ("Microsoft GSL", "libmsgsl-dev"),
              ("Qt", "qt6-base-dev"), ("Poco", "libpoco-dev"), ("C library", "libc6")]


def first_line(command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=False).stdout.split("\n")[0].strip()
    except FileNotFoundError:
        return ""


def text_of(path, otherwise="not readable"):
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return otherwise


def processor():
    named = re.search(r"^model name\s*: (.+)$", text_of("/proc/cpuinfo"), re.MULTILINE)
    return named[1] if named else platform.machine()


def virtual():
    if "hypervisor" in text_of("/proc/cpuinfo"):
        vendor = re.search(r"^Hypervisor vendor:\s*(.+)$",
                           subprocess.run(["lscpu"], stdout=subprocess.PIPE, text=True, check=True,
                                          env={**os.environ, "LC_ALL": "C"}).stdout, re.MULTILINE)
        return vendor[1] if vendor else "yes"
    return "no"


def caches():
    folder = pathlib.Path("/sys/devices/system/cpu/cpu0/cache")
    named = [f"L{text_of(index / 'level')} {text_of(index / 'type').lower()} {text_of(index / 'size')}"
             for index in sorted(folder.glob("index*"))]
    return ", ".join(named) or "not readable"


def packaged_version(package):
    return first_line(["dpkg-query", "--show", "--showformat=${Version}", package]) or "not installed"


def describe(compiler):
    """Ordered: what -> words."""
    return {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "caches": caches(),
        "frequency governor": text_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "virtual": virtual(),
        "kernel": platform.release(),
        "transparent huge pages of shared memory": text_of("/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
        "compiler": first_line([compiler, "--version"]),
        **{what: packaged_version(package) for what, package in REFERENCES},
    }


def load_average():
    return os.getloadavg()[0]
