"""Where Pulumi's dynamic-provider protocol ends and plain values and errors begin.

Protocol facts that shape this file (pulumi SDK 3.259.0, `pulumi/dynamic/__main__.py`): `check` and `diff` may see
`Unknown` values in a preview; `diff` gets the old *outputs*; numbers arrive as floats; an exception's text is what
the user reads; a provider that is pickled by reference (a class of an importable module without attributes) leaves
only its name in state.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pulumi.dynamic import CheckFailure, CheckResult, DiffResult, ResourceProvider
from pulumi.dynamic.dynamic import PROVIDER_KEY
from pulumi.output import Unknown

from clients.errors import ClientError, Refused
from settings import SettingsError

Props = Mapping[str, Any]


class ProviderError(Exception):
    """One line for the person who ran the command: what was tried, on what, what was said, what to do."""


class Provider(ResourceProvider):
    """What all our providers have in common: pure `check` and `diff`, errors of one line.

    Subclasses name the inputs they manage. A change of any of them is an update, never a replacement: identity is
    logical (names from the stack file, project IDs) and stands in the resource's name, so another one is another
    resource.
    """

    serialize_as_secret_always = False  # nothing is captured, so nothing is secret
    managed: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        failures = [CheckFailure(key, "is missing") for key in self.required if news.get(key) in (None, "")]
        known = {key: value for key, value in news.items() if key != PROVIDER_KEY and is_known(value)}
        failures += [CheckFailure(key, reason) for key, reason in self.faults(known)]
        return CheckResult({key: value for key, value in news.items() if key != PROVIDER_KEY}, failures)

    def faults(self, known: Props) -> Iterator[tuple[str, str]]:
        """What is wrong with the inputs that are known: pairs of a property and a reason."""
        del known
        return iter(())

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=any(differs(olds.get(key), news.get(key)) for key in self.managed))


def is_known(value: object) -> bool:
    """False for a value that holds, at any depth, something a preview cannot know yet."""
    if isinstance(value, Unknown):
        return False
    if isinstance(value, Mapping):
        return all(is_known(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return all(is_known(item) for item in value)
    return True


def differs(old: object, new: object) -> bool:
    """Whether an input changed; one that is not known yet counts as changed."""
    return not is_known(new) or old != new


def plain(props: Props) -> dict[str, Any]:
    """The properties without the SDK's own key, and with whole numbers as ints again."""
    return {key: _ints(value) for key, value in props.items() if key != PROVIDER_KEY}


def _ints(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _ints(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_ints(item) for item in value]
    return value


def say(line: str) -> None:
    """Tell the person who waits: the provider host's output is shown on the stack's row and in the diagnostics."""
    print(line, flush=True)


@contextlib.contextmanager
def one_line_errors(subject: str) -> Iterator[None]:
    """Turn what our own code raises on purpose into one line that names the object; anything else is a defect and
    keeps its traceback."""
    try:
        yield
    except ClientError as error:
        raise ProviderError(f"{subject}: {error.line}") from None
    except (SettingsError, ProviderError) as error:
        raise ProviderError(f"{subject}: {error}") from None


@contextlib.contextmanager
def help_if_gone(advice: str) -> Iterator[None]:
    """Within `one_line_errors`: what else there is to do where the server does not serve, or another answers in its
    place. One that refuses the account is neither."""
    try:
        yield
    except Refused:
        raise
    except ClientError as error:
        raise error.with_more(advice=advice) from None
