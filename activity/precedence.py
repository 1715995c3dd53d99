"""Which mail leaves first: what somebody waits for, then single mails, then those of large numbers, in turns.

The n-th portion of many has the n-th turn, whoever sends it: so a firm that sends fifty mails waits for no other firm's
ten thousand. And each claim takes some of the oldest too, whatever their turn (`activity.lookups.claim_mails`), so that
nothing waits for ever.
"""

URGENT = 0
SINGLE = 1
MANY = 2
# What the column holds at most.
ANY = 2**31 - 1
# As many as one claim takes.
PORTION = 50


def among_many(place: int) -> int:
    """Of the mail at this place, from 0, of those that leave together."""
    return MANY + place // PORTION
