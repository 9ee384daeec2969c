"""What an installed package needs is declared, tested in a known version, and stated once."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
import yaml
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DISTRIBUTIONS = packages_distributions()
OURS = {"descent", "hydra_plugins.descent_study"}
NOT_IMPORTED = {
    "hydra-joblib-launcher",  # chosen by hydra/launcher=joblib
    "hydra-ray-launcher",  # chosen by hydra/launcher=ray
    "schedulefree",  # named by yamls
}


def normal(name: str) -> str:
    """Return the normalized name of a distribution, from a requirement or from metadata."""
    return re.match(r"[\w.-]+", name)[0].lower().replace("_", "-").replace(".", "-")


def declared(*groups: str) -> set[str]:
    """Return the distributions that the package depends on, with those of extras or of dependency groups."""
    more = {**PROJECT["project"]["optional-dependencies"], **PROJECT["dependency-groups"]}
    return {normal(name) for name in PROJECT["project"]["dependencies"] + [name for group in groups for name in more[group]]}


def imported(*paths: str) -> set[str]:
    """Return the packages outside the standard library that files import, at any depth; of a namespace, its members."""
    files = [file for path in paths for file in ((ROOT / path).rglob("*.py") if (ROOT / path).is_dir() else [ROOT / path])]
    modules = {path.stem for path in files} | {path.parent.name for path in files}  # which scripts and tests import
    found = set()
    for node in [node for file in files for node in ast.walk(ast.parse(file.read_text()))]:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module}
    packages = {".".join(name.split(".")[: 2 if name.startswith("hydra_plugins.") else 1]) for name in found}
    return packages - OURS - set(sys.stdlib_module_names) - (set() if "src" in paths else modules)


def providers(package: str) -> set[str]:
    """Return the distributions that a package is installed by."""
    if package.startswith("hydra_plugins."):
        return {normal(package.removeprefix("hydra_plugins."))}
    return {normal(name) for name in DISTRIBUTIONS.get(package, ())}


@pytest.mark.parametrize(
    ("paths", "groups"),
    [
        (("src", "train.py"), ("wandb", "mlflow", "ray", "optimizers")),
        (("scripts",), ()),
        (("scripts", "tests"), ("wandb", "dev")),
    ],
    ids=["package", "scripts", "tests"],
)
def test_every_imported_package_is_declared(paths, groups):
    missing = {package for package in imported(*paths) if not providers(package) & declared(*groups)}
    assert missing == set()


def test_every_dependency_is_imported():
    used = set().union(*map(providers, imported("src", "train.py")))
    assert declared("wandb", "mlflow", "ray", "optimizers") - used <= NOT_IMPORTED


def test_every_dependency_has_a_tested_version():
    pinned = {normal(name) for name in PROJECT["tool"]["uv"]["constraint-dependencies"] if "==" in name}
    assert declared("wandb", "mlflow", "ray", "optimizers", "dev") <= pinned


def test_the_version_stands_in_the_package_alone():
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    source = (ROOT / PROJECT["tool"]["hatch"]["version"]["path"]).read_text()
    assert re.search(r'^__version__ = "\d+\.\d+\.\d+"$', source, re.M)


def test_the_classifiers_are_the_pythons_that_the_workflow_tests():
    (job,) = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"].values()
    tested = job["strategy"]["matrix"]["python"]
    classified = [name.rpartition(" ")[2] for name in PROJECT["project"]["classifiers"] if ":: Python ::" in name]
    assert classified == tested
    oldest, newest = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["project"]["requires-python"]).groups()
    assert tested == [f"3.{oldest}", f"3.{int(newest) - 1}"]
    assert job["steps"][-1]["run"] == "bash .ci/run"


def test_the_hooks_need_no_network():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]


def test_the_licence_and_the_marker_of_types_are_there():
    licence = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in licence
    assert "Copyright 2026 the descent authors" in licence
    assert (ROOT / "src" / "descent" / "py.typed").exists()
