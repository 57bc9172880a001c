"""Results as Markdown and JSON. The tables here are also those of the README (bench/table.py)."""
import json
import pathlib


def ratio(mine, other) -> str:
    return f"{mine / other:.2f}" if other else "–"


def shown(value, digits=1) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def scenario_table(scenario: dict) -> list[str]:
    """CPU per request, medians with the minimum in brackets; the last columns are Weft's share of each peer's cost."""
    rows = ["| | requests/s | user µs | system µs | total µs | system calls | instructions | Weft's user | Weft's total |",
            "| --- | --: | --: | --: | --: | --: | --: | --: | --: |"]
    weft = scenario["peers"].get("Weft")
    for name, peer in scenario["peers"].items():
        cells = [f"{peer['requests_per_second']['median']:,.0f}"]
        cells += [f"{peer[part]['median']:.1f} ({peer[part]['best']:.1f})" for part in ("user", "system", "total")]
        cells += [shown(peer.get("system_calls"), 2), shown(peer.get("instructions"), 0)]
        if weft is None or name == "Weft":
            cells += ["", ""]
        else:
            cells += ["× " + ratio(weft[part]["median"], peer[part]["median"]) for part in ("user", "total")]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return rows


def memory_table(memory: dict) -> list[str]:
    rows = ["| | resident MB | workers | threads |", "| --- | --: | --: | --: |"]
    rows += [f"| {name} | {peer['rss_kilobytes'] / 1024:.1f} | {peer['workers']} | {peer['threads']} |" for name, peer in memory.items()]
    return rows


def markdown(results: dict) -> str:
    lines = [f"# Proxies side by side, {results['date']}", "",
             f"`{results['command']}` on {results['machine']}; {results['rounds']} alternating rounds of {results['seconds']} s each; "
             "one worker each, on a core of its own.", "",
             "Versions: " + "; ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".", "",
             "CPU time is the proxy's, per request: median of the rounds, minimum in brackets. The last two columns are Weft's cost "
             "divided by that row's. docs/benchmarks.md says how each figure is taken."]
    for scenario in results["scenarios"].values():
        lines += ["", f"## {scenario['title']} ({scenario['load']})", "", *scenario_table(scenario)]
    lines += ["", "## Memory while idle (2 workers, one listener, one cluster, 5 s after start)", "", *memory_table(results["memory"])]
    if results["notes"]:
        lines += ["", "## Notes", "", *[f"- {note}" for note in results["notes"]]]
    return "\n".join(lines) + "\n"


COLUMNS = {"h1": "HTTP/1.1 in", "h2": "HTTP/2 in", "tls": "TLS 1.3 in", "pair": "pair, HTTP/2 + mTLS between"}


def short_table(results: dict) -> list[str]:
    """One row a proxy: user / total CPU µs per request in each scenario, and idle memory."""
    scenarios = [(kind, COLUMNS[kind]) for kind in COLUMNS if kind in results["scenarios"]]
    rows = ["| CPU µs per request, user / total | " + " | ".join(title for _, title in scenarios) + " | idle MB |",
            "| --- |" + " --: |" * (len(scenarios) + 1)]
    for name, version in results["versions"].items():
        cells = []
        for kind, _ in scenarios:
            peer = results["scenarios"][kind]["peers"].get(name)
            cells.append(f"{peer['user']['median']:.1f} / {peer['total']['median']:.1f}" if peer else "–")
        memory = results["memory"].get(name)
        cells.append(f"{memory['rss_kilobytes'] / 1024:.1f}" if memory else "–")
        label = "floor (forwards bytes, parses nothing)" if name == "floor" else f"{name} {version}"
        rows.append(f"| {label} | " + " | ".join(cells) + " |")
    return rows


def write(results: dict, folder: pathlib.Path) -> pathlib.Path:
    """<folder>/<date>.md and .json; a second run of one day replaces the first."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results['date'][:10]}.md"
    path.write_text(markdown(results))
    path.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    return path
