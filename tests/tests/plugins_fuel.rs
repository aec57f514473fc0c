//! What the scrubber costs on texts made to be expensive: half of a call's fuel at the largest text that
//! memory takes, and no more than its size grows by.
//!
//! Fuel counts instructions, so these figures are the same on every machine; how long they take is measured
//! by `benches/scrub`.

use std::sync::LazyLock;

use sluice::domain::json::Json;
use sluice::domain::plugin::{Binding, PluginKind};
use sluice::engine::ports::Plugins as _;
use sluice::plugins::{Limits, PluginHost};

/// The largest text that memory takes.
const LARGEST: usize = 256 * 1024;

/// Half of what a call may use (`Limits`).
const FUEL_MAX: u64 = 1_000_000_000;

/// How much dearer a text of four times the size may be; the rest is what any call costs.
const GROWTH_MAX: f64 = 4.6;

/// What is repeated: each begins something that a matcher would like to read on with, or to look back from.
const HOSTILE: &[&str] = &[
    "=",
    "@",
    "a@",
    "a.",
    "a ",
    "a1",
    "1 ",
    "12-",
    "4111 ",
    "4111-",
    "+1 ",
    "+49 ",
    "00 ",
    "0x41, ",
    "DE89 ",
    "-----BEGIN PRIVATE KEY-----\n",
    "eyJhbGciOiJIUzI1 ",
    "eyJ.",
    "://a:b@",
    "https://a?token=",
    "password=",
    "password:\n",
    "password is ",
    "the password ",
    "\"password\": \"",
    "<password>",
    "key ",
    "key: ",
    "api key ",
    "secret/",
    "token=a1b2c3d4e5f6 ",
    "token: q7Zr2LkW9xVb4NsD1mHt\n",
    "curl -u a:b ",
    "mysql -p",
    "docker login ",
    "echo a | sudo -S ",
    "aGVsbG8gd29ybGQ\n",
    "aGVsbG8gd29ybGQ ",
    "67 68 ",
    "68656c6c6f20776f726c64 ",
    "%41",
    "%2541",
    "\u{200b}a",
    "\u{430}",
    "&#97;",
    "\\u0041",
    "\"a1\" + ",
    "a1\n",
    "ab12cd34\n  ",
    "xoxb-",
    "ghp_",
    "AKIA",
    "sk-",
    "cookie: a=b; ",
    "kind: Secret\ndata:\n",
    "seed phrase ",
    "a,password\n",
    "user  password\n",
    "| a | token |\n",
    "x (at) y (dot) ",
    "login: a / b ",
    "Authorization: Bearer ",
    "datadog ",
    "$2a$",
    "$krb5",
    "密码=",
    "пароль is x1,",
    "authorization=",
    "jsessionid=",
    "simple_bind=",
    "PuTTY-User-Key-File-",
    "PuTTY-User-Key-File-\n",
    "<RSAKeyValue><Modulus>",
    "fm1a_",
    "licensekey is x1,",
    "a b c d e f ",
    "\"a1\",\"b2\",",
    "INSERT INTO a (password) values (",
    "op://",
    "x:y://",
    "pw 1-",
    "senha ",
    "password, ",
    "pw=a1,",
    "Key=a1,",
    "admin:",
    "login:",
    "authorization:",
    "-----BEGIN PRIVATE KEY-----:",
    "\tTRUE\t=",
    ":*:.\"",
    "{SSHA.",
    "12345\n",
    "1 \n",
    "\u{3c9}",
    "chpasswd ",
    "<br>a1",
    "a1</b><b>",
    "a1\\n",
    "a1 |\n|  | ",
    "2026-11-22 10:00:00 app a1\n",
    "[10:00:00] sk_a1\n",
    "a.",
    "'a','",
    "'a', ",
    "-a-.",
    "A K I ",
    "Client(\"",
    "Client(\"a\",\"b\",",
    "AUTH a1\n",
    "\na1 LOGIN b ",
    "PASS a1!\n",
    "$ANSIBLE_VAULT;1\n",
    "$ANSIBLE_VAULT;1\nab\n",
    "a:b1@tcp(",
    "|admin|",
    "a@b.co a1 ",
    "/v2/aA1/",
    "://a/v2/",
    "ENC[a1",
    "arn:secret:",
    "sort code 12-34-56 ",
    "12-34-56 ",
    "Ada Byron 529 982 ",
    "seed: ",
    "wallet a ",
    "key: ABCD EFGH ",
    "password=abcd efgh ",
    "X-1",
];

static HOST: LazyLock<PluginHost> = LazyLock::new(|| e2e::plugins::host(Limits::default()));

/// The scrubber as it lies in the repository.
fn scrubber() -> Binding {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/prebuilt/scrubber.wasm");
    let installed = HOST.install(std::fs::read(path).unwrap()).expect("it is a scrubber");
    let binding =
        HOST.bind(&installed.digest.to_string(), PluginKind::Scrubber, &Json::empty_object()).expect("it is there");
    HOST.check_binding(&binding).expect("its defaults are good");
    binding
}

/// What a call on `piece`, repeated up to `bytes`, uses; all that a call may use when that is not enough.
fn fuel(binding: &Binding, piece: &str, bytes: usize) -> u64 {
    let text = piece.repeat(bytes / piece.len());
    match HOST.scrub(binding, &text, &Json::empty_object()) {
        Ok(report) => report.report.fuel,
        Err(failure) => failure.report.fuel,
    }
}

#[test]
fn no_text_takes_more_than_half_of_the_fuel_or_more_than_its_size() {
    let binding = scrubber();
    let mut dear = Vec::new();
    for piece in HOSTILE {
        let (quarter, whole) = (fuel(&binding, piece, LARGEST / 4), fuel(&binding, piece, LARGEST));
        let growth = whole as f64 / quarter as f64;
        println!("{piece:<36?} {:>8.1} M fuel, 4 times the size is {growth:.2} times as dear", whole as f64 / 1e6);
        if whole > FUEL_MAX || growth > GROWTH_MAX {
            dear.push(format!("{piece:?}: {whole} fuel, growth {growth:.2}"));
        }
    }
    assert_eq!(dear, [] as [String; 0]);
}
