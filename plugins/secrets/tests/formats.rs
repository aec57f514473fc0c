//! What is found, what is left alone, and that no text makes the scan point outside itself.
//!
//! Every fake secret is put together at run time, so that no scanner takes this file for a leak.

use proptest::prelude::*;
use sluice_secrets::{Options, find};

/// Random-looking letters and digits, always the same.
fn noise(len: usize) -> String {
    const LETTERS: &[u8] = b"q7Zr2LkW9xVb4NsD1mHt8GyC5pJf3QaE6uTo0RiB";
    (0..len).map(|i| char::from(LETTERS[(i * 7 + i / 40) % LETTERS.len()])).collect()
}

fn upper_noise(len: usize) -> String {
    noise(len).to_ascii_uppercase()
}

fn hex_noise(len: usize) -> String {
    (0..len).map(|i| char::from(b"0a9f3c7e1d5b82463"[(i * 5) % 17])).collect()
}

fn kinds(text: &str) -> Vec<&'static str> {
    find(text.as_bytes(), &Options::default()).iter().map(|found| found.kind.name()).collect()
}

fn cut<'t>(text: &'t str, kind: &str) -> &'t str {
    let found = find(text.as_bytes(), &Options::default());
    let one =
        found.iter().find(|one| one.kind.name() == kind).unwrap_or_else(|| panic!("{kind:?} in {text:?}: {found:?}"));
    &text[one.start..one.end]
}

#[test]
fn vendor_tokens_are_found_and_cut_exactly() {
    let tokens = [
        ("aws_access_key", format!("AK{}{}", "IA", upper_noise(16))),
        ("github_token", format!("gh{}{}", "p_", noise(36))),
        ("github_token", format!("github{}{}", "_pat_", noise(82))),
        ("gitlab_token", format!("gl{}{}", "pat-", noise(20))),
        ("slack_token", format!("xo{}{}", "xb-123456789012-", noise(24))),
        ("stripe_key", format!("sk{}{}", "_live_", noise(24))),
        ("google_api_key", format!("AI{}{}", "za", noise(35))),
        ("google_oauth", format!("GOC{}{}", "SPX-", noise(28))),
        ("openai_key", format!("sk{}{}", "-proj-", noise(48))),
        ("openai_key", format!("sk{}{}", "-", noise(48))),
        ("anthropic_key", format!("sk{}{}", "-ant-api03-", noise(90))),
        ("npm_token", format!("np{}{}", "m_", noise(36))),
        ("pypi_token", format!("py{}{}", "pi-AgEIcHlwaS5vcmc", noise(60))),
        ("huggingface_token", format!("h{}{}", "f_", noise(34))),
        ("sendgrid_key", format!("SG{}{}.{}", ".", noise(22), noise(43))),
        ("digitalocean_token", format!("do{}{}", "p_v1_", hex_noise(64))),
        ("jwt", format!("ey{}.ey{}.{}", "JhbGciOiJIUzI1NiJ9", "JzdWIiOiIxMjM0NTY3ODkwIn0", noise(43))),
    ];
    for (kind, token) in tokens {
        for text in [
            token.clone(),
            format!("let key = \"{token}\";"),
            format!("see {token}."),
            format!("line\\n{token}\\n"),
            format!("password: {token}"),
        ] {
            assert_eq!(cut(&text, kind), token, "in {text}");
            assert_eq!(kinds(&text), [kind], "in {text}");
        }
    }
}

#[test]
fn a_token_of_the_wrong_length_is_none() {
    for text in [
        format!("AK{}{}", "IA", upper_noise(15)),
        format!("AK{}{}", "IA", upper_noise(17)),
        format!("AI{}{}", "za", noise(36)),
        format!("disk-{}", noise(60)),
        "sk-learn-contributors-and-friends-of-the-project".to_owned(),
        format!("MAK{}{}", "IA", upper_noise(16)),
    ] {
        assert_eq!(kinds(&text), [] as [&str; 0], "in {text}");
    }
    // A short name and a long row that only a generator makes is a token, though not of that issuer.
    assert_eq!(kinds(&format!("gh{}{}", "p_", noise(35))), ["generic_secret"]);
}

#[test]
fn an_aws_secret_key_needs_its_name() {
    let secret = noise(40);
    assert_eq!(cut(&format!("aws_secret_access_key = {secret}"), "aws_secret_key"), secret);
    assert_eq!(cut(&format!("\"SecretAccessKey\": \"{secret}\","), "aws_secret_key"), secret);
    assert_eq!(kinds(&format!("digest = {secret}")), [] as [&str; 0]);
    // The documentation's own example key.
    let printed = format!("wJalrXUtnFEMI/K7MDENG/bPx{}", "RfiCYEXAMPLEKEY");
    assert_eq!(kinds(&format!("aws_secret_access_key = {printed}")), [] as [&str; 0]);
}

