"""The firm's pages of invitations, and those of whoever holds a link. Fixed words come before tokens."""

from django.urls import path

from accounts.places import FIRM
from clients.places import SPACE
from invitations.views import (
    answering,
    asking,
    codes,
    drafting,
    following,
    handling,
    inviting,
    letters,
    mailing,
    people,
    sending,
    settings,
)

app_name = "invitations"

TEXT = f"{FIRM}parametres/courriels/textes/<slug:kind>/<slug:language>/"

firm_pages = [
    path(f"{FIRM}invitations/", handling.invitations, name="list"),
    path(f"{FIRM}invitations/relancer/", handling.resend_selected, name="resend_selected"),
    path(f"{FIRM}invitations/revoquer/", handling.revoke_selected, name="revoke_selected"),
    path(f"{FIRM}invitations/envoyer/", drafting.send_selected, name="send_selected"),
    path(f"{FIRM}invitations/supprimer/", drafting.discard_selected, name="discard_selected"),
    path(f"{FIRM}invitations/envois/", sending.index, name="sendings"),
    path(f"{FIRM}invitations/envois/<uuid:pk>/", sending.detail, name="sending"),
    path(f"{FIRM}invitations/envois/<uuid:pk>/avancement/", sending.progress, name="sending_progress"),
    path(f"{FIRM}invitations/<uuid:pk>/relancer/", handling.resend, name="resend"),
    path(f"{FIRM}invitations/<uuid:pk>/corriger/", handling.correct, name="correct"),
    path(f"{FIRM}invitations/<uuid:pk>/courriel/", handling.mail, name="mail"),
    path(f"{FIRM}invitations/<uuid:pk>/courriel/contenu/", handling.mail_html, name="mail_html"),
    path(f"{FIRM}invitations/<uuid:pk>/envoyer/", drafting.send, name="send_draft"),
    path(f"{FIRM}invitations/<uuid:pk>/supprimer/", drafting.discard, name="discard"),
    path(f"{FIRM}invitations/<uuid:pk>/revoquer/", handling.revoke, name="revoke"),
    path(f"{FIRM}membres/inviter/", inviting.member, name="invite_member"),
    path(f"{FIRM}dossiers/inviter/", inviting.clients, name="invite_clients"),
    path(f"{FIRM}dossiers/preparer-invitations/", drafting.prepare_selected, name="prepare_clients"),
    path(f"{FIRM}dossiers/<uuid:pk>/inviter/preparer/", drafting.prepare_client, name="prepare_client"),
    path(f"{FIRM}parametres/invitations/", settings.settings, name="settings"),
    path(f"{FIRM}parametres/courriels/", mailing.mail_settings, name="mail_settings"),
    path(f"{FIRM}parametres/courriels/non-remis/", mailing.undelivered_mails, name="undelivered"),
    path(f"{FIRM}parametres/courriels/logo/", mailing.logo, name="logo"),
    path(f"{FIRM}parametres/courriels/logo/image/", mailing.logo_image, name="logo_image"),
    path(f"{FIRM}parametres/courriels/logo/retirer/", mailing.take_logo_away, name="take_logo_away"),
    path(f"{TEXT}", mailing.text, name="text"),
    path(f"{TEXT}apercu/", mailing.text_preview, name="text_preview"),
    path(f"{TEXT}essai/", mailing.test_mail, name="test_mail"),
    path(f"{TEXT}standard/", mailing.standard_text, name="standard_text"),
    path(f"{FIRM}imports/<uuid:pk>/inviter/", inviting.imported, name="invite_imported"),
    path(f"{FIRM}dossiers/<uuid:pk>/inviter/", inviting.client, name="invite_client"),
]

PEOPLE = f"{SPACE}personnes/"

