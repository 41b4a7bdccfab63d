"""Readies docstrings for the site: roles, as in :meth:`load`, become links, and parameters that are described together
are shown one by one.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|meth|func|attr|mod|data):`(~?)([\w.]+)`")
#: Names of parameters, and the indented lines about them. Griffe would show the first one's default for all.
TOGETHER = re.compile(r"^(\w+(?:, \w+)+)\n((?: +\S.*\n?|\n(?= ))+)", re.MULTILINE)
#: Classes that are shown with all that they inherit.
WHOLE = ("polargram.keyed_vectors.KeyedVectors", "polargram.word2vec.Word2Vec")


def one_by_one(found: re.Match[str]) -> str:
    """Give each parameter with what is said of all of them."""
    about = found[2].rstrip("\n") + "\n"
    return "".join(f"{name}\n{about}" for name in found[1].split(", "))


class Roles(griffe.Extension):
    """Rewrites all docstrings when the package is loaded."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Rewrite those of a package."""
        self.package = pkg
        #: Where each class from which a whole one inherits is shown.
        self.shown = {pkg.path: pkg.path}
        for path in WHOLE:
            whole = pkg[path.removeprefix(f"{pkg.path}.")]
            self.shown |= {base.path: path for base in (whole, *whole.mro())}
        self.rewrite(pkg)

    def rewrite(self, place: griffe.Object) -> None:
        """Rewrite the docstrings of an object and of its members."""
        if place.docstring:
            text = ROLE.sub(lambda found: self.link(place, found[1], found[2]), place.docstring.value)
            place.docstring.value = TOGETHER.sub(one_by_one, text)
        for member in place.members.values():
            if not member.is_alias:
                self.rewrite(member)  # type: ignore[arg-type]

    def link(self, place: griffe.Object, short: str, name: str) -> str:
        """Give a link to what a name means here, or only the name if the site does not show it."""
        text = f"`{name.rsplit('.', 1)[-1] if short else name}`"
        owner = place if place.is_class else place.parent
        if owner is not None and owner.is_class and "." not in name:
            found = self.member(f"{self.shown.get(owner.path, owner.path)}.{name}")
            if found:
                return f"[{text}][{found}]"
        found = self.member(f"{self.package.path}.{name.removeprefix('polargram.')}")
        return f"[{text}][{found}]" if found else text

    def member(self, path: str) -> str | None:
        """Give where the site shows an object with a docstring of its own."""
        parts = path.split(".")[1:]
        place: Any = self.package
        shown = self.package.path
        for part in parts:
            members = place.all_members if place.is_class else place.members
            if part not in members or part.startswith("_"):
                return None
            place = members[part]
            if place.is_alias and not shown.startswith(WHOLE):
                place = place.final_target
                shown = place.path
            else:
                shown = f"{shown}.{part}"
        return shown if place.has_docstring and shown != self.package.path else None
