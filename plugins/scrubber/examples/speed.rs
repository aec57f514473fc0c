//! Speed.
use sluice_plugin::scrubber::{ScrubInput, Scrubber};
fn mixed(n: usize) -> String {
    let mut s = String::new();
    let mut i = 0u64;
    while s.len() < n {
        i = i.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let r = (i >> 33) as usize;
        let l=match r%12 {0=>format!("2026-11-22T19:12:{:02}.{:03}Z INFO  http request id={:016x} method=GET path=/api/v1/missions/{} status=200 duration_ms={}\n",r%60,r%1000,i,r%9999,r%300),
 1=>format!("10.1.{}.{} - - [22/Nov/2026:19:12:01 +0000] \"GET /static/js/main.{:08x}.chunk.js HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",r%250,r%99,r,r%90000),
 2=>format!("{{\"ts\":{},\"level\":\"debug\",\"msg\":\"worker picked up run\",\"run\":\"run_{:016x}\",\"attempt\":{},\"queue\":\"default\"}}\n",1_700_000_000_000u64+r as u64,i,r%5),
 3=>format!("   Compiling serde v1.0.{} (/home/build/.cargo/registry/src/serde-1.0.{})\n",r%300,r%300),
 4=>format!("test engine::missions::tests::a_mission_is_started_once_{} ... ok\n",r%100),
 5=>format!("W{:04} 19:12:01.{:06} {} controller.go:114] failed to sync key default/web-{:x}: object has been modified; retrying\n",r%9999,r%999999,r%99999,r%65536),
 6=>"The reducer sees an event and the board and nothing else: no clock, no randomness, no I/O; a fresh instance for each call.\n".to_string(),
 7=>format!("    at Object.<anonymous> (/app/node_modules/express/lib/router/index.js:{}:{})\n",r%900,r%80),
 8=>format!("commit {:016x}{:016x}{:08x}\nAuthor: build bot\n\n    tidy: remove what nobody reads\n",i,i.rotate_left(7),r),
 9=>format!("sshd[{}]: Accepted publickey for deploy from 10.0.0.{} port {} ssh2: ED25519 SHA256:{:016x}\n",r%32000,r%250,r%60000,i),
 10=>format!("GET https://acme.io/search?q=caf%C3%A9&page={} 304 größe={}\n",r%50,r%100),
 _=> if r%50==0 {format!("login user=bob{} password=Zx{}kLm!q mail=bob{}@acme.org\n",r%10,r%1000,r%100)} else {format!("metric cpu.load host=node-{} value=0.{} unit=percent\n",r%50,r%1000)} };
        s += &l;
    }
    s.truncate(n);
    s
}
fn main() {
    if std::env::args().nth(1).as_deref() == Some("d") {
        dump();
        return;
    }
    if std::env::args().nth(1).as_deref() == Some("p") {
        let m = mixed(262144);
        for _ in 0..std::env::args().nth(2).map_or(30, |n| n.parse().unwrap()) {
            std::hint::black_box(
                sluice_scrubber::TextScrubber::scrub(&ScrubInput { text: m.clone(), data: "{}".into() })
                    .unwrap()
                    .redactions
                    .len(),
            );
        }
        return;
    }
    let m = mixed(262144);
    for _ in 0..3 {
        let t = std::time::Instant::now();
        let n = sluice_secrets::find(m.as_bytes(), &sluice_secrets::Options::default()).len();
        println!("secrets {n} {:.1} MB/s", m.len() as f64 / t.elapsed().as_secs_f64() / 1e6);
        let t = std::time::Instant::now();
        let n =
            sluice_secrets::find(m.as_bytes(), &sluice_secrets::Options { guess: false, ..Default::default() }).len();
        println!("secrets no guess {n} {:.1} MB/s", m.len() as f64 / t.elapsed().as_secs_f64() / 1e6);
        for (n, d) in [("all", r#"{}"#), ("no personal views", r#"{"disabled_kinds":["personal"]}"#)] {
            sluice_plugin::testing::set_settings(d);
            let t = std::time::Instant::now();
            let r = sluice_scrubber::TextScrubber::scrub(&ScrubInput { text: m.clone(), data: "{}".into() }).unwrap();
            println!("{n} {} {:.1} MB/s", r.redactions.len(), m.len() as f64 / t.elapsed().as_secs_f64() / 1e6);
        }
        sluice_plugin::testing::set_settings("{}");
    }
    if std::env::args().count() > 1 {
        return;
    }
    for (name, f) in [
        ("mixed", None),
        ("=", Some("=")),
        ("password=", Some("password=")),
        ("a@", Some("a@")),
        ("1 ", Some("1 ")),
        ("4111 ", Some("4111 ")),
        ("%41", Some("%41")),
        ("\u{200b}", Some("\u{200b}a")),
        ("aGVsbG8gd29ybGQ", Some("aGVsbG8gd29ybGQ\n")),
        ("key ", Some("key ")),
        ("\"+\"", Some("a1\"+\"")),
        ("00 ", Some("67 68 ")),
        ("pass ", Some("pass ")),
        ("@", Some("@")),
        ("(at)", Some("a (at) b")),
        ("+1", Some("+1 ")),
        ("xoxb-", Some("xoxb-")),
        ("curl -u a:b ", Some("curl -u a:b ")),
        ("a.", Some("a.")),
        ("token=a1b2", Some("token=a1b2c3d4e5f6 ")),
        ("12-", Some("12-")),
        ("https://a:b@c ", Some("https://a:b@c ")),
        ("eyJhbG.", Some("eyJhbGciOiJIUzI1 ")),
    ] {
        for len in [4096usize, 65536, 262144] {
            let text = match f {
                None => mixed(len),
                Some(p) => p.repeat(len / p.len()),
            };
            let mut best = f64::MAX;
            for _ in 0..3 {
                let t = std::time::Instant::now();
                let r = sluice_scrubber::TextScrubber::scrub(&ScrubInput { text: text.clone(), data: "{}".into() })
                    .unwrap();
                std::hint::black_box(r.redactions.len());
                best = best.min(t.elapsed().as_secs_f64());
            }
            print!("{:>9.2} MB/s", text.len() as f64 / best / 1e6);
        }
        println!("  {name:?}");
    }
}
#[allow(dead_code)]
fn dump() {
    let m = mixed(262144);
    let r = sluice_scrubber::TextScrubber::scrub(&ScrubInput { text: m.clone(), data: "{}".into() }).unwrap();
    for x in r.redactions {
        println!("{} {:?}", x.kind, &m[x.start.saturating_sub(60) as usize..(x.end as usize + 10).min(m.len())]);
    }
}
