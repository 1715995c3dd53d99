"""What all measurements share: contestants in turn (A B A B …), medians, a check of their rows, a table, one line.

A module of a topic builds its data, gives each contestant as a function, and reports:

    results = compete({"ours": ours, "stock": stock}, rounds=5)
    report("mail", {"vs_stock": results["stock"].seconds / results["ours"].seconds})

A contestant prepares what it needs and returns `timed(work)`: the seconds of the work alone, and what came out.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run of one contestant. `rows`: what it produced, equal for all contestants of a race."""

    seconds: float
    rows: Hashable = None
    peak_bytes: int = 0


@dataclass(frozen=True)
class Result:
    """All runs of one contestant; `seconds` and `peak_bytes` are medians."""

    runs: list[Run]

    @property
    def seconds(self) -> float:
        return statistics.median(run.seconds for run in self.runs)

    @property
    def peak_bytes(self) -> float:
        return statistics.median(run.peak_bytes for run in self.runs)

    @property
    def spread(self) -> float:
        """How far apart the quickest and the slowest run are, in parts of the median."""
        seconds = [run.seconds for run in self.runs]
        return (max(seconds) - min(seconds)) / self.seconds


def timed(work: Callable[[], Any], rows: Callable[[], Hashable] = lambda: None) -> Run:
    """Measure the work; read its rows afterwards, outside of the measurement."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    return Run(seconds, rows())


def compete(contestants: Mapping[str, Callable[[], Run]], *, rounds: int = 5) -> dict[str, Result]:
    """Let each run once per round, in turn, so that what else the machine does falls on all. Prints a table.

    Exits with 1 if two contestants produced other rows: then there is nothing to compare.
    """
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, contestant in contestants.items():
            runs[name].append(contestant())
            print(f"  round {number + 1}/{rounds} {name}: {runs[name][-1].seconds:.3f} s", file=sys.stderr)
    _refuse_other_rows(runs)
    results = {name: Result(done) for name, done in runs.items()}
    _print_table(results)
    return results


def report(bench: str, ratios: Mapping[str, float], growth: Mapping[str, float] | None = None) -> None:
    """The last line: JSON."""
    line = {"bench": bench, "ratios": _rounded(ratios), "growth": _rounded(growth or {})}
    print(json.dumps(line), flush=True)


def _refuse_other_rows(runs: Mapping[str, list[Run]]) -> None:
    wanted = next(iter(runs.values()))[0].rows
    for name, done in runs.items():
        for number, run in enumerate(done, 1):
            if run.rows != wanted:
                sys.exit(f"{name} produced other rows in round {number}: nothing to compare.")


def _print_table(results: Mapping[str, Result]) -> None:
    quickest = min(result.seconds for result in results.values())
    width = max(len(name) for name in results)
    print(f"\n  {'contestant':<{width}}  median      spread  × quickest")
    for name, result in results.items():
        figures = f"{result.seconds * 1000:8.1f} ms  {result.spread:5.0%}  {result.seconds / quickest:9.2f}"
        print(f"  {name:<{width}}  {figures}")
    print(flush=True)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(figure, 3) for name, figure in figures.items()}
