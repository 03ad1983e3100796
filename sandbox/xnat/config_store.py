"""XNAT's configuration service: rows of text by tool, path and project, with or without their history.

Source: NrgXnat/xnat, libs/config/.../DefaultConfigService.java. The viewer plugin keeps its server lists here
(tool ``ohif-aiaa``), unversioned: a write replaces the row, and version 1 stays 1.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One version; ``status`` is ``enabled`` or ``disabled``, ``create_date`` is UTC."""

    contents: str
    user: str
    reason: str
    version: int
    unversioned: bool
    status: str
    create_date: str = ""


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

    def history(self, tool: str, path: str, project: str | None) -> Sequence[Row]:
        return self._rows.get((tool, path, project), [])

    def write(
        self,
        tool: str,
        path: str,
        project: str | None,
        contents: str,
        *,
        user: str,
        reason: str,
        unversioned: bool | None = None,
        status: str = "enabled",
    ) -> None:
        """Add a version, or replace an unversioned row.

        unversioned  None goes on as it began, with versions if it begins now; what has versions keeps them anyway
        """
        history = self.history(tool, path, project)
        last = history[-1] if history else None
        versioned = not unversioned if last is None else unversioned is False or not last.unversioned
        created = str(datetime.now(UTC).replace(tzinfo=None)) if last is None or versioned else last.create_date
        version = last.version + 1 if last and versioned else 1
        row = Row(contents, user, reason, version, not versioned, status, created)
        self._rows[tool, path, project] = [*(history if versioned else history[:-1]), row]
        self._keep()

    def disable(self, tool: str, path: str, project: str | None, *, user: str) -> bool:
        """False if there is nothing. The contents stay."""
        row = self.read(tool, path, project)
        if row is None:
            return False
        if row.status == "disabled":
            return True
        self.write(tool, path, project, row.contents, user=user, reason="Disabling this setting", status="disabled")
        return True

    def tools(self, project: str | None) -> list[str]:
        return sorted({tool for tool, _, owner in self._rows if owner == project})

    def _keep(self) -> None:
        if self._file:
            partial = self._file.with_suffix(".partial")
            partial.write_text(json.dumps([[key, [asdict(row) for row in rows]] for key, rows in self._rows.items()]))
            partial.replace(self._file)
