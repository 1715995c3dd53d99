"""Walks all tables, keys and look-ups: a new table without its policy, or a key without its firm, fails here."""

import pytest
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, models, transaction

from activity import retention
from tenancy.db import SharedWall, Wall
from tenancy.roles import LOOK_UPS
from tenancy.scopes import scope
from tests.isolation import catalogue
from tests.isolation.catalogue import Catalogue
from tests.worlds import World

# Identity and machinery: they belong to no firm. Everything else is behind the wall.
WITHOUT_WALL = {
    "accounts_passkey",
    "accounts_user",
    "accounts_terms",
    "accounts_termsacceptance",
    # Mail servers that refuse for now, by name: of no firm, and read by none.
    "activity_maildomain",
    "account_emailaddress",
    "account_emailconfirmation",
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "cache",
    "django_content_type",
    "django_migrations",
    "django_session",
    "guardian_groupobjectpermission",
    "guardian_userobjectpermission",
    "mfa_authenticator",
    "usersessions_usersession",
}
OWNER_TABLES = {"accounts_firm": "firm_id", "clients_clientspace": "space_id", "accounts_user": "person_id"}
OWNER_COLUMNS = {"firm_id", "space_id", "owner", "person_id", "asked_firm_id", "asked_space_id", "to_firm_id"}
# Values that say nothing of other firms: random ones, ones that end in random characters, keys of own rows.
UNIQUE_ACROSS_FIRMS = {
    ("accounts_firm", "slug"),
    ("clients_importfile", "source_id"),
    ("invitations_invitationtoken", "token_hash"),
    ("invitations_letter", "code_hash"),
    ("invitations_letter", "proof_hash"),
}
LOOK_UPS_ALLOWED = {
    "all_journals",  # owners of every chain of events: keys, for `manage.py verify_journal` to enter each of them
    "due_checks",  # verifications of any firm's journal that wait for a worker: keys, for it to enter each firm
    "due_heads",  # firms whose journal went on since its last proof was given: keys, for the sweep to enter each firm
    "due_purges",  # owners whose journal nobody has gone through today: keys, for the sweep to enter each owner
    "purge_events",  # deletes of the owner in scope what need not be kept any longer, and nothing else
    "unsealed_journals",  # owners of events that stand in no chain yet: keys, for the sealer to enter each owner
    "claim_mails",
    "hold_mails",  # a sender that lives keeps the claims that it has: their keys
    "mail_domains",  # the queue by the recipients' mail servers, for operators: counts and moments, of nobody's mails
    "mail_queue",  # the queue as a whole, for operators: counts and moments
    "oldest_mail",  # since when the oldest mail of all waits: a moment, for probes
    "consent_asked",  # whom a client's link must wait for: keys of the companies with that SIREN that want to be asked
    "due_exports",  # exports of any firm that wait for a worker or the sweep: keys, for these to enter each firm
    "due_fetches",  # fetches of any firm that wait for a worker: keys, for it to enter each firm
    "due_files",  # exchanged files of any firm that wait for the scanner or the sweep: keys, to enter each firm
    "due_imports",
    "due_notifications",
    "due_support_ends",  # authorisations of any firm whose time or link is over: keys, for the sweep to enter each firm
    "due_replacements",  # replacements of any firm to tell of: keys, for the sweep to enter each firm
    "due_sendings",  # orders of any firm to send many invitations that wait for a worker: keys
    "due_reminders",  # invitations of any sender whose reminder is due: keys, for the sweep to enter each sender
    "firms_of",
    "invitation_of",
    "invitations_to",  # those that wait at an address which the person has proven: keys, for their own page
    "mail_sent_as",  # by the name that a mail service gave it when it took it: keys, for what it tells later
    "mails_in_flight",  # to some addresses, held by a worker now: a key, for what is told before its name is noted
    "letter_of",  # by a printed code, or by the link that left for the address given by it: keys, for its page
    "places_named_for",  # where a person's new name must show, be the firm closed to them: keys of their own places
    "spaces_of",
    # The firm in scope alone: mails of its own doing that its clients' people, whom it sees, did not get; an address,
    # why, the dossier.
    "unreached_clients",
}


@pytest.fixture
def found(db: None) -> Catalogue:
    return catalogue.read()


def test_every_table_has_its_wall_or_stands_in_the_list(found: Catalogue) -> None:
    assert set(found.tables) - found.walled() == WITHOUT_WALL & set(found.tables)


def test_every_model_declares_the_wall_that_its_table_has(found: Catalogue) -> None:
    declared = {
        model._meta.db_table
        for model in apps.get_models()
        if any(isinstance(constraint, Wall) for constraint in model._meta.constraints)
    }
    assert declared == found.walled()


def test_every_walled_table_has_one_policy_for_runtime_that_reads_as_it_writes(found: Catalogue) -> None:
    for table in found.walled():
        ours = [p for p in found.policies if p.table == table and settings.RESOLVER_ROLE not in p.roles]
        assert len(ours) == 1, table
        (policy,) = ours
        assert policy.roles == [settings.RUNTIME_ROLE], table
        assert policy.permissive and policy.command == "ALL", table
        assert policy.using == policy.check, table
        assert "app." in policy.using, table


