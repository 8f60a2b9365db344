"""Pieces of a page that is one file, opens offline and evaluates nothing.

A content-security policy allows only the scripts in the file, by their SHA-256, and no connection at all. Texts of
users are escaped by Jinja2, those in figures by ``chart.text``, and JSON inside the page by ``data_block``.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.graph_objects import Figure
from plotly.offline import get_plotlyjs

from sweep.analysis import wording

SCRIPTS = ("base", "units", "figures", "plots", "tables", "simple")
"""Scripts of a page that has charts and no switches."""


def environment() -> Environment:
    """Templates with the filters that need no study."""
    made = Environment(
        loader=PackageLoader("sweep.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "energy": wording.energy,
        "duration": wording.duration,
        "share": wording.share,
        "value": wording.value,
        "numbers": wording.numbers,
        "count": wording.count,
        "setup": wording.setup,
        "provenance": wording.provenance,
    }
    return made


def energy_data(joules: float | None) -> Markup | str:
    """Joules as text that carries the exact number, for the scripts that sort, convert and export it."""
    told = wording.energy(joules)
    return told if joules is None else Markup('<data value="{}">{}</data>').format(repr(float(joules)), told)


def in_csv(told: str, exact: str) -> Markup:
    """A text that stands with all its digits, ``exact``, where the page's tables are sorted and downloaded."""
    return Markup('<span data-csv="{}">{}</span>').format(exact, told)


def parts(figures: dict[str, Figure], scripts: Sequence[str] = SCRIPTS) -> dict[str, Any]:
    """What every page's template is given: figures, the scripts that draw them, the policy and the style.

    Args:
        figures: by name; without any Plotly is left out.
        scripts: names of the page's own scripts, in the order in which they run.
    """
    plotly = [_script(get_plotlyjs())] if figures else []
    own = [_script(_asset(f"{name}.js")) for name in scripts]
    return {
        "figures": data_block({name: plain(figure) for name, figure in figures.items()}),
        "scripts": [*plotly, *own],
        "policy": _policy([*plotly, *own]),
        "style": Markup(_asset("report.css")),  # noqa: S704  (our own file)
    }


def plain(figure: Figure) -> dict[str, Any]:
    """A figure as plain JSON, without Plotly's template of defaults, in whose place the page has its own colours."""
    made: dict[str, Any] = json.loads(figure.to_json())
    made.get("layout", {}).pop("template", None)
    return made


def _asset(name: str) -> str:
    return (resources.files("sweep.report") / "templates" / name).read_text(encoding="utf-8")


def _script(source: str) -> Markup:
    """Text of an inline script; browsers hash it after normalising line ends, so do that first."""
    return Markup(source.replace("\r\n", "\n").replace("\r", "\n"))  # noqa: S704  (Plotly's and our own)


def _policy(scripts: list[Markup]) -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def data_block(figures: dict[str, Any]) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(figures, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704  (escaped above)
