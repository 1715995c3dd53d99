"""A client list on its way in: the file, what was made of each of its rows, and what became of them."""

from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.models.details import ClientDetails, DossierKind
from clients.models.dossier import Dossier
from tenancy import scopes
from tenancy.db import FirmKey, FirmWall, OwnerField, SameFirm
from tenancy.keys import uuid7
from tenancy.leases import Leased


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", _("Waiting to be read")
    READING = "reading", _("Being read")
    CHOOSING = "choosing", _("Sheet to choose")
    MAPPING = "mapping", _("Columns to check")
    PLANNING = "planning", _("Being checked")
    READY = "ready", _("To confirm")
    APPLYING = "applying", _("Being imported")
    DONE = "done", _("Imported")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


# A worker has to do something for these; for the others a person, or nobody.
AT_WORK = (
    ImportState.UPLOADED,
    ImportState.READING,
    ImportState.PLANNING,
    ImportState.APPLYING,
    ImportState.UNDOING,
)
# A person has to say something, or may: nothing of it was written yet.
WAITING = (ImportState.CHOOSING, ImportState.MAPPING, ImportState.READY)
# It was written; it may be undone, or has been.
OVER = (ImportState.DONE, ImportState.UNDONE)
UNDO_DAYS = 30


class ImportOrigin(models.TextChoices):
    FILE = "file", _("File")
    FETCHED = "fetched", _("Fetched from another platform")


class MatchRule(models.TextChoices):
    """By what a row finds the dossier that it is about, besides the hidden key of an exported list."""

    USUAL = "usual", _("Client code, then SIRET, then SIREN where only one client file has it")
    REFERENCE = "reference", _("Client code only")
    SIRET = "siret", _("SIRET only")
    NONE = "none", _("Nothing: every row is a new client file")


class ImportQuerySet(models.QuerySet["Import"]):
    def waiting_for_someone(self) -> Self:
        return self.filter(state__in=WAITING)

    def writing(self) -> Self:
        """Those that hold dossiers now: being applied, or undone."""
        return self.filter(state__in=(ImportState.APPLYING, ImportState.UNDOING))

    def for_list(self) -> Self:
        return self.select_related("created_by", "confirmed_by", "undone_by").defer(
            "sheets", "columns", "notes", "asked"
        )


class Import(Leased):
    """One file that a person sent, from its upload to the report."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    created_by = models.ForeignKey(
        "accounts.Membership", models.PROTECT, db_constraint=False, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        "accounts.Membership", models.PROTECT, null=True, db_constraint=False, related_name="+"
    )
    undone_by = models.ForeignKey(
        "accounts.Membership", models.PROTECT, null=True, db_constraint=False, related_name="+"
    )
    origin = models.CharField(
        _("Origin"), max_length=10, choices=ImportOrigin.choices, default=ImportOrigin.FILE
    )
    # Of a fetched one: the platform's name then.
    platform = models.CharField(_("Platform"), max_length=100, blank=True)
    file_name = models.CharField(_("File"), max_length=200)
    size = models.PositiveIntegerField(_("Size"))
    state = models.CharField(
        _("State"), max_length=10, choices=ImportState.choices, default=ImportState.UPLOADED
    )
    # The sheets that a person may choose from: index, name, rows, visible, headers, preview, recognised, refusal.
    sheets = models.JSONField(default=list)
    sheet = models.PositiveSmallIntegerField(null=True)
    sheet_name = models.CharField(max_length=200, blank=True)
    # What the reader noticed (code, params), and each column with a header: letter, header, field ("" if unknown).
    # What people have said about how to read it: see `clients.imports.asked`.
    asked = models.JSONField(default=dict)
    rule = models.CharField(
        _("Recognised by"), max_length=10, choices=MatchRule.choices, default=MatchRule.USUAL
    )
    notes = models.JSONField(default=list)
    columns = models.JSONField(default=list)
    # {key: name} of the portfolios that the confirmation will create, under the keys that the rows already hold.
    new_portfolios = models.JSONField(default=dict)
    unknown_assignees = models.JSONField(default=list)
    counts = models.JSONField(default=dict)
    refusal_code = models.CharField(max_length=40, blank=True)
    refusal_params = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    planned_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    # The moment that every dossier bears that it has written.
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[ImportQuerySet] = ImportQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        default_permissions = ()
        verbose_name = _("import")
        ordering = ["-id"]
        constraints = [
            FirmWall(name="import_wall"),
            FirmKey(name="import_key"),
            SameFirm(name="import_creator", field="created_by"),
            SameFirm(name="import_confirmer", field="confirmed_by"),
            SameFirm(name="import_undoer", field="undone_by"),
        ]
        indexes = [
            models.Index(fields=["firm", "-id"], name="import_firm"),
            models.Index(fields=["lease_until"], condition=Q(state__in=AT_WORK), name="import_due"),
        ]

    firm_id: UUID

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_at_work(self) -> bool:
        return self.state in AT_WORK

    @property
    def came_from(self) -> str:
        """Where the list came from: the platform, or a file that somebody sent."""
        return self.platform or str(ImportOrigin(self.origin).label)

    def count(self, action: str) -> int:
        return int(self.counts.get(action, 0))

    @property
    def returns_workbook(self) -> bool:
        """Are there rows to mend, and is the file still kept in which to mend them?"""
        left_out = (
            RowAction.ERROR, RowAction.DUPLICATE, RowAction.KNOWN, RowAction.CONFLICT, "passed_over"
        )  # fmt: skip
        return any(map(self.count, left_out)) and ImportFile.objects.filter(source=self).exists()

    @property
    def to_apply(self) -> int:
        """How many dossiers the confirmation will write."""
        return self.count(RowAction.CREATE) + self.count(RowAction.UPDATE)


class ImportFile(models.Model):
    """The file itself, in the database: web and worker share no disk. Deleted once nothing can come of the import, at
    the latest 30 days after it was applied."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    source = models.OneToOneField(Import, models.CASCADE, db_constraint=False, related_name="file")
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        verbose_name = _("file of an import")
        constraints = [
            FirmWall(name="importfile_wall"),
            SameFirm(name="importfile_import", field="source", on_delete="CASCADE"),
        ]

    def __str__(self) -> str:
        return str(self.source_id)


