"""Who may do what on which page: one line per URL pattern of the product.

People: `admin`, `accountant` and `reader` (collaborators to whom the portfolio is granted so), `outsider` (a
collaborator without any grant), `stranger` (another firm's administrator), `client` (the manager of the dossier's
space) and `client_full`, `client_billing`, `client_reader` (others there, by their profile), `neighbour` (manager of
another space that the same firm follows), `other_client` (of one that another firm follows) and `anonymous`.
"""

from dataclasses import dataclass

from clients.models.profiles import PROFILE_ALLOWS, SpacePerm, SpaceProfile

ADMINS = frozenset({"admin"})
KEEPERS = ADMINS | {"accountant"}
HOLDERS = KEEPERS | {"reader"}
MEMBERS = HOLDERS | {"outsider"}
PROFILES = {
    "client": SpaceProfile.MANAGER,
    "client_full": SpaceProfile.FULL,
    "client_billing": SpaceProfile.BILLING,
    "client_reader": SpaceProfile.READER,
}
SIGNED_IN = MEMBERS | {"client", "stranger", "other_client"}
EVERYBODY = SIGNED_IN | {"anonymous"}
# They try the pages of spaces alone: anywhere else they are what `client` and `other_client` are.
IN_SPACES = frozenset(PROFILES) - {"client"} | {"neighbour"}
PEOPLE = sorted(EVERYBODY | IN_SPACES)


@dataclass(frozen=True)
class Row:
    """`who` may use these `methods`; other members of the firm get `refused`.

    `on` names the object whose key is in the URL. A key of another firm and one of nothing are a 404 for everybody.
    `seen_by`: who sees the object elsewhere, so that a plain "you may not" (403) tells them nothing new.
    `also`: what may be answered besides, where the page stands on something that nobody has here (a link, a code).
    `perm`: on a client's pages, what the person's profile must allow; `None`: nothing, everybody there may.
    """

    methods: str
    who: frozenset[str]
    refused: int = 403
    on: str = ""
    also: frozenset[int] = frozenset()
    seen_by: frozenset[str] = frozenset()
    perm: SpacePerm | None = None

    def allows(self, person: str, method: str) -> bool:
        return person in self.who and method in self.methods.split()


def loose(methods: str, who: frozenset[str], *also: int) -> Row:
    return Row(methods, who, also=frozenset(also))


def firm(methods: str, who: frozenset[str], refused: int = 403) -> Row:
    return Row(methods, who, refused)


def on(
    thing: str,
    methods: str,
    who: frozenset[str],
    refused: int = 404,
    seen_by: frozenset[str] = frozenset(),
) -> Row:
    return Row(methods, who, refused, thing, seen_by=seen_by)


def space(methods: str, perm: SpacePerm | None, thing: str = "", sees: SpacePerm | None = None) -> Row:
    """Of a client's space: who may is what `PROFILE_ALLOWS` says. `sees`: without it, the object is not there."""
    who, seeing = _clients_who_may(perm), _clients_who_may(sees)
    return Row(methods, who & seeing, 404 if thing and sees else 403, thing, seen_by=seeing, perm=perm)


def _clients_who_may(perm: SpacePerm | None) -> frozenset[str]:
    return frozenset(
        who for who, profile in PROFILES.items() if perm is None or perm in PROFILE_ALLOWS[profile]
    )


FORM = "GET POST"

