"""The way in and a person's own pages under allauth's names, then the app's own under `accounts:`."""

from django.urls import URLPattern, include, path, re_path

from accounts.places import FIRM
from accounts.views import declarants, entrance, firm, mails, passkeys, places, profile, proof

ALLAUTH: list[URLPattern] = [
    path("connexion/", entrance.login, name="account_login"),
    path("connexion/second-facteur/", entrance.second_factor_at_login, name="mfa_authenticate"),
    path("deconnexion/", entrance.logout, name="account_logout"),
    path("compte-ferme/", entrance.inactive, name="account_inactive"),
    path("inscription/", entrance.signup, name="account_signup"),
    path("inscription/courriel-envoye/", entrance.confirmation_sent, name="account_email_verification_sent"),
    re_path(r"^confirmer/(?P<key>[-:\w]+)/$", entrance.confirm_address, name="account_confirm_email"),
    path("mot-de-passe/oublie/", entrance.ask_for_reset, name="account_reset_password"),
    path("mot-de-passe/oublie/courriel-envoye/", entrance.reset_sent, name="account_reset_password_done"),
    re_path(
        r"^mot-de-passe/nouveau/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        entrance.reset_password,
        name="account_reset_password_from_key",
    ),
    path("mot-de-passe/modifier/", profile.password, name="account_change_password"),
    path("mot-de-passe/choisir/", profile.choose_password, name="account_set_password"),
    path("reauthentification/", entrance.reauthenticate, name="account_reauthenticate"),
    path("reauthentification/second-facteur/", entrance.second_factor_again, name="mfa_reauthenticate"),
    path("reauthentification/cle-d-acces/", passkeys.show_again, name="mfa_reauthenticate_webauthn"),
    path("profil/adresse/", profile.address, name="account_email"),
    path("profil/sessions/", profile.sessions, name="usersessions_list"),
    path("profil/second-facteur/", profile.second_factor_home, name="mfa_index"),
    path("profil/second-facteur/activer/", profile.activate_totp, name="mfa_activate_totp"),
    path("profil/second-facteur/retirer/", profile.deactivate_totp, name="mfa_deactivate_totp"),
    path("profil/second-facteur/codes/", profile.view_codes, name="mfa_view_recovery_codes"),
    path("profil/second-facteur/codes/nouveaux/", profile.make_codes, name="mfa_generate_recovery_codes"),
    path(
        "profil/second-facteur/codes/telecharger/", profile.download_codes, name="mfa_download_recovery_codes"
    ),
]

OWN: list[URLPattern] = [
    path("mes-espaces/", places.places, name="places"),
    path("cabinets-nouveau/", places.new_firm, name="new_firm"),
    path("conditions/", entrance.terms, name="terms"),
    path("profil/", profile.profile, name="profile"),
    path("connexion/defi/", passkeys.ask_to_sign_in, name="ask_for_passkey"),
    path("connexion/cle-d-acces/", passkeys.sign_in, name="sign_in_with_passkey"),
    path("reauthentification/defi/", passkeys.ask_again, name="ask_for_passkey_again"),
    path("profil/cles-d-acces/", passkeys.passkeys, name="passkeys"),
    path("profil/cles-d-acces/ajouter/", passkeys.add, name="add_passkey"),
    path("profil/cles-d-acces/defi/", passkeys.ask_to_add, name="ask_for_new_passkey"),
    path("profil/cles-d-acces/<uuid:pk>/retirer/", passkeys.remove, name="remove_passkey"),
    path("profil/courriels/", mails.mails, name="notifications"),
    path("profil/courriels/arreter/", mails.switch_off, name="switch_off"),
    path("profil/courriels/arreter/<str:token>/", mails.unsubscribe, name="unsubscribe"),
    path("profil/sessions/terminer/", profile.end_other_sessions, name="end_other_sessions"),
    path("profil/sessions/<int:pk>/terminer/", profile.end_session, name="end_session"),
    path(FIRM + "membres/declarants/", declarants.declarants, name="declarants"),
    path(FIRM + "journal/preuve/", proof.proof, name="proof"),
    path(FIRM + "journal/preuve/verifier/", proof.verify, name="verify_journal"),
    path(FIRM + "journal/preuve/conservation/", proof.change_retention, name="retention"),
    path(FIRM + "journal/preuve/gel/", proof.hold, name="hold_journal"),
    path(FIRM + "journal/preuve/gel/lever/", proof.release, name="release_journal"),
    path(FIRM + "journal/preuve/<uuid:pk>/", proof.check, name="journal_check"),
    path(FIRM + "journal/preuve/<uuid:pk>/avancement/", proof.check_progress, name="journal_check_progress"),
    path(FIRM + "parametres/", firm.settings, name="settings"),
]

urlpatterns = [
    *ALLAUTH,
    path("langue/", places.language, name="language"),
    path("", include((OWN, "accounts"))),
]
