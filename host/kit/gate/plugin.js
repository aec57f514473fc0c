// {{name}}: a gate that refuses work whose artifacts hold a forbidden word.
//
// A gate is asked once for each attempt. It reads the artifacts and nothing else, and answers `pass`, `fail` with findings, or
// `needs-human`. What it throws is a sentence for the operator and never lets work pass.

import { read } from 'sluice:gate/artifacts@0.1.0';
import { log } from 'sluice:plugin/log@0.1.0';
import { get } from 'sluice:plugin/settings@0.1.0';

/** Findings that are told; the rest is counted. */
const FINDINGS_MAX = 100;

/** Bytes that are read at a time: a function takes no more arguments than 65,534. */
const CHUNK_BYTES = 32 * 1024;

/** What an operator can say; the schema in `manifest.json` describes the same. */
const DEFAULTS = { forbidden: ['FIXME'] };

/** The gate. Each call runs in a fresh instance, so that nothing is kept between two. */
export const evaluator = {
  evaluate(input) {
    const { forbidden } = { ...DEFAULTS, ...JSON.parse(get()) };
    const words = forbidden.map((word) => ({ word, bytes: utf8(word) }));
    const findings = [];
    let found = 0;
    for (const artifact of input.artifacts) {
      let before = 0;
      for (const stretch of stretches(artifact)) {
        const lines = stretch.split('\n');
        // Most stretches hold none: what the engine does by itself costs a hundredth of a loop written here.
        const present = words.filter(({ bytes }) => stretch.includes(bytes));
        for (let at = 0; present.length > 0 && at < lines.length; at += 1) {
          const hit = present.find(({ bytes }) => lines[at].includes(bytes));
          if (hit === undefined) continue;
          found += 1;
          if (findings.length < FINDINGS_MAX) findings.push(finding(hit.word, artifact.name, before + at + 1));
        }
        before += lines.length - 1;
      }
    }
    log('info', `${input.artifacts.length} artifacts, ${found} forbidden words`);
    return {
      outcome: found === 0 ? 'pass' : 'fail',
      summary: `${found} lines with a forbidden word`,
      findings,
      data: JSON.stringify({ found }),
    };
  },
};

/** Asked when an operator binds settings, which fit the schema then. */
export const settingsCheck = {
  check(text) {
    const { forbidden } = { ...DEFAULTS, ...JSON.parse(text) };
    if (forbidden.includes('')) throw new Error('settings member `forbidden`: a word cannot be empty');
  },
};

function finding(word, path, line) {
  const message = `the line holds the forbidden word ${JSON.stringify(word)}`;
  return { rule: 'forbidden-word', severity: 'error', message, path, line, data: '{}' };
}

/**
 * An artifact in stretches of whole lines, so that its size does not matter. One character stands for one byte: artifacts
 * need not be text, and this engine has no TextDecoder.
 */
function* stretches(artifact) {
  let rest = [];
  for (let offset = 0; offset < artifact.size; ) {
    const bytes = read(artifact.id, offset, CHUNK_BYTES);
    if (bytes.length === 0) break;
    offset += bytes.length;
    const text = String.fromCharCode.apply(null, bytes);
    const end = text.lastIndexOf('\n') + 1;
    rest.push(text.slice(0, end || text.length));
    if (end === 0) continue;
    yield rest.join('');
    rest = [text.slice(end)];
  }
  yield rest.join('');
}

/** A text as its bytes in UTF-8, one character for each. */
function utf8(text) {
  return unescape(encodeURIComponent(text));
}
