"""The table of faults in docs/faults.md, from the tests that carry ``@pytest.mark.fault(case, outcome)``.

    python tests/fault_table.py > docs/faults.md

Test files are parsed, not imported, so the table needs nothing but Python. A mark of a parametrised case counts as one
of the test.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
HEAD = """\
<!-- made by: python tests/fault_table.py > docs/faults.md -->
# What may go wrong with a sensor, and what becomes of the joules

Each row is a test against fake sysfs trees and a fake NVML. The rule behind all of them: joules are right, with an
uncertainty that says what had to be bridged, or the error is clear. None ends as 0 J, and none breaks a training. How
bridging works and what it adds to the uncertainty: [What a joule here means](joules.md).
"""


class Fault(NamedTuple):
    """One mark.

    Attributes:
        path: of the test file, below the checkout.
        test: its name, with its class if it has one.
    """

    case: str
    outcome: str
    path: Path
    test: str


def faults(folder: Path = ROOT / "tests") -> list[Fault]:
    """All marks, by file and line.

    Raises:
        ValueError: for a mark that does not have two texts.
    """
    return [fault for path in sorted(folder.rglob("test_*.py")) for fault in _marked(path)]


def render(found: list[Fault]) -> str:
    """The page."""
    parts = [HEAD]
    for path in dict.fromkeys(fault.path for fault in found):
        rows = [fault for fault in found if fault.path == path]
        parts.append(f"## {_title(path)}\n\n| case | what becomes of the joules | test |\n|---|---|---|")
        parts += [f"| {_cell(row.case)} | {_cell(row.outcome)} | {_link(row)} |" for row in rows]
        parts.append("")
    return "\n".join(parts)


def _marked(path: Path) -> Iterator[Fault]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node, prefix in _functions(tree, ""):
        for mark in _marks(node):
            texts = [arg.value for arg in mark.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if len(texts) != 2:
                raise ValueError(f"{path}:{mark.lineno}: write @pytest.mark.fault('the case', 'the outcome')")
            yield Fault(texts[0], texts[1], path.relative_to(ROOT), prefix + node.name)


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[ast.FunctionDef, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child, prefix
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}::")


def _marks(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """Marks above a test, and those of its parameters."""
    for decorator in function.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fault":
                yield node


def _title(path: Path) -> str:
    """The first line of a test file's text."""
    text = ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8"))) or path.stem
    return text.splitlines()[0].rstrip(".")


def _link(fault: Fault) -> str:
    name = fault.test.rpartition("::")[2]
    return f"[{name}](../{fault.path.as_posix()})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(render(faults()), end="")
