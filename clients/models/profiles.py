"""What a person of the client may do in the space: one table, read by the pages, the actions and the tests."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class SpaceProfile(models.TextChoices):
    MANAGER = "manager", _("Manager")
    FULL = "full", _("Full access")
    BILLING = "billing", _("Billing")
    READER = "reader", _("Read only")


class SpacePerm(models.TextChoices):
    """One thing that may be done in a space. Everybody in it sees its details, its firms and its people."""

    EDIT_DETAILS = "edit_details", _("change the details")
    AUTHORISE = "authorise", _("authorise technical support, answer firms that want to be linked")
    MANAGE_PEOPLE = "manage_people", _("invite people, change their profile, end their access")
    CHOOSE_FIRMS = "choose_firms", _("invite an accounting firm, end its access")
    SEE_FILES = "see_files", _("see and download the files exchanged with the firm")
    ADD_FILES = "add_files", _("drop files for the firm, and remove one's own")
    SEE_BILLING_FILES = "see_billing_files", _("see and download the files about billing")


_FULL = frozenset(SpacePerm) - {SpacePerm.MANAGE_PEOPLE, SpacePerm.CHOOSE_FIRMS}

PROFILE_ALLOWS: dict[SpaceProfile, frozenset[SpacePerm]] = {
    SpaceProfile.MANAGER: frozenset(SpacePerm),
    SpaceProfile.FULL: _FULL,
    SpaceProfile.BILLING: frozenset({SpacePerm.SEE_BILLING_FILES}),
    SpaceProfile.READER: frozenset({SpacePerm.SEE_FILES, SpacePerm.SEE_BILLING_FILES}),
}


def profiles_that_may(perm: SpacePerm) -> list[SpaceProfile]:
    """The profiles to which the table gives this, in its order."""
    return [profile for profile, allowed in PROFILE_ALLOWS.items() if perm in allowed]


def allowed_to(profile: SpaceProfile) -> list[SpacePerm]:
    """What the table gives a profile, in the order in which it is shown."""
    return [perm for perm in SpacePerm if perm in PROFILE_ALLOWS[profile]]
