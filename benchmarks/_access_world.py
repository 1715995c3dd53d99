"""A firm with 200,000 client files beside 50 others, and one with 1,000: made by the owner, in SQL.

In each of the two, a collaborator has 10 of 400 portfolios and 200 single client files, and an administrator all.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connections
from django.db.backends.utils import CursorWrapper

from accounts.models import Firm, Membership
from accounts.permissions import ObjectRole, role_id
from clients.models import Assignment
from portfolios.models import PortfolioGrant
from tenancy.keys import uuid7
from tenancy.scopes import scope

DOSSIERS, FEW, PORTFOLIOS, MEMBERS = 200_000, 1_000, 400, 100
OTHERS, OTHERS_DOSSIERS, OTHERS_PORTFOLIOS, OTHERS_MEMBERS = 50, 5_000, 20, 5
MY_PORTFOLIOS, MY_SINGLES = 10, 200

# Each column is drawn by a hash of its own, so that neither names nor portfolios follow the order of the keys.
_DOSSIERS = """
INSERT INTO clients_dossier (id, firm_id, portfolio_id, is_own, kind, legal_name, civility, first_name, last_name,
    siren, siret, reference, urssaf_account, naf_code, legal_form, legal_representative, fiscal_year_end, vat_number,
    email, phone, address, postcode, city, country, name_key, search_key, created_at, updated_at, archived_at)
SELECT uuidv7(), %(firm)s, portfolios.ids[1 + n * 7919 %% cardinality(portfolios.ids)], false, 'company', name, '', '',
    '', siren, siret, reference, '', '6920Z', '5710', '', '31/12', '', 'contact' || n || '@client.example',
    '01 23 45 67 89', n %% 200 + 1 || ', rue de la République', '75001', 'Paris', '',
    lower(name), lower(name) || ' ' || lower(reference) || ' ' || siret,
    now(), now() - n * interval '1 minute', CASE WHEN drawn[1] %% 40 = 0 THEN now() END
FROM generate_series(1, %(count)s) AS n,
    (SELECT array_agg(id ORDER BY name_key) AS ids FROM portfolios_portfolio WHERE firm_id = %(firm)s) AS portfolios,
    LATERAL (SELECT array_agg(abs(hashint4(n + salt * 1000003)::bigint)) AS drawn FROM generate_series(1, 4) AS salt),
    LATERAL (SELECT (%(trades)s::text[])[1 + drawn[2] %% 12] || ' ' || (%(names)s::text[])[1 + drawn[3] %% 25] || ' '
        || drawn[4] %% 1000000 AS name),
    LATERAL (SELECT 'C' || lpad(n::text, 7, '0') AS reference, (300000000 + n * 37)::text AS siren),
    LATERAL (SELECT siren || lpad((n %% 100000)::text, 5, '0') AS siret)
"""
_TRADES = [
    "Boulangerie", "Menuiserie", "Garage", "Cabinet", "Pharmacie", "Restaurant", "Maçonnerie", "Fleurs", "Transports",
    "Couverture", "Librairie", "Plomberie",
]  # fmt: skip
_NAMES = [
    "Martin", "Bernard", "Thomas", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau", "Laurent", "Simon",
    "Michel", "Lefebvre", "Leroy", "Roux", "David", "Bertrand", "Morel", "Fournier", "Girard", "Bonnet", "Dupont",
    "Lambert", "Fontaine", "Rousseau",
]  # fmt: skip
_PORTFOLIOS = """
INSERT INTO portfolios_portfolio (id, firm_id, name, name_key, created_at)
SELECT gen_random_uuid(), %(firm)s, 'Portefeuille ' || lpad(n::text, 3, '0'), 'portefeuille ' || lpad(n::text, 3, '0'),
    now() FROM generate_series(1, %(count)s) AS n
"""
_PEOPLE = """
WITH person AS (
    INSERT INTO accounts_user (id, password, email, first_name, last_name, language, is_active, date_joined)
    SELECT gen_random_uuid(), '!', 'member' || n || '@' || %(firm)s || '.example', 'Membre', lpad(n::text, 3, '0'),
        'fr', true, now() FROM generate_series(0, %(count)s) AS n
    RETURNING *
)
INSERT INTO accounts_membership (id, firm_id, user_id, email, first_name, last_name, role, state, state_since,
    invited_at, last_visit_at)
SELECT gen_random_uuid(), %(firm)s, id, email, first_name, last_name,
    CASE last_name WHEN '000' THEN 'admin' ELSE 'collaborator' END, 'active', now(), now(), now() FROM person
