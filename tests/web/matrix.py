"""Who may do what on which page: one line per URL pattern of the product.

People: `admin`, `accountant` and `reader` (collaborators to whom the portfolio is granted so), `outsider` (a
collaborator without any grant), `stranger` (another firm's administrator), `client` (of the dossier's space),
`other_client` (of another space) and `anonymous`.
"""

from dataclasses import dataclass

ADMINS = frozenset({"admin"})
KEEPERS = ADMINS | {"accountant"}
HOLDERS = KEEPERS | {"reader"}
MEMBERS = HOLDERS | {"outsider"}
CLIENTS = frozenset({"client"})
SIGNED_IN = MEMBERS | CLIENTS | {"stranger", "other_client"}
EVERYBODY = SIGNED_IN | {"anonymous"}
PEOPLE = sorted(EVERYBODY)


@dataclass(frozen=True)
class Row:
    """`who` may use these `methods`; other members of the firm get `refused`.

    `on` names the object whose key is in the URL. A key of another firm and one of nothing are a 404 for everybody.
    `also`: what may be answered besides, where the page stands on something that nobody has here (a link, a code).
    """

    methods: str
    who: frozenset[str]
    refused: int = 403
    on: str = ""
    also: frozenset[int] = frozenset()

    def allows(self, person: str, method: str) -> bool:
        return person in self.who and method in self.methods.split()


def firm(methods: str, who: frozenset[str], refused: int = 403) -> Row:
    return Row(methods, who, refused)


def on(thing: str, methods: str, who: frozenset[str], refused: int = 404) -> Row:
    return Row(methods, who, refused, thing)


FORM = "GET POST"

MATRIX: dict[str, Row] = {
    # --- outside of any place
    "start": Row("GET", EVERYBODY),
    "healthz": Row("GET", EVERYBODY),
    "language": Row("POST", EVERYBODY),
    "accounts:terms": Row("GET", EVERYBODY),
    "account_login": Row(FORM, EVERYBODY),
    "account_signup": Row(FORM, EVERYBODY),
    "account_logout": Row(FORM, EVERYBODY),
    "account_inactive": Row("GET", EVERYBODY),
    "account_email_verification_sent": Row("GET", EVERYBODY),
    "account_confirm_email": Row(FORM, EVERYBODY),
    "account_reset_password": Row(FORM, EVERYBODY),
    "account_reset_password_done": Row("GET", EVERYBODY),
    "account_reset_password_from_key": Row(FORM, EVERYBODY),
    "mfa_authenticate": Row(FORM, EVERYBODY),
    "invitations:answer": Row(FORM, EVERYBODY),
    "invitations:opened": Row("POST", EVERYBODY),
    "invitations:refuse": Row(FORM, EVERYBODY),
    "invitations:new_link": Row("POST", EVERYBODY),
    "invitations:switch": Row("POST", EVERYBODY),
    "invitations:open": Row("GET", EVERYBODY),
    "invitations:open_to_refuse": Row("GET", EVERYBODY),
    "activity:catcher": Row("GET", EVERYBODY),
    "activity:caught": Row("GET", EVERYBODY),
    "activity:caught_html": Row("GET", EVERYBODY),
    "kit": Row("GET", EVERYBODY),
    # --- a person's own
    "account_change_password": Row(FORM, SIGNED_IN),
    "account_reauthenticate": Row(FORM, SIGNED_IN),
    "account_email": Row(FORM, SIGNED_IN),
    "mfa_reauthenticate": Row(FORM, SIGNED_IN),
    "mfa_index": Row("GET", SIGNED_IN),
    "mfa_activate_totp": Row(FORM, SIGNED_IN),
    "mfa_deactivate_totp": Row(FORM, SIGNED_IN),
    "mfa_view_recovery_codes": Row("GET", SIGNED_IN),
    "mfa_generate_recovery_codes": Row(FORM, SIGNED_IN),
    "mfa_download_recovery_codes": Row("GET", SIGNED_IN),
    "usersessions_list": Row(FORM, SIGNED_IN),
    "accounts:end_session": Row("POST", SIGNED_IN),
    "accounts:end_other_sessions": Row("POST", SIGNED_IN),
    "accounts:places": Row("GET", SIGNED_IN),
    "accounts:new_firm": Row(FORM, SIGNED_IN),
    "accounts:profile": Row(FORM, SIGNED_IN),
    # --- a firm's
    "dashboard": firm("GET", MEMBERS),
    "accounts:members": firm("GET", MEMBERS),
    "accounts:journal": firm("GET", ADMINS),
    "accounts:settings": firm(FORM, ADMINS),
    "portfolios:list": firm("GET", MEMBERS),
    "portfolios:create": firm(FORM, ADMINS),
    "portfolios:rename": on("portfolio", FORM, ADMINS),
    "portfolios:grant": on("portfolio", FORM, ADMINS),
    "invitations:list": firm("GET", ADMINS),
    "invitations:resend_selected": firm("POST", ADMINS),
    "invitations:revoke_selected": firm("POST", ADMINS),
    "invitations:resend": on("invitation", "POST", ADMINS),
    "invitations:revoke": on("invitation", FORM, ADMINS),
    "invitations:invite_member": firm(FORM, ADMINS),
    "invitations:invite_clients": firm("POST", ADMINS),
    "invitations:invite_client": on("dossier", FORM, ADMINS),
    # --- a client's space
    "clients:space_home": Row("GET", CLIENTS),
    "clients:space_edit": Row(FORM, CLIENTS),
    "clients:space_welcome": Row("GET", CLIENTS),
}
