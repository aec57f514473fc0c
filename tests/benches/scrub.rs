//! What scrubbing costs in the sandbox, beside the same code native, and how it grows.
//!
//! `cargo bench -p e2e --bench scrub` prints three tables; `-- speed`, `cold` or `growth` only one.
//! All numbers of one run come from the same machine in the same minute. Kinds take turns, and each
//! figure is the best of its rounds: other work on the machine only ever makes a round slower.

use std::hint::black_box;
use std::time::Instant;

use e2e::plugins::host;
use sluice::domain::json::Json;
use sluice::domain::plugin::{Binding, PluginKind};
use sluice::engine::ports::Plugins as _;
use sluice::plugins::{Limits, PluginHost};
use sluice_plugin::scrubber::{ScrubInput, Scrubber};
use sluice_scrubber::TextScrubber;

/// Rounds of each figure.
const ROUNDS: usize = 15;

/// The largest text that memory takes.
const LARGEST: usize = 256 * 1024;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|name| name == part);
    let host = host(Limits::default());
    let binding = host.bind("scrubber", PluginKind::Scrubber, &Json::empty_object()).expect("it is built in");
    host.check_binding(&binding).expect("it compiles");
    if is_wanted("speed") {
        speed(&host, &binding);
    }
    if is_wanted("cold") {
        cold(&host, &binding);
    }
    if is_wanted("growth") {
        growth(&host, &binding);
    }
}

/// Megabytes a second of one core, in the sandbox and native.
fn speed(host: &PluginHost, binding: &Binding) {
    println!("{:<44} {:>9} {:>9} {:>7}  target", "256 KiB, MB/s on one core", "sandbox", "native", "ratio");
    for (name, text) in
        [("mixed logs", logs(LARGEST)), ("prose", prose(LARGEST)), ("logs with a secret in each line", leaks(LARGEST))]
    {
        let (mut sandbox, mut native) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            sandbox = sandbox.min(seconds(|| in_sandbox(host, binding, &text)));
            native = native.min(seconds(|| natively(&text)));
        }
        let rate = |seconds: f64| text.len() as f64 / seconds / 1e6;
        let target = if name == "mixed logs" { ">= 40, ratio >= 0.60" } else { "" };
        println!("{name:<44} {:>9.1} {:>9.1} {:>7.2}  {target}", rate(sandbox), rate(native), native / sandbox);
    }
    println!();
}

/// A fresh instance and one short text.
fn cold(host: &PluginHost, binding: &Binding) {
    let text = logs(4 * 1024);
    let best = (0..ROUNDS).map(|_| seconds(|| in_sandbox(host, binding, &text))).fold(f64::MAX, f64::min);
    println!("{:<44} {:>9.3} ms  target <= 5\n", "a fresh call on 4 KiB", best * 1e3);
}

/// Microseconds for each KiB, from 1 KiB to 256 KiB: a row that grows to the right is not linear.
fn growth(host: &PluginHost, binding: &Binding) {
    const SIZES: [usize; 5] = [1, 4, 16, 64, 256];
    println!("{:<32} {}", "in the sandbox, us for each KiB", SIZES.map(|size| format!("{size:>8}K")).concat());
    let hostile = [
        "=",
        "@",
        "a@",
        "a.",
        "1 ",
        "12-",
        "4111 ",
        "+1 ",
        "00 ",
        "-----BEGIN PRIVATE KEY-----\n",
        "eyJhbGciOiJIUzI1 ",
        "://a:b@",
        "password=",
        "password is ",
        "key ",
        "token=a1b2c3d4e5f6 ",
        "curl -u a:b ",
        "aGVsbG8gd29ybGQ\n",
        "67 68 ",
        "%41",
        "\u{200b}a",
        "&#97;",
        "\"a1\" + ",
        "xoxb-",
        "cookie: a=b; ",
        "kind: Secret\ndata:\n",
        "seed phrase ",
        "a,password\n",
        "x (at) y (dot) ",
    ];
    let mut rows = vec![("mixed logs".to_owned(), SIZES.map(|size| logs(size * 1024)))];
    rows.extend(hostile.map(|piece| (format!("{piece:?}"), SIZES.map(|size| piece.repeat(size * 1024 / piece.len())))));
    for (name, texts) in rows {
        let times = texts.map(|text| {
            let best = (0..3).map(|_| seconds(|| in_sandbox(host, binding, &text))).fold(f64::MAX, f64::min);
            format!("{:>9.1}", best * 1e6 * 1024.0 / text.len() as f64)
        });
        println!("{name:<32} {}", times.concat());
    }
}

