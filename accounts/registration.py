"""Where the apps above hang what they do when a firm begins, when a firm's card changes, when a person's does, and when
a member leaves.

Each function is called inside the action's transaction, in the firm's scope; the one about a person's card runs in the
person's scope and opens those that it needs.
"""

from collections.abc import Callable
from uuid import UUID

from accounts.grants import Grant
from accounts.models import Membership, User
from accounts.permissions import Granted

# A firm was registered: called with its first administrator.
FIRM_STARTERS: list[Callable[[Membership], None]] = []

# A firm's name, phone or e-mail address changed: called with the member who did it.
FIRM_CHANGED: list[Callable[[Membership], None]] = []

# A person's name or e-mail address changed: called with the person.
PERSON_CHANGED: list[Callable[[User], None]] = []

# A member's place ended, and with it their grants, by kind: called with who did it, the member, the grants that were
# running, and the key of the group of events, into which each app writes what its own objects have lost.
GRANTS_TAKEN: list[Callable[[Membership, Membership, dict[type[Grant], list[Granted]], UUID], None]] = []