#[test]
fn private_keys_are_found_whole() {
    let body = format!("{}\n{}\n{}\n", noise(64), noise(64), noise(12));
    for label in ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
        let block = format!("-----{} {label}-----\n{body}-----END {label}-----", "BEGIN");
        let text = format!("before\n{block}\nafter\n");
        assert_eq!(cut(&text, "private_key"), block);
        let crlf = text.replace('\n', "\r\n");
        assert!(cut(&crlf, "private_key").ends_with(&format!("END {label}-----")));
        let escaped = format!("key = \"{}\"", block.replace('\n', "\\n"));
        assert_eq!(kinds(&escaped), ["private_key"]);
    }
}

#[test]
fn a_private_key_without_its_end_reaches_over_its_body_only() {
    let marker = format!("-----{} RSA PRIVATE KEY-----", "BEGIN");
    let text = format!("{marker}\n{}\n{}\nthis is prose again\n", noise(64), noise(30));
    let found = cut(&text, "private_key");
    assert!(found.contains(&noise(30)) && !found.contains("prose"), "{found}");
    // A marker without a key behind it is a mention of one.
    assert_eq!(kinds(&format!("{marker} and so on")), [] as [&str; 0]);
}

#[test]
fn a_program_that_reads_keys_is_left_alone() {
    let marker = format!("-----{} PRIVATE KEY-----", "BEGIN");
    assert_eq!(kinds(&format!("if pem.starts_with(\"{marker}\") {{")), [] as [&str; 0]);
    assert_eq!(kinds("-----BEGIN PUBLIC KEY-----\nMIIBIjANBg\n-----END PUBLIC KEY-----"), [] as [&str; 0]);
    assert_eq!(kinds("-----BEGIN CERTIFICATE-----"), [] as [&str; 0]);
}

#[test]
fn urls_with_passwords_go_as_a_whole() {
    let url = format!("postgres://app:{}@db.internal:5432/prod", "hunter2x");
    assert_eq!(cut(&format!("use {url}, please"), "connection_password"), url);
    let url = format!("redis://:{}@cache", "s3cr3t");
    assert_eq!(cut(&url, "connection_password"), url);
    let url = format!("https://u:{}@h/x", "p@ss:w0rd");
    assert_eq!(cut(&url, "url_password"), url);
    for harmless in [
        "postgres://app:${DB_PASSWORD}@db/prod",
        "postgres://user:password@localhost/db",
        "https://example.com:8080/a@b",
        "https://example.com/@scope/package",
        "git@github.com:owner/name.git",
        "http://host:80/x?mail=a@b.c",
        "https://<user>:<pass>@host",
    ] {
        assert_eq!(kinds(harmless), [] as [&str; 0], "in {harmless}");
    }
}

#[test]
fn connection_strings_and_headers_are_found() {
    let text = format!("Server=db;Database=app;User Id=sa;Password={};Encrypt=true", "Zq81kk");
    assert_eq!(cut(&text, "connection_password"), "Zq81kk");
    let account = format!("{}==", noise(86));
    let text = format!("DefaultEndpointsProtocol=https;AccountName=x;AccountKey={account};");
    assert_eq!(cut(&text, "connection_password"), account);
    let bearer = noise(32);
    assert_eq!(cut(&format!("Authorization: Bearer {bearer}"), "authorization_header"), bearer);
    let basic = format!("dXNlcjpo{}", "dW50ZXIy");
    assert_eq!(cut(&format!("authorization: Basic {basic}"), "authorization_header"), basic);
    let hook = format!("hooks.slack.com/{}/T{}/B{}/{}", "services", upper_noise(9), upper_noise(9), noise(24));
    assert_eq!(cut(&format!("post to https://{hook}."), "webhook_url"), format!("https://{hook}"));
    assert_eq!(kinds("a bearer of bad news, Basic authentication is described below"), [] as [&str; 0]);
}