fn in_sandbox(host: &PluginHost, binding: &Binding, text: &str) {
    black_box(host.scrub(binding, text, &Json::empty_object()).expect("the call succeeds").redactions.len());
}

fn natively(text: &str) {
    let input = ScrubInput { text: text.to_owned(), data: "{}".to_owned() };
    black_box(TextScrubber::scrub(&input).expect("the call succeeds").redactions.len());
}

/// Lines of a few programs, with numbers, paths, digests, JSON, a little prose and hardly a secret.
fn logs(bytes: usize) -> String {
    filled(bytes, |n, id| {
        match n % 12 {
        0 => format!("2026-11-22T19:12:{:02}.{:03}Z INFO http request id={id:016x} method=GET path=/api/v1/missions/{} status=200 duration_ms={}", n % 60, n % 1000, n % 9999, n % 300),
        1 => format!("10.1.{}.{} - - [22/Nov/2026:19:12:01 +0000] \"GET /static/main.{n:08x}.js HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"", n % 250, n % 99, n % 90_000),
        2 => format!("{{\"ts\":{},\"level\":\"debug\",\"msg\":\"worker picked up run\",\"run\":\"run_{id:016x}\",\"attempt\":{}}}", 1_700_000_000_000 + u64::from(n), n % 5),
        3 => format!("   Compiling serde v1.0.{} (/home/build/.cargo/registry/src/serde-1.0.{})", n % 300, n % 300),
        4 => format!("test engine::missions::tests::a_mission_is_started_once_{} ... ok", n % 100),
        5 => format!("W{:04} 19:12:01.{:06} {} controller.go:114] failed to sync key default/web-{:x}: object has been modified; retrying", n % 9999, n % 999_999, n % 99_999, n % 65_536),
        6 => "The reducer sees an event and the board and nothing else: no clock, no randomness, no I/O; a fresh instance for each call.".to_owned(),
        7 => format!("    at Object.<anonymous> (/app/node_modules/express/lib/router/index.js:{}:{})", n % 900, n % 80),
        8 => format!("commit {id:016x}{:016x}{n:08x} (HEAD -> main) tidy: remove what nobody reads", id.rotate_left(7)),
        9 => format!("sshd[{}]: Accepted publickey for deploy from 10.0.0.{} port {} ssh2: ED25519 SHA256:{id:016x}", n % 32_000, n % 250, n % 60_000),
        10 => format!("GET https://acme.io/search?q=caf%C3%A9&page={} 304 größe={}", n % 50, n % 100),
        _ if n % 600 == 11 => format!("login failed user=bob{} password=Zx{}kLm!q mail=bob{}@acme.org", n % 10, n % 1000, n % 100),
        _ => format!("metric cpu.load host=node-{} value=0.{} unit=percent", n % 50, n % 1000),
    }
    })
}

fn prose(bytes: usize) -> String {
    filled(bytes, |n, _| {
        let sentences = [
            "A mission is a goal with criteria, and what is done about it is written down before it is told to anybody.",
            "When a key is rotated the old one is kept for a while, so that whoever still has it is told instead of failing.",
            "Nothing of the text is copied into a report; a find only points at where it stands and says what it is.",
            "In the third quarter of 2025 the team moved 14 services, 3 databases and about 120 dashboards.",
        ];
        sentences[n as usize % sentences.len()].to_owned()
    })
}

fn leaks(bytes: usize) -> String {
    filled(bytes, |n, id| {
        format!("2026-11-22T19:12:01Z login user=bob{} password=Zx{id:x}k!q mail=bob{}@acme.org", n % 10, n % 100)
    })
}

/// Lines up to `bytes`, made of a number and an id that are always the same.
fn filled(bytes: usize, line: impl Fn(u32, u64) -> String) -> String {
    let mut text = String::with_capacity(bytes + 256);
    let mut id = 1_u64;
    while text.len() < bytes {
        id = id.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = u32::try_from(id >> 33).expect("31 bits are left");
        text.push_str(&line(number, id));
        text.push('\n');
    }
    text.truncate(text.floor_char_boundary(bytes));
    text
}

fn seconds(work: impl Fn()) -> f64 {
    let started = now();
    work();
    started.elapsed().as_secs_f64()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures the machine")]
fn now() -> Instant {
    Instant::now()
}
