"""Who sees what, by the rules as an administrator would tell them: written for the tests alone, without a database.

Knows names only. Shares nothing with the product, so that the two can disagree.
"""

from dataclasses import dataclass, field

OPEN = {"created", "active"}


@dataclass
class Person:
    role: str  # admin, collaborator
    state: str  # invited, created, active, suspended, terminated


@dataclass
class File:
    portfolio: str | None = None
    archived: bool = False
    own: bool = False


@dataclass
class PlainFirm:
    """A firm as names: people, files, who was given what, who stands in for whom."""

    people: dict[str, Person] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    portfolios: set[str] = field(default_factory=set)
    # Terminated portfolios, and where their files went.
    ended: dict[str, str | None] = field(default_factory=dict)
    former: dict[str, set[str]] = field(default_factory=dict)
    subscribed: dict[tuple[str, str], str] = field(default_factory=dict)  # person, portfolio → role
    assigned: dict[tuple[str, str], str] = field(default_factory=dict)  # person, file → role
    promised: str | None = None  # the portfolio that goes with the invitation
    covers: set[tuple[str, str, bool]] = field(default_factory=set)  # cover, absent, single files too

    def enters(self, who: str) -> bool:
        return self.people[who].state in OPEN

    def is_admin(self, who: str) -> bool:
        return self.enters(who) and self.people[who].role == "admin"

    def sees(self, who: str, what: str) -> bool:
        return bool(self.roles(who, what))

    def changes(self, who: str, what: str) -> bool:
        return not self.files[what].archived and bool(self.roles(who, what) & {"admin", "accountant"})

    def roles(self, who: str, what: str) -> set[str]:
        """As what the person reaches the file: every way counts."""
        if not self.enters(who):
            return set()
        if self.people[who].role == "admin":
            return {"admin"}
        if self.files[what].own:
            return set()
        found = self._given(who, what, singly=True)
        for cover, absent, singly in self.covers:
            if cover == who:
                found |= self._given(absent, what, singly=singly)
        return found

    def _given(self, who: str, what: str, *, singly: bool) -> set[str]:
        found = set()
        portfolio = self.files[what].portfolio
        if portfolio in self.portfolios and (who, portfolio) in self.subscribed:
            found.add(self.subscribed[who, portfolio])
        if singly and (who, what) in self.assigned:
            found.add(self.assigned[who, what])
        return found

    def alone_in_charge(self, who: str) -> bool:
        return self.is_admin(who) and sum(self.is_admin(one) for one in self.people) == 1

    def end_portfolio(self, name: str, successor: str | None) -> None:
        inside = {what for what, file in self.files.items() if file.portfolio == name}
        self.portfolios.remove(name)
        self.ended[name], self.former[name] = successor, inside
        for what in inside:
            self.files[what].portfolio = successor

    def bring_back(self, name: str) -> None:
        """With those of its files that nobody has put elsewhere since."""
        successor, inside = self.ended.pop(name), self.former.pop(name)
        self.portfolios.add(name)
        for what in inside:
            if self.files[what].portfolio == successor:
                self.files[what].portfolio = name

    def hand_over(self, who: str, taker: str) -> None:
        """What runs now goes on, in the leaver's role, unless the taker's own reaches as far."""
        for given, runs in ((self.subscribed, self.portfolios), (self.assigned, self.files)):
            for person, what in list(given):
                if person == who and what in runs and given.get((taker, what)) != "accountant":
                    given[taker, what] = given[who, what]

    def gone(self, who: str) -> None:
        """Whoever is terminated holds nothing any more, and nobody stands in for them."""
        self.people[who].state = "terminated"
        for given in (self.subscribed, self.assigned):
            for key in [key for key in given if key[0] == who]:
                del given[key]
        self.covers = {one for one in self.covers if who not in one[:2]}
