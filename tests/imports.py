"""Draws which folder of ``src`` imports which. Fails if a folder imports one above it, or if files import in a circle.

    python tests/imports.py            # prints the drawing and the imports that are not allowed
    python tests/imports.py --write    # also puts the drawing into CONTRIBUTING.md
    python tests/imports.py --check    # prints only what is wrong, also if CONTRIBUTING.md has another drawing

An import is a ``use`` or a path in the code (``crate::vocab::Keys::new()``). Code under ``#[cfg(test)]`` does not
count. A name that a module re-exports (``pub use``) counts as an import of the file that defines it, so a ``mod.rs``
that only declares and re-exports its files imports none of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The folders and files of ``src``, each before those that may import it.
ORDER = [
    *("error", "utf8", "exact", "process", "registry", "progress", "config"),
    *("kernel", "arrow", "parquet_checks", "pickle", "store", "output", "npy", "bundle", "toy_corpus"),
    *("corpus", "vocab", "phrases", "encode", "train", "tokenise", "vectors", "formats", "models", "plot", "expr"),
    *("cli", "python"),
]
BEGIN, END = "<!-- imports: drawn by `make imports` -->\n```text\n", "```\n<!-- end of imports -->"

#: Comments, and string and character literals, which may hold anything.
OPAQUE = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | \bb?r(?P<hashes>\#*)".*?"(?P=hashes) | b?"(?:\\.|[^"\\])*" | b?'(?:\\.[^']*|[^'\\])'""",
    re.DOTALL | re.VERBOSE,
)
PATH_IN_STRING = re.compile(r'"((?:crate|self|super)(?:::\w+)+)"')
TEST_ONLY = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]")
USE = re.compile(r"(?P<public>\bpub(?:\([^)]*\))?\s+)?\buse\s+(?P<tree>[^;]+);")
#: `pub(in crate::vocab)` says who may use a thing. It is no import.
VISIBILITY = re.compile(r"\bpub\(in [^)]*\)")
MODULE = re.compile(r"\bmod\s+(\w+)\s*([;{])")
PATH = re.compile(r"(?<![\w:.])(?:r#)?[a-z_]\w*(?:::\w+)+")

Path_ = tuple[str, ...]


@dataclass
class Module:
    """A file of the crate."""

    file: Path
    path: Path_
    code: str
    children: dict[str, Module] = field(default_factory=dict)
    #: What each name that a ``use`` brings in stands for.
    names: dict[str, Path_] = field(default_factory=dict)
    globs: list[Path_] = field(default_factory=list)
    #: Every path in the code with its line.
    paths: list[tuple[Path_, int]] = field(default_factory=list)

    @property
    def unit(self) -> str:
        """The folder or file of ``src`` that this is or stands in."""
        return self.path[0]


@dataclass
class Import:
    """A line of one file that names something of another."""

    source: Module
    target: Module
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.source.file.relative_to(ROOT)}:{self.line}: {self.what} ({self.target.file.relative_to(ROOT)})"


def without_literals(text: str) -> str:
    """The code, with blanks for comments, literals and visibilities; but paths in strings, as for ``serde``, stay."""

    def blank(found: re.Match[str]) -> str:
        if inside := PATH_IN_STRING.fullmatch(found[0]):
            return f" {inside[1]} "
        return re.sub(r"[^\n]", " ", found[0])

    return VISIBILITY.sub(lambda found: "pub".ljust(len(found[0])), OPAQUE.sub(blank, text))


def end_of_item(code: str, start: int) -> int:
    """Where the item that begins at ``start`` ends: behind its block, or its semicolon if that comes first."""
    depth = 0
    for position in range(start, len(code)):
        character = code[position]
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0 and character == "}":
                return position + 1
        elif character == ";" and depth == 0:
            return position + 1
    return len(code)


def without_tests(code: str) -> str:
    while found := TEST_ONLY.search(code):
        end = end_of_item(code, found.end())
        code = code[: found.start()] + re.sub(r"[^\n]", " ", code[found.start() : end]) + code[end:]
    return code


