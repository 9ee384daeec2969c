"""What must load nothing heavy, read from the syntax trees; pyproject.toml holds who may import whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((SOURCE / "descent").rglob("*.py"))
}
HEAVY = ("torch", "torchvision", "lightning", "sklearn", "scipy", "numpy", "pandas", "matplotlib", "tensorboard")


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree that importing it runs: none in functions or for type checkers."""
    for child in ast.iter_child_nodes(tree):
        typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (typing_only or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))):
            yield child
            yield from nodes(child)


def imports(path: Path) -> set[str]:
    """What importing a file imports: ``a.b`` for ``import a.b`` and for ``from a import b``."""
    found = set()
    for node in nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def loaded(path: Path) -> set[str]:
    """What importing a file loads, through our own modules too."""
    found: set[str] = set()
    pending = imports(path)
    while pending:
        name = pending.pop()
        found.add(name)
        if inside(name, "descent"):
            for module in (name, name.rpartition(".")[0]):  # `from descent.errors import InputError` names no module
                if module in MODULES and module != "descent":
                    pending |= imports(MODULES[module]) - found
    return found


def within(*packages: str) -> list[str]:
    return [module for module in MODULES if inside(module, *packages)]


@pytest.mark.parametrize(
    "path",
    [ROOT / "train.py", *(MODULES[f"descent.{module}"] for module in ("cli", "config.command"))],
    ids=lambda path: path.stem,
)
def test_help_loads_neither_the_types_of_settings_nor_anything_heavier(path: Path) -> None:
    assert not {name for name in loaded(path) if inside(name, "pydantic", *HEAVY)}


@pytest.mark.parametrize("module", [*within("descent.config", "descent.errors"), "descent.training.run", "descent.sweeps.sweep"])
def test_what_refuses_bad_input_loads_nothing_heavy(module: str) -> None:
    assert not {name for name in loaded(MODULES[module]) if inside(name, *HEAVY)}


@pytest.mark.parametrize("module", within("descent.analysis", "descent.plots", "descent.report", "descent.experiments"))
def test_the_comparison_loads_nothing_that_trains(module: str) -> None:
    trains = ("torch", "torchvision", "lightning", "hydra", "omegaconf", "sklearn", "pickle", "cloudpickle")
    assert not {name for name in loaded(MODULES[module]) if inside(name, *trains)}


@pytest.mark.parametrize(
    "module", [*within("descent.problems", "descent.optimizers", "descent.records"), "descent.training.build"]
)
def test_what_trains_loads_lightning_only_where_it_is_needed(module: str) -> None:
    deferred = {"descent.records.loggers"}  # itself loaded only where a run logs there
    assert module in deferred or not {name for name in loaded(MODULES[module]) if inside(name, "lightning", "pytorch_lightning")}