#[test]
fn guesses_need_a_telling_name_and_a_random_value() {
    let value = noise(24);
    for text in [
        format!("password = \"{value}\""),
        format!("\"api_key\": \"{value}\","),
        format!("{{\\\"token\\\": \\\"{value}\\\"}}"),
        format!("const clientSecret: string = '{value}';"),
        format!("let token: &str = \"{value}\";"),
        format!("DB_PASSWORD={value}"),
        format!("  auth_token: {value}"),
        format!("export API_KEY='{value}'"),
        format!("client.set_password(\"{value}\")"),
        format!("env[\"SECRET_TOKEN\"] = \"{value}\""),
        format!("secret := \"{value}\""),
        format!(":api_key => \"{value}\""),
        format!("?access_token={value}&x=1"),
    ] {
        let kind = if text.to_lowercase().contains("password") { "password" } else { "generic_secret" };
        let kind = if text.starts_with('?') { "generic_secret" } else { kind };
        assert_eq!(cut(&text, kind), value, "in {text}");
    }
    for text in [
        "password = \"changeme123\"".to_owned(),
        "password = \"${DB_PASSWORD}\"".to_owned(),
        "api_key = \"your-api-key-here-1\"".to_owned(),
        "token = \"<token1234567>\"".to_owned(),
        "secret = \"xxxxxxxxxxxxxxxx\"".to_owned(),
        "let token = self.tokens.next_token2();".to_owned(),
        "password: String,".to_owned(),
        "token: Option<AccessTokenV2>,".to_owned(),
        "secret_name = \"prod/db/credentials2\"".to_owned(),
        "token_type = \"refresh_token2\"".to_owned(),
        "auth_token = \"oauth2_token\"".to_owned(),
        "max_tokens: 4096".to_owned(),
        "password = input(\"Enter the password: \")".to_owned(),
        "secret = process.env.SECRET_TOKEN1".to_owned(),
        "if token == other_token2 {".to_owned(),
        format!("digest = \"{value}\""),
        format!("checksum: {value}"),
    ] {
        assert_eq!(kinds(&text), [] as [&str; 0], "in {text}");
    }
}

#[test]
fn a_known_format_beats_the_guess_around_it() {
    let token = format!("gh{}{}", "p_", noise(36));
    assert_eq!(kinds(&format!("token = \"v1:{token}\"")), ["github_token"]);
}

#[test]
fn guessing_can_be_turned_off_and_tuned() {
    let text = format!("password = \"{}\"", noise(24));
    let found = |options: &Options| find(text.as_bytes(), options).len();
    assert_eq!(found(&Options { guess: false, ..Options::default() }), 0);
    assert_eq!(found(&Options { min_entropy: 7.0, ..Options::default() }), 0);
    assert_eq!(found(&Options::default()), 1);
}

#[test]
fn hostile_text_is_scanned_in_reasonable_steps() {
    // Each repeats what makes a matcher look ahead; quadratic matchers would take minutes.
    for piece in [
        "-----BEGIN ",
        "eyJ",
        "://",
        "password=",
        "xoxb-",
        "Bearer ",
        "://a:",
        "-----BEGIN PRIVATE KEY-----\n",
        "-eyJ",
        "token='q7Zr2LkW9x\"",
        "token=a1b2c3d4e5f6g7h8",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let found = find(text.as_bytes(), &Options::default());
        assert!(found.len() <= 20_000 && found.iter().all(|one| one.end <= text.len()), "{piece}");
    }
}

/// What is remembered of a row spares reading it again, and hides nothing that stands behind it.
#[test]
fn a_secret_behind_a_row_of_what_announces_none_is_found() {
    let password = format!("S3cr{}", "et!hunter");
    for row in [
        "pw ".repeat(200),
        "senha, ".repeat(200),
        "login ".repeat(100),
        "op://".repeat(300),
        "x:y://".repeat(300),
        "Key=a1,".repeat(300),
        "admin:".repeat(200),
        "\tTRUE\t=".repeat(300),
        "authorization:".repeat(300),
        "{SSHA.".repeat(200),
        "-----BEGIN PRIVATE KEY-----:".repeat(50),
    ] {
        for told in [
            format!("password={password}\n"),
            format!("the password is {password}\n"),
            format!("INSERT INTO users (id, password) VALUES (1, '{password}')\n"),
            format!("user,password\nbob,{password}\n"),
            format!("login: bob / {password}\n"),
            format!("echo '{password}' | sudo -S ls\n"),
            format!("postgres://bob:pa/{password}@db.acme.io/x\n"),
        ] {
            let text = format!("{row}\n\n{told}");
            let found = find(text.as_bytes(), &Options::default());
            let is_found = |at: usize| found.iter().any(|one| one.start <= at && at < one.end);
            assert!(is_found(text.rfind(&password).unwrap()), "{:?}: {told}", &row[..20]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn finds_are_sorted_disjoint_and_on_boundaries(
        text in "([a-zäß€ \n\"'=:(@/.;-]{0,6}(password|token=|://u:|-----BEGIN PRIVATE KEY-----|eyJ|Bearer |ghp_|[A-Za-z0-9]{40}|ü)){0,12}",
    ) {
        let found = find(text.as_bytes(), &Options::default());
        let mut last = 0;
        for one in found {
            prop_assert!(last <= one.start && one.start < one.end && one.end <= text.len());
            prop_assert!(text.is_char_boundary(one.start) && text.is_char_boundary(one.end));
            last = one.end;
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        find(&bytes, &Options::default());
    }
}
