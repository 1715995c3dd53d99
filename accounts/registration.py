"""Where the apps above hang what they do when a firm begins, when a firm's card changes, and when a person's does.

Each function is called inside the action's transaction. The first two run in the firm's scope, with the acting member;
the third runs in the person's scope and opens those that it needs.
"""

from collections.abc import Callable

from accounts.models import Membership, User

# A firm was registered: called with its first administrator.
FIRM_STARTERS: list[Callable[[Membership], None]] = []

# A firm's name, phone or e-mail address changed: called with the member who did it.
FIRM_CHANGED: list[Callable[[Membership], None]] = []

# A person's name or e-mail address changed: called with the person.
PERSON_CHANGED: list[Callable[[User], None]] = []
