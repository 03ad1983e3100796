"""Measure everything, print a table, and write `bench/out/results.json`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench import figures, memory, preview, registrations, unchanged, upload
from bench.figures import Figure


def main() -> None:
    found: list[Figure] = []
    remarks: list[str] = []
    for measured in (upload, memory, preview, registrations, unchanged):
        result = measured.run()
        if isinstance(result, str):
            remarks.append(f"left out: {result}")
        else:
            found += result
    figures.write(found, remarks)
    table = Table("figure", "measured", "promised", "what", box=None)
    for figure in found:
        table.add_row(figure.name, f"{figure.value:.2f}", figure.promised, figure.how)
    console = Console(width=120)
    console.print(table)
    for remark in remarks:
        console.print(remark)
    console.print(f"With the conditions in {figures.RESULTS}")


if __name__ == "__main__":
    main()
