#!/usr/bin/env python3
"""Runs stages of tests, prints the time of each, and ends with the line "N passed, N failed".

usage: run.py [--preset P] [--filter F] [--target T] [--seconds S] stage...
Stages: unit, sim (GoogleTest executables of build/<preset>), tidy, e2e (pytest), fuzz.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "results"
JOBS = os.cpu_count() or 1
EXECUTABLE_SECONDS_MAX = 900
SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-16",
}


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def run_gtest(executable: pathlib.Path, filter_text: str, shard: int, shards: int) -> tuple[Tally, str]:
    """One GoogleTest process. A crash counts as one failure, beside what it reported before."""
    report = RESULTS / f"{executable.parent.name}-{executable.name}-{shard}.json"
    report.unlink(missing_ok=True)
    command = [str(executable), f"--gtest_output=json:{report}", "--gtest_brief=1"]
    if filter_text:
        command.append(f"--gtest_filter=*{filter_text}*")
    environment = {**os.environ, **SANITIZER_ENVIRONMENT,
                   "GTEST_TOTAL_SHARDS": str(shards), "GTEST_SHARD_INDEX": str(shard)}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, timeout=EXECUTABLE_SECONDS_MAX,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except subprocess.TimeoutExpired as late:
        return Tally(failed=1), f"{executable.name}: no end after {EXECUTABLE_SECONDS_MAX} s\n{tail(late.stdout)}"
    tally = count_gtest(report)
    if done.returncode != 0 and tally.failed == 0:
        tally.failed = 1
    output = "" if tally.failed == 0 else f"--- {executable.name}\n{tail(done.stdout, 200)}"
    return tally, output


def count_gtest(report: pathlib.Path) -> Tally:
    tally = Tally()
    if not report.exists():
        return tally
    for suite in json.loads(report.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                tally.failed += 1
            elif case["result"] == "SKIPPED":
                tally.skipped += 1
            elif case["status"] == "RUN":
                tally.passed += 1
    return tally


def tail(text, lines: int = 60) -> str:
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return "\n".join((text or "").splitlines()[-lines:])


def gtest_stage(options, simulation: bool) -> Tally:
    folder = ROOT / "build" / options.preset
    executables = sorted(path for path in folder.glob("*_test") if (path.name == "sim_test") == simulation)
    tally = Tally()
    shards = JOBS if simulation else 1
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        runs = [pool.submit(run_gtest, executable, options.filter, shard, shards)
                for executable in executables for shard in range(shards)]
        for run in runs:
            part, output = run.result()
            tally.add(part)
            if output:
                print(output)
    return tally


def tidy_stage(options) -> Tally:
    """tests/tidy.py prints one line a fault; each of its rules is one test. Not run with a filter."""
    if options.filter:
        return Tally()
    done = subprocess.run(["/usr/bin/python3", "tests/tidy.py", "--strict", "--count"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines = done.stdout.splitlines()
    print("\n".join(lines[:-1]), end="\n" if len(lines) > 1 else "")
    passed, failed = (int(word) for word in lines[-1].split()[::2])
    tally = Tally(passed=passed, failed=failed)
    tally.add(run_pytest(["tests/tidy_test.py"], "tidy"))
    return tally


def run_pytest(arguments: list[str], name: str) -> Tally:
    report = RESULTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short",
                           f"--junitxml={report}", *arguments],
                          cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    tally = Tally()
    if report.exists():
        for case in xml.parse(report).getroot().iter("testcase"):
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"}:
                tally.failed += 1
            elif "skipped" in kinds:
                tally.skipped += 1
            else:
                tally.passed += 1
    nothing_collected = 5
    if done.returncode not in (0, nothing_collected) and tally.failed == 0:
        tally.failed = 1
    if tally.failed or tally.skipped:
        print(done.stdout)
    return tally


def has_verb(binary: str, verb: str) -> bool:
    return os.path.exists(binary) and subprocess.run([binary, verb, "--help"], capture_output=True).returncode == 0


def e2e_stage(options) -> Tally:
    """pytest against the release build: what ships is what is tested, and its memory is measured."""
    binary = os.environ.get("WEFT_BINARY", str(ROOT / "build/release/weft"))
    if not has_verb(binary, "proxy"):
        print(f"e2e: {binary} has no verb `proxy` yet; nothing to run")
        return Tally()
    arguments = ["tests/e2e", "-rs"]
    if options.filter:
        arguments += ["-k", options.filter]
    return run_pytest(arguments, "e2e")


def fuzz_stage(options) -> Tally:
    """Every target runs on its corpus for a while; a crash, a leak or a hang is one failure."""
    wanted = "fuzz_*" if options.target == "all" else f"fuzz_{options.target.removeprefix('fuzz_')}"
    targets = sorted(path for path in (ROOT / "build" / options.preset).glob(wanted) if os.access(path, os.X_OK))
    if not targets:
        print(f"fuzz: no target {wanted} in build/{options.preset}")
        return Tally(failed=1)
    tally = Tally()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for target, failure in zip(targets, pool.map(lambda path: run_fuzzer(path, options.seconds), targets)):
            print(f"{target.name}: {'ok' if not failure else 'FAILED'}")
            if failure:
                print(failure)
                tally.failed += 1
            else:
                tally.passed += 1
    return tally


def run_fuzzer(target: pathlib.Path, seconds: int) -> str:
    name = target.name.removeprefix("fuzz_")
    found = ROOT / "build" / "fuzz" / name
    found.mkdir(parents=True, exist_ok=True)
    command = [str(target), f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={found.parent}/{name}-", str(found)]
    seeds = ROOT / "fuzz" / "corpus" / name
    if seeds.is_dir():
        command.append(str(seeds))
    dictionary = ROOT / "fuzz" / f"{name}.dict"
    if dictionary.exists():
        command.insert(1, f"-dict={dictionary}")
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **SANITIZER_ENVIRONMENT},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return "" if done.returncode == 0 else tail(done.stdout, 80)


STAGES = {
    "unit": lambda options: gtest_stage(options, simulation=False),
    "sim": lambda options: gtest_stage(options, simulation=True),
    "tidy": tidy_stage,
    "e2e": e2e_stage,
    "fuzz": fuzz_stage,
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--preset", default="debug")
    parser.add_argument("--filter", default="")
    parser.add_argument("--target", default="all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("stages", nargs="+", choices=list(STAGES))
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    total = Tally()
    for stage in options.stages:
        began = time.monotonic()
        tally = STAGES[stage](options)
        total.add(tally)
        skipped = f", {tally.skipped} skipped" if tally.skipped else ""
        label = f"{stage} ({options.preset})" if stage in ("unit", "sim", "fuzz") else stage
        print(f"{label}: {tally.passed} passed, {tally.failed} failed{skipped} "
              f"in {time.monotonic() - began:.1f} s", flush=True)
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
