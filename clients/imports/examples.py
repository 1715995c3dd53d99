"""The template's example rows, sent back as they were: they are no clients."""

from collections.abc import Mapping, Sequence

from clients.resources import columns_by_name

Raw = Mapping[str, tuple[Sequence[str], str]]
# What makes an example the one that we wrote; a portfolio or a kind is the firm's, or in its language.
_TELLING = ("reference", "legal_name", "last_name", "siren", "siret", "email", "address")
_ENOUGH = 4


def examples_in(raw: Raw) -> set[int]:
    """The places of the rows that say in every telling column what an example says, and in enough of them."""
    if "reference" not in raw:
        return set()
    written = {name: column.examples for name, column in columns_by_name().items() if name in _TELLING}
    known = {name: examples for name, examples in written.items() if name in raw}
    if len(known) < _ENOUGH:
        return set()
    codes = {code: which for which, code in enumerate(written["reference"])}
    return {
        place
        for place, text in enumerate(raw["reference"][0])
        if (which := codes.get(text.strip())) is not None
        and all(raw[name][0][place].strip() == examples[which] for name, examples in known.items())
    }
