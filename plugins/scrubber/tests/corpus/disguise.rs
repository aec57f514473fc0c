//! Ways of hiding a secret from programs while people or decoders can still read it.

use super::Dice;

pub(crate) const NAMES: [&str; 17] = [
    "zero width",
    "soft hyphens",
    "bidi marks",
    "homoglyphs",
    "full width",
    "digits of other scripts",
    "percent",
    "percent all",
    "base64",
    "base64 url",
    "hex",
    "html entities",
    "unicode escapes",
    "hex escapes",
    "broken lines",
    "concatenated",
    "quoted printable",
];

/// `secret` disguised in the way numbered `way`; none when that way does nothing to it.
pub(crate) fn disguise(dice: &mut Dice, way: usize, secret: &str) -> Option<String> {
    let between = |marks: &[char], every: usize| {
        let mut out = String::new();
        for (at, c) in secret.chars().enumerate() {
            out.push(c);
            if at % every == every - 1 {
                out.push(marks[at % marks.len()]);
            }
        }
        out
    };
    let each = |f: &dyn Fn(char) -> String| secret.chars().map(f).collect::<String>();
    let made = match NAMES[way] {
        "zero width" => between(&['\u{200b}', '\u{200c}', '\u{200d}', '\u{feff}'], 3),
        "soft hyphens" => between(&['\u{ad}', '\u{2060}'], 4),
        "bidi marks" => format!("\u{202a}{}\u{202c}", between(&['\u{200e}', '\u{200f}'], 5)),
        "homoglyphs" => each(&|c| match "aeopcxyABEKMHOPCTX".find(c) {
            Some(at) => "аеорсхуАВЕКМНОРСТХ".chars().nth(at).unwrap().to_string(),
            None => c.to_string(),
        }),
        "full width" => each(&|c| {
            if c.is_ascii_graphic() {
                char::from_u32(u32::from(c) + 0xfee0).unwrap().to_string()
            } else {
                c.to_string()
            }
        }),
        "digits of other scripts" => {
            each(&|c| c.to_digit(10).map_or(c.to_string(), |d| char::from_u32(0x660 + d).unwrap().to_string()))
        }
        "percent" => each(&|c| {
            if c.is_ascii_alphanumeric() && dice_free(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) }
        }),
        "percent all" => each(&|c| format!("%{:02x}", u32::from(c))),
        "base64" => base64(secret.as_bytes(), *b"+/", true),
        "base64 url" => base64(secret.as_bytes(), *b"-_", false),
        "hex" => each(&|c| format!("{:02x}", u32::from(c))),
        "html entities" => each(&|c| format!("&#{};", u32::from(c))),
        "unicode escapes" => each(&|c| format!("\\u{:04x}", u32::from(c))),
        "hex escapes" => each(&|c| format!("\\x{:02x}", u32::from(c))),
        "broken lines" => {
            let cut = secret.len() / 3 + dice.below(secret.len() / 3 + 1);
            format!("{}\n{}", &secret[..cut], &secret[cut..])
        }
        "concatenated" => {
            let cut = secret.len() / 4 + dice.below(secret.len() / 2);
            let join = dice.pick(&["\" + \"", "\" +\n    \"", "' . '", "\"\n  \"", "\" & \""]);
            let quote = if join.starts_with('\'') { '\'' } else { '"' };
            format!("{quote}{}{join}{}{quote}", &secret[..cut], &secret[cut..])
        }
        _ => each(&|c| format!("={:02X}", u32::from(c))),
    };
    (made != secret).then_some(made)
}

/// Which characters are left as they are when only some are encoded.
fn dice_free(c: char) -> bool {
    u32::from(c) % 3 != 0
}

pub(crate) fn base64(bytes: &[u8], last: [u8; 2], pads: bool) -> String {
    let letters: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(last).collect();
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, b| (bits << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            if at <= chunk.len() {
                out.push(char::from(letters[(bits >> (18 - 6 * at)) as usize & 63]));
            } else if pads {
                out.push('=');
            }
        }
    }
    out
}

/// Where a disguised secret stands.
pub(crate) const TEMPLATES: &[&str] = &[
    "note: %V",
    "please keep %V for later",
    "payload=%V end",
    "{\"data\": \"%V\"}",
    "for %V",
    "message body\n%V\nregards",
];