people_pages = [
    path(PEOPLE, people.people, name="people"),
    path(f"{PEOPLE}inviter/", people.invite, name="invite_person"),
    path(f"{PEOPLE}quitter/", people.leave, name="leave_space"),
    path(f"{PEOPLE}<uuid:pk>/profil/", people.profile, name="person_profile"),
    path(f"{PEOPLE}<uuid:pk>/retirer/", people.end, name="end_person"),
    path(f"{PEOPLE}invitations/<uuid:pk>/relancer/", people.resend, name="resend_person"),
    path(f"{PEOPLE}invitations/<uuid:pk>/corriger/", people.correct, name="correct_person"),
    path(f"{PEOPLE}invitations/<uuid:pk>/revoquer/", people.revoke, name="revoke_person"),
]

FIRMS = f"{SPACE}cabinets/"
ASKED = f"{FIRMS}invitations/<uuid:pk>/"

# A client's firms, as the client sees them; and what clients ask, as the firm does.
firms_pages = [
    path(FIRMS, asking.firms, name="firms"),
    path(f"{FIRMS}inviter/", asking.invite, name="invite_firm"),
    path(f"{ASKED}relancer/", asking.resend, name="resend_to_firm"),
    path(f"{ASKED}corriger/", asking.correct, name="correct_firm"),
    path(f"{ASKED}revoquer/", asking.revoke, name="revoke_firm"),
    path(f"{FIRMS}<uuid:pk>/terminer/", asking.end, name="end_firm"),
]

REQUESTS = f"{FIRM}invitations/demandes/"

request_pages = [
    path(REQUESTS, following.requests, name="requests"),
    path(f"{REQUESTS}<uuid:pk>/", following.request_page, name="request"),
    path(f"{REQUESTS}<uuid:pk>/decliner/", following.decline, name="decline_request"),
    path(f"{REQUESTS}<uuid:pk>/rendre/", following.give_back, name="hand_back_request"),
]

LETTERS = f"{FIRM}invitations/lettres/"

letter_pages = [
    path(LETTERS, letters.index, name="letters"),
    path(f"{LETTERS}imprimer/", letters.write_selected, name="write_letters"),
    path(f"{LETTERS}<uuid:pk>/confirmer/", letters.confirm, name="confirm_letter"),
    path(f"{LETTERS}<uuid:pk>/decliner/", letters.decline, name="decline_letter"),
    path(f"{LETTERS}<uuid:pk>/annuler/", letters.revoke, name="revoke_letter"),
    path(f"{FIRM}dossiers/<uuid:pk>/lettre/", letters.write, name="write_letter"),
]

# Short, for somebody types the first one from paper.
code_pages = [
    path("lettre/", codes.enter, name="letter"),
    path("lettre/adresse/", codes.address, name="letter_address"),
    path("lettre/confirmer/", codes.prove, name="prove_address"),
    path("lettre/confirmer/<str:token>/", codes.follow, name="follow_letter"),
    path("lettre/<str:code>/", codes.scan, name="open_letter"),
]

link_pages = [
    path("invitation/", answering.answer, name="answer"),
    path("invitation/ouverte/", answering.opened, name="opened"),
    path("invitation/defi/", answering.ask_for_key, name="ask_for_key"),
    path("invitation/logo/", mailing.logo_of_link, name="logo_of_link"),
    path("invitation/refuser/", answering.refuse, name="refuse"),
    path("invitation/nouveau-lien/", answering.new_link, name="new_link"),
    path("invitation/changer-de-compte/", answering.switch, name="switch"),
    path("invitation/pour-moi/<uuid:pk>/", answering.open_mine, name="open_mine"),
    path("invitation/<str:token>/", answering.open_link, name="open"),
    path(
        "invitation/<str:token>/refuser/",
        answering.open_link,
        {"then": "invitations:refuse"},
        name="open_to_refuse",
    ),
]

urlpatterns = [
    *firm_pages,
    *people_pages,
    *firms_pages,
    *request_pages,
    *letter_pages,
    *code_pages,
    *link_pages,
]