def test_every_foreign_key_between_walled_tables_carries_the_owner(found: Catalogue) -> None:
    walled = found.walled()
    loose = [
        key.name
        for key in found.foreign_keys
        if key.child in walled and key.parent in walled and not OWNER_COLUMNS & set(key.columns)
    ]
    assert loose == []


def test_every_relation_between_walled_models_is_a_composite_key_in_the_database(found: Catalogue) -> None:
    walled, missing = found.walled(), []
    for model in apps.get_models():
        if model._meta.db_table not in walled:
            continue
        for field in model._meta.concrete_fields:
            if not isinstance(field, models.ForeignKey):
                continue
            parent = field.related_model._meta.db_table
            if parent not in walled or parent in OWNER_TABLES:
                continue
            if not any(
                key.child == model._meta.db_table
                and key.parent == parent
                and field.column in key.columns
                and OWNER_COLUMNS & set(key.columns)
                for key in found.foreign_keys
            ):
                missing.append(f"{model._meta.label}.{field.name}")
    assert missing == []


def test_every_unique_index_of_a_walled_table_starts_with_the_owner(found: Catalogue) -> None:
    telling = [
        (table, columns)
        for _name, table, columns in found.unique_indexes
        if table in found.walled()
        and columns[0] not in OWNER_COLUMNS
        and (table, columns[0]) not in UNIQUE_ACROSS_FIRMS
        and not {"event_id", "owner"} & set(columns)
    ]
    assert telling == []


def test_runtime_owns_nothing_and_cannot_truncate(found: Catalogue) -> None:
    assert settings.RUNTIME_ROLE not in found.owners
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == (settings.RUNTIME_ROLE,)
        for table in found.tables:
            cursor.execute("SELECT has_table_privilege(%s, 'TRUNCATE')", [f"public.{table}"])
            assert cursor.fetchone() == (False,), table


@pytest.mark.parametrize("table", ["auth_permission", "django_content_type", "guardian_userobjectpermission"])
def test_runtime_may_not_write_the_tables_that_migrations_fill(db: None, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, 'INSERT') OR has_table_privilege(%s, 'UPDATE')"
            " OR has_table_privilege(%s, 'DELETE')",
            [table] * 3,
        )
        assert cursor.fetchone() == (False,)


@pytest.mark.parametrize("table", ["event", "seal", "head", "redaction"])
def test_events_and_their_proofs_are_append_only_for_runtime(db: None, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, 'UPDATE') OR has_table_privilege(%s, 'DELETE')",
            [f"activity_{table}"] * 2,
        )
        assert cursor.fetchone() == (False,)


def test_runtime_deletes_no_journal_and_changes_only_what_its_actions_do(lemoine: World) -> None:
    """A legal hold goes with its row, and no event would tell of it."""
    with scope(firm=lemoine.firm):
        retention.hold("contrôle fiscal")
        for statement in (
            "DELETE FROM activity_journal",
            "UPDATE activity_journal SET id = gen_random_uuid()",
            "UPDATE activity_journal SET owner = owner, firm_id = firm_id, space_id = space_id, person_id = person_id",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(statement)
        assert retention.rules().held_because == "contrôle fiscal"
        assert retention.release()


def test_the_resolver_owns_the_listed_look_ups_and_no_other(found: Catalogue) -> None:
    from tests.database import as_owner

    with as_owner() as owner:
        rows = owner.execute(
            "SELECT proname, prosecdef, proconfig FROM pg_proc WHERE pg_get_userbyid(proowner) = %s",
            [settings.RESOLVER_ROLE],
        ).fetchall()
    assert {name for name, _definer, _config in rows} == set(LOOK_UPS) == LOOK_UPS_ALLOWED
    assert all(definer and "search_path=public, pg_temp" in config for _name, definer, config in rows)


def test_the_resolver_reads_only_what_its_look_ups_declare(found: Catalogue) -> None:
    from tests.database import as_owner

    with as_owner() as owner:
        rows = owner.execute(
            "SELECT DISTINCT table_name::text, privilege_type::text FROM information_schema.role_table_grants"
            " WHERE grantee = %s",
            [settings.RESOLVER_ROLE],
        ).fetchall()
    reads = {(table, "SELECT") for look_up in LOOK_UPS.values() for table in look_up.reads}
    updates = {(table, "UPDATE") for look_up in LOOK_UPS.values() for table in look_up.updates}
    deletes = {(table, "DELETE") for look_up in LOOK_UPS.values() for table in look_up.deletes}
    assert set(rows) == reads | updates | deletes
    assert deletes == {("activity_event", "DELETE")}


def test_shared_walls_raise_without_any_scope(found: Catalogue) -> None:
    shared = [m for m in apps.get_models() if any(isinstance(c, SharedWall) for c in m._meta.constraints)]
    assert {model._meta.model_name for model in shared} >= {
        "event",
        "notification",
        "outgoingemail",
        "spacelink",
    }
