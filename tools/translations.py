#!/usr/bin/env python3
"""Keep the French catalogue complete, in pure Python: neither xgettext nor msgfmt is needed.

    translations.py add       merge French texts given as JSON on standard input, then compile
    translations.py extract   list every text of the code as file:line and msgid
    translations.py check     exit 1 with file:line of what is missing, fuzzy, unused, has other %(placeholders)s,
                              lacks no-break spaces or would need « d'Alice » for « de %(name)s »
    translations.py mend      give every French text the no-break spaces of French typography, then compile
    translations.py prune     remove French entries that no code uses any more, then compile
    translations.py compile   write django.mo beside django.po, where it is older or missing

The JSON of ``add`` maps msgids to French: ``{"Save": "Enregistrer"}``. A text with a plural is keyed by its
singular and has two forms: ``{"%(n)s file": ["%(n)s fichier", "%(n)s fichiers"]}``; its plural msgid is looked up
in the code, so write the code first. A context stands before the msgid: ``{"menu\\u0004Open": "Ouvrir"}``.
The no-break spaces before : ; ! ? and inside « » need not be typed: ``add`` puts them in.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polib
from django.template import TemplateSyntaxError
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "fr" / "LC_MESSAGES" / "django.po"
CONTEXT_SEPARATOR = "\x04"

# Texts shown to people stand in the product, not in what builds and tests it.
NOT_THE_PRODUCT = {
    "tests",
    "benchmarks",
    "tools",
    "devtools",
    "docs",
    "static",
    "staticfiles",
    "var",
    "node_modules",
}

# Which arguments of each function are what: the order in which gettext's functions take them.
SHAPES: dict[str, tuple[str, ...]] = {
    "gettext": ("msgid",),
    "gettext_lazy": ("msgid",),
    "gettext_noop": ("msgid",),
    "ngettext": ("msgid", "plural"),
    "ngettext_lazy": ("msgid", "plural"),
    "pgettext": ("context", "msgid"),
    "pgettext_lazy": ("context", "msgid"),
    "npgettext": ("context", "msgid", "plural"),
    "npgettext_lazy": ("context", "msgid", "plural"),
    "_": ("msgid",),
}

METADATA = {
    "Project-Id-Version": "Firm Portal",
    "Language": "fr",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n > 1);",
}


class TranslationProblem(Exception):
    """Something that stops the command, told in one sentence."""


@dataclass(frozen=True)
class Message:
    """One text of the code, and where it stands."""

    msgid: str
    plural: str = ""
    context: str | None = None
    where: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.context or "", self.msgid)


# --- Reading the code ------------------------------------------------------------------------------------------------


def sources(root: Path = ROOT) -> Iterator[Path]:
    """The product's Python files and the templates' files, in a stable order."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(
            name for name in folders if name not in NOT_THE_PRODUCT and not name.startswith(".")
        )
        in_templates = "templates" in Path(folder).relative_to(root).parts
        for name in sorted(files):
            if name.endswith(".py") or (in_templates and name.endswith((".html", ".txt"))):
                yield Path(folder, name)


def messages_of(paths: Iterable[Path], root: Path = ROOT, *, skip_broken: bool = False) -> Iterator[Message]:
    """Every text in the files. Raises TranslationProblem for a file that cannot be read as what it is."""
    for path in paths:
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(root))
        try:
            yield from python_messages(text, name) if path.suffix == ".py" else template_messages(text, name)
        except (SyntaxError, TemplateSyntaxError) as error:
            if skip_broken:
                continue
            raise TranslationProblem(f"{name}: cannot be read: {error}") from error


def python_messages(text: str, name: str) -> Iterator[Message]:
    """The texts of a Python module, calls through ``import … as`` included."""
    tree = ast.parse(text)
    known = _imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = known.get(_called_name(node.func), "")
            if function:
                yield from _message_of_call(node, SHAPES[function], name)


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """Local name → gettext function, e.g. ``{"_": "gettext_lazy"}``; the plain names are always known."""
    known = {function: function for function in SHAPES}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            known |= {
                alias.asname: alias.name for alias in node.names if alias.asname and alias.name in SHAPES
            }
    return known


