"""Imports go one way (leaves, module, build, run). Read from the syntax trees: nothing is imported here."""

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
LEAVES = ("descent.problems", "descent.batching", "descent.optimizers", "descent.schedules", "descent.records")
FOUNDATIONS = ("descent.errors", "descent.randomness", "descent.__version__", "descent.config")  # which everyone may import
HEAVY = ("torch", "torchvision", "lightning", "sklearn", "scipy", "numpy", "pandas", "matplotlib", "tensorboard")


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def nodes(tree: ast.AST, deferred: bool) -> Iterator[ast.AST]:
    """The nodes of a tree; what is in functions or for type checkers only where `deferred` holds."""
    for child in ast.iter_child_nodes(tree):
        typing_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if deferred or not (typing_only or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))):
            yield child
            yield from nodes(child, deferred)


def imports(path: Path, deferred: bool = True) -> set[str]:
    """What a file imports: ``a.b`` for ``import a.b`` and for ``from a import b``."""
    found = set()
    for node in nodes(ast.parse(path.read_text()), deferred):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def loaded(path: Path) -> set[str]:
    """What importing a file loads, through our own modules too."""
    found: set[str] = set()
    pending = imports(path, deferred=False)
    while pending:
        name = pending.pop()
        found.add(name)
        if inside(name, "descent"):
            for module in (name, name.rpartition(".")[0]):  # `from descent.errors import InputError` names no module
                if module in MODULES and module != "descent":
                    pending |= imports(MODULES[module], deferred=False) - found
    return found


def within(*packages: str) -> list[str]:
    return [module for module in MODULES if inside(module, *packages)]


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_leaf_imports_nothing_of_the_house_but_itself(leaf: str) -> None:
    assert within(leaf)
    for module in within(leaf):
        ours = {name for name in imports(MODULES[module]) if inside(name, "descent")}
        assert not {name for name in ours if not inside(name, leaf, *FOUNDATIONS)}, module


@pytest.mark.parametrize("module", ["descent.errors", "descent.randomness"])
def test_a_foundation_imports_nothing_of_the_house(module: str) -> None:
    assert not {name for name in imports(MODULES[module]) if inside(name, "descent")}


def test_the_lightning_module_imports_no_leaf_but_the_interface_of_problems() -> None:
    ours = {name for name in imports(MODULES["descent.training.module"]) if inside(name, *LEAVES)}
    assert {name for name in ours if not inside(name, "descent.problems.base")} == set()


def test_records_import_neither_lightning_nor_torch() -> None:
    for module in within("descent.records"):
        allowed = ("torch.utils.tensorboard",) if module == "descent.records.events" else ()
        heavy = {name for name in imports(MODULES[module]) if inside(name, "lightning", "torch", "sklearn")}
        assert not {name for name in heavy if not inside(name, *allowed)}, module


@pytest.mark.parametrize("module", within("descent.from_scratch"))
def test_from_scratch_is_numpy_and_nothing_else(module: str) -> None:
    ours = ("descent.from_scratch", "descent.schedules", "descent.batching", *FOUNDATIONS)
    standard = ("abc", "collections", "dataclasses", "itertools", "math", "numbers", "types", "typing")
    assert not {name for name in imports(MODULES[module]) if not inside(name, "numpy", "descent", *standard)}
    assert not {name for name in imports(MODULES[module]) if inside(name, "descent") and not inside(name, *ours)}


@pytest.mark.parametrize("module", [*within(*LEAVES), "descent.training.loader", "descent.training.build"])
def test_a_leaf_loads_no_lightning(module: str) -> None:
    assert not {name for name in loaded(MODULES[module]) if inside(name, "lightning", "pytorch_lightning")}


@pytest.mark.parametrize("module", within("descent.comparison"))
def test_the_comparison_reads_files_and_loads_nothing_that_trains(module: str) -> None:
    ours = ("descent.comparison", "descent.records", "descent.from_scratch.objectives", *FOUNDATIONS)
    assert not {name for name in imports(MODULES[module]) if inside(name, "descent") and not inside(name, *ours)}
    trains = ("torch", "torchvision", "lightning", "hydra", "omegaconf", "sklearn", "pickle", "cloudpickle")
    assert not {name for name in imports(MODULES[module]) | loaded(MODULES[module]) if inside(name, *trains)}


def test_only_the_figures_draw() -> None:
    drawing = {module for module, path in MODULES.items() if any(inside(name, "matplotlib") for name in imports(path))}
    figures = ("descent.plots.figures", "descent.experiments")
    helpers = {f"descent.comparison.{name}" for name in ("lines", "panels", "plane", "style")}
    assert {module for module in drawing if not inside(module, *figures)} <= helpers


@pytest.mark.parametrize("module", ["descent.errors", "descent.config.schema", "descent.config.compose"])
def test_what_refuses_bad_input_imports_nothing_heavy(module: str) -> None:
    assert not {name for name in imports(MODULES[module]) | loaded(MODULES[module]) if inside(name, *HEAVY)}


@pytest.mark.parametrize(
    "path", [ROOT / "train.py", MODULES["descent.cli"], MODULES["descent.training.run"]], ids=["train", "cli", "run"]
)
def test_the_entry_loads_nothing_heavy_before_a_run_starts(path: Path) -> None:
    assert not {name for name in loaded(path) if inside(name, *HEAVY)}
