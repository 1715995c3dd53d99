"""The pages of dossiers, imports and client spaces. Whole paths: a firm's under `FIRM`, a client's under `SPACE`."""

from django.urls import URLPattern, path

from accounts.places import FIRM
from clients.models import ConnectionKind
from clients.places import SPACE
from clients.views import (
    access,
    archiving,
    assigning,
    authorisations,
    consents,
    correcting,
    departure,
    dossiers,
    fetching,
    files,
    history,
    imports,
    journal,
    locking,
    looking_up,
    mapping,
    members,
    moving,
    portfolio,
    registering,
    replacements,
    returning,
    saved,
    seeing,
    space,
    space_files,
    unreached,
)

app_name = "clients"

# --- Dossiers and the page of a portfolio -------------------------------------------------------------------

DOSSIER = FIRM + "dossiers/<uuid:pk>/"
PORTFOLIO = FIRM + "portefeuilles/<uuid:pk>/"

dossier_pages: list[URLPattern] = [
    path(FIRM + "dossiers/", dossiers.index, name="list"),
    path(FIRM + "dossiers/nouveau/", dossiers.create, name="create"),
    path(FIRM + "dossiers/courriels-non-remis/", unreached.index, name="unreached"),
    path(FIRM + "dossiers/nouveau/registre/", looking_up.for_new, name="look_up"),
    path(FIRM + "dossiers/exporter/", dossiers.export, name="export"),
    path(DOSSIER, dossiers.detail, name="dossier"),
    path(f"{DOSSIER}modifier/", dossiers.edit, name="edit"),
    path(f"{DOSSIER}modifier/registre/", looking_up.for_dossier, name="look_up_dossier"),
    path(f"{DOSSIER}consultations/", seeing.index, name="seen"),
    path(f"{DOSSIER}consultations/exporter/", seeing.export, name="export_seen"),
    path(f"{DOSSIER}coordonnees-gardees/", locking.kept, name="kept"),
    path(f"{DOSSIER}deplacer/", moving.move, name="move"),
    path(FIRM + "dossiers/deplacer/", moving.move_many, name="move_many"),
    path(FIRM + "dossiers/archiver/", archiving.archive, name="archive"),
    path(FIRM + "dossiers/restaurer/", archiving.restore, name="restore"),
    path(f"{DOSSIER}archiver/", archiving.archive_one, name="archive_one"),
    path(f"{DOSSIER}restaurer/", archiving.restore_one, name="restore_one"),
    path(PORTFOLIO, portfolio.portfolio, name="portfolio"),
    path(f"{PORTFOLIO}abonnes/ajouter/", portfolio.grant, name="grant"),
    path(f"{PORTFOLIO}abonnes/<uuid:member>/role/", portfolio.change_role, name="change_role"),
    path(f"{PORTFOLIO}abonnes/<uuid:member>/retirer/", portfolio.withdraw, name="withdraw"),
    path(f"{PORTFOLIO}resilier/", portfolio.terminate, name="terminate_portfolio"),
    path(f"{PORTFOLIO}restaurer/", portfolio.restore, name="restore_portfolio"),
]

# --- Assignments --------------------------------------------------------------------------------------------

ASSIGN = FIRM + "dossiers/affecter/"

assignment_pages: list[URLPattern] = [
    path(ASSIGN, assigning.choose, name="assign"),
    path(f"{ASSIGN}apercu/", assigning.preview, name="assign_preview"),
    path(f"{ASSIGN}confirmer/", assigning.confirm, name="assign_confirm"),
    path(f"{ASSIGN}resultat/", assigning.result, name="assign_result"),
    path(f"{DOSSIER}affecter/", assigning.one, name="assign_one"),
    path(f"{DOSSIER}affecter/<uuid:member>/retirer/", assigning.withdraw, name="unassign"),
]

# --- Saved views of the table of dossiers -------------------------------------------------------------------

VIEW = FIRM + "dossiers/vues/<uuid:pk>/"

view_pages: list[URLPattern] = [
    path(FIRM + "dossiers/vues/", saved.index, name="views"),
    path(FIRM + "dossiers/vues/enregistrer/", saved.save, name="save_view"),
    path(f"{VIEW}remplacer/", saved.change, name="change_view"),
    path(f"{VIEW}renommer/", saved.rename, name="rename_view"),
    path(f"{VIEW}partager/", saved.share, name="share_view"),
    path(f"{VIEW}ne-plus-partager/", saved.unshare, name="unshare_view"),
    path(f"{VIEW}supprimer/", saved.delete, name="delete_view"),
]

