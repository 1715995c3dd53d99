"""The commands of `dev.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from devtools import backup, benching, checking, instance, running, testing, venv
from devtools.console import Stop

HELP = """\
Firm Portal, on a machine that has only Python ≥ 3.11 (`make <command>` is the same):

  run                          everything, with demonstration data, until Ctrl-C (PORT, PORTAL_VAR)
  dev                          the same with live reload
  stop                         end what runs
  manage …                     manage.py, on the databases of `run`

  backup [FILE]                dump the database, every row counted
  restore FILE                 bring a dump back; the database as it was stays beside it

  test [pytest arguments]      all tests but the long ones, with throw-away servers
  test-long [arguments]        the long ones too, with full counts
  test-resilience [arguments]  what is killed, flushed and falls silent, in full: 2,000 mails, each kind of outage
  coverage [arguments]         the tests, with the lines and branches that they do not reach
  browser                      bring the browser that the tests want, where there is none
  lint [names]                 all checks, or those named: ruff, mypy, djlint, import-linter, …
  format                       format the Python code
  bench [topic]                measurements of benchmarks/
  with-services [--migrated] -- COMMAND
                               any command with throw-away servers in its environment
"""

Arguments = Sequence[str]


def _with_services(arguments: Arguments) -> int:
    rest = list(arguments)
    migrated = rest[:1] == ["--migrated"]
    rest = rest[1:] if migrated else rest
    return testing.with_services(rest[1:] if rest[:1] == ["--"] else rest, migrated=migrated)


def _help(_arguments: Arguments) -> int:
    print(HELP)
    return 0


COMMANDS: dict[str, Callable[[Arguments], int]] = {
    "help": _help,
    "run": running.run,
    "dev": lambda arguments: running.run(arguments, debug=True),
    "stop": lambda _arguments: instance.stop(),
    "manage": running.manage,
    "backup": backup.backup,
    "restore": backup.restore,
    "test": testing.run_tests,
    "test-long": lambda arguments: testing.run_tests(arguments, long=True),
    "test-resilience": testing.run_resilience_tests,
    "coverage": testing.measure_coverage,
    "browser": testing.bring_browser,
    "lint": checking.lint,
    "format": checking.tidy,
    "bench": benching.bench,
    "with-services": _with_services,
}


def main(arguments: Arguments) -> int:
    """Run one command; its exit code."""
    name, *rest = arguments or ["help"]
    if name not in COMMANDS:
        print(f"No command {name!r}.\n\n{HELP}", file=sys.stderr)
        return 2
    venv.keep_bytecode()
    try:
        return COMMANDS[name](rest)
    except Stop as reason:
        print(f"\n{reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