def _called_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _message_of_call(call: ast.Call, shape: tuple[str, ...], name: str) -> Iterator[Message]:
    """The message of one call. A variable in place of the text is somebody else's msgid, so it gives none."""
    where = f"{name}:{call.lineno}"
    if any(isinstance(argument, ast.JoinedStr) for argument in call.args[: len(shape)]):
        raise TranslationProblem(f'{where}: an f-string cannot be translated; write _("… %(name)s") % {{…}}')
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if len(texts) >= len(shape):
        yield _message(dict(zip(shape, texts, strict=False)), where)


def _message(parts: dict[str, str], where: str) -> Message:
    return Message(parts["msgid"], parts.get("plural", ""), parts.get("context"), where)


_STRING = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_CALL = re.compile(rf"(?<![\w.])(gettext|ngettext|pgettext|npgettext|_)\(\s*({_STRING}(?:\s*,\s*{_STRING})*)")


def template_messages(text: str, name: str) -> Iterator[Message]:
    """The texts of a template, by Django's own rewriting of its tags into calls of gettext."""
    rewritten = templatize(text, origin=name)
    for call in _CALL.finditer(rewritten):
        shape = SHAPES[call[1]]
        texts = [ast.literal_eval(literal[0]) for literal in re.finditer(_STRING, call[2])]
        if len(texts) >= len(shape):
            line = rewritten.count("\n", 0, call.start()) + 1
            yield _message(dict(zip(shape, texts, strict=False)), f"{name}:{line}")


# --- The catalogue ---------------------------------------------------------------------------------------------------


def entry_key(entry: polib.POEntry) -> tuple[str, str]:
    return (entry.msgctxt or "", entry.msgid)


def load(path: Path = CATALOGUE) -> polib.POFile:
    """The catalogue, or an empty one where there is none yet."""
    if path.exists():
        return polib.pofile(str(path), encoding="utf-8", wrapwidth=110)
    catalogue = polib.POFile(encoding="utf-8", wrapwidth=110)
    catalogue.metadata = METADATA
    return catalogue


