"""{{name}}: a gate that refuses work whose artifacts hold a forbidden word.

A gate is asked once for each attempt. It reads the artifacts and nothing else, and answers `PASS`, `FAIL` with findings, or
`NEEDS_HUMAN`. An `Err` is a sentence for the operator and never lets work pass.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import artifacts, log, settings
from wit_world.imports.sluice_gate_types import Artifact, Finding, GateInput, Outcome, Severity, Verdict

# Findings that are told; the rest is counted.
FINDINGS_MAX = 100

# Bytes that are read at a time; the host gives 1 MiB at most.
CHUNK_BYTES = 1024 * 1024

# What an operator can say; the schema in `manifest.json` describes the same.
DEFAULTS = {"forbidden": ["FIXME"]}


class Evaluator(exports.Evaluator):
    """The gate. Each call runs in a fresh instance, so that nothing is kept between two."""

    def evaluate(self, input: GateInput) -> Verdict:
        words = [word.encode() for word in (DEFAULTS | json.loads(settings.get()))["forbidden"]]
        findings, found = [], 0
        for artifact in input.artifacts:
            for line, word in forbidden_lines(content(artifact), words):
                found += 1
                if found <= FINDINGS_MAX:
                    message = f'the line holds the forbidden word "{word.decode()}"'
                    findings.append(Finding("forbidden-word", Severity.ERROR, message, artifact.name, line, "{}"))
        log.log(log.Level.INFO, f"{len(input.artifacts)} artifacts, {found} forbidden words")
        outcome = Outcome.FAIL if found else Outcome.PASS
        return Verdict(outcome, f"{found} lines with a forbidden word", findings, json.dumps({"found": found}))


class SettingsCheck(exports.SettingsCheck):
    """Asked when an operator binds settings, which fit the schema then."""

    def check(self, settings: str) -> None:
        if "" in (DEFAULTS | json.loads(settings))["forbidden"]:
            raise Err("settings member `forbidden`: a word cannot be empty")


def content(artifact: Artifact) -> bytes:
    """An artifact, which need not be text."""
    read = bytearray()
    while len(read) < artifact.size:
        chunk = artifacts.read(artifact.id, len(read), CHUNK_BYTES)
        if not chunk:
            break
        read += chunk
    return bytes(read)


def forbidden_lines(content: bytes, words: list[bytes]):
    """The lines that hold a word, each with the first that it holds.

    Looks for words and not at lines: there may be millions, and what is built in finds a word among them in no time.
    """
    # Where each word stands next. A word that stands nowhere any more is not looked for again.
    places = {word: content.find(word) for word in words}
    number, start = 1, 0
    while places := {word: at for word, at in places.items() if at >= 0}:
        at = min(places.values())
        number += content.count(b"\n", start, at)
        end = content.find(b"\n", at) + 1 or len(content)
        yield number, next(word for word in words if places.get(word, end) < end)
        number, start = number + 1, end
        places = {word: at if at >= end else content.find(word, end) for word, at in places.items()}
