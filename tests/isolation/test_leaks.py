"""Ways by which something that is not theirs might reach somebody, of another firm or of their own: each tried once."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.actions.firms import change_firm, register_firm
from accounts.models import Membership, MemberState, Role, TermsAcceptance, User
from accounts.newcomers import Newcomer
from accounts.terms import current_terms
from activity.delivery import envelope
from activity.models import Event, OutgoingEmail
from clients.actions.dossiers import update_dossier
from clients.actions.space import edit_space_details, open_space
from clients.models import ClientSpace, Dossier, SpaceMember
from invitations.actions.answering import Link, accept_as_client, fingerprint, refuse_invitation
from invitations.actions.inviting import invite_client, invite_clients
from invitations.models import Invitation
from portfolios.actions import grant_portfolio, withdraw_portfolio
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.worlds import PASSWORD, World, make_dossier, make_person, make_portfolio

Browse = Callable[..., Client]
HOSTILE = "<script>alert(1)</script>"


def names(page: Any) -> list[str]:
    return [row.name for row in page.context["table"]["rows"]]


# --- Another firm's keys where a page takes one -------------------------------------------------------------


@pytest.fixture
def theirs(bertrand: World) -> dict[str, Any]:
    """What the other firm has: a portfolio, and a dossier in it."""
    with scope(firm=bertrand.firm):
        portfolio = make_portfolio("Leurs clients")
        return {"portfolio": portfolio, "dossier": make_dossier("Leur client", portfolio=portfolio)}


@pytest.fixture
def ours(lemoine: World) -> dict[str, Any]:
    with scope(firm=lemoine.firm):
        portfolio = make_portfolio("Nos clients")
        return {"portfolio": portfolio, "dossier": make_dossier("Notre client", portfolio=portfolio)}


@pytest.mark.parametrize("filter_", ["portfolio", "member", "after", "before", "q"])
def test_a_key_of_another_firm_in_the_lists_address_finds_what_an_unknown_one_finds(
    lemoine: World, bertrand: World, ours: Any, theirs: Any, browse: Browse, filter_: str
) -> None:
    of_theirs = {
        "portfolio": theirs["portfolio"].pk,
        "member": bertrand.collaborator.pk,
        "after": f"1.{theirs['dossier'].pk}",
        "before": f"1.{theirs['dossier'].pk}",
        "q": "Leur",
    }[filter_]
    unknown = {"after": f"1.{ours['portfolio'].pk}", "before": f"1.{ours['portfolio'].pk}", "q": "Personne"}
    client, url = browse(lemoine.admin), lemoine.firm.url("clients:list")
    foreign = client.get(f"{url}?{urlencode({filter_: of_theirs})}")
    absent = client.get(f"{url}?{urlencode({filter_: unknown.get(filter_, ours['dossier'].pk)})}")
    assert names(foreign) == names(absent)
    assert "Leur client" not in foreign.content.decode()
    assert "Leurs clients" not in foreign.content.decode()


def test_a_selection_takes_nothing_of_another_firm(
    lemoine: World, ours: Any, theirs: Any, browse: Browse
) -> None:
    url = lemoine.firm.url("invitations:invite_clients")
    for posted in (
        {"ids": [theirs["dossier"].pk]},
        {"all": "1", "query": "", "portfolio": theirs["portfolio"].pk},
        {"all": "1", "query": f"portfolio={theirs['portfolio'].pk}"},
    ):
        plan = browse(lemoine.admin).post(url, posted).context["plan"]
        assert (plan.mail_count, plan.skipped_count) == (0, 0), posted


def test_revoking_all_that_match_a_filter_without_sense_revokes_nothing(firm: World, browse: Browse) -> None:
    invite_client(actor=firm.admin, dossier=make_dossier(email="a@client.test"))
    url = firm.firm.url("invitations:revoke_selected")
    browse(firm.admin).post(url, {"all": "1", "query": "state=nonsense", "confirmed": "1"})
    assert Invitation.objects.pending().count() == 1


@pytest.mark.parametrize("path", ["/cabinets/CABINET-LEMOINE/", "/cabinets/cabinet_lemoine/dossiers/"])
def test_a_slug_that_no_firm_can_have_is_a_miss_like_any_other(
    lemoine: World, browse: Browse, path: str
) -> None:
    assert browse(lemoine.admin).get(path).status_code == 404


@pytest.mark.parametrize(
    "query", ["size=²", "after=-5.x", "before=99999999999999999999.x", "q=%00", "sort=-²"]
)
def test_a_list_bears_an_address_that_somebody_has_tampered_with(
    lemoine: World, ours: Any, browse: Browse, query: str
) -> None:
    page = browse(lemoine.admin).get(f"{lemoine.firm.url('clients:list')}?{query}")
    assert names(page) == ["Notre client"]


# --- The firm's own dossier, and dossiers of others --------------------------------------------------------


@pytest.fixture
def own(firm: World) -> Dossier:
    return make_dossier("Cabinet Lemoine SARL", is_own=True, siren="732829320")


def test_a_collaborator_meets_the_firms_own_dossier_nowhere(
    firm: World, own: Dossier, browse: Browse
) -> None:
    make_dossier("Ailleurs", email="ailleurs@client.test")
    client, url = browse(firm.collaborator), firm.firm.url
    assert names(client.get(url("clients:list") + "?q=732829320")) == []
    for route in ("clients:dossier", "clients:edit", "clients:move", "invitations:invite_client"):
        assert client.get(url(route, pk=own.pk)).status_code == 404
    drawer = client.get(
        url("clients:dossier", pk=own.pk), headers={"HX-Request": "true", "HX-Target": "drawer-body"}
    )
    assert drawer.status_code == 404
    assert [one.value for one in client.get(url("dashboard")).context["counts"]] == [0, 0, 0]
    assert client.get(url("clients:journal")).status_code == 403
    assert client.post(url("invitations:invite_clients"), {"all": "1", "query": ""}).status_code == 403


def test_the_dashboard_forgets_what_is_no_longer_open(firm: World, browse: Browse) -> None:
    portfolio = make_portfolio()
    dossier = make_dossier("Secret SARL", portfolio=portfolio)
    grant_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": "Paris"})
    client, url = browse(firm.collaborator), firm.firm.url("dashboard")
    assert "Secret SARL" in client.get(url).content.decode()
    withdraw_portfolio(actor=firm.admin, portfolio=portfolio, member=firm.collaborator)
    assert "Secret SARL" not in client.get(url).content.decode()


def test_an_inviter_who_has_left_does_not_learn_that_the_client_refused(firm: World, outbox: Outbox) -> None:
    other = Membership.objects.get(pk=firm.colleague.pk)
    Membership.objects.filter(pk=other.pk).update(role=Role.ADMIN)
    other.refresh_from_db()
    invitation = invite_client(actor=other, dossier=make_dossier(email="a@client.test"))
    Membership.objects.filter(pk=other.pk).update(state=MemberState.TERMINATED)
    outbox.clear()
    refuse_invitation(link=Link(invitation.pk, 1))
    assert outbox.recipients() == [firm.admin.email]


# --- Names that are code, and names that are headers ---------------------------------------------------------


def test_names_are_text_on_every_page_and_in_every_mail(firm: World, browse: Browse, outbox: Outbox) -> None:
    change_firm(actor=firm.admin, name=HOSTILE, phone="", email="", second_factor_required=False)
    Membership.objects.update(last_name=HOSTILE)
    portfolio = make_portfolio(HOSTILE)
    dossier = make_dossier(HOSTILE, portfolio=portfolio, email="a@client.test")
    for member in (firm.collaborator, firm.colleague):
        grant_portfolio(actor=firm.admin, portfolio=portfolio, member=member)
    update_dossier(actor=firm.admin, dossier=dossier, values={"city": HOSTILE})
    invite_client(actor=firm.admin, dossier=dossier)
    client, url = browse(firm.admin), firm.firm.url
    told = browse(firm.collaborator).get(url("dashboard")).content.decode()
    pages = [
        url("dashboard"), url("clients:list"), url("portfolios:list"), url("clients:members"), url("invitations:list"),
        url("clients:journal"), url("accounts:settings"), url("clients:dossier", pk=dossier.pk),
        url("clients:portfolio", pk=portfolio.pk), url("clients:move", pk=dossier.pk), "/mes-espaces/?tous=1",
    ]  # fmt: skip
    for page in pages:
        assert HOSTILE not in client.get(page).content.decode(), page
    assert HOSTILE not in told
    client.post(url("clients:move", pk=dossier.pk), {"portfolio": ""})
    assert HOSTILE not in client.get(url("dashboard")).content.decode(), "the message of what was done"
    for mail in outbox.mails():
        assert HOSTILE not in str(mail.alternatives[0][0]), mail.subject


def test_a_line_break_in_a_firms_name_makes_no_header(firm: World) -> None:
    change_firm(
        actor=firm.admin,
        name="Lemoine\r\nBcc: evil@example.test",
        phone="",
        email="x@lemoine.test",
        second_factor_required=False,
    )
    invite_client(actor=firm.admin, dossier=make_dossier(email="a@client.test"))
    mail = OutgoingEmail.objects.select_related("firm").get()
    from activity.mails import REGISTRY as KINDS

    letter = envelope(mail, KINDS[mail.kind].build(mail))
    head = letter.message().as_bytes().partition(b"\r\n\r\n")[0]
    assert not [line for line in head.split(b"\r\n") if line.lower().startswith(b"bcc")]


# --- Whose account, whose consent ---------------------------------------------------------------------------


def test_an_account_that_somebody_opened_with_anothers_address_hands_nothing_on(
    lemoine: World, browse: Browse
) -> None:
    squatter = User.objects.create_user("claire@client.test", PASSWORD, first_name="Eve")
    TermsAcceptance.objects.create(user=squatter, terms=current_terms())
    register_firm(user=squatter, name="Piège", siren="552100554")
    before = TermsAcceptance.objects.get().accepted_at
    held = browse(squatter)
    with scope(firm=lemoine.firm):
        dossier = make_dossier(email="claire@client.test")
        key = invite_client(actor=lemoine.admin, dossier=dossier).pk
        invitation = Invitation.objects.with_names().get(pk=key)
        person, _link = accept_as_client(
            link=Link(key, 1),
            shown=fingerprint(invitation, current_terms()),
            person=Newcomer(first_name="Claire", last_name="Aubry", password="une phrase qui est à Claire"),
        )
    assert person.pk == squatter.pk
    person.refresh_from_db()
    assert not person.check_password(PASSWORD)
    assert held.get("/profil/").status_code == 302, "every session of before is over"
    assert TermsAcceptance.objects.get().accepted_at > before, "Claire's own consent, not the squatter's"


# --- Every write is one event ----------------------------------------------------------------------------------


def types() -> list[str]:
    return sorted(Event.objects.values_list("type", flat=True))


def test_an_invitation_that_another_address_replaces_is_revoked_in_the_journal(firm: World) -> None:
    dossier = make_dossier(email="alt@client.test")
    invite_client(actor=firm.admin, dossier=dossier)
    invite_client(actor=firm.admin, dossier=dossier, email="neu@client.test")
    assert types() == ["invitations.client.invited"] * 2 + ["invitations.invitation.revoked"]


def test_a_selections_renewed_and_replaced_invitations_are_told_apart(firm: World) -> None:
    renewed, replaced = make_dossier("A", email="a@client.test"), make_dossier("B", email="b@client.test")
    for dossier in (renewed, replaced):
        invite_client(actor=firm.admin, dossier=dossier)
    Invitation.objects.update(state="failed")
    Dossier.objects.filter(pk=replaced.pk).update(email="neu@client.test")
    before = set(Event.objects.values_list("pk", flat=True))
    invite_clients(actor=firm.admin, dossiers=Dossier.objects.all())
    found = Event.objects.exclude(pk__in=before).values_list("type", "subject_id")
    assert sorted(found, key=str) == sorted(
        [
            ("invitations.invitation.resent", renewed.pk),
            ("invitations.invitation.revoked", replaced.pk),
            ("invitations.client.invited", replaced.pk),
            ("invitations.clients.invited", None),
        ],
        key=str,
    )


# --- What a client may do to a firm's record ----------------------------------------------------------------


def test_a_client_may_correct_a_siren_where_the_firm_knows_another_establishment(lemoine: World) -> None:
    claire = make_person("claire@client.test")
    with scope(firm=lemoine.firm):
        dossier = make_dossier(siren="732829320")
        link = open_space(
            person=claire,
            firm=lemoine.firm,
            dossier=dossier,
            email=claire.email,
        )
        update_dossier(actor=lemoine.admin, dossier=dossier, values={"siret": "73282932000074"})
    with scope(space=link.space_id):
        edit_space_details(
            actor=SpaceMember.objects.get(), space=ClientSpace.objects.get(), values={"siren": "552100554"}
        )
    with scope(firm=lemoine.firm):
        dossier.refresh_from_db()
        assert (dossier.siren, dossier.siret) == ("552100554", "")


# --- What a browser keeps ------------------------------------------------------------------------------------


def test_notices_are_kept_apart_for_each_member(
    lemoine: World, bertrand: World, theirs: Any, browse: Browse
) -> None:
    """They name clients: the same window may next stand in another firm, or serve another person."""
    with scope(firm=bertrand.firm):
        Membership.objects.filter(pk=bertrand.colleague.pk).update(
            user=lemoine.admin.user, email="both@x.test"
        )
    client = browse(lemoine.admin)
    for member, world in ((lemoine.admin, lemoine), (bertrand.colleague, bertrand)):
        page = client.get(world.firm.url("dashboard")).content.decode()
        assert f'data-notices-of="{member.pk}"' in page
