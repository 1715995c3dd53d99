"""`make bench`: one module per topic in benchmarks/, each with throw-away servers of its own."""

from __future__ import annotations

from collections.abc import Sequence

from devtools import foreground, preparation, services, venv
from devtools.console import Stop, say
from devtools.paths import ROOT


def topics() -> list[str]:
    """The modules of benchmarks/ that can be run; those whose name starts with _ help them."""
    return sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))


def bench(arguments: Sequence[str]) -> int:
    """Run the named topic with its arguments, or all topics; 1 if any failed."""
    venv.ensure("dev")
    known = topics()
    if arguments and arguments[0] not in known:
        raise Stop(f"No benchmark {arguments[0]!r}; there are: {', '.join(known) or 'none'}.")
    chosen = [arguments[0]] if arguments else known
    failed = [topic for topic in chosen if _run(topic, arguments[1:])]
    if failed:
        say(f"Failed: {', '.join(failed)}.")
    return 1 if failed else 0


def _run(topic: str, arguments: Sequence[str]) -> int:
    with services.throw_away() as environment:
        preparation.make_tables(environment)
        preparation.compile_translations()
        preparation.collect_static(environment)
        return foreground.python("-m", f"benchmarks.{topic}", *arguments, env=environment)
