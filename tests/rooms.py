"""The rules of the house: each is a function from a folder to a list of what is wrong in it."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

PRODUCT = ("dashboard.py", "data", "ingest", "metrics", "pages")
EVERYTHING = (*PRODUCT, "bench", "tests")

# What a room must not import. A room inside a room has its own line.
SCREEN = ("streamlit", "plotly")
CLOSED = {
    "dashboard.py": ("duckdb", "data", "ingest", "metrics"),
    "data": (*SCREEN, "ingest", "metrics", "pages"),
    "ingest": (*SCREEN, "metrics", "pages"),
    "ingest/exports": (*SCREEN, "metrics", "pages", "duckdb"),
    "ingest/apis": (*SCREEN, "metrics", "pages", "duckdb"),
    "metrics": (*SCREEN, "ingest", "pages", "duckdb"),
    "pages": ("duckdb", "ingest.exports"),
}

KINDS = "altair area bar echarts graphviz line mermaid plotly pydeck scatter vega_lite"
CHARTS = {f"{kind}_chart" for kind in KINDS.split()} | {"pyplot"}
CHART_LIBRARIES = ("altair", "matplotlib", "plotly", "pydeck")
UNSAFE = {"unsafe_allow_html", "unsafe_allow_javascript"}
SERVED = {
    ("server", "address"): "127.0.0.1",
    ("server", "allowedHosts"): ["127.0.0.1", "localhost"],
    ("server", "enableCORS"): True,
    ("server", "enableXsrfProtection"): True,
    ("server", "enableStaticServing"): False,
    ("server", "enableAgentApi"): False,
    ("browser", "gatherUsageStats"): False,
    ("client", "showErrorDetails"): "none",
    ("client", "showErrorLinks"): False,
    ("client", "disableDataExport"): True,
}
LONGEST_FUNCTION = 40
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc", "shared"}

OBJECT = "(table|view|macro|function|schema|sequence|index|type)"
STATEMENT = re.compile(
    rf"""(\s|--[^\n]*\n)*                       # notes before it
    (?P<statement>
        select\s+\S | with\s+(recursive\s+)?\w+\s*(\(|as\b) | from\s+\w+\s+select\b | values\s*\(
      | insert\s+(or\s+\w+\s+)?into\b | update\s+\S+\s+set\b | delete\s+from\b | merge\s+into\b
      | create\s+(or\s+replace\s+|temp(orary)?\s+|unique\s+)*{OBJECT}\b | (drop|alter)\s+{OBJECT}\b
      | copy\s+.+\s+(to|from)\s | attach\s+.*['"{{] | detach\s+\w | pragma\s+\w | install\s+\w
      | explain\s+\w | describe\s+\w+\s*;?$ | truncate\s+\w | vacuum\b | call\s+\w+\(
    )""",
    re.VERBOSE | re.IGNORECASE,
)
PASTED = re.compile(r"\{\s*[a-z_]\w*\s*\}|%\(\w+\)s")  # a hole to be filled with text, in a .sql file

# Written so that this file does not hold what it looks for.
MACHINE = re.compile(r"(?<![\w.*-])/(work|root|tmp/h[v])\b")
REGISTRY = re.compile(r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|deb[.]debian|^--(extra-|index|find)")
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


class Text(ast.Constant):
    """A piece of text in a program."""

    value: str


@dataclass(frozen=True)
class Module:
    """A Python file, by its path from the root."""

    path: str
    tree: ast.Module

    def within(self, room: str) -> bool:
        """Whether it is that file, or lies in that folder."""
        return self.path == room or self.path.startswith(f"{room}/")

    def at(self, node: ast.AST, complaint: str) -> str:
        """The complaint, with its place."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {complaint}"

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Every module imported, however it is written: `from a import b` is both `a` and `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node, node.module or ""
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
                yield from ((node, each.value) for each in node.args[:1] if _is_text(each))


def modules(root: Path, places: tuple[str, ...] = PRODUCT) -> Iterator[Module]:
    """The Python files of these rooms."""
    for place in places:
        at = root / place
        for path in [at] if at.is_file() else _below(at, "*.py"):
            yield Module(path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8")))


def _below(room: Path, pattern: str) -> list[Path]:
    """What lies in a room and is ours: the bench keeps other people's programs in its folder `work`."""
    return sorted(path for path in room.rglob(pattern) if path.relative_to(room).parts[0] != "work")


def imports(root: Path) -> list[str]:
    """Imports point one way: pages to metrics to data, ingest to data; a reader only yields records."""
    found = (
        module.at(node, f"{room} must not import {closed}")
        for module in modules(root)
        for room, forbidden in CLOSED.items()
        if module.within(room)
        for node, name in module.imports()
        for closed in forbidden
        if f"{name}.".startswith(f"{closed}.")
    )
    return sorted(set(found))


def connections(root: Path) -> list[str]:
    """Only data/store.py opens the database."""
    return [
        module.at(node, "only data/store.py calls duckdb.connect")
        for module in modules(root)
        if module.path != "data/store.py"
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr == "connect" and _reads_duckdb(module, node.value))
        or (isinstance(node, ast.ImportFrom) and node.module == "duckdb" and _names(node) & {"connect", "*"})
    ]


def sql_in_python(root: Path) -> list[str]:
    """SQL stands in .sql files. What only steers a connection, `commit` or `set`, may stand in Python."""
    return [
        module.at(node, f"SQL belongs in a .sql file: {' '.join(node.value.split())[:60]}")
        for module in modules(root)
        for node in _spoken(module.tree)
        if is_sql(node.value)
    ]


def is_sql(text: str) -> bool:
    """Whether a text begins as a statement does. A sentence for a reader begins with one capital."""
    found = STATEMENT.match(text)
    return found is not None and not found["statement"].split()[0].istitle()


def pasted_values(root: Path) -> list[str]:
    """Values are bound by $name: no .sql file has holes that Python fills with text."""
    return [
        f"{path.relative_to(root).as_posix()}:{number}: a value is pasted; bind it by $name"
        for place in PRODUCT
        for path in sorted((root / place).rglob("*.sql"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if PASTED.search(line.partition("--")[0])
    ]


def charts(root: Path) -> list[str]:
    """Only pages/_show.py draws."""
    found = []
    for module in modules(root, ("dashboard.py", "pages")):
        if module.path == "pages/_show.py":
            continue
        found += [
            module.at(node, "only pages/_show.py draws a chart")
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and _called(node) in CHARTS
        ]
        found += [
            module.at(node, f"only pages/_show.py imports {name}")
            for node, name in module.imports()
            if name in CHART_LIBRARIES or name.startswith(tuple(f"{each}." for each in CHART_LIBRARIES))
        ]
    return found


def filters(root: Path) -> list[str]:
    """Only pages/_filters.py reads a filter: the address of the page, and what is bound to it."""
    return [
        module.at(node, "only pages/_filters.py reads a filter")
        for module in modules(root, ("dashboard.py", "pages"))
        if module.path != "pages/_filters.py"
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"query_params", "date_input"})
        or (isinstance(node, ast.keyword) and node.arg == "bind")
    ]


def unsafe_markup(root: Path) -> list[str]:
    """No page shows text as markup, not even once."""
    return [
        module.at(node, "unsafe_allow_html is never used")
        for module in modules(root, (*PRODUCT, "bench"))
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.keyword) and node.arg in UNSAFE) or (_is_text(node) and node.value in UNSAFE)
    ]


def open_doors(root: Path) -> list[str]:
    """The dashboard is served to this machine only, tells nobody anything, and shows no traceback."""
    settings = tomllib.loads(_text(root / ".streamlit/config.toml"))
    return [
        f".streamlit/config.toml: {section}.{name} must be {wanted!r}"
        for (section, name), wanted in SERVED.items()
        if settings.get(section, {}).get(name) != wanted
    ]


def metrics_untold(root: Path) -> list[str]:
    """Every metric has a worked example, and a line in the README."""
    readme = _text(root / "README.md")
    names = [path.stem for path in sorted((root / "metrics").glob("*.sql"))]
    return [
        f"metrics/{name}.sql: its worked example tests/examples/{name}.toml is missing"
        for name in names
        if not (root / "tests/examples" / f"{name}.toml").is_file()
    ] + [f"metrics/{name}.sql: README.md does not name `{name}`" for name in names if f"`{name}`" not in readme]


def platforms_untold(root: Path, help_text: str) -> list[str]:
    """Every platform has a fixture, and a line in what `python -m ingest --help` says."""
    names = [path.stem for path in sorted((root / "ingest/exports").glob("*.py")) if path.stem[0] != "_"]
    fixtures = root / "tests/fixtures"
    return [
        f"ingest/exports/{name}.py: its fixture folder tests/fixtures/{name} is missing or empty"
        for name in names
        if not any((fixtures / name).glob("*"))
    ] + [
        f"ingest/exports/{name}.py: the help of `python -m ingest` does not name it"
        for name in names
        if not re.search(rf"\b{name}\b", help_text)
    ]


def pages_unlisted(root: Path) -> list[str]:
    """Every page is in the list of pages."""
    listed = _text(root / "dashboard.py") + _text(root / "pages/_frame.py")
    return [
        f"pages/{path.name}: neither dashboard.py nor pages/_frame.py names it"
        for path in sorted((root / "pages").glob("*.py"))
        if path.stem[0] != "_" and not re.search(rf"\b{path.stem}\b", listed)
    ]


def long_functions(root: Path) -> list[str]:
    """No function is over 40 lines."""
    return [
        module.at(node, f"{node.name} has {lines} lines, of {LONGEST_FUNCTION} at most")
        for module in modules(root, EVERYTHING)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def vague_names(root: Path) -> list[str]:
    """A file says what it holds."""
    return [
        f"{path.relative_to(root).as_posix()}: '{path.stem}' does not say what is in it"
        for place in EVERYTHING
        for path in _below(root / place, "*")
        if path.stem.strip("_").lower() in VAGUE and "fixtures" not in path.parts
    ]


def machine_traces(root: Path) -> list[str]:
    """Nothing that is kept tells of the machine it was written on, or of where packages come from."""
    return [
        f"{name}:{number}: {found[0]!r} belongs to one machine"
        for name in kept_files(root)
        for number, line in enumerate(_text(root / name).splitlines(), 1)
        if (found := MACHINE.search(line) or REGISTRY.search(line))
    ]


def dead_links(root: Path) -> list[str]:
    """Every relative link in a document leads somewhere."""
    return [
        f"{name}: the link to {target} leads nowhere"
        for name in kept_files(root)
        if name.endswith(".md")
        for target in LINK.findall(FENCE.sub("", _text(root / name)))
        if not re.match(r"[a-z]+:|#", target) and not ((root / name).parent / target.partition("#")[0]).exists()
    ]


def kept_files(root: Path) -> list[str]:
    """What git keeps, or would keep at the next commit; without git, all there is."""
    if not (root / ".git").exists():
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(name for name in listed.stdout.split("\0") if (root / name).is_file())


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _is_text(node: ast.AST) -> TypeGuard[Text]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _names(node: ast.ImportFrom) -> set[str]:
    return {alias.name for alias in node.names}


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _reads_duckdb(module: Module, node: ast.expr) -> bool:
    """Whether a name stands for the duckdb module, under whatever name it was imported."""
    own = {
        alias.asname or alias.name
        for each in ast.walk(module.tree)
        if isinstance(each, ast.Import)
        for alias in each.names
        if alias.name == "duckdb"
    }
    return isinstance(node, ast.Name) and node.id in own


def _spoken(tree: ast.Module) -> Iterator[Text]:
    """The texts of a file that are not its docstrings."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    yield from (node for node in ast.walk(tree) if _is_text(node) and id(node) not in docs)