class RowAction(models.TextChoices):
    """What the confirmation will do with a row. DUPLICATE is one of an earlier row; KNOWN would be, or might be, a
    second file of a client that the firm has."""

    CREATE = "create", _("To create")
    UPDATE = "update", _("To update")
    IDENTICAL = "identical", _("Identical")
    ERROR = "error", _("In error")
    DUPLICATE = "duplicate", _("Duplicate in the file")
    KNOWN = "known", _("Duplicate of a client file")
    CONFLICT = "conflict", _("Modified since your export")
    SKIPPED = "skipped", _("Left out")


class RowOutcome(models.TextChoices):
    """Why a row that was to be written was not: the firm's data have changed since the plan. And why one that was
    written is kept when the import is undone (`KEPT`): somebody has built on it since."""

    CHANGED = "changed", _("The dossier has been changed since the file was checked")
    GONE = "gone", _("The dossier no longer exists")
    EXISTS = (
        "exists",
        _("A dossier with this reference or this number has been created since the file was checked"),
    )
    LINKED = "linked", _("Its client has opened their space since, or given an authorisation")
    INVITED = "invited", _("Its client has been invited since")
    ARCHIVED = "archived", _("It has been archived since")
    MOVED = "moved", _("It has been moved to another portfolio since")
    EDITED = "edited", _("It has been edited since")
    GRANTED = "granted", _("It has been assigned to somebody since")
    NO_WAY = "no_way", _("Its former portfolio is gone, or its former reference taken")


KEPT = (
    RowOutcome.LINKED,
    RowOutcome.INVITED,
    RowOutcome.ARCHIVED,
    RowOutcome.MOVED,
    RowOutcome.EDITED,
    RowOutcome.GRANTED,
    RowOutcome.NO_WAY,
)


