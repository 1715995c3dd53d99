"""What the resolver answers across owners for the sweeps: keys alone; the work is done in each owner's scope.

`statement_timestamp()`, not `now()`: the sweeps see what their own transaction made due.
"""

from datetime import timedelta

from activity.events import ACCESSES, CHANGES, PROOFS, REGISTRY
from tenancy.roles import LookUp, register

# Whoever sends renews it; what a killed worker held comes back when it ends.
LEASE = timedelta(seconds=30)

# A bell that says “99+” need not know how many more.
MOST_UNREAD = 100


def unread_in(owner: str) -> str:
    """SQL of how many things the look-up's `person` was told of and has not read, up to MOST_UNREAD.

    It goes along with the places of a person, which every page asks for: the bell costs no query of its own.
    """
    return f"""(SELECT count(*)::integer FROM (
        SELECT FROM activity_notification AS told
        WHERE told.recipient_id = person AND told.owner = {owner} AND told.read_at IS NULL LIMIT {MOST_UNREAD}
    ) AS counted)"""


def _domain(mail: str) -> str:
    """SQL of what follows the @, as `activity.domains` has it."""
    return f"""lower(split_part({mail}."to", '@', -1))"""


_DUE = f"""waiting.state = 'waiting' AND waiting.precedence <= up_to
    AND waiting.next_attempt_at <= statement_timestamp()
    AND (waiting.lease_until IS NULL OR waiting.lease_until < statement_timestamp())
    AND {_domain("waiting")} <> ALL (ARRAY(
        SELECT resting.domain FROM activity_maildomain AS resting
        WHERE resting.rests_until > statement_timestamp()))"""

claim_mails = register(
    LookUp(
        name="claim_mails",
        signature="most integer, up_to integer",
        # `attempts` is the claim's number: who holds an older one has lost the mail to another worker.
        # Since when the mail's domain has been refusing, if it does: it is asked carefully.
        returns="TABLE (id uuid, firm_id uuid, space_id uuid, person_id uuid, attempts integer, precedence integer,"
        " domain text, refused_since timestamptz)",
        # Four of five by their precedence, the others by their age, so that nothing is overtaken for ever.
        # What comes after the turn `up_to` is left out.
        # The array, for the planner: it knows nothing of `most`, and would read the whole outbox to join them.
        body=f"""
            WITH first AS (
                SELECT waiting.id FROM activity_outgoingemail AS waiting WHERE {_DUE}
                ORDER BY waiting.precedence, waiting.next_attempt_at LIMIT most - most / 5
                FOR UPDATE SKIP LOCKED),
            oldest AS (
                SELECT waiting.id FROM activity_outgoingemail AS waiting
                WHERE {_DUE} AND waiting.id NOT IN (SELECT first.id FROM first)
                ORDER BY waiting.next_attempt_at LIMIT most - (SELECT count(*) FROM first)
                FOR UPDATE SKIP LOCKED)
            UPDATE activity_outgoingemail AS mail
            SET lease_until = statement_timestamp() + interval '{LEASE.seconds} seconds',
                attempts = mail.attempts + 1
            WHERE mail.id = ANY (ARRAY(SELECT first.id FROM first UNION ALL SELECT oldest.id FROM oldest))
            RETURNING mail.id, mail.firm_id, mail.space_id, mail.person_id, mail.attempts::integer, mail.precedence,
                {_domain("mail")}, (SELECT known.refused_since FROM activity_maildomain AS known
                                    WHERE known.domain = {_domain("mail")})
        """,
        reads=("activity_outgoingemail", "activity_maildomain"),
        updates=("activity_outgoingemail",),
    )
)

hold_mails = register(
    LookUp(
        name="hold_mails",
        signature="held uuid[], numbers integer[]",
        returns="TABLE (id uuid)",
        # A sender that lives keeps its claims, those that nobody else has taken since.
        body=f"""
            UPDATE activity_outgoingemail AS mail
            SET lease_until = statement_timestamp() + interval '{LEASE.seconds} seconds'
            FROM unnest(held, numbers) AS mine (id, number)
            WHERE mail.id = mine.id AND mail.attempts = mine.number AND mail.state = 'waiting'
            RETURNING mail.id
        """,
        reads=("activity_outgoingemail",),
        updates=("activity_outgoingemail",),
    )
)

mail_sent_as = register(
    LookUp(
        name="mail_sent_as",
        signature="known_as text",
        returns="TABLE (id uuid, firm_id uuid, space_id uuid, person_id uuid)",
        # What a mail service tells names the mail by the service's own key.
        body="""
            SELECT id, firm_id, space_id, person_id FROM activity_outgoingemail
            WHERE provider_id = known_as AND provider_id <> ''
        """,
        reads=("activity_outgoingemail",),
    )
)

