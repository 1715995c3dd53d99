"""The contestants of `bench import`, each run in a process of its own and taken back."""

import argparse
import hashlib
import io
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connections, transaction
from django.utils import timezone
from import_export import fields, resources
from import_export.instance_loaders import CachedInstanceLoader
from import_export.widgets import ForeignKeyWidget
from python_calamine import CalamineWorkbook
from tablib import Dataset

from accounts.models import Membership
from benchmarks import _import_world as world
from benchmarks._runner import Run, compete, report
from clients.imports import staging
from clients.imports.applying import _assign, _Statements, apply_import
from clients.imports.classifying import classify
from clients.imports.reading import read_import
from clients.imports.rows import Chunk
from clients.jobs import confirm_import, start_import
from clients.models import Dossier, Import
from portfolios.models import Portfolio
from tenancy.leases import Progress
from tenancy.scopes import scope

Contestant = Callable[[UUID, UUID, bytes], None]
_CHUNK = 4_000
_PATIENCE = 1_800
_LOOK_EVERY = 0.005  # seconds between two looks at what is held


# --- The contestants ------------------------------------------------------------------------------------------------


class StockResource(resources.ModelResource):  # type: ignore[misc]  # a library without types
    """As the manual shows it."""

    portfolio = fields.Field("portfolio", "portfolio", ForeignKeyWidget(Portfolio, "name"))

    class Meta:
        model = Dossier
        fields = world.DOSSIER_FIELDS
        import_id_fields = ("reference",)
        skip_unchanged = True


