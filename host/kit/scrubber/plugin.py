"""{{name}}: a scrubber that points at the numbers of tickets, so that the host cuts them out.

A scrubber is asked about each text before it is remembered or promoted. It points at stretches and never copies what it found
into its report; the host cuts. An `Err` is a sentence for the operator and blocks the text.
"""

import json
import re

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import settings
from wit_world.imports.sluice_scrubber_types import Redaction, ScrubInput, ScrubReport

# The most a report may hold (`wit/deps/scrubber-0.1/types.wit`); a text with more is blocked.
REDACTIONS_MAX = 10_000

# What an operator can say; the schema in `manifest.json` describes the same.
DEFAULTS = {"prefix": "ACME-", "replacement": "[ticket]"}


class Text(exports.Text):
    """The scrubber. Each call runs in a fresh instance, so that nothing is kept between two."""

    def scrub(self, input: ScrubInput) -> ScrubReport:
        bound = DEFAULTS | json.loads(settings.get())
        ticket = re.compile(re.escape(bound["prefix"].encode()) + rb"[0-9]+")
        redactions, found = [], 0
        # Places are told in bytes, and so the text is searched as bytes.
        for match in ticket.finditer(input.text.encode()):
            found += 1
            if found <= REDACTIONS_MAX:
                redactions.append(Redaction("ticket", match.start(), match.end(), 1.0, bound["replacement"]))
        blocked = found > REDACTIONS_MAX
        return ScrubReport(blocked, f"{found} numbers of tickets", redactions, json.dumps({"found": found}))


class SettingsCheck(exports.SettingsCheck):
    """Asked when an operator binds settings, which fit the schema then."""

    def check(self, settings: str) -> None:
        if (DEFAULTS | json.loads(settings))["prefix"] == "":
            raise Err("settings member `prefix`: cannot be empty")
