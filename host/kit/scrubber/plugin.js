// {{name}}: a scrubber that points at the numbers of tickets, so that the host cuts them out.
//
// A scrubber is asked about each text before it is remembered or promoted. It points at stretches and never copies what it
// found into its report; the host cuts. What it throws is a sentence for the operator and blocks the text.

import { get } from 'sluice:plugin/settings@0.1.0';

/** The most a report may hold (`wit/deps/scrubber-0.1/types.wit`); a text with more is blocked. */
const REDACTIONS_MAX = 10_000;

/** What an operator can say; the schema in `manifest.json` describes the same. */
const DEFAULTS = { prefix: 'ACME-', replacement: '[ticket]' };

/** The scrubber. Each call runs in a fresh instance, so that nothing is kept between two. */
export const text = {
  scrub(input) {
    const settings = { ...DEFAULTS, ...JSON.parse(get()) };
    const prefix = utf8(settings.prefix);
    // Places are told in bytes, and so is everything here.
    const bytes = utf8(input.text);
    const redactions = [];
    let found = 0;
    for (let start = bytes.indexOf(prefix); start >= 0; ) {
      const end = endOfDigits(bytes, start + prefix.length);
      const isTicket = end > start + prefix.length;
      if (isTicket) {
        found += 1;
        if (redactions.length < REDACTIONS_MAX) {
          redactions.push({ kind: 'ticket', start, end, confidence: 1, replacement: settings.replacement });
        }
      }
      start = bytes.indexOf(prefix, isTicket ? end : start + prefix.length);
    }
    return {
      blocked: found > REDACTIONS_MAX,
      summary: `${found} numbers of tickets`,
      redactions,
      data: JSON.stringify({ found }),
    };
  },
};

/** Asked when an operator binds settings, which fit the schema then. */
export const settingsCheck = {
  check(text) {
    const { prefix } = { ...DEFAULTS, ...JSON.parse(text) };
    if (prefix === '') throw new Error('settings member `prefix`: cannot be empty');
  },
};

/** The place after the digits that begin at `at`. */
function endOfDigits(bytes, at) {
  const digits = /[0-9]*/y;
  digits.lastIndex = at;
  digits.test(bytes);
  return digits.lastIndex;
}

/** A text as its bytes in UTF-8, one character for each. */
function utf8(text) {
  return unescape(encodeURIComponent(text));
}