mails_in_flight = register(
    LookUp(
        name="mails_in_flight",
        signature="addresses text[]",
        returns="TABLE (id uuid)",
        # Those to one of these addresses (none: to any) that a worker holds at this moment: it may have handed them
        # over to a service already whose name for them is not written down yet.
        body="""
            SELECT mail.id FROM activity_outgoingemail AS mail
            WHERE mail.state = 'waiting' AND mail.lease_until > statement_timestamp()
              AND (addresses = '{}' OR lower(mail."to") = ANY (addresses))
            LIMIT 1
        """,
        reads=("activity_outgoingemail",),
    )
)

# A queue is late when its oldest mail has waited so long, whatever for.
LATE_AFTER = timedelta(minutes=5)

mail_queue = register(
    LookUp(
        name="mail_queue",
        signature="",
        returns="TABLE (waiting bigint, due bigint, oldest timestamptz, oldest_due timestamptz,"
        " oldest_urgent timestamptz, last_sent timestamptz, sent_in_5_minutes bigint, sent_in_a_day bigint,"
        " failed_in_a_day bigint)",
        # Counts and moments, nothing of whose mails they are. Due is what no server has put off.
        body="""
            SELECT waiting.*, sent.*, (SELECT count(*) FROM activity_outgoingemail AS mail
                WHERE mail.state = 'failed' AND mail.created_at > statement_timestamp() - interval '1 day')
            FROM (SELECT count(*), count(*) FILTER (WHERE due), min(created_at), min(created_at) FILTER (WHERE due),
                    min(created_at) FILTER (WHERE precedence = 0)
                FROM (SELECT mail.created_at, mail.precedence, mail.next_attempt_at <= statement_timestamp()
                        AND lower(split_part(mail."to", '@', -1)) <> ALL (ARRAY(
                            SELECT resting.domain FROM activity_maildomain AS resting
                            WHERE resting.rests_until > statement_timestamp())) AS due
                    FROM activity_outgoingemail AS mail WHERE mail.state = 'waiting') AS mails) AS waiting,
                (SELECT max(sent_at), count(*) FILTER (WHERE sent_at > statement_timestamp() - interval '5 minutes'),
                    count(*)
                FROM activity_outgoingemail AS mail
                WHERE mail.state = 'sent' AND mail.sent_at > statement_timestamp() - interval '1 day') AS sent
        """,
        reads=("activity_outgoingemail", "activity_maildomain"),
    )
)

oldest_mail = register(
    LookUp(
        name="oldest_mail",
        signature="",
        returns="TABLE (created_at timestamptz)",
        # For probes that ask every few seconds: one row of an index.
        body="""
            SELECT mail.created_at FROM activity_outgoingemail AS mail
            WHERE mail.state = 'waiting' ORDER BY mail.created_at LIMIT 1
        """,
        reads=("activity_outgoingemail",),
    )
)

mail_domains = register(
    LookUp(
        name="mail_domains",
        signature="most integer",
        returns="TABLE (domain text, waiting bigint, oldest timestamptz, sent bigint, failed bigint,"
        " refused_since timestamptz, rests_until timestamptz, answer text)",
        # Per mail server, of the last day and of what waits: those that refuse first, then where most waits.
        body="""
            SELECT lower(split_part(mail."to", '@', -1)) AS name, count(*) FILTER (WHERE state = 'waiting') AS waiting,
                min(created_at) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'sent'),
                count(*) FILTER (WHERE state = 'failed') AS failed, max(known.refused_since), max(known.rests_until),
                coalesce(max(known.answer), '')::text
            FROM activity_outgoingemail AS mail
            LEFT JOIN activity_maildomain AS known ON known.domain = lower(split_part(mail."to", '@', -1))
            WHERE mail.state = 'waiting'
                OR (mail.state = 'sent' AND mail.sent_at > statement_timestamp() - interval '1 day')
                OR (mail.state = 'failed' AND mail.created_at > statement_timestamp() - interval '1 day')
            GROUP BY name ORDER BY max(known.refused_since) IS NULL, waiting DESC, failed DESC, name LIMIT most
        """,
        reads=("activity_outgoingemail", "activity_maildomain"),
    )
)

due_notifications = register(
    LookUp(
        name="due_notifications",
        signature="most integer",
        returns="TABLE (recipient_id uuid, firm_id uuid, space_id uuid, person_id uuid)",
        body="""
            SELECT recipient_id, firm_id, space_id, person_id FROM activity_notification
            WHERE composed_at IS NULL AND due_at <= statement_timestamp()
            GROUP BY recipient_id, firm_id, space_id, person_id ORDER BY min(due_at) LIMIT most
        """,
        reads=("activity_notification",),
    )
)

_OWNERS = "TABLE (firm_id uuid, space_id uuid, person_id uuid)"

unsealed_journals = register(
    LookUp(
        name="unsealed_journals",
        signature="",
        returns=_OWNERS,
        # Owners of events that stand in no chain yet: keys, for the sealer to enter each owner.
        body="SELECT DISTINCT firm_id, space_id, person_id FROM activity_unsealed LIMIT 1000",
        reads=("activity_unsealed",),
    )
)

_NO_KEY = "NULL::uuid"