class CachedPortfolio(ForeignKeyWidget):  # type: ignore[misc]  # as above
    """One query for all portfolios."""

    known: dict[str, Portfolio] = {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        if not self.known:
            self.known.update({portfolio.name: portfolio for portfolio in Portfolio.objects.all()})
        return self.known[value]


class TunedResource(StockResource):
    """With everything that the library offers for speed."""

    portfolio = fields.Field("portfolio", "portfolio", CachedPortfolio(Portfolio, "name"))

    class Meta(StockResource.Meta):
        use_bulk = True
        batch_size = 1_000
        skip_diff = True
        skip_unchanged = False
        skip_html_diff = True
        instance_loader_class = CachedInstanceLoader

    def before_save_instance(self, instance: Dossier, row: Any, **kwargs: Any) -> None:
        instance.derive_keys()  # a bulk operation calls no save()


def _library(library: Any, content: bytes) -> None:
    data = Dataset().load(io.BytesIO(content), format="xlsx")
    data.headers = list(world.FIELDS)
    library.import_data(data, dry_run=True, raise_errors=True)
    library.import_data(data, dry_run=False, raise_errors=True)


def stock(firm: UUID, admin: UUID, content: bytes) -> None:
    _library(StockResource(), content)


def tuned(firm: UUID, admin: UUID, content: bytes) -> None:
    _library(TunedResource(), content)


def ours(firm: UUID, admin: UUID, content: bytes) -> None:
    actor = Membership.objects.get(pk=admin)
    made = start_import(actor=actor, file_name="clients.xlsx", content=content)
    read_import(firm, made.pk)
    confirm_import(actor=actor, source=made)
    apply_import(firm, made.pk)


def floor(firm: UUID, admin: UUID, content: bytes) -> None:
    """Nothing is checked: the file is known to be clean. Nothing is told."""
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()[1:]
    portfolios = dict(Portfolio.objects.values_list("name", "id"))
    people = {member.name: member.user_id for member in Membership.objects.all()}
    made = Import.objects.create(
        created_by_id=admin, file_name="floor", size=len(content), planned_at=timezone.now()
    )
    staging.open_stage()
    for start in range(0, len(rows), _CHUNK):
        columns: list[Sequence[str]] = list(zip(*rows[start : start + _CHUNK], strict=True))
        values = {name: list(column) for name, column in zip(world.FIELDS, columns, strict=True)}
        values["siren"] = [siret[:9] for siret in values["siret"]]
        staging.add(
            range(start + 2, start + 2 + len(columns[0])), Chunk(values, {}, set()), portfolios, people
        )
    made.counts = classify(made, [*world.FIELDS, "siren"])
    statements = _Statements(made, Progress())
    statements.create()
    statements.update()
    _assign(made, Membership.objects.get(pk=admin), statements.now)


# --- The race ---------------------------------------------------------------------------------------------------------


def _run(contestant: Contestant, firm: UUID, admin: UUID, content: bytes, answer: Connection) -> None:
    """In a process of its own, in a transaction that is taken back."""
    with scope(firm=firm):
        began = time.perf_counter()
        contestant(firm, admin, content)
        answer.send(time.perf_counter() - began)  # what is held at a time is watched up to here
        answer.send(_fingerprint())
        transaction.set_rollback(True)
    connections.close_all()


def _fingerprint() -> str:
    """Of all client files, as they are after the import."""
    columns = [*(name for name in world.DOSSIER_FIELDS if name != "portfolio"), "siren", "portfolio__name"]
    rows = Dossier.objects.order_by("reference").values_list(*columns)
    digest = hashlib.sha256()
    for row in rows.iterator(10_000):
        digest.update(repr(row).encode())
    return digest.hexdigest()


def resident(process: int) -> int:
    """Bytes that a process and its children hold at this moment."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return 0
    return pages * resource.getpagesize() + sum(map(resident, map(int, children)))


def _contestant(work: Contestant, firm: UUID, admin: UUID, content: bytes) -> Callable[[], Run]:
    def run() -> Run:
        connections.close_all()
        fork = multiprocessing.get_context("fork")
        answers, answer = fork.Pipe(duplex=False)
        process = fork.Process(target=_run, args=(work, firm, admin, content, answer))
        process.start()
        answer.close()  # so that the child's death is the end of what is read
        found = _answer(work.__name__, process, answers)
        process.join()
        world.tidy_up()
        return found

    return run


def _answer(name: str, process: ForkProcess, answers: Connection) -> Run:
    """What the contestant has measured, and what it held at most. Exits with 1 where it dies, or hangs, before that."""
    assert process.pid is not None  # it was started
    peak, patience = 0, time.monotonic() + _PATIENCE
    while not answers.poll(_LOOK_EVERY):
        peak = max(peak, resident(process.pid))
        if time.monotonic() > patience:
            process.kill()
            sys.exit(f"{name} was not through after {_PATIENCE} s: nothing to compare.")
    try:
        return Run(answers.recv(), answers.recv(), peak)
    except EOFError:
        process.join()
        sys.exit(f"{name} died with exit code {process.exitcode}, see above: nothing to compare.")


def _apart(make: Callable[..., Any], *arguments: Any) -> Any:
    """What `make` returns, made in a process of its own: its leavings would count as held by each contestant."""
    connections.close_all()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(make, arguments)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="ours at ten times the rows, too")
    options = parser.parse_args()
    firm, admin = _apart(world.make)
    works: dict[str, Contestant] = {"floor": floor, "ours": ours, "tuned": tuned, "stock": stock}
    content = _apart(world.list_of, options.rows)
    results = compete(
        {name: _contestant(work, firm, admin, content) for name, work in works.items()}, rounds=options.rounds
    )
    for name, result in results.items():
        print(f"  {name:6} peak {result.peak_bytes / 2**20:.0f} MB")
    growth = {}
    if options.growth:
        large = compete(
            {"ours": _contestant(ours, firm, admin, _apart(world.list_of, options.rows * 10))},
            rounds=options.rounds,
        )
        growth["row_growth"] = large["ours"].seconds / 10 / results["ours"].seconds
    report(
        "import",
        {
            "vs_stock": results["stock"].seconds / results["ours"].seconds,
            "vs_tuned": results["tuned"].seconds / results["ours"].seconds,
            "vs_floor": results["ours"].seconds / results["floor"].seconds,
            "peak_vs_stock": results["ours"].peak_bytes / results["stock"].peak_bytes,
        },
        growth,
    )
