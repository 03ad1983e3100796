"""Run all comparisons and print a table."""

from __future__ import annotations

import statistics

from rich.console import Console
from rich.table import Table

from bench import unchanged, upload


def main() -> None:
    table = Table("what", "ours, s (median)", "by hand, s (median)", "ours / by hand", "by hand is", box=None)
    remarks = []
    for comparison in (upload, unchanged):
        result = comparison.run()
        if isinstance(result, str):
            remarks.append(f"left out: {result}")
            continue
        medians = [f"{statistics.median(runs):.2f}" for runs in (result.ours, result.by_hand)]
        table.add_row(result.what, *medians, f"{result.ratio:.2f}", result.by_hand_is)
    console = Console(width=120)
    console.print(table)
    for remark in remarks:
        console.print(remark)


if __name__ == "__main__":
    main()