def _with_a_journal(table: str, place: int) -> str:
    """SQL of the owners of this kind who have an event or a seal."""
    keys = ["owner.id" if number == place else _NO_KEY for number in range(3)]
    column = ("firm_id", "space_id", "person_id")[place]
    return f"""SELECT {", ".join(keys)} FROM {table} AS owner
        WHERE EXISTS (SELECT FROM activity_event AS event WHERE event.{column} = owner.id)
           OR EXISTS (SELECT FROM activity_seal AS seal WHERE seal.owner = owner.id)"""


_OWNER_TABLES = ("accounts_firm", "clients_clientspace", "accounts_user")

all_journals = register(
    LookUp(
        name="all_journals",
        signature="",
        returns=_OWNERS,
        # Every owner of a chain: keys, for `manage.py verify_journal` to enter each of them. The rows of journals alone
        # would not do: whoever deletes one would keep its owner from being verified.
        body="SELECT firm_id, space_id, person_id FROM activity_journal UNION "
        + " UNION ".join(_with_a_journal(table, place) for place, table in enumerate(_OWNER_TABLES)),
        reads=("activity_journal", "activity_event", "activity_seal", *_OWNER_TABLES),
    )
)

due_heads = register(
    LookUp(
        name="due_heads",
        signature="since timestamptz",
        returns="TABLE (firm_id uuid)",
        # Firms of whose chain no head was given since then, and which reaches further than the last one.
        body="""
            SELECT journal.firm_id FROM activity_journal AS journal
            CROSS JOIN LATERAL (SELECT seal.number FROM activity_seal AS seal WHERE seal.owner = journal.owner
                                ORDER BY seal.number DESC LIMIT 1) AS reached
            LEFT JOIN LATERAL (SELECT head.number, head.at FROM activity_head AS head WHERE head.owner = journal.owner
                               ORDER BY head.number DESC LIMIT 1) AS given ON true
            WHERE journal.firm_id IS NOT NULL AND (given.number IS NULL
                OR (given.at < since AND given.number < reached.number))
            ORDER BY journal.id LIMIT 1000
        """,
        reads=("activity_journal", "activity_seal", "activity_head"),
    )
)

due_purges = register(
    LookUp(
        name="due_purges",
        signature="since timestamptz",
        returns=_OWNERS,
        # Owners whose journal nobody has gone through since then, and on which no legal hold stands.
        body="""
            SELECT firm_id, space_id, person_id FROM activity_journal
            WHERE held_since IS NULL AND (purged_at IS NULL OR purged_at < since) ORDER BY id LIMIT 1000
        """,
        reads=("activity_journal",),
    )
)

# The least that is kept, whatever a row says: who takes over the application cannot shorten it.
LEAST_MONTHS = {CHANGES: 60, ACCESSES: 6}
DEFAULT_MONTHS = {CHANGES: 120, ACCESSES: 12}


def _purge() -> str:
    months = "make_interval(months => greatest({least}, coalesce((journal.months ->> '{family}')::integer, {default})))"
    spans = {
        family: months.format(family=family, least=least, default=DEFAULT_MONTHS[family])
        for family, least in LEAST_MONTHS.items()
    }
    shortest = f"extract(epoch FROM now() - make_interval(months => {min(LEAST_MONTHS.values())})) * 1000"
    return f"""
        WITH due AS (
            SELECT event.id, event.type, event.at, seal.number
            FROM activity_journal AS journal
            JOIN activity_event AS event ON event.owner = journal.owner
            JOIN activity_seal AS seal ON seal.event = event.id AND seal.owner = event.owner
            WHERE journal.owner = app.some_scope() AND journal.held_since IS NULL
              AND event.id < (lpad(to_hex(({shortest})::bigint), 12, '0') || repeat('0', 20))::uuid
              AND event.type <> ALL ({_types(PROOFS)})
              AND event.at < now() - CASE WHEN event.type = ANY ({_types(ACCESSES)})
                                          THEN {spans[ACCESSES]} ELSE {spans[CHANGES]} END
            ORDER BY event.id LIMIT least(most, 10000)),
        gone AS (DELETE FROM activity_event AS event USING due WHERE event.id = due.id),
        marked AS (UPDATE activity_seal AS seal
            SET purge = removal, frame_salt = NULL, who_salt = NULL, what_salt = NULL
            FROM due WHERE seal.event = due.id),
        forgotten AS (UPDATE activity_redaction AS redaction SET salt = NULL
            FROM due WHERE redaction.owner = app.some_scope() AND redaction.number = due.number)
        SELECT due.number, due.id, due.type::text, due.at FROM due ORDER BY due.number
    """


def _types(family: str) -> str:
    names = sorted(name for name, kind in REGISTRY.items() if kind.family == family)
    return "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]::text[]"


purge_events = register(
    LookUp(
        name="purge_events",
        signature="removal uuid, most integer",
        returns="TABLE (number bigint, event uuid, type text, at timestamptz)",
        # Removes what the owner in scope need not keep any longer, and destroys the salts of what it was.
        body=_purge,
        reads=("activity_journal", "activity_event", "activity_seal", "activity_redaction"),
        updates=("activity_seal", "activity_redaction"),
        deletes=("activity_event",),
    )
)
