"""Tables: for eyes on a terminal, and in plain columns for whatever else reads them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clients.errors import one_line

_COLOURS = {"ok": "green", "up": "green", "infers": "green", "passed": "green", "warning": "yellow"}
_LONGEST = 2000  # characters of a cell
_BAD = ("wrong", "hung", "down", "fails", "failed", "absent")


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output; nothing at all if it has no rows.

    A cell may hold text that anybody wrote into a server. So control sequences for the terminal are removed, and long
    text is cut, because the widest cell sets the width of all rows.
    """
    if not rows:
        return
    rows = [[_cut(one_line(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell, style=_colour(cell)) for cell in row))  # a Text takes no cell for markup
        Console().print(table)
    else:
        widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
        for row in (columns, *rows):
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()


def _cut(cell: str) -> str:
    return cell if len(cell) <= _LONGEST else f"{cell[:_LONGEST]}..."


def _colour(cell: str) -> str:
    return "red" if cell in _BAD else _COLOURS.get(cell, "")
