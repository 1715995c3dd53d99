"""`make backup` and `make restore`: a dump whose rows were counted, and a restore that proves it brought them back.

Under row level security a dump by a role without BYPASSRLS comes out empty, with exit code 0. So nothing here is
believed: the owner's rights are checked first, the rows of every table are counted in the very snapshot that is
dumped, and counted again inside the file, and once more after a restore.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from devtools import children, running
from devtools.console import Stop, say
from devtools.paths import var
from devtools.postgres import tool

Counts = dict[str, int]

TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""
# A database like the old one: sorting and case are settled when a database is made, and no dump carries them.
LIKE_THE_OLD = """
SELECT format('CREATE DATABASE %I TEMPLATE template0 ENCODING %L LC_COLLATE %L LC_CTYPE %L LOCALE_PROVIDER %s',
              '{fresh}', pg_encoding_to_char(encoding), datcollate, datctype,
              CASE datlocprovider WHEN 'i' THEN format('icu ICU_LOCALE %L', locale)
                                  WHEN 'b' THEN format('builtin BUILTIN_LOCALE %L', locale) ELSE 'libc' END)
FROM pg_database AS old,
     coalesce(to_jsonb(old) ->> 'datlocale', to_jsonb(old) ->> 'daticulocale') AS locale
WHERE datname = '{name}'
"""
MAY_SEE_ALL = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"


def backup(arguments: Sequence[str]) -> int:
    """Dump the database of `make run`, or of OWNER_DATABASE_URL, to a file; var/backups/… if none is named."""
    target = Path(arguments[0]).resolve() if arguments else _new_file()
    with running.database_owner() as url:
        counts = dump(url, target)
    say(f"{target}: {sum(counts.values())} rows in {len(counts)} tables, each counted in the file.")
    return 0


def restore(arguments: Sequence[str]) -> int:
    """Bring a dump back into a fresh database, count its rows, and only then put it in the old one's place."""
    if not arguments:
        raise Stop("Which file? make restore ARGS=var/backups/….dump")
    source = Path(arguments[0]).resolve()
    if not source.exists():
        raise Stop(f"There is no file {source}.")
    with running.database_owner(alone=True) as url:
        counts, kept = bring_back(url, source)
    say(f"Restored {sum(counts.values())} rows in {len(counts)} tables, as many as the file holds.")
    say(f"The database as it was before is kept as {kept}; drop it when you no longer need it.")
    return 0


def dump(url: str, target: Path) -> Counts:
    """Write a dump of the database to `target`. Raises Stop, leaving no file, unless it holds every row."""
    _refuse_half_blind(url)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.partial")
    beside.touch(mode=0o600)
    try:
        with _snapshot(url) as (snapshot, counts):
            _run(tool("pg_dump"), "-Fc", "--snapshot", snapshot, "-f", str(beside), "-d", url)
        _refuse_difference("the database", counts, "the dump", counts_in(beside))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return counts


def bring_back(url: str, source: Path) -> tuple[Counts, str]:
    """Restore into a fresh database, then swap names. Returns the counts, and the old database's new name."""
    _refuse_half_blind(url)
    expected = counts_in(source)
    if not sum(expected.values()):
        raise Stop(
            f"{source} holds no row at all: it was made by a role that sees none. Nothing was changed."
        )
    name = urlsplit(url).path.lstrip("/")
    moment = time.strftime("%Y%m%d_%H%M%S")
    fresh, kept = f"{name}_restored_{moment}", f"{name}_before_{moment}"
    maintenance = _of_database(url, "postgres")
    _refuse_in_use(maintenance, name)
    _sql(maintenance, _sql(maintenance, LIKE_THE_OLD.format(fresh=fresh, name=name)))
    try:
        _load(_of_database(url, fresh), source)
        counts = counts_now(_of_database(url, fresh))
        _refuse_difference("the dump", expected, "the restored database", counts)
        _swap(maintenance, name, fresh=fresh, kept=kept)
    except BaseException:
        _sql(maintenance, f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)')
        raise
    return counts, kept


def counts_in(source: Path) -> Counts:
    """Rows of every table in a dump, counted line by line. Raises Stop if the file is damaged."""
    command = [tool("pg_restore"), "--data-only", "-f", "-", str(source)]
    counts: Counts = {}
    table = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for line in process.stdout or ():
            if table and line == b"\\.\n":
                table = ""
            elif table:
                counts[table] += 1
            elif line.startswith(b"COPY "):
                table = line.decode().split(" (", 1)[0].split(" FROM ", 1)[0].removeprefix("COPY ")
                counts[table] = 0
        complaint = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
    if process.returncode:
        raise Stop(f"{source} cannot be read: {complaint}")
    return counts


def counts_now(url: str) -> Counts:
    """Rows of every table in a database, as its owner sees them."""
    tables = _sql(url, TABLES).splitlines()
    return _counts_of(tables, _sql(url, _count(tables)))


def _count(tables: Sequence[str]) -> str:
    return " UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in tables) or "SELECT 0 WHERE false"


def _counts_of(tables: Sequence[str], lines: str) -> Counts:
    return dict(zip(tables, map(int, lines.split()), strict=True))


