#!/usr/bin/env python3
"""Writes the newest results of bench/results into the README, between its two bench markers.

usage: table.py [results.json]
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from lib import report  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- bench: written by bench/table.py -->", "<!-- bench ends -->"


def section(results: dict, source: str) -> str:
    lines = [BEGIN, *report.short_table(results), "",
             f"Measured {results['date'][:10]} on {results['machine']}: medians of {results['rounds']} alternating rounds, one worker each, "
             f"1 KB answers; idle is with two workers. `{results['command']}` measures it again; "
             f"[{source}]({source}) has minima, system calls, instructions and requests/s, "
             "and [docs/benchmarks.md](docs/benchmarks.md) the method.", END]
    return "\n".join(lines)


def replaced(readme: str, text: str) -> str:
    before, rest = readme.split(BEGIN)
    return before + text + rest.split(END)[1]


def main() -> int:
    found = sorted((ROOT / "bench/results").glob("*.json"))
    path = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else found[-1] if found else None
    if path is None:
        print("bench/results is empty: run ./dev bench proxy", file=sys.stderr)
        return 1
    source = str(path.with_suffix(".md").relative_to(ROOT))
    readme = ROOT / "README.md"
    readme.write_text(replaced(readme.read_text(), section(json.loads(path.read_text()), source)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