def leaves(tree: str) -> list[tuple[Path_, str]]:
    """The paths that a tree of ``use`` stands for, each with the name that it gets."""
    tree = tree.strip()
    if tree.startswith("::"):  # another crate
        return []
    prefix, brace, inner = tree.partition("{")
    if brace:
        before = tuple(segment.strip() for segment in prefix.split("::") if segment.strip())
        branches, depth, start = [], 0, 0
        inner = inner.rstrip()[:-1]
        for position, character in enumerate(inner):
            depth += (character == "{") - (character == "}")
            if character == "," and depth == 0:
                branches.append(inner[start:position])
                start = position + 1
        branches.append(inner[start:])
        return [(before + path, name) for branch in branches if branch.strip() for path, name in leaves(branch)]
    path, _, alias = (part.strip() for part in tree.partition(" as "))
    segments = tuple(path.split("::"))
    if segments[-1] == "self":  # `use a::b::{self}`: the caller puts the module's name before it
        return [((), alias)] if len(segments) == 1 else [(segments[:-1], alias or segments[-2])]
    return [(segments, alias or segments[-1])]


def parse(file: Path, path: Path_) -> Module:
    """Read a file and the files of the modules that it declares."""
    code = without_tests(without_literals(file.read_text(encoding="utf8")))
    module = Module(file, path, code)
    folder = file.parent if file.name in ("mod.rs", "lib.rs") else file.parent / file.stem
    inline = []
    for found in MODULE.finditer(code):
        name = found[1]
        if found[2] == "{":
            inline.append(range(found.start(), end_of_item(code, found.start())))
            continue
        child = next(one for one in (folder / f"{name}.rs", folder / name / "mod.rs") if one.exists())
        module.children[name] = parse(child, (*path, name))

    def seen_from_the_file(path: Path_, position: int) -> Path_:
        """In a module within the file, ``super`` is the file itself."""
        for _ in (span for span in inline if position in span):
            if path[0] == "super":
                path = path[1:] if path[1:2] == ("super",) else ("self", *path[1:])
        return path

    uses = []
    for found in USE.finditer(code):
        for leaf, given in leaves(found["tree"]):
            leaf = seen_from_the_file(leaf, found.start())
            name = given or leaf[-1]
            line = code.count("\n", 0, found.start()) + 1
            if name == "*":
                module.globs.append(leaf[:-1])
            else:
                module.names[name] = leaf
            uses.append((name, leaf, line, bool(found["public"])))
    rest = USE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), code)
    for name, leaf, line, public in uses:
        # A re-export is the importer's affair, unless this file uses the name too.
        if not public or re.search(rf"(?<![\w:]){re.escape(name)}\b", rest):
            module.paths.append((leaf, line))
    for found in PATH.finditer(rest):
        segments = tuple(found[0].removeprefix("r#").split("::"))
        module.paths.append((seen_from_the_file(segments, found.start()), rest.count("\n", 0, found.start()) + 1))
    return module


def every(module: Module) -> list[Module]:
    return [module, *(below for child in module.children.values() for below in every(child))]


