"""XNAT's configuration service: rows of text by tool, path and project, with or without their history.

Source: NrgXnat/xnat, libs/config/.../DefaultConfigService.java. The viewer plugin keeps its server lists here
(tool ``ohif-aiaa``), unversioned: a write replaces the row, and version 1 stays 1.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One version; ``status`` is ``enabled`` or ``disabled``."""

    contents: str
    user: str
    reason: str
    version: int = 1
    unversioned: bool = False
    status: str = "enabled"


class ConfigStore:
    """Rows by (tool, path, project ID or None for the site), oldest version first.

    file  where they are kept, as XNAT's database keeps them; None is in memory only
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        kept = json.loads(file.read_text()) if file and file.exists() else []
        self._rows = {tuple(key): [Row(**row) for row in rows] for key, rows in kept}

    def read(self, tool: str, path: str, project: str | None) -> Row | None:
        return self.history(tool, path, project)[-1] if self.history(tool, path, project) else None

    def history(self, tool: str, path: str, project: str | None) -> list[Row]:
        return self._rows.get((tool, path, project), [])

    def write(
        self, tool: str, path: str, project: str | None, contents: str, *, user: str, reason: str, unversioned: bool
    ) -> None:
        """An entry that began with versions keeps them, whoever writes later."""
        history = self.history(tool, path, project)
        row = Row(contents, user, reason, unversioned=unversioned)
        if history and not history[-1].unversioned:
            row = replace(row, unversioned=False, version=history[-1].version + 1)
            self._keep(tool, path, project, [*history, row])
        else:
            self._keep(tool, path, project, [row])

    def disable(self, tool: str, path: str, project: str | None) -> bool:
        """False if there is nothing enabled."""
        row = self.read(tool, path, project)
        if row is None or row.status == "disabled":
            return False
        self._keep(tool, path, project, [*self.history(tool, path, project)[:-1], replace(row, status="disabled")])
        return True

    def tools(self, project: str | None) -> list[str]:
        return sorted({tool for tool, _, owner in self._rows if owner == project})

    def _keep(self, tool: str, path: str, project: str | None, history: list[Row]) -> None:
        self._rows[tool, path, project] = history
        if self._file:
            partial = self._file.with_suffix(".partial")
            partial.write_text(json.dumps([[key, [asdict(row) for row in rows]] for key, rows in self._rows.items()]))
            partial.replace(self._file)