@contextmanager
def opened_for_writing(path: Path = CATALOGUE) -> Iterator[polib.POFile]:
    """The catalogue under a lock on its folder; saved sorted, and compiled, when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        catalogue = load(path)
        yield catalogue
        catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))
        _replace(path, catalogue.save)
        _replace(path.with_suffix(".mo"), catalogue.save_as_mofile)
    finally:
        os.close(folder)


def _replace(path: Path, write: Callable[[str], None]) -> None:
    """Write beside, then swap: whoever reads meanwhile sees the old file or the new one, never half of it."""
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        write(beside)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def compile_catalogue(path: Path = CATALOGUE) -> bool:
    """Write the .mo where it is missing or older than the .po. True where something was written."""
    target = path.with_suffix(".mo")
    if not path.exists() or (target.exists() and target.stat().st_mtime >= path.stat().st_mtime):
        return False
    _replace(target, load(path).save_as_mofile)
    return True


# --- Typography ------------------------------------------------------------------------------------------------------

NO_BREAK = "\u00a0"

# Written for programs, so left as they are: code, addresses, tags, character references, placeholders.
_NOT_PROSE = re.compile(
    r"<code\b.*?</code>|`[^`]*`|<[^<>]*>|\b(?:https?|mailto|tel):\S*|&#?\w+;|%%|%\([^()]*\)[#0\- +]*[a-z]|\{[^{}]*\}"
)
# A sign that stands at a word's end: the : of 12:30 and the ? of a query string do not. U+202F is as good as U+00A0.
_SPACED = re.compile(r"(?<=[^\s:;!?]) ?([:;!?]+)(?![^\s<.,)»…])|(?<=\S) ?(»)|« ?(?=\S)")


def spaced(french: str) -> str:
    """The text with a no-break space before : ; ! ? and inside « », as French typography wants.

    Source: Lexique des règles typographiques en usage à l'Imprimerie nationale, « Ponctuation ».
    """
    kept = [(part.start(), part.end()) for part in _NOT_PROSE.finditer(french)]

    def with_space(sign: re.Match[str]) -> str:
        if any(start < sign.end() <= end for start, end in kept):
            return sign[0]
        closing = sign[1] or sign[2]
        return NO_BREAK + closing if closing else f"«{NO_BREAK}"

    return _SPACED.sub(with_space, french)


# Names come in as they are. %(absent)s may follow: activity.wording.elided() looks after it.
_UNELIDED = re.compile(
    r"\b(?:de|que) (?:<\w+>)?%\((?:actor|by|cover|firm|inviter|me|member|name|person|role|subject|to)\)s",
    re.IGNORECASE,
)


# --- Comparing the two -----------------------------------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"%\((\w[\w.|: ]*)\)")


def placeholders(text: str) -> frozenset[str]:
    return frozenset(_PLACEHOLDER.findall(text))


def french_forms(entry: polib.POEntry) -> list[str]:
    """The French texts of an entry: one, or two where it has a plural."""
    if entry.msgid_plural:
        return [entry.msgstr_plural.get(form, "") for form in (0, 1)]
    return [entry.msgstr]


def problems(messages: list[Message], catalogue: polib.POFile) -> Iterator[str]:
    """What keeps the French from being complete and right, a line each."""
    entries = {entry_key(entry): entry for entry in catalogue if not entry.obsolete}
    for message in messages:
        trouble = _trouble(message, entries.get(message.key))
        if trouble:
            yield f"{message.where}: {trouble}: {message.msgid!r}"
    used = {message.key for message in messages}
    for key, entry in entries.items():
        if key not in used:
            yield f"{CATALOGUE.relative_to(ROOT)}:{entry.linenum}: no code uses this text any more: {entry.msgid!r}"


def _trouble(message: Message, entry: polib.POEntry | None) -> str:
    """What is wrong with the French of one message; empty where nothing is."""
    if entry is None:
        return "has no French"
    if entry.fuzzy:
        return "its French is marked fuzzy"
    if message.plural and entry.msgid_plural != message.plural:
        return f"the French is for the plural {entry.msgid_plural!r}, the code has {message.plural!r}"
    forms = french_forms(entry)
    if not all(forms):
        return "has no French"
    expected = {placeholders(message.msgid), placeholders(message.plural or message.msgid)}
    wrong = [form for form in forms if placeholders(form) not in expected]
    if wrong:
        return f"other placeholders in {wrong[0]!r}"
    return next(filter(None, map(_slip, forms)), "")


def _slip(french: str) -> str:
    """What is wrong with the French as French; empty where nothing is."""
    if spaced(french) != french:
        return f"no-break spaces are missing (run “mend”) in {french!r}"
    if _UNELIDED.search(french):
        return f"a name may begin with a vowel (“d'Alice”), so put it differently in {french!r}"
    return ""


# --- Commands --------------------------------------------------------------------------------------------------------


def add(texts: dict[str, str | list[str]]) -> int:
    """Merge the French texts into the catalogue. Returns how many; raises TranslationProblem for what cannot be."""
    messages = list(messages_of(sources(), skip_broken=True))
    plurals = {message.key: message for message in messages if message.plural}
    texts = _as_templates_write_them(texts, {message.key for message in messages})
    with opened_for_writing() as catalogue:
        entries = {entry_key(entry): entry for entry in catalogue}
        for name, french in texts.items():
            entry = _entry_for(name, french, plurals)
            previous = entries.get(entry_key(entry))
            if previous is not None:
                catalogue.remove(previous)
            catalogue.append(entry)
            entries[entry_key(entry)] = entry
    return len(texts)


def _as_templates_write_them(
    texts: dict[str, str | list[str]], used: set[tuple[str, str]]
) -> dict[str, str | list[str]]:
    """Django doubles every % of a {% translate %}: so do we, for texts that no code has otherwise."""

    def doubled(name: str, french: str | list[str]) -> bool:
        context, _, msgid = name.rpartition(CONTEXT_SEPARATOR)
        twice = msgid.replace("%", "%%")
        return isinstance(french, str) and (context, msgid) not in used and (context, twice) in used

    return {
        (name.replace("%", "%%") if twice else name): (str(french).replace("%", "%%") if twice else french)
        for name, french in texts.items()
        for twice in [doubled(name, french)]
    }


def _entry_for(name: str, french: str | list[str], plurals: dict[tuple[str, str], Message]) -> polib.POEntry:
    context, _, msgid = name.rpartition(CONTEXT_SEPARATOR)
    if isinstance(french, str):
        return polib.POEntry(msgid=msgid, msgstr=spaced(french), msgctxt=context or None)
    message = plurals.get((context, msgid))
    if message is None:
        raise TranslationProblem(
            f"No code has a plural for {msgid!r}: write the code first. Nothing was added."
        )
    if len(french) != 2:
        raise TranslationProblem(
            f"French has two forms, one for 0 and 1, one for more: {msgid!r}. Nothing was added."
        )
    forms = dict(enumerate(map(spaced, french)))
    return polib.POEntry(
        msgid=msgid, msgid_plural=message.plural, msgstr_plural=forms, msgctxt=context or None
    )


def mend() -> int:
    """Give all French texts their no-break spaces. Returns how many entries were changed."""
    with opened_for_writing() as catalogue:
        ill = [entry for entry in catalogue if any(spaced(form) != form for form in french_forms(entry))]
        for entry in ill:
            entry.msgstr = spaced(entry.msgstr)
            entry.msgstr_plural = {number: spaced(form) for number, form in entry.msgstr_plural.items()}
    return len(ill)


def prune() -> int:
    """Remove what no code uses. Returns how many entries went."""
    used = {message.key for message in messages_of(sources())}
    with opened_for_writing() as catalogue:
        unused = [entry for entry in catalogue if entry_key(entry) not in used]
        for entry in unused:
            catalogue.remove(entry)
    return len(unused)


def run_add() -> int:
    texts = json.load(sys.stdin)
    if not isinstance(texts, dict):
        raise TranslationProblem(
            "Standard input must be one JSON object, msgid to French. Nothing was added."
        )
    print(f"{add(texts)} French texts added.")
    return 0


def run_extract() -> int:
    for message in messages_of(sources()):
        context = f"[{message.context}] " if message.context else ""
        plural = f" | {message.plural!r}" if message.plural else ""
        print(f"{message.where}: {context}{message.msgid!r}{plural}")
    return 0


def run_check() -> int:
    messages = list(messages_of(sources()))
    found = list(problems(messages, load()))
    print("\n".join(found) if found else f"The French is complete: {len({m.key for m in messages})} texts.")
    return 1 if found else 0


def run_mend() -> int:
    print(f"{mend()} texts mended.")
    return 0


def run_prune() -> int:
    print(f"{prune()} unused texts removed.")
    return 0


def run_compile() -> int:
    print("Compiled." if compile_catalogue() else "Already up to date.")
    return 0


COMMANDS: dict[str, Callable[[], int]] = {
    "add": run_add,
    "extract": run_extract,
    "check": run_check,
    "mend": run_mend,
    "prune": run_prune,
    "compile": run_compile,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    try:
        return COMMANDS[parser.parse_args().command]()
    except (TranslationProblem, json.JSONDecodeError) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
