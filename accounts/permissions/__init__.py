"""The only place that decides who may do what.

Four questions: `can(member, perm, obj)`, `require(…)` (the same, or an error), `permitted(queryset, member, perm)`
(which objects may this member…?), `holders(perm, obj)` (which members may…?: the audience of a mail).

An administrator may do everything in the firm. Others may do what their grants' roles allow on the objects that the
grants open, and what those of whom they replace for a time do; a model says by `access_paths` how grants reach it:
`("assignments", "portfolio__grants")`.
"""

from accounts.permissions.counting import reached_counts, without_grants
from accounts.permissions.deciding import (
    administrators,
    anybody,
    can,
    granted,
    holders,
    holders_of_any,
    keys_of,
    permitted,
    reach,
    require,
)
from accounts.permissions.granting import (
    Granted,
    Pair,
    end_role,
    give,
    pairs_of,
    people_of_role,
    take,
    take_all,
    take_role,
)
from accounts.permissions.reading import grants_on, role_id
from accounts.permissions.roles import FIRM_PERMS, RANKS, ROLE_ALLOWS, ObjectRole, Perm, allows
from accounts.permissions.standing import stand_ins

__all__ = [
    "FIRM_PERMS",
    "RANKS",
    "ROLE_ALLOWS",
    "Granted",
    "ObjectRole",
    "Pair",
    "Perm",
    "administrators",
    "allows",
    "anybody",
    "can",
    "end_role",
    "give",
    "granted",
    "grants_on",
    "holders",
    "holders_of_any",
    "keys_of",
    "pairs_of",
    "people_of_role",
    "permitted",
    "reach",
    "reached_counts",
    "require",
    "role_id",
    "stand_ins",
    "take",
    "take_all",
    "take_role",
    "without_grants",
]
