"""What somebody reads where there is nothing, or nothing for them: a mail's link to what they have lost since."""

from collections.abc import Callable
from uuid import UUID

from django.test import Client

from clients.actions.dossiers import update_dossier
from clients.actions.space import open_space
from portfolios.actions import grant_portfolio, withdraw_portfolio
from tenancy.scopes import scope
from tests.outbox import Outbox
from tests.web.pages import said, stable
from tests.worlds import World, make_dossier, make_person, make_portfolio

Browse = Callable[..., Client]
NOTHING = UUID("01890000-0000-7000-8000-000000000001")
WORDS = "Cette page n'existe pas, ou vous n'y avez plus accès"


def test_a_mails_link_to_what_was_lost_since_says_so_kindly_and_leads_back(
    lemoine: World, browse: Browse, outbox: Outbox
) -> None:
    with scope(firm=lemoine.firm):
        portfolio = make_portfolio("Sarah")
        grant_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
        dossier = make_dossier("Boulangerie Martin", portfolio=portfolio)
        outbox.clear()
        update_dossier(actor=lemoine.admin, dossier=dossier, values={"city": "Brest"})
    path = lemoine.firm.url("clients:dossier", pk=dossier.pk)
    assert path in str(outbox.to(lemoine.collaborator.email).body)
    with scope(firm=lemoine.firm):
        withdraw_portfolio(actor=lemoine.admin, portfolio=portfolio, member=lemoine.collaborator)
    chloe = browse(lemoine.collaborator)
    lost, absent = chloe.get(path), chloe.get(lemoine.firm.url("clients:dossier", pk=NOTHING))
    assert stable(lost, dossier.pk) == stable(absent, NOTHING)
    assert lost.status_code == 404 and WORDS in said(lost)
    assert "demandez à un administrateur du cabinet" in said(lost)
    assert "Boulangerie" not in lost.content.decode()
    assert f'href="{lemoine.firm.url("dashboard")}"' in lost.content.decode()
    assert "Retour à Cabinet Lemoine" in said(lost)


def test_a_client_is_sent_to_their_own_people(lemoine: World, browse: Browse) -> None:
    claire = make_person("claire@boulangerie.test", first_name="Claire")
    with scope(firm=lemoine.firm):
        dossier = make_dossier("Boulangerie Martin")
        link = open_space(person=claire, firm=lemoine.firm, dossier=dossier, email=claire.email)
    answer = browse(claire).get(f"/espace/{link.space_id}/personnes/{NOTHING}/profil/")
    assert answer.status_code == 404
    assert WORDS in said(answer) and "demandez à un gérant de cet espace" in said(answer)
    assert "demandez à un administrateur" not in said(answer)


def test_a_place_of_others_and_none_at_all_read_alike(
    lemoine: World, bertrand: World, browse: Browse
) -> None:
    alice = browse(lemoine.admin)
    theirs, nowhere = alice.get(bertrand.firm.url("dashboard")), alice.get("/cabinets/nulle-part/")
    assert stable(theirs, bertrand.firm.slug) == stable(nowhere, "nulle-part")
    assert theirs.status_code == 404 and WORDS in said(theirs)
    assert bertrand.firm.name not in theirs.content.decode()