@contextlib.contextmanager
def _snapshot(url: str) -> Iterator[tuple[str, Counts]]:
    """One moment of the database, held open for pg_dump, and the rows of every table at that moment."""
    command = [tool("psql"), *QUIET, "-d", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:

        def ask(statement: str) -> str:
            if session.stdin is None or session.stdout is None:
                raise Stop("psql did not start.")
            session.stdin.write(f"{statement};\n\\echo {END}\n")
            session.stdin.flush()
            return "".join(_until_end(session.stdout))

        ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        snapshot = ask("SELECT pg_export_snapshot()").strip()
        tables = ask(TABLES).splitlines()
        yield snapshot, _counts_of(tables, ask(_count(tables)))


def _until_end(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if line == f"{END}\n":
            return
        yield line
    raise Stop("PostgreSQL ended the session while the rows were counted: see the lines above.")


END = "--end--"
QUIET = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1")


def _refuse_half_blind(url: str) -> None:
    if _sql(url, MAY_SEE_ALL) != "t":
        raise Stop(
            "The role of OWNER_DATABASE_URL has no BYPASSRLS: it sees no firm's rows, so the dump would be empty. "
            "Nothing was done. Run as a superuser: ALTER ROLE … BYPASSRLS (README, “Your own PostgreSQL”)."
        )


def _refuse_difference(one: str, counts: Counts, other: str, others: Counts) -> None:
    wrong = [name for name in sorted(counts.keys() | others.keys()) if counts.get(name) != others.get(name)]
    if wrong:
        lines = "\n".join(
            f"  {name}: {counts.get(name)} in {one}, {others.get(name)} in {other}" for name in wrong
        )
        raise Stop(f"The rows differ, so nothing was kept:\n{lines}")


def _load(url: str, source: Path) -> None:
    """Restore as owner. A function can only be given to the resolver while that role may create in its schema,
    so schemas are made here first, with that right, and lose it at the end."""
    listing = _run(tool("pg_restore"), "--list", str(source)).splitlines()
    schemas = [line.split()[5] for line in listing if " SCHEMA - " in line]
    resolver = os.environ.get("RESOLVER_ROLE", "portal_resolver")
    for schema in schemas:
        _sql(url, f'CREATE SCHEMA "{schema}"; GRANT CREATE ON SCHEMA "{schema}" TO "{resolver}"')
    with tempfile.NamedTemporaryFile("w", suffix=".list") as chosen:
        chosen.write("\n".join(line for line in listing if " SCHEMA - " not in line))
        chosen.flush()
        _play([tool("pg_restore"), "-L", chosen.name, "-f", "-", str(source)], url)
    for schema in schemas:
        _sql(url, f'REVOKE CREATE ON SCHEMA "{schema}" FROM "{resolver}"')
    _sql(url, "ANALYZE")


def _play(script: list[str], url: str) -> None:
    """Run what pg_restore writes, all of it or nothing. Not by pg_restore itself: newer than the server, it begins
    with a setting that a PostgreSQL before 17 does not know."""
    command = [tool("psql"), *QUIET, "--single-transaction", "-d", url]
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(script, stdout=subprocess.PIPE, stderr=complaints) as writer,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints
        ) as reader,
    ):
        if reader.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                reader.stdin.writelines(_known_everywhere(writer.stdout or ()))
                reader.stdin.close()
        if reader.wait() or writer.wait():
            complaints.seek(0)
            raise Stop(f"PostgreSQL refused: {complaints.read().decode(errors='replace').strip()}")


def _known_everywhere(script: Iterable[bytes]) -> Iterator[bytes]:
    lines = iter(script)
    for line in lines:
        if line.startswith(b"COPY "):  # from here on a line may be somebody's data
            yield line
            break
        if not line.startswith(b"SET transaction_timeout"):
            yield line
    yield from lines


def _refuse_in_use(maintenance: str, name: str) -> None:
    """Whoever is connected would go on writing into a database that is about to be put aside."""
    clients = f"datname = '{name}' AND backend_type = 'client backend'"
    count = f"SELECT count(*) FROM pg_stat_activity WHERE {clients}"
    # One that has just left may be seen for a moment longer.
    if not children.wait_until(lambda: _sql(maintenance, count) == "0", seconds=1, every=0.2):
        raise Stop(
            f"Somebody is using the database {name}: stop web, worker and beat first. Nothing was changed."
        )


def _swap(maintenance: str, name: str, *, fresh: str, kept: str) -> None:
    """Give the fresh database the old one's name. Raises Stop where somebody still uses the old one."""
    _sql(maintenance, f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
    try:
        _sql(maintenance, f'ALTER DATABASE "{fresh}" RENAME TO "{name}"')
    except Stop:
        _sql(maintenance, f'ALTER DATABASE "{kept}" RENAME TO "{name}"')
        raise


def _of_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _sql(url: str, statement: str) -> str:
    return _run(tool("psql"), *QUIET, "-d", url, "-c", statement).strip()


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Stop(f"{Path(command[0]).name} refused: {result.stderr.strip()}")
    return result.stdout


def _new_file() -> Path:
    return var() / "backups" / f"firm-portal-{time.strftime('%Y%m%d-%H%M%S')}.dump"