class ImportRow(ClientDetails):
    """One row of the file, cleaned, and what will be done with it.

    An empty value leaves the dossier's own. Its key is the key of the dossier that it creates. The columns are the
    dossier's, so that the plan is applied by `INSERT … SELECT` and `UPDATE … FROM`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # The import's firm: `importrow_import` says so, and a key of its own would be checked once more for every row.
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, db_constraint=False, db_index=False, default=scopes.firm_id, editable=False,
        related_name="+",
    )  # fmt: skip
    source = models.ForeignKey(
        Import, models.CASCADE, db_constraint=False, db_index=False, related_name="rows"
    )
    number = models.PositiveIntegerField(_("Row"))
    action = models.CharField(_("Action"), max_length=10, choices=RowAction.choices)
    outcome = models.CharField(max_length=10, choices=RowOutcome.choices, blank=True)

    kind = models.CharField(_("Kind"), max_length=10, choices=DossierKind.choices, blank=True)
    reference = models.CharField(_("Reference"), max_length=30, blank=True)
    urssaf_account = models.CharField(_("Urssaf account number"), max_length=20, blank=True)
    naf_code = models.CharField(_("NAF code"), max_length=6, blank=True)
    legal_form = models.CharField(_("Legal form"), max_length=4, blank=True)
    legal_representative = models.CharField(_("Legal representative"), max_length=160, blank=True)
    fiscal_year_end = models.CharField(_("Fiscal year end"), max_length=5, blank=True)
    # By name and key: a portfolio that is to be created has its key already; an assignee is a person (user).
    portfolio = models.CharField(_("Portfolio"), max_length=100, blank=True)
    portfolio_key = models.UUIDField(null=True)
    assignee = models.CharField(_("Assignee"), max_length=200, blank=True)
    assignee_key = models.UUIDField(null=True)
    name_key = models.CharField(max_length=250, blank=True)
    search_key = models.TextField(blank=True)

    # The existing dossier that the row is about, and its `updated_at` when the plan was made.
    dossier = models.ForeignKey(
        Dossier, models.SET_NULL, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    dossier_version = models.DateTimeField(null=True)
    duplicate_of = models.PositiveIntegerField(null=True)
    # Of a row that moved its dossier: where it was, for the undo. None: in no portfolio.
    former_portfolio_key = models.UUIDField(null=True)
    # Of a list that we had exported: the dossier that the row was, and its `updated_at` then.
    given_key = models.UUIDField(null=True)
    given_version = models.DateTimeField(null=True)
    # {field: text} as the file had it, corrections included, of the rows about which there is something to say.
    raw = models.JSONField(null=True)
    # {field: [old, new]}, and what was found in the cells (see clients.imports.remarks).
    changes = models.JSONField(null=True)
    remarks = models.JSONField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("row of an import")
        ordering = ["number"]
        constraints = [
            FirmWall(name="importrow_wall"),
            SameFirm(name="importrow_import", field="source", on_delete="CASCADE"),
            SameFirm(name="importrow_dossier", field="dossier", on_delete="SET NULL (dossier_id)"),
        ]
        indexes = [
            models.Index(fields=["source", "action", "number"], name="importrow_by_action"),
            # A dossier that an undo deletes is looked for among all rows.
            models.Index(fields=["dossier"], condition=Q(dossier__isnull=False), name="importrow_by_dossier"),
        ]

    firm_id: UUID
    source_id: UUID

    @property
    def title(self) -> str:
        """The client's name as the file has it, else the dossier's."""
        name = self.legal_name
        if self.last_name and (self.kind == DossierKind.INDIVIDUAL or not self.legal_name):
            name = f"{self.last_name} {self.first_name}".strip()
        return name or (self.dossier.name if self.dossier else "")

    @property
    def problems(self) -> list[dict[str, Any]]:
        return self.remarks or []


class ImportCorrection(models.Model):
    """What a person said about one cell of the file, or about the whole row; the next plan goes by it."""

    # Besides the fields of the resource: which dossier the row is about (its key, or one of `Decision`).
    DOSSIER = "dossier"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    source = models.ForeignKey(
        Import, models.CASCADE, db_constraint=False, db_index=False, related_name="corrections"
    )
    number = models.PositiveIntegerField()
    field = models.CharField(max_length=30)
    text = models.TextField(max_length=10_000, blank=True)
    made_by = models.ForeignKey("accounts.Membership", models.PROTECT, db_constraint=False, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = _("correction of an import")
        constraints = [
            FirmWall(name="importcorrection_wall"),
            SameFirm(name="importcorrection_import", field="source", on_delete="CASCADE"),
            SameFirm(name="importcorrection_author", field="made_by"),
            models.UniqueConstraint(
                fields=["firm", "source", "number", "field"], name="importcorrection_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.field} of row {self.number}"


class Decision(models.TextChoices):
    """About a whole row, where it is not a certain dossier that it is about."""

    NEW = "new", _("A new client file")
    SKIP = "skip", _("Leave this row out")


class ColumnMapping(models.Model):
    """Which column of a list of this shape holds what: remembered for the firm's next file of that shape."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    firm = OwnerField(
        "accounts.Firm", models.CASCADE, default=scopes.firm_id, editable=False, related_name="+"
    )
    # A digest of the folded headers, in their order.
    shape = models.CharField(max_length=64)
    headers = models.JSONField()
    # What `clients.imports.asked` holds of columns: their fields and which of them empty what the dossier has.
    asked = models.JSONField()
    file_name = models.CharField(_("File"), max_length=200)
    saved_by = models.ForeignKey("accounts.Membership", models.PROTECT, db_constraint=False, related_name="+")
    saved_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        verbose_name = _("column mapping")
        ordering = ["-used_at", "id"]
        constraints = [
            FirmWall(name="columnmapping_wall"),
            SameFirm(name="columnmapping_author", field="saved_by"),
            models.UniqueConstraint(fields=["firm", "shape"], name="columnmapping_once"),
        ]

    def __str__(self) -> str:
        return self.file_name