"""
# Each has the portfolios whose turn it is: 10 of 400, and another 200 client files.
_GRANTS = """
INSERT INTO {table} (id, firm_id, user_id, content_object_id, permission_id, granted_by_id, granted_at)
SELECT gen_random_uuid(), %(firm)s, user_id, object.id, %(role)s, NULL, now()
FROM (SELECT user_id, last_name::int AS number FROM accounts_membership
      WHERE firm_id = %(firm)s AND role = 'collaborator') AS member
JOIN (SELECT id, row_number() OVER (ORDER BY {order}) AS number FROM {objects} WHERE firm_id = %(firm)s) AS object
    ON ((object.number - member.number * %(each)s) %% %(all)s + %(all)s) %% %(all)s < %(each)s
"""
_INVITATIONS = """
INSERT INTO invitations_invitation (id, firm_id, kind, state, email, name, dossier_id, profile, role, generation,
    created_at, sent_at, expires_at, failure, owner, to_firm_name, space_name, "right", ends_others, reminder_count,
    language)
SELECT gen_random_uuid(), firm_id, 'client', 'sent', email, legal_name, id, 'manager', '', 1, now(), now(),
    now() + interval '7 days', '', firm_id, '', '', 'manage', false, 0, ''
    FROM clients_dossier WHERE firm_id = %(firm)s AND right(reference, 1) < '3'
"""
_EVENTS = """
INSERT INTO activity_event (id, firm_id, owner, type, at, actor_id, actor_name, behalf_name, subject_type, subject_id,
    subject_name, changes, details, request_id)
SELECT uuidv7(), firm_id, firm_id, 'clients.dossier.created', updated_at, NULL, 'Membre 000', '', 'clients.Dossier', id,
    legal_name, '{}', '{}', '' FROM clients_dossier WHERE firm_id = %(firm)s
"""


@dataclass(frozen=True)
class Office:
    """One firm of the race, with the two through whose eyes it is seen."""

    firm: Firm
    admin: Membership
    collaborator: Membership


@dataclass(frozen=True)
class World:
    large: Office
    small: Office


def make() -> World:
    """The two firms; the others join by `make_others`."""
    world = World(large=make_office(DOSSIERS), small=make_office(FEW))
    tidy_up()
    return world


def make_others() -> None:
    """The firms beside, which nothing that a firm asks may feel."""
    for _number in range(OTHERS):
        _firm(OTHERS_DOSSIERS, OTHERS_PORTFOLIOS, OTHERS_MEMBERS, MY_SINGLES)
    tidy_up()


def tidy_up() -> None:
    """What autovacuum would do by itself, now."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    connections["owner"].close()


def make_office(
    dossiers: int, *, portfolios: int = PORTFOLIOS, members: int = MEMBERS, singles: int = MY_SINGLES
) -> Office:
    """A firm, committed; each collaborator has so many single client files."""
    return office_of(_firm(dossiers, portfolios, members, singles))


def office_of(key: UUID) -> Office:
    """The firm of that key, which `make_office` made."""
    with scope(firm=key):
        people = {member.last_name: member for member in Membership.objects.select_related("user", "firm")}
        return Office(Firm.objects.get(), people["000"], people["001"])


def _firm(dossiers: int, portfolios: int, members: int, singles: int) -> UUID:
    key = uuid7()
    firm = Firm(pk=key, name="Cabinet", slug=f"cabinet-{key}", siren="732829320")
    firm.phone, firm.email = "01 23 45 67 89", "a@b.test"
    firm.save(using="owner", force_insert=True)
    with connections["owner"].cursor() as cursor:
        cursor.execute(_PORTFOLIOS, {"firm": key, "count": portfolios})
        cursor.execute(_DOSSIERS, {"firm": key, "count": dossiers, "trades": _TRADES, "names": _NAMES})
        cursor.execute(_PEOPLE, {"firm": key, "count": members})
        _grant(cursor, key, portfolios, dossiers, singles)
        cursor.execute(_EVENTS, {"firm": key})
        cursor.execute(_INVITATIONS, {"firm": key})
    return key


def _grant(cursor: CursorWrapper, key: UUID, portfolios: int, dossiers: int, singles: int) -> None:
    for grants, objects, order, each, count in (
        (PortfolioGrant, "portfolios_portfolio", "name_key", MY_PORTFOLIOS, portfolios),
        (Assignment, "clients_dossier", "md5(reference)", singles, dossiers),
    ):
        cursor.execute(
            _GRANTS.format(table=grants._meta.db_table, objects=objects, order=order),
            {"firm": key, "role": role_id(grants, ObjectRole.ACCOUNTANT), "each": each, "all": count},
        )
