"""What is sent to AIAA for a model, from wherever it comes: a config, and for most models a file of weights.

A package is planned from what a preview can know, and opened when it is sent. In between, what was planned must not
have changed: a preview that was read and agreed to is what is done. Knows nothing of Pulumi.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from clients.download import download
from clients.ngc import NgcCatalog
from dynamic_providers.aiaa.downloads import on_the_way
from model_files import config
from model_files.config import Api
from model_files.digests import Digest, DigestCache
from model_files.errors import Unusable
from model_files.mmar import CONFIG, Mmar, weights_of

# Digests, and what is on its way from a store to a server: beside Pulumi.yaml, where Pulumi runs programs and
# providers, unless the disk there is too small.
CACHE = Path(os.environ.get("XNAT_AIAA_CACHE") or ".cache")
_SHORT = 32  # of SHA-256's 64 hexadecimal digits stand in states and marks

Tell = Callable[[str], None]


class SourceChanged(Exception):
    """A file is no longer the one that the preview showed."""


@dataclass(frozen=True)
class Digests:
    """
    Attributes:
        config: of the document, whatever its layout. weights: of the file; None where there is none.
        size: of the weights in bytes, where it is known.
    """

    config: str
    weights: str | None = None
    size: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.config}.{self.weights}" if self.weights else self.config


@dataclass(frozen=True)
class Content:
    """A package that is open.

    Attributes:
        config, weights: what is sent.
        names: of both, for people.
    """

    config: Mapping[str, Any]
    weights: Path | None
    digests: Digests
    names: tuple[str, str]


class Package(Protocol):
    """
    Attributes:
        planned: what will be sent; None where only a download shows it.
        document: the config, where it is known before.
        origin: NGC's path and version, for what comes from there.
    """

    @property
    def planned(self) -> Digests | None: ...
    @property
    def document(self) -> Mapping[str, Any] | None: ...
    @property
    def origin(self) -> str | None: ...

    def open(self, deadline: float, tell: Tell) -> AbstractContextManager[Content]:
        """
        Args:
            deadline: seconds for a download.
            tell: is told now and then how far that is.

        Raises:
            SourceChanged: it is not what was planned. Unusable: it cannot be read. ClientError: a download failed.
        """
        ...


@dataclass(frozen=True)
class Files:
    """A config, and weights unless it needs none, in files of this machine."""

    config: Path
    weights: Path | None
    planned: Digests
    document: Mapping[str, Any] | None = field(default=None, compare=False)
    origin: str | None = None

    @classmethod
    def of(cls, config_file: Path, weights: Path | None) -> Files:
        """
        Raises:
            OSError, Unusable: a file cannot be read.
        """
        document = config.read(config_file)
        known = DigestCache(CACHE / "digests").of(weights) if weights else None
        digests = Digests(
            config.digest(document), known.sha256[:_SHORT] if known else None, known.size if known else None
        )
        return cls(config_file, weights, digests, document)

    @contextlib.contextmanager
    def open(self, deadline: float, tell: Tell) -> Iterator[Content]:
        del deadline, tell
        with _still_there():
            now = Files.of(self.config, self.weights)
        names = " or ".join(str(path) for path in (self.config, self.weights) if path)
        _require_planned(now.planned, self.planned, names)
        assert now.document is not None  # noqa: S101 - it was read just now
        yield Content(now.document, self.weights, now.planned, (str(self.config), str(self.weights)))


@dataclass(frozen=True)
class Pinned:
    """A config in a file of this machine, and weights that are fetched from a URL."""

    config: Path
    url: str
    sha256: str
    planned: Digests
    document: Mapping[str, Any] | None = field(default=None, compare=False)
    origin: str | None = None

    @classmethod
    def of(cls, config_file: Path, url: str, sha256: str) -> Pinned:
        """Without the weights: what they are is said by `sha256`.

        Raises:
            OSError, Unusable: the config cannot be read.
        """
        document = config.read(config_file)
        return cls(config_file, url, sha256, Digests(config.digest(document), sha256[:_SHORT]), document)

    @contextlib.contextmanager
    def open(self, deadline: float, tell: Tell) -> Iterator[Content]:
        with _still_there():
            document = config.read(self.config)
        now = Digests(config.digest(document), self.planned.weights)
        _require_planned(now, self.planned, str(self.config))

        def fetch(folder: Path) -> Path:
            target = folder / "model"
            download(self.url, target, deadline=deadline, sha256=self.sha256, tell=tell)
            return target

        with on_the_way(CACHE / "downloads", self.sha256, fetch, deadline=deadline, tell=tell) as weights:
            yield Content(document, weights, now, (str(self.config), self.url.partition("?")[0]))


@dataclass(frozen=True)
class Archive:
    """An MMAR, NVIDIA's layout of a model's files, as a zip or a folder of this machine."""

    mmar: Path
    api: Api
    planned: Digests
    document: Mapping[str, Any] | None = field(default=None, compare=False)
    origin: str | None = None

    @classmethod
    def of(cls, mmar: Path, api: Api) -> Archive:
        """
        Raises:
            OSError, Unusable: it cannot be read, or is no MMAR.
        """
        with Mmar.open(mmar, api) as opened:
            document = config.parse(opened.config, f"{mmar}: {opened.config_name}")
            return cls(mmar, api, _digests(mmar, opened, document), document)

    @contextlib.contextmanager
    def open(self, deadline: float, tell: Tell) -> Iterator[Content]:
        with _still_there():
            now = Archive.of(self.mmar, self.api)
        _require_planned(now.planned, self.planned, str(self.mmar))
        assert now.document is not None  # noqa: S101 - it was read just now
        with (
            Mmar.open(self.mmar, self.api) as opened,
            on_the_way(
                CACHE / "downloads", f"weights {self.planned}", opened.extract_weights, deadline=deadline, tell=tell
            ) as weights,
        ):
            names = f"{self.mmar}: {opened.config_name}", f"{self.mmar}: {opened.weights_name}"
            yield Content(now.document, weights, now.planned, names)


@dataclass(frozen=True)
class FromNgc:
    """A model of NGC that this machine fetches for a server that cannot."""

    path: str
    version: str
    api: Api
    catalog: Callable[[], NgcCatalog] = NgcCatalog
    planned: None = None
    document: None = None

    @property
    def origin(self) -> str:
        return f"{self.path}:{self.version}"

    @contextlib.contextmanager
    def open(self, deadline: float, tell: Tell) -> Iterator[Content]:
        def fetch(folder: Path) -> Path:
            wanted = (CONFIG, weights_of(self.api))
            return self.catalog().fetch(self.path, self.version, folder, deadline, tell, wanted=wanted)

        with (
            on_the_way(CACHE / "downloads", f"ngc {self.origin}", fetch, deadline=deadline, tell=tell) as mmar,
            Mmar.open(mmar, self.api) as opened,
        ):
            names = f"{self.origin}: {opened.config_name}", f"{self.origin}: {opened.weights_name}"
            document = config.parse(opened.config, names[0])
            weights = opened.extract_weights(mmar.parent)
            yield Content(document, weights, _digests(mmar, opened, document), names)


def _digests(path: Path, mmar: Mmar, document: Mapping[str, Any]) -> Digests:
    cache = DigestCache(CACHE / "digests")
    name = mmar.weights_name
    if path.is_dir():
        known = cache.of(path / name)
    else:
        known = cache.of_part(path, name, lambda: Digest(mmar.weights_sha256(), mmar.weights_size))
    return Digests(config.digest(document), known.sha256[:_SHORT], known.size)


def _require_planned(now: Digests, planned: Digests, names: str) -> None:
    if now != planned:
        raise SourceChanged(f"{names} changed while this ran: run the command again")


@contextlib.contextmanager
def _still_there() -> Iterator[None]:
    """What could be read in the preview, and cannot any more."""
    try:
        yield
    except OSError as error:
        raise SourceChanged(f"{error.filename} cannot be read any more: {error.strerror}") from None
    except Unusable as error:
        raise SourceChanged(f"{error}; it was right when this began: run the command again") from None
