"""The examples of the docstrings do what they show, and the stubs name what the module has."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path

import polars as pl
import pytest

import polargram as pg

PACKAGE = Path(pg.__file__).parent
MODULES = [f"polargram.{path.stem}" for path in sorted(PACKAGE.glob("*.py")) if not path.stem.startswith("__")]
EXAMPLES = [
    pytest.param(example, id=example.name)
    for module in ["polargram", *MODULES]
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    if example.examples
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_prints_what_it_shows(example: doctest.DocTest, here: Path) -> None:
    report: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert tried > 0
    assert failed == 0, "".join(report)


@pytest.mark.parametrize(
    "name", ["polargram.word2vec.Word2Vec", "polargram.lookups.embed", "polargram.expr.W2VNamespace.embed"]
)
def test_what_users_call_first_has_an_example(name: str) -> None:
    assert name in {parameter.values[0].name for parameter in EXAMPLES}


@pytest.mark.parametrize("name", ["RULE_DEFAULT", "RULE_DISCARD", "RULE_KEEP", "StopTraining"])
def test_names_that_training_needs_are_in_its_module_too(name: str) -> None:
    module = importlib.import_module("polargram.word2vec")
    assert getattr(module, name) is getattr(pg, name)
    assert {name, "Corpus", "TrimRule", "Word2Vec"} <= set(module.__all__)


@pytest.mark.parametrize("name", pg.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    public = getattr(pg, name)
    if not isinstance(public, str):
        assert public.__doc__
        # A module has names of other modules too.
        is_own = set(getattr(public, "__all__", dir(public)))
        for member, value in inspect.getmembers(public, callable):
            assert member.startswith("_") or member not in is_own or value.__doc__, f"{name}.{member}"


def public_callables() -> dict[str, object]:
    """Every public class, function and method, by name; those of modules are what the modules name."""
    found: dict[str, object] = {}
    for name in pg.__all__:
        public = getattr(pg, name)
        names = {f"{name}.{own}": getattr(public, own) for own in public.__all__} if inspect.ismodule(public) else {}
        found.update(names or {name: public})
    for name, public in list(found.items()):
        for member in dir(public) if inspect.isclass(public) else []:
            value = inspect.getattr_static(public, member)
            function = getattr(value, "__func__", value)
            is_ours = (getattr(function, "__module__", None) or "").startswith("polargram")
            if not member.startswith("_") and callable(function) and is_ours:
                found[f"{name}.{member}"] = function
    return {name: public for name, public in found.items() if inspect.isclass(public) or callable(public)}


def test_every_public_class_function_and_method_has_an_example() -> None:
    found = public_callables()
    assert {"KeyedVectors.load", "npy.open", "registry.clear", "W2VSeries.ids", "Word2Vec.train", "embed"} <= set(found)
    assert [name for name, public in found.items() if ">>>" not in (inspect.getdoc(public) or "")] == []


def test_every_parameter_of_a_model_is_documented() -> None:
    documented = inspect.getdoc(pg.Word2Vec).split("Parameters\n")[1].split("Raises\n")[0]
    lines = re.findall(r"^([a-z_0-9]+(?:, [a-z_0-9]+)*)$", documented, re.MULTILINE)
    names = [name for line in lines for name in line.split(", ")]
    assert sorted(names) == sorted(inspect.signature(pg.Word2Vec).parameters)


def test_the_stubs_name_what_the_native_module_has() -> None:
    native = importlib.import_module("polargram._polargram")
    stubs = ast.parse((PACKAGE / "_polargram.pyi").read_text())
    described = [node for node in stubs.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    assert {node.name for node in described} == {
        name for name in vars(native) if not name.startswith("_") and name != "annotations"
    }
    for node in described:
        if isinstance(node, ast.ClassDef):
            members = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
            there = {name for name in vars(getattr(native, node.name)) if not name.startswith("_")}
            assert {name for name in members if not name.startswith("_")} == there, node.name
            assert all(hasattr(getattr(native, node.name), name) for name in members), node.name


def parameters_of(function: ast.FunctionDef) -> list[tuple[str, bool]]:
    """The names of a stub's parameters, and whether they have defaults."""
    arguments = function.args
    names = [argument.arg for argument in arguments.args]
    defaults = [False] * (len(names) - len(arguments.defaults)) + [True] * len(arguments.defaults)
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    both = [
        *zip(names, defaults, strict=True),
        *((argument.arg, default is not None) for argument, default in keywords),
        *((argument.arg, False) for argument in (arguments.vararg, arguments.kwarg) if argument is not None),
    ]
    return [(name, default) for name, default in both if name not in ("self", "cls")]


def test_the_stubs_have_the_parameters_of_the_native_module() -> None:
    native = importlib.import_module("polargram._polargram")
    stubs = ast.parse((PACKAGE / "_polargram.pyi").read_text())
    compared = 0
    for scope, owner in [(stubs, native)] + [
        (node, getattr(native, node.name)) for node in stubs.body if isinstance(node, ast.ClassDef)
    ]:
        for stub in scope.body:
            is_plain = isinstance(stub, ast.FunctionDef) and (not stub.name.startswith("_") or stub.name == "__new__")
            # A setter's mark is the attribute of a property.
            if not is_plain or any(getattr(mark, "id", "property") == "property" for mark in stub.decorator_list):
                continue
            signature = inspect.signature(owner if stub.name == "__new__" else getattr(owner, stub.name))
            parameters = [(name.lstrip("_"), p) for name, p in signature.parameters.items() if name != "self"]
            is_optional = {p.name: p.default is not p.empty for _, p in parameters}
            there = [(name, is_optional[p.name]) for name, p in parameters]
            assert parameters_of(stub) == there, f"{getattr(owner, '__name__', owner)}.{stub.name}"
            compared += 1
    assert compared > 30


def test_the_package_is_marked_as_typed_and_registers_its_namespace() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert isinstance(pl.col("x").w2v, pg.W2VNamespace)