# --- Who has access to what ---------------------------------------------------------------------------------

ACCESS = FIRM + "membres/acces/"

access_pages: list[URLPattern] = [
    path(ACCESS, access.portfolios, name="access"),
    path(f"{ACCESS}dossiers/", access.dossiers, name="access_dossiers"),
    path(f"{ACCESS}exporter/", access.export, name="export_access"),
    path(FIRM + "membres/<uuid:pk>/acces/", access.member, name="member_access"),
]

# --- The journal --------------------------------------------------------------------------------------------

JOURNAL = FIRM + "journal/"

journal_pages: list[URLPattern] = [
    path(JOURNAL, journal.journal, name="journal"),
    path(f"{JOURNAL}exporter/", journal.export, name="export_journal"),
    path(f"{JOURNAL}<uuid:pk>/", journal.event, name="event"),
]

# --- Departures and replacements ------------------------------------------------------------------------------

MEMBER = FIRM + "membres/<uuid:pk>/"
REPLACEMENTS = FIRM + "membres/remplacements/"

leaving_pages: list[URLPattern] = [
    path(f"{MEMBER}depart/", departure.departure, name="departure"),
    path(f"{MEMBER}depart/resultat/", departure.departed, name="departed"),
    path(f"{MEMBER}depart/attestation/", departure.certificate, name="departure_certificate"),
    path(f"{MEMBER}remplacer/", replacements.arrange, name="replace"),
    path(REPLACEMENTS, replacements.index, name="replacements"),
    path(f"{REPLACEMENTS}<uuid:pk>/modifier/", replacements.change, name="change_replacement"),
    path(f"{REPLACEMENTS}<uuid:pk>/terminer/", replacements.end, name="end_replacement"),
]

# --- Members ------------------------------------------------------------------------------------------------

MEMBERS = FIRM + "membres/"

member_pages: list[URLPattern] = [
    path(MEMBERS, members.index, name="members"),
    path(f"{MEMBERS}quitter/", members.leave, name="leave_firm"),
    path(MEMBER, members.detail, name="member"),
    path(f"{MEMBER}role/", members.role, name="member_role"),
    path(f"{MEMBER}suspendre/", members.suspend, name="suspend_member"),
    path(f"{MEMBER}retablir/", members.restore, name="restore_member"),
    path(f"{MEMBER}resilier/", members.terminate, name="terminate_member"),
    path(f"{MEMBER}portefeuilles/", members.portfolios, name="member_portfolios"),
    path(f"{MEMBER}portefeuilles/<uuid:portfolio>/retirer/", members.withdraw, name="withdraw_from_member"),
]

# --- Imports ------------------------------------------------------------------------------------------------

IMPORT = FIRM + "imports/<uuid:pk>/"
ROW = f"{IMPORT}lignes/<int:number>/"

import_pages: list[URLPattern] = [
    path(FIRM + "imports/", imports.index, name="imports"),
    path(FIRM + "imports/envoyer/", imports.upload, name="upload_import"),
    path(FIRM + "imports/modele/", imports.download_template, name="import_template"),
    path(IMPORT, imports.detail, name="import"),
    path(f"{IMPORT}avancement/", imports.progress, name="import_progress"),
    path(f"{IMPORT}feuille/", imports.sheet, name="import_sheet"),
    path(f"{IMPORT}colonnes/", mapping.mapping, name="import_mapping"),
    path(FIRM + "parametres/colonnes/", mapping.remembered, name="column_mappings"),
    path(FIRM + "parametres/colonnes/<uuid:pk>/oublier/", mapping.forget, name="forget_mapping"),
    path(f"{IMPORT}confirmer/", imports.confirm, name="confirm_import"),
    path(f"{IMPORT}annuler/", imports.cancel, name="cancel_import"),
    path(f"{IMPORT}defaire/", history.undo, name="undo_import"),
    path(f"{IMPORT}fichier/", history.original, name="import_file"),
    path(f"{IMPORT}classeur/", returning.workbook, name="import_workbook"),
    path(f"{ROW}corriger/", correcting.correct_row, name="correct_row"),
    path(f"{ROW}corriger/registre/", correcting.look_up_row, name="look_up_row"),
    path(f"{ROW}reprendre/", correcting.uncorrect_row, name="uncorrect_row"),
    path(f"{ROW}dossier/", correcting.decide_row, name="decide_row"),
    path(f"{IMPORT}conflits/ecraser/", correcting.take_mine, name="import_mine"),
    path(f"{IMPORT}conflits/garder/", correcting.keep_theirs, name="import_theirs"),
    path(f"{IMPORT}reparations/", correcting.accept_offers, name="accept_offers"),
    path(f"{IMPORT}reconnaissance/", correcting.rule, name="import_rule"),
    path(f"{IMPORT}portefeuilles/", correcting.portfolios, name="import_portfolios"),
    path(f"{IMPORT}responsables/", correcting.assignees, name="import_assignees"),
]

