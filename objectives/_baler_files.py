"""Tables of numbers from npz and ROOT files.

    npz     ``data (rows, columns)`` and ``names (columns,)``, Baler's own layout
    ROOT    flat numeric branches of one tree, through uproot; jagged ones (several values an event) are left out

Limits: everything is held in memory; whole numbers become float64, single precision stays single.
"""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from sweep.codec import Table
from sweep.errors import DataError

ROOT_EXTRA = 'pip install "sweep-energy[root]"'


def read_table(path: Path, tree: str | None, columns: Sequence[str] | None) -> Table:
    """Read a file by its ending.

    Args:
        path: ``.npz`` or ``.root``.
        tree: of a ROOT file; ``None`` for the only one.
        columns: to take, in this order; ``None`` for all that are flat numbers.

    Raises:
        DataError: if the file cannot be read, or its arrays do not fit.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist", "set objective.path to an npz or ROOT file")
    if path.suffix == ".root":
        return _checked(_root_columns(path, tree, columns), path)
    if tree is not None:
        raise DataError(f"objective.tree={tree}, but {path} is no ROOT file", "drop objective.tree")
    return _checked(_chosen(_npz_columns(path), columns, path), path)


def _npz_columns(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            if "data" not in arrays:
                raise DataError(
                    f"{path} has no array data (it has {', '.join(sorted(arrays)) or 'none'})",
                    "save it with numpy.savez(file, data=..., names=...)",
                )
            data = np.asarray(arrays["data"])
            names = [str(name) for name in arrays["names"]] if "names" in arrays else None
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as err:
        raise DataError(
            f"{path} is not a readable npz file ({err})", "save it with numpy.savez(file, data=..., names=...)"
        ) from err
    if data.ndim != 2 or 0 in data.shape:
        raise DataError(
            f"data of {path} has shape {data.shape}, it needs two axes (rows, columns), none empty", "reshape it"
        )
    names = names if names is not None else [f"column{index}" for index in range(data.shape[1])]
    if len(names) != data.shape[1] or len(set(names)) != len(names):
        raise DataError(
            f"{path} has {len(set(names))} different names for {data.shape[1]} columns", "give each column its own name"
        )
    return dict(zip(names, data.T, strict=True))


def _root_columns(path: Path, tree: str | None, columns: Sequence[str] | None) -> dict[str, NDArray[Any]]:
    try:
        import uproot
    except ImportError as err:
        raise DataError(f"{path} is a ROOT file, and uproot is not installed", ROOT_EXTRA) from err
    try:
        with uproot.open(path) as file:
            names = {key.partition(";")[0] for key, kind in file.classnames().items() if kind == "TTree"}
            chosen = _tree(sorted(names), tree, path)
            flat = {branch.name for branch in file[chosen].branches if _is_flat(branch)}
            wanted = list(columns) if columns is not None else sorted(flat, key=list(file[chosen].keys()).index)
            _refuse_unknown(wanted, flat, path)
            return dict(file[chosen].arrays(wanted, library="np"))
    except DataError:
        raise
    except Exception as err:  # uproot raises what its decompressors and interpretations raise
        raise DataError(
            f"{path} is not a readable ROOT file ({type(err).__name__}: {err})", "copy it again, or convert it to npz"
        ) from err


def _is_flat(branch: Any) -> bool:
    """Whether a branch has one number for each entry."""
    kind = getattr(branch.interpretation, "numpy_dtype", None)
    return kind is not None and kind.kind in "fiub" and not kind.shape


def _tree(names: Sequence[str], wanted: str | None, path: Path) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return str(wanted)
    raise DataError(
        f"objective.tree={wanted} does not choose one of the trees of {path} ({', '.join(names) or 'none'})",
        "set objective.tree to one of these",
    )


def _chosen(found: dict[str, NDArray[Any]], columns: Sequence[str] | None, path: Path) -> dict[str, NDArray[Any]]:
    if columns is None:
        return found
    _refuse_unknown(columns, found, path)
    return {name: found[name] for name in columns}


def _refuse_unknown(wanted: Sequence[str], known: Any, path: Path) -> None:
    missing = [name for name in wanted if name not in known]
    if missing or not wanted:
        raise DataError(
            f"objective.columns={list(wanted)} is not in {path} (it has {', '.join(sorted(known)) or 'no numbers'})",
            "set objective.columns to some of these",
        )


def _checked(columns: dict[str, NDArray[Any]], path: Path) -> Table:
    """One array of one float type, finite."""
    for name, column in columns.items():
        if column.dtype.kind not in "fiub":
            _refuse(f"column {name} of {path} has type {column.dtype}, it needs real numbers", "leave it out")
    single = all(column.dtype in (np.float16, np.float32) for column in columns.values())
    kind: type[np.floating[Any]] = np.float32 if single else np.float64
    values: NDArray[np.floating[Any]] = np.stack(list(columns.values()), axis=1).astype(kind)
    bad = ~np.isfinite(values)
    if bad.any():
        row, column_index = (int(i) for i in np.argwhere(bad)[0])
        _refuse(
            f"{path} has {int(bad.sum())} values that are NaN or infinite (first in row {row}, column "
            f"{list(columns)[column_index]})",
            "fill them, or leave these rows out",
        )
    return Table(values, tuple(columns))


def _refuse(problem: str, mend: str) -> NoReturn:
    raise DataError(problem, mend)
