"""NVIDIA's SDK in a process of its own (`clients.ngc_sdk`), and what its errors mean for who asked."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clients.connection import Deadline
from clients.errors import Broken, ClientError, NotReady, Refused, Rejected, Unreachable, json_of, redacted, shortened
from clients.ngc_key import Key

URL = "https://api.ngc.nvidia.com"

_PROJECT = Path(__file__).parents[1]
# Of the SDK's own settings: where keys are exchanged for tokens, and where is searched.
_KEPT = ("NGC_CLI_AUTH_URL", "NGC_CLI_SEARCH_SERVICE_URL")


@dataclass(frozen=True)
class SdkProcess:
    """
    Attributes:
        url: of NGC; http is for guests on this machine's own loopback.
        ca_file: certificate authority for https; None is the system's.
    """

    url: str
    key: Key | None
    ca_file: str | None

    def ask(self, question: str, about: dict[str, Any], limit: Deadline, what: str) -> Any:
        """What `clients.ngc_sdk` answers.

        Args:
            question, about: one of its functions, and what it takes.
            what: is asked for, as errors name it.

        Raises:
            Unreachable, NotReady, Refused, Rejected, Broken: see `clients.errors`.
            ClientError: the SDK is not installed, or the address is none.
        """
        self._check()
        tried = f"NGC at {self.url}, {what}"
        org = str(about.get("path", "")).partition("/")[0]
        with tempfile.TemporaryDirectory(prefix="ngc-") as home:
            try:
                ended = subprocess.run(
                    [sys.executable, "-m", "clients.ngc_sdk"],
                    cwd=_PROJECT,
                    env=self._environment(home),
                    input=json.dumps({"url": self.url, "org": org, "ask": question, "about": about}),
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=limit.left,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise Unreachable(f"{tried}: no answer in time") from None
        secrets = [self.key.value] if self.key else []
        try:
            said = json_of(ended.stdout)
            if not isinstance(said, dict) or not ({"error", "answer"} & said.keys()):
                raise ValueError("no answer of ours")
        except ValueError:
            words = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
            advice = "check that the address is NGC's, and that ngcsdk is the one of requirements-ngc.in"
            raise Broken(
                f"{tried}: NVIDIA's SDK failed: {shortened(redacted(words, secrets))}", advice=advice
            ) from None
        if "error" in said:
            error = said["error"]
            told = shortened(redacted(error["told"], secrets))
            raise _meaning(tried, error["status"], error["kind"], told, str(about.get("path", "")), bool(self.key))
        return said["answer"]

    def _check(self) -> None:
        if importlib.util.find_spec("ngcsdk") is None:
            told = "NGC is asked through NVIDIA's ngcsdk, which is not installed here"
            raise ClientError(told, advice="install it: .venv/bin/pip install -r requirements-ngc.in")
        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise ClientError(
                f"NGC at {self.url}: that is not a valid address: {error}", advice=f"use one such as {URL}"
            ) from None
        as_guest_here = self.key is None and parts.scheme == "http" and _is_loopback(parts.hostname)
        if parts.scheme != "https" and not as_guest_here:
            raise ClientError(f"NGC at {self.url}: that is no https address", advice=f"give one, as {URL}")

    def _environment(self, home: str) -> dict[str, str]:
        """This process's, with none of the SDK's many switches, some of which print keys. A key goes to the address
        that was given, and to no other."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("NGC_") or name in _KEPT}
        env |= {"NGC_CLI_HOME": home, "NGC_CLI_API_URL": self.url, "NGC_MAX_REQUEST_ATTEMPTS": "2"}
        env["NGC_CLI_TRACE_DISABLE"] = "1"  # no reports to NVIDIA
        if self.url != URL:
            env.setdefault("NGC_CLI_AUTH_URL", self.url)
        if self.key:
            env |= {"NGC_CLI_API_KEY": self.key.value} | ({"NGC_CLI_ORG": self.key.org} if self.key.org else {})
        if self.ca_file:
            env["REQUESTS_CA_BUNDLE"] = self.ca_file
        return env


def _meaning(tried: str, status: int | None, kind: str, told: str, path: str, has_key: bool) -> ClientError:
    line = f"{tried}: " + (f"answered {status}: {told}" if status else told)
    if status == 401 or kind == "AuthenticationException":
        advice = "mend the key (https://org.ngc.nvidia.com/setup); for a public model, none is needed"
        return Refused(line, advice=advice)
    if status == 403:
        guest = "it is not for guests: give a key, by `ngc config set` or NGC_CLI_API_KEY"
        return Refused(line, advice="see the rights of the key, and of its organization" if has_key else guest)
    if status == 404 or kind == "ResourceNotFoundException":
        others = "" if has_key else "; there may be others for who has a key"
        return Rejected(f"{tried}: no such model", advice=f"`bin/aiaa ngc list` shows those for everybody{others}")
    if status == 412:
        org, *team, name = path.split("/")
        page = "/".join(["orgs", org, *(["teams", *team] if team else []), "models", name])
        advice = f"accept its licence at https://catalog.ngc.nvidia.com/{page}, with the account that the key is of"
        return Rejected(line, advice=advice)
    if status is None:
        advice = "check the address, the proxy that this machine needs (https_proxy), and whose certificates it trusts"
        return Unreachable(line, advice=advice)
    if status in (502, 503, 504):
        return NotReady(line)
    return Rejected(line) if status < 500 else Broken(line)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False
