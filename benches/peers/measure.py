"""Runs a command on given cores and writes what it took: python measure.py REPORT.json CORES COMMAND...

A process of its own, and a small one: the peak memory of a child begins with that of the process it was forked from.
Memory is that of the largest process, seconds of CPU those of all.
"""

import json
import os
import subprocess
import sys
import time


def main():
    report, cores, *command = sys.argv[1:]
    start = time.perf_counter()
    child = subprocess.Popen(["taskset", "-c", cores, *command])
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "rss": used.ru_maxrss * 1024}, file)
    sys.exit(code if code >= 0 else 70)


main()