# --- Other platforms ----------------------------------------------------------------------------------------

PLATFORMS = FIRM + "imports/plateformes/"
FETCH = FIRM + "imports/recuperations/<uuid:pk>/"

fetch_pages: list[URLPattern] = [
    path(PLATFORMS, fetching.index, name="connections"),
    *(
        path(f"{PLATFORMS}{kind.value}/", fetching.connect, {"kind": kind}, name=f"connect_{kind.value}")
        for kind in ConnectionKind
    ),
    path(f"{PLATFORMS}telecharger/", fetching.download, name="download_list"),
    path(f"{PLATFORMS}<uuid:pk>/oublier/", fetching.forget, name="forget_connection"),
    path(f"{PLATFORMS}<uuid:pk>/recuperer/", fetching.fetch, name="fetch"),
    path(FETCH, fetching.detail, name="fetching"),
    path(f"{FETCH}avancement/", fetching.progress, name="fetch_progress"),
    path(f"{FETCH}annuler/", fetching.cancel, name="cancel_fetch"),
]

# --- The client's side --------------------------------------------------------------------------------------

ALLOWED = f"{SPACE}autorisations/"

space_pages: list[URLPattern] = [
    path("inscription/client/", registering.signup, name="signup"),
    path("espaces-nouveau/", registering.new_space, name="new_space"),
    path(SPACE, space.home, name="space_home"),
    path(f"{SPACE}coordonnees/modifier/", space.edit, name="space_edit"),
    path(f"{SPACE}coordonnees/reprendre/", space.take_over, name="space_take_over"),
    path(f"{SPACE}bienvenue/", space.welcome, name="space_welcome"),
    path(ALLOWED, authorisations.authorisations, name="space_authorisations"),
    path(f"{ALLOWED}cabinets/<uuid:pk>/support/", authorisations.authorise, name="space_authorise_support"),
    path(f"{ALLOWED}support/<uuid:pk>/retirer/", authorisations.withdraw, name="space_withdraw_support"),
    path(f"{ALLOWED}declarants/", authorisations.declarants, name="space_declarants"),
    path(
        f"{ALLOWED}demandes/<uuid:pk>/accepter/", authorisations.accept_request, name="space_accept_request"
    ),
    path(f"{ALLOWED}demandes/<uuid:pk>/refuser/", authorisations.refuse_request, name="space_refuse_request"),
]

# --- Files that firm and client exchange --------------------------------------------------------------------------

FILE, SPACE_FILE = FIRM + "fichiers/<uuid:pk>/", SPACE + "fichiers/<uuid:pk>/"

file_pages: list[URLPattern] = [
    path(f"{DOSSIER}fichiers/", files.index, name="files"),
    path(f"{DOSSIER}fichiers/deposer/", files.drop, name="drop_files"),
    path(f"{FILE}telecharger/", files.take, name="take_file"),
    path(f"{FILE}retirer/", files.remove, name="take_file_back"),
    path(f"{FILE}remettre/", files.restore, name="put_file_back"),
    path(f"{SPACE}acces/", space_files.watchers, name="space_watchers"),
    path(f"{SPACE}fichiers/", space_files.index, name="space_files"),
    path(f"{SPACE}fichiers/deposer/", space_files.drop, name="space_drop_files"),
    path(f"{SPACE_FILE}telecharger/", space_files.take, name="space_take_file"),
    path(f"{SPACE_FILE}retirer/", space_files.remove, name="space_take_file_back"),
    path(f"{SPACE_FILE}remettre/", space_files.restore, name="space_put_file_back"),
]

# --- Other firms that ask for this one's consent ----------------------------------------------------------------

consent_pages: list[URLPattern] = [
    path(f"{FIRM}demandes/<uuid:pk>/accepter/", consents.accept_request, name="accept_request"),
    path(f"{FIRM}demandes/<uuid:pk>/refuser/", consents.refuse_request, name="refuse_request"),
]

urlpatterns = [
    *leaving_pages,
    *dossier_pages,
    *member_pages,
    *assignment_pages,
    *view_pages,
    *access_pages,
    *journal_pages,
    *import_pages,
    *fetch_pages,
    *space_pages,
    *file_pages,
    *consent_pages,
]