class Crate:
    """All files, and what each imports of which."""

    def __init__(self, src: Path) -> None:
        self.root = parse(src / "lib.rs", ())
        self.modules = every(self.root)[1:]
        self.by_path = {module.path: module for module in self.modules} | {(): self.root}
        self.imports: list[Import] = []
        for module in self.modules:
            seen = set()
            for path, line in module.paths:
                target = self.defined_in(module, path)
                if target and target is not module and target is not self.root and (target.path, line) not in seen:
                    seen.add((target.path, line))
                    self.imports.append(Import(module, target, line, "::".join(path)))

    def defined_in(self, module: Module, path: Path_, trail: tuple[tuple[Path_, Path_], ...] = ()) -> Module | None:
        """The file that defines what ``path`` names in ``module``; None if it is of another crate or of the prelude."""
        if (module.path, path) in trail:
            return None
        trail = (*trail, (module.path, path))
        here, rest, own = module, path, False
        while rest and rest[0] in ("crate", "self", "super"):
            here = {"crate": self.root, "self": here, "super": self.by_path[here.path[:-1]]}[rest[0]]
            rest, own = rest[1:], True
        while rest:
            name = rest[0]
            if name in here.children:
                here = here.children[name]
            elif name in here.names and here.names[name][0] != name:
                return self.defined_in(here, (*here.names[name], *rest[1:]), trail)
            else:
                return here if own or self.defines(here, name) else self.through_globs(here, rest, trail)
            rest, own = rest[1:], True
        return here

    def through_globs(self, module: Module, rest: Path_, trail: tuple[tuple[Path_, Path_], ...]) -> Module | None:
        for glob in module.globs:
            target = self.defined_in(module, glob, trail)
            if target and (rest[0] in target.children or self.defines(target, rest[0])):
                return self.defined_in(target, ("self", *rest), trail)
        return None

    @staticmethod
    def defines(module: Module, name: str) -> bool:
        kinds = r"\b(?:fn|struct|enum|trait|type|const|static|union|mod|macro_rules!)\s+"
        return re.search(kinds + re.escape(name) + r"\b", module.code) is not None

    def folders(self) -> dict[str, set[str]]:
        """What each folder imports."""
        all_of_them: dict[str, set[str]] = {module.unit: set() for module in self.modules}
        for one in self.imports:
            if one.source.unit != one.target.unit:
                all_of_them[one.source.unit].add(one.target.unit)
        return all_of_them

    def drawing(self) -> str:
        imported = self.folders()
        order = [unit for unit in ORDER if unit in imported]
        return "".join(
            "".join("● " if other in imported[unit] else "· " for other in order[:at]) + f"{unit}\n"
            for at, unit in enumerate(order)
        )

    def faults(self) -> list[str]:
        faults = [
            f"src/{unit} is not in the order of folders: add it to ORDER in tests/imports.py"
            for unit in self.folders()
            if unit not in ORDER
        ]
        if faults:
            return faults
        for one in self.imports:
            if ORDER.index(one.target.unit) > ORDER.index(one.source.unit):
                faults.append(f"{one}: {one.target.unit} stands above {one.source.unit}")
        for circle in self.circles():
            lines = [str(one) for one in self.imports if {one.source.path, one.target.path} <= circle]
            names = ", ".join(sorted(str(self.by_path[path].file.relative_to(ROOT)) for path in circle))
            faults.append(f"a circle of {len(circle)} files: {names}\n  " + "\n  ".join(lines))
        return faults

    def circles(self) -> list[set[Path_]]:
        """Sets of files that reach each other by imports."""
        direct: dict[Path_, set[Path_]] = {module.path: set() for module in self.modules}
        for one in self.imports:
            direct[one.source.path].add(one.target.path)

        def reachable(start: Path_) -> set[Path_]:
            seen: set[Path_] = set()
            waiting = list(direct[start])
            while waiting:
                path = waiting.pop()
                if path not in seen:
                    seen.add(path)
                    waiting.extend(direct[path])
            return seen

        reached = {path: reachable(path) for path in direct}
        circles: list[set[Path_]] = []
        for path in direct:
            circle = {other for other in reached[path] if path in reached[other]}
            if circle and circle not in circles:
                circles.append(circle)
        return circles


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()

    crate = Crate(ROOT / "src")
    drawing = crate.drawing()
    contributing = ROOT / "CONTRIBUTING.md"
    text = contributing.read_text(encoding="utf8")
    before, _, rest = text.partition(BEGIN)
    kept, _, after = rest.partition(END)
    faults = crate.faults()
    if options.write:
        contributing.write_text(before + BEGIN + drawing + END + after, encoding="utf8")
    elif options.check and kept != drawing:
        faults.append("CONTRIBUTING.md: the drawing of the imports is out of date; run `make imports`")
    if not options.check:
        print(drawing)
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
