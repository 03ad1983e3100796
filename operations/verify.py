"""`bin/aiaa verify`: the smoke tests of all models, now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

from operations import models, servers, table
from operations.at_once import at_once
from operations.errors import CommandFailed
from operations.models import ModelState
from operations.stack_file import Stack


def run(stack: Stack) -> list[ModelState]:
    """Every model that has a smoke test, server by server; servers at the same time, their models one after another.

    A server that does not list its models is asked for no inference, which would hang, too.
    """

    def of_server(name: str) -> list[ModelState]:
        tested = [model for model, said in stack.settings.models_of(name).items() if said.smoke_test]
        server = servers.look(stack, name)
        if server.models is None:
            told = f"server {name} is {server.state}: {server.told}"
            return [ModelState(name, model, "fails", told) for model in tested]
        return [models.smoke(stack, server, model) for model in tested]

    with at_once() as several:
        return [result for of in several.map(of_server, stack.settings.servers) for result in of]


def well(results: Sequence[ModelState]) -> bool:
    return all(result.state == "infers" for result in results)


def show(results: Sequence[ModelState]) -> None:
    table.show(
        ("MODEL", "SERVER", "RESULT", "SECONDS", "TOLD"),
        [
            (result.model, result.server, _word(result), f"{result.seconds:.1f}", result.told or "-")
            for result in results
        ],
    )
    passed = sum(result.state == "infers" for result in results)
    print(f"{passed} of {len(results)} smoke tests passed" if results else "No model of this stack has a smoke test")


def as_json(stack: Stack, results: Sequence[ModelState]) -> str:
    """A contract for programs: docs/operations.md."""
    tests = [{**asdict(result), "state": _word(result), "seconds": round(result.seconds, 3)} for result in results]
    return json.dumps({"stack": stack.name, "well": well(results), "tests": tests}, indent=2)


def write_junit(path: Path, stack: Stack, results: Sequence[ModelState]) -> None:
    """The results as JUnit's XML, one suite for each server, as continuous integration reads it.

    Raises:
        CommandFailed: the file cannot be written.
    """
    root = ElementTree.Element("testsuites", name=f"smoke tests of stack {stack.name}")
    for name in stack.settings.servers:
        of_server = [result for result in results if result.server == name]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=name,
            tests=str(len(of_server)),
            failures=str(sum(result.state != "infers" for result in of_server)),
            errors="0",
            time=f"{sum(result.seconds for result in of_server):.3f}",
        )
        for result in of_server:
            case = ElementTree.SubElement(
                suite, "testcase", classname=name, name=result.model, time=f"{result.seconds:.3f}"
            )
            kind = "system-out" if result.state == "infers" else "failure"
            told = ElementTree.SubElement(case, kind, {} if kind == "system-out" else {"message": _xml(result.told)})
            told.text = _xml(result.told)
    try:
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise CommandFailed(
            f"--junit {path}: cannot be written: {error.strerror}: name a file in a folder that exists and is yours"
        ) from None


def _word(result: ModelState) -> str:
    return "passed" if result.state == "infers" else "failed"


def _xml(text: str) -> str:
    """Without the control characters that XML cannot hold: what a server said may have any."""
    return "".join(c if c.isprintable() else " " for c in text)