MATRIX: dict[str, Row] = {
    # --- outside of any place
    "start": Row("GET", EVERYBODY),
    "healthz": Row("GET", EVERYBODY),
    "readyz": Row("GET", EVERYBODY),
    # For who runs the installation, by its settings: nobody here.
    "metrics": loose("GET", EVERYBODY, 404),
    "mail_queue": loose("GET", EVERYBODY, 302, 404),
    "language": Row("POST", EVERYBODY),
    "accounts:terms": Row("GET", EVERYBODY),
    "account_login": loose(FORM, EVERYBODY, 302),
    "account_signup": loose(FORM, EVERYBODY, 302),
    "clients:signup": loose(FORM, EVERYBODY, 302),
    "accounts:ask_for_passkey": Row("POST", EVERYBODY),
    "accounts:sign_in_with_passkey": Row("POST", EVERYBODY),
    "account_logout": Row(FORM, EVERYBODY),
    "account_inactive": Row("GET", EVERYBODY),
    "account_email_verification_sent": Row("GET", EVERYBODY),
    "account_confirm_email": loose(FORM, EVERYBODY, 302),
    "account_reset_password": Row(FORM, EVERYBODY),
    "account_reset_password_done": Row("GET", EVERYBODY),
    "account_reset_password_from_key": loose(FORM, EVERYBODY, 200, 302),
    "mfa_authenticate": loose(FORM, EVERYBODY, 302),
    "invitations:answer": loose(FORM, EVERYBODY, 404),
    "invitations:opened": loose("POST", EVERYBODY, 404),
    "invitations:ask_for_key": loose("POST", EVERYBODY, 404),
    "invitations:refuse": loose(FORM, EVERYBODY, 404),
    "invitations:logo_of_link": loose("GET", EVERYBODY, 404),
    "invitations:new_link": loose("POST", EVERYBODY, 404),
    "invitations:switch": loose("POST", EVERYBODY, 404),
    "invitations:open": Row("GET", EVERYBODY),
    # Only for whoever it was sent to, who is nobody here.
    "invitations:open_mine": Row("GET", SIGNED_IN, on="personal", also=frozenset({404})),
    "invitations:open_to_refuse": Row("GET", EVERYBODY),
    # The pages of whoever holds a printed letter; nobody has one here.
    "invitations:letter": loose(FORM, EVERYBODY, 404),
    "invitations:letter_address": loose(FORM, EVERYBODY, 302),
    "invitations:prove_address": loose(FORM, EVERYBODY, 302),
    "invitations:open_letter": Row("GET", EVERYBODY),
    "invitations:follow_letter": Row("GET", EVERYBODY),
    # What a mail service tells; none is configured here.
    "mail_service": loose("POST", EVERYBODY, 404),
    "activity:catcher": Row("GET", EVERYBODY),
    "activity:caught": loose("GET", EVERYBODY, 404),
    "activity:caught_html": loose("GET", EVERYBODY, 404),
    "kit": loose("GET", EVERYBODY, 200),
    "dev_mails": Row("GET", EVERYBODY),
    # Of the demonstration's people, who are not here.
    "dev_mail": loose("GET", EVERYBODY, 404),
    "dev_mail_frame": loose("GET", EVERYBODY, 404),
    # --- a person's own
    "account_change_password": Row(FORM, SIGNED_IN),
    # Nobody here has a passkey, and everybody a password.
    "account_set_password": loose(FORM, SIGNED_IN, 302),
    "accounts:passkeys": Row("GET", SIGNED_IN),
    "accounts:add_passkey": loose(FORM, SIGNED_IN, 302),
    "accounts:ask_for_new_passkey": loose("POST", SIGNED_IN, 302),
    "accounts:remove_passkey": loose(FORM, SIGNED_IN, 302, 404),
    "accounts:ask_for_passkey_again": Row("POST", SIGNED_IN),
    "mfa_reauthenticate_webauthn": loose(FORM, SIGNED_IN, 302),
    "account_reauthenticate": Row(FORM, SIGNED_IN),
    "account_email": Row(FORM, SIGNED_IN),
    "mfa_reauthenticate": loose(FORM, SIGNED_IN, 302),
    "mfa_index": Row("GET", SIGNED_IN),
    "mfa_activate_totp": loose(FORM, SIGNED_IN, 302),
    "mfa_deactivate_totp": loose(FORM, SIGNED_IN, 404),
    "mfa_view_recovery_codes": loose("GET", SIGNED_IN, 404),
    "mfa_generate_recovery_codes": loose(FORM, SIGNED_IN, 302),
    "mfa_download_recovery_codes": loose("GET", SIGNED_IN, 404),
    "usersessions_list": Row("GET", SIGNED_IN),
    "accounts:end_session": loose("POST", SIGNED_IN, 404),
    "accounts:end_other_sessions": Row("POST", SIGNED_IN),
    "accounts:places": Row("GET", SIGNED_IN),
    "accounts:new_firm": Row(FORM, SIGNED_IN),
    "clients:new_space": Row(FORM, SIGNED_IN),
    "accounts:profile": Row(FORM, SIGNED_IN),
    # Posted without naming one of their places, it is none.
    "accounts:notifications": loose(FORM, SIGNED_IN, 404),
    # The link of a mail, without any login; nobody has one here.
    "accounts:switch_off": loose(FORM, EVERYBODY, 404),
    "accounts:unsubscribe": loose(FORM, EVERYBODY, 404),
    # --- a firm's
    "dashboard": firm("GET", MEMBERS),
    "bell": firm("GET", MEMBERS),
    "read": firm("POST", MEMBERS),
    "clients:members": firm("GET", MEMBERS),
    "clients:journal": firm("GET", ADMINS),
    "clients:event": on("event", "GET", ADMINS, 403),
    "clients:export_journal": firm("POST", ADMINS),
    "clients:seen": on("dossier", "GET", ADMINS, 403),
    "clients:export_seen": on("dossier", "POST", ADMINS, 403),
    "accounts:proof": firm("GET", ADMINS),
    "accounts:verify_journal": firm("POST", ADMINS),
    "accounts:retention": firm(FORM, ADMINS),
    "accounts:hold_journal": firm(FORM, ADMINS),
    "accounts:release_journal": firm(FORM, ADMINS),
    "accounts:journal_check": on("journal_check", "GET", ADMINS, 403),
    "accounts:journal_check_progress": on("journal_check", "GET", ADMINS, 403),
    "accounts:settings": firm(FORM, ADMINS),
    "accounts:declarants": firm("POST", ADMINS),
    "clients:accept_request": on("asked", "POST", ADMINS, 403),
    "clients:refuse_request": on("asked", "POST", ADMINS, 403),
    "portfolios:list": firm("GET", MEMBERS),
    "portfolios:create": firm(FORM, ADMINS),
    "portfolios:rename": on("portfolio", FORM, ADMINS, seen_by=HOLDERS),
    "clients:grant": on("portfolio", FORM, ADMINS, seen_by=HOLDERS),
    "invitations:list": firm("GET", MEMBERS),
    # They act on those of the selection that the member may handle; on none here.
    "invitations:resend_selected": firm("POST", MEMBERS),
    "invitations:revoke_selected": firm("POST", MEMBERS),
    "invitations:send_selected": firm("POST", MEMBERS),
    "invitations:discard_selected": firm("POST", MEMBERS),
    "invitations:send_draft": on("invitation", "POST", ADMINS),
    "invitations:discard": on("invitation", FORM, ADMINS),
    "invitations:correct": on("invitation", FORM, ADMINS),
    "invitations:mail": on("invitation", "GET", ADMINS),
    "invitations:mail_html": on("invitation", "GET", ADMINS),
    "invitations:letters": firm("GET", ADMINS),
    "invitations:write_letters": firm("POST", ADMINS),
    "invitations:write_letter": on("dossier", FORM, ADMINS),
    "invitations:confirm_letter": on("letter", FORM, ADMINS),
    "invitations:decline_letter": on("letter", FORM, ADMINS),
    "invitations:revoke_letter": on("letter", FORM, ADMINS),
    "invitations:sendings": firm("GET", ADMINS),
    "invitations:sending": on("sending", "GET", ADMINS, 403),
    "invitations:sending_progress": on("sending", "GET", ADMINS, 403),
    "invitations:settings": firm(FORM, ADMINS),
    "invitations:mail_settings": firm(FORM, ADMINS),
    "invitations:undelivered": firm("GET", ADMINS),
    "invitations:logo": firm(FORM, ADMINS),
    # The firm here has none.
    "invitations:logo_image": Row("GET", ADMINS, also=frozenset({404})),
    "invitations:take_logo_away": firm("POST", ADMINS),
    "invitations:text": firm(FORM, ADMINS),
    "invitations:text_preview": firm(FORM, ADMINS),
    "invitations:test_mail": firm("POST", ADMINS),
    "invitations:standard_text": firm("POST", ADMINS),
    "invitations:prepare_clients": firm("POST", ADMINS),
    "invitations:prepare_client": on("dossier", "POST", ADMINS),
    "invitations:resend": on("invitation", "POST", ADMINS),
    "invitations:revoke": on("invitation", FORM, ADMINS),
    # What clients ask of the firm: a collaborator sees what they have received themselves, which is nothing here.
    "invitations:requests": firm("GET", MEMBERS),
    "invitations:request": on("received", FORM, ADMINS),
    "invitations:decline_request": on("received", FORM, ADMINS),
    "invitations:hand_back_request": on("received", FORM, ADMINS),
    "invitations:invite_member": firm(FORM, ADMINS),
    "invitations:invite_clients": firm("POST", ADMINS),
    "invitations:invite_client": on("dossier", FORM, ADMINS),
    "clients:portfolio": on("portfolio", "GET", HOLDERS),
    "clients:change_role": on("portfolio", FORM, ADMINS, seen_by=HOLDERS),
    "clients:withdraw": on("portfolio", FORM, ADMINS, seen_by=HOLDERS),
    "clients:terminate_portfolio": on("portfolio", FORM, ADMINS, seen_by=HOLDERS),
    "clients:restore_portfolio": on("portfolio", FORM, ADMINS, seen_by=HOLDERS),
    "clients:list": firm("GET", MEMBERS),
    "clients:unreached": firm("GET", MEMBERS),
    "clients:create": firm(FORM, MEMBERS),
    "clients:look_up": firm("POST", MEMBERS),
    "clients:look_up_dossier": on("dossier", "POST", KEEPERS, seen_by=HOLDERS),
    "clients:dossier": on("dossier", "GET", HOLDERS),
    "clients:edit": on("dossier", FORM, KEEPERS, seen_by=HOLDERS),
    "clients:kept": on("dossier", FORM, KEEPERS, seen_by=HOLDERS),
    "clients:move": on("dossier", FORM, KEEPERS, seen_by=HOLDERS),
    # The firm dropped `file`, the client `client_file`.
    "clients:files": on("dossier", "GET", HOLDERS),
    "clients:drop_files": on("dossier", "POST", KEEPERS, seen_by=HOLDERS),
    "clients:take_file": on("file", "POST", HOLDERS),
    "clients:take_file_back": on("file", FORM, KEEPERS, seen_by=HOLDERS),
    "clients:put_file_back": on("file", "POST", KEEPERS, seen_by=HOLDERS),
    # Of the selection, what the member may not move is left out with its reason.
    "clients:move_many": firm("POST", MEMBERS),
    "clients:archive": firm("POST", ADMINS),
    "clients:restore": firm("POST", ADMINS),
    "clients:archive_one": on("dossier", FORM, ADMINS, seen_by=HOLDERS),
    "clients:restore_one": on("dossier", FORM, ADMINS, seen_by=HOLDERS),
    "clients:export": firm("POST", MEMBERS),
    "clients:access": firm("GET", ADMINS),
    "clients:access_dossiers": firm("GET", ADMINS),
    "clients:export_access": firm("POST", ADMINS),
    # The accountant is the member whose page it is.
    # Others are led to the list, which says what everybody may know.
    "clients:member": on("member", "GET", KEEPERS, 302),
    "clients:leave_firm": firm(FORM, MEMBERS),
    "clients:member_role": on("member", FORM, ADMINS, 403),
    "clients:suspend_member": on("member", FORM, ADMINS, 403),
    "clients:restore_member": on("member", FORM, ADMINS, 403),
    "clients:terminate_member": on("member", FORM, ADMINS, 403),
    "clients:member_portfolios": on("member", FORM, ADMINS, 403),
    "clients:withdraw_from_member": on("member", FORM, ADMINS, 403),
    "clients:departure": on("member", FORM, ADMINS, 403),
    "clients:departed": on("departed", "GET", ADMINS, 403),
    "clients:departure_certificate": on("departed", "POST", ADMINS, 403),
    "clients:replacements": firm("GET", MEMBERS),
    "clients:replace": on("member", FORM, ADMINS, 403),
    "clients:change_replacement": on("replacement", FORM, ADMINS, 403),
    "clients:end_replacement": on("replacement", FORM, ADMINS, 403),
    "clients:member_access": on("member", "GET", KEEPERS, 403),
    # Everybody's own, and those that are shared: the one here is the accountant's, shared with the firm.
    "clients:views": firm("GET", MEMBERS),
    "clients:save_view": firm(FORM, MEMBERS),
    "clients:change_view": on("view", "POST", KEEPERS, seen_by=MEMBERS),
    "clients:rename_view": on("view", FORM, KEEPERS, seen_by=MEMBERS),
    "clients:share_view": on("view", "POST", KEEPERS, seen_by=MEMBERS),
    "clients:unshare_view": on("view", "POST", KEEPERS, seen_by=MEMBERS),
    "clients:delete_view": on("view", FORM, KEEPERS, seen_by=MEMBERS),
    # Of a selection, which nobody has here.
    "clients:assign": firm(FORM, ADMINS),
    "clients:assign_preview": firm("POST", ADMINS),
    "clients:assign_confirm": firm("POST", ADMINS),
    "clients:assign_result": firm("GET", ADMINS),
    "clients:assign_one": on("dossier", FORM, ADMINS, seen_by=HOLDERS),
    "clients:unassign": on("dossier", FORM, ADMINS, seen_by=HOLDERS),
    "clients:imports": firm("GET", ADMINS),
    "clients:upload_import": firm("POST", ADMINS),
    "clients:import_template": firm("GET", ADMINS),
    "clients:import": on("import", "GET", ADMINS, 302),
    "clients:import_progress": on("import", "GET", ADMINS, 403),
    "clients:import_sheet": on("import", FORM, ADMINS, 403),
    "clients:import_mapping": on("import", FORM, ADMINS, 403),
    "clients:column_mappings": firm("GET", ADMINS),
    "clients:forget_mapping": on("mapping", FORM, ADMINS, 403),
    "clients:confirm_import": on("import", FORM, ADMINS, 403),
    "clients:cancel_import": on("import", FORM, ADMINS, 403),
    "clients:undo_import": on("import", FORM, ADMINS, 403),
    "clients:import_file": on("import", "POST", ADMINS, 403),
    "invitations:invite_imported": on("import", FORM, ADMINS, 403),
    "clients:import_workbook": on("import", "POST", ADMINS, 403),
    "clients:correct_row": on("import", FORM, ADMINS, 403),
    "clients:look_up_row": on("import", "POST", ADMINS, 403),
    "clients:uncorrect_row": on("import", "POST", ADMINS, 403),
    "clients:decide_row": on("import", FORM, ADMINS, 403),
    "clients:import_mine": on("import", "POST", ADMINS, 403),
    "clients:import_theirs": on("import", "POST", ADMINS, 403),
    "clients:accept_offers": on("import", "POST", ADMINS, 403),
    "clients:import_rule": on("import", FORM, ADMINS, 403),
    "clients:import_portfolios": on("import", FORM, ADMINS, 403),
    "clients:import_assignees": on("import", FORM, ADMINS, 403),
    "clients:connections": firm("GET", ADMINS),
    "clients:connect_pennylane": firm(FORM, ADMINS),
    "clients:connect_myunisoft": firm(FORM, ADMINS),
    "clients:download_list": firm(FORM, ADMINS),
    "clients:forget_connection": on("connection", FORM, ADMINS, 403),
    "clients:fetch": on("connection", "POST", ADMINS, 403),
    "clients:fetching": on("fetch", "GET", ADMINS, 403),
    "clients:fetch_progress": on("fetch", "GET", ADMINS, 403),
    "clients:cancel_fetch": on("fetch", "POST", ADMINS, 403),
    # Everybody's own; the one here is the accountant's. The journal leads others to its page, which leads them on.
    "exports:list": firm("GET", MEMBERS),
    "exports:export": on("export", "GET", frozenset({"accountant"}), 302),
    "exports:progress": on("export", "GET", frozenset({"accountant"})),
    "exports:download": on("export", "POST", frozenset({"accountant"})),
    # --- a client's space
    "clients:space_home": space("GET", None),
    "space_bell": space("GET", None),
    "space_read": space("POST", None),
    "clients:space_edit": space(FORM, SpacePerm.EDIT_DETAILS),
    "clients:space_take_over": space("POST", SpacePerm.EDIT_DETAILS),
    "clients:space_welcome": space("GET", None),
    "invitations:firms": space("GET", None),
    "invitations:invite_firm": space(FORM, SpacePerm.CHOOSE_FIRMS),
    "invitations:resend_to_firm": space("POST", SpacePerm.CHOOSE_FIRMS, "to_a_firm"),
    "invitations:correct_firm": space(FORM, SpacePerm.CHOOSE_FIRMS, "to_a_firm"),
    "invitations:revoke_firm": space(FORM, SpacePerm.CHOOSE_FIRMS, "to_a_firm"),
    "invitations:end_firm": space(FORM, SpacePerm.CHOOSE_FIRMS, "link"),
    "invitations:people": space("GET", None),
    "invitations:invite_person": space(FORM, SpacePerm.MANAGE_PEOPLE),
    "invitations:leave_space": space(FORM, None),
    "invitations:person_profile": space(FORM, SpacePerm.MANAGE_PEOPLE, "person"),
    "invitations:end_person": space(FORM, SpacePerm.MANAGE_PEOPLE, "person"),
    "invitations:resend_person": space("POST", SpacePerm.MANAGE_PEOPLE, "personal"),
    "invitations:correct_person": space(FORM, SpacePerm.MANAGE_PEOPLE, "personal"),
    "invitations:revoke_person": space(FORM, SpacePerm.MANAGE_PEOPLE, "personal"),
    "clients:space_authorisations": space("GET", None),
    "clients:space_declarants": space("POST", SpacePerm.AUTHORISE),
    "clients:space_watchers": space("GET", None),
    # Of the list, everybody sees what their profile lets them see.
    "clients:space_files": space("GET", None),
    "clients:space_drop_files": space("POST", SpacePerm.ADD_FILES),
    "clients:space_take_file": space("POST", None, "file", SpacePerm.SEE_FILES),
    "clients:space_take_file_back": space(FORM, SpacePerm.ADD_FILES, "client_file", SpacePerm.SEE_FILES),
    "clients:space_put_file_back": space("POST", SpacePerm.ADD_FILES, "client_file", SpacePerm.SEE_FILES),
    "clients:space_authorise_support": space("POST", SpacePerm.AUTHORISE, "link"),
    "clients:space_withdraw_support": space("POST", SpacePerm.AUTHORISE, "support"),
    "clients:space_accept_request": space("POST", SpacePerm.AUTHORISE, "request"),
    "clients:space_refuse_request": space("POST", SpacePerm.AUTHORISE, "request"),
}

# The same pages on another sort of object, which other people see.
OTHERWISE: list[tuple[str, Row]] = [
    ("clients:space_take_file", space("POST", None, "bill", SpacePerm.SEE_BILLING_FILES)),
    (
        "clients:space_take_file_back",
        space(FORM, SpacePerm.ADD_FILES, "client_bill", SpacePerm.SEE_BILLING_FILES),
    ),
    (
        "clients:space_put_file_back",
        space("POST", SpacePerm.ADD_FILES, "client_bill", SpacePerm.SEE_BILLING_FILES),
    ),
]
