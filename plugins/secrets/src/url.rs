//! Credentials that travel in URLs: `scheme://user:password@host`, tokens and signatures in the
//! query, webhook URLs that are themselves the secret.
//!
//! Owns which part of a URL must go. A URL with a password goes as a whole, because its user and
//! host are half of the credential. JSON Web Tokens are here too, for want of a better place.

use crate::alphabet::{behind_break, is_boundary, is_word};
use crate::judge::is_uuid;
use crate::kind::Kind;
use crate::openings::Words;
use crate::placeholder::{is_documented, is_placeholder};
use crate::random::{Makeup, is_random};
use crate::scan::Found;

/// Longest authority and longest URL looked at.
const AUTHORITY_MAX_BYTES: usize = 512;
const URL_MAX_BYTES: usize = 4_096;
/// How much of a path is searched for a hook.
const PATH_MAX_BYTES: usize = 128;

/// Schemes of databases, brokers, directories and mail: their URLs are connection strings.
#[rustfmt::skip]
const CONNECTIONS: &[&str] = &[
    "postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "amqp", "amqps",
    "jdbc", "mssql", "sqlserver", "oracle", "cassandra", "couchbase", "couchdb", "neo4j", "bolt", "clickhouse",
    "elasticsearch", "influxdb", "kafka", "nats", "mqtt", "mqtts", "ldap", "ldaps", "smtp", "smtps", "imap", "imaps",
    "snowflake", "cockroachdb", "redshift", "vertica", "presto", "trino", "hive", "db2", "memcached", "rabbitmq",
    "cloudinary", "sqlalchemy", "postgresql+psycopg2", "mysql+pymysql", "mssql+pyodbc", "nats", "stomp", "pulsar",
    "surrealdb", "libsql", "dolt", "rediscluster",
];

/// Hosts and paths behind which the rest of the path is the secret, and how many bytes of it at least.
const WEBHOOKS: &[(&str, &str, usize)] = &[
    ("hooks.slack.com", "/services/", 24),
    ("hooks.slack.com", "/workflows/", 24),
    ("hooks.slack.com", "/triggers/", 24),
    ("hooks.slack-gov.com", "/services/", 24),
    ("discord.com", "/api/webhooks/", 40),
    ("discordapp.com", "/api/webhooks/", 40),
    ("ptb.discord.com", "/api/webhooks/", 40),
    ("canary.discord.com", "/api/webhooks/", 40),
    ("discord.com", "/api/v10/webhooks/", 40),
    ("discord.com", "/api/v9/webhooks/", 40),
    (".webhook.office.com", "/webhookb2/", 40),
    ("outlook.office.com", "/webhook/", 40),
    ("outlook.office365.com", "/webhook/", 40),
    (".logic.azure.com", "/workflows/", 16),
    ("api.telegram.org", "/bot", 30),
    ("api.telegram.org", "/file/bot", 30),
    ("hooks.zapier.com", "/hooks/catch/", 8),
    ("hooks.zapier.com", "/hooks/standard/", 8),
    ("maker.ifttt.com", "/trigger/", 16),
    ("chat.googleapis.com", "/v1/spaces/", 24),
    ("open.feishu.cn", "/open-apis/bot/", 20),
    ("open.larksuite.com", "/open-apis/bot/", 20),
    ("oapi.dingtalk.com", "/robot/send", 20),
    ("qyapi.weixin.qq.com", "/cgi-bin/webhook/send", 20),
    ("webexapis.com", "/v1/webhooks/incoming/", 20),
    ("api.ciscospark.com", "/v1/webhooks/incoming/", 20),
    (".make.com", "/", 24),
    ("hook.integromat.com", "/", 16),
    (".m.pipedream.net", "", 0),
    ("events.pagerduty.com", "/integration/", 24),
    ("events.pagerduty.com", "/x-ere/", 12),
    ("hc-ping.com", "/", 20),
    ("api.opsgenie.com", "/v1/json/", 20),
    ("alert.victorops.com", "/integrations/", 20),
    ("api.vercel.com", "/v1/integrations/deploy/", 12),
    ("api.netlify.com", "/build_hooks/", 20),
    ("api.render.com", "/deploy/", 12),
    ("api.cloudflare.com", "/client/v4/pages/webhooks/deploy_hooks/", 20),
    ("cronitor.link", "/p/", 16),
    ("uptime.betterstack.com", "/api/v1/heartbeat/", 12),
    ("betteruptime.com", "/api/v1/heartbeat/", 12),
    ("push.statuspage.io", "/", 16),
    ("api.flock.com", "/hooks/sendMessage/", 20),
    ("webhook.site", "/", 30),
    ("hooks.glip.com", "/webhook/", 20),
    ("hooks.ringcentral.com", "/webhook/", 20),
    ("connect.pabbly.com", "/workflow/sendwebhookdata/", 12),
    ("notify.run", "/", 12),
    ("api.pushcut.io", "/", 16),
    ("hooks.airtable.com", "/workflows/", 20),
    ("hooks.airbrake.io", "/", 16),
    ("api.monday.com", "/v1/hooks/", 16),
    ("wh.automate.io", "/webhook/", 16),
    ("www.workato.com", "/webhooks/rest/", 16),
    ("hooks.nabu.casa", "/", 24),
    ("cloud.bitrise.io", "/hooks/", 16),
    ("hooks.bitrise.io", "/h/github/", 16),
    ("calendar.google.com", "/calendar/ical/", 30),
];

/// Parameters of a query whose value is a secret. Small letters.
#[rustfmt::skip]
static PARAMETERS: Words = Words::of(&[
    "access_token", "accesstoken", "token", "auth_token", "authtoken", "id_token", "refresh_token", "api_key",
    "apikey", "api-key", "key", "secret", "client_secret", "password", "passwd", "pwd", "pass", "sig", "signature",
    "x-amz-signature", "x-amz-security-token", "x-amz-credential", "x-goog-signature", "x-oss-signature", "auth",
    "authkey", "auth_key", "session", "sessionid", "session_id", "sid", "jwt", "code", "sas", "hmac", "private_token",
    "app_key", "appkey", "appid", "app_id", "subscription-key", "hash", "hdnea", "hdnts", "policy", "key-pair-id",
    "awsaccesskeyid", "googleaccessid", "oauth_token", "oauth_signature", "xoxp", "personal_access_token",
    "private_key", "secret_key", "user_key", "apitoken", "api_token", "ticket", "otp", "state_token", "invite_token",
    "reset_token", "confirmation_token", "magic", "verify", "credential", "passcode", "pin", "bearer",
    "webhook_token", "access_key", "license_key", "wskey", "crumb", "csrf_token",
]);

/// What was read of URLs, so that one inside of another costs no second look.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Up to here all bytes since the last URL may stand in one.
    run_until: usize,
    /// Up to here parameters were judged.
    parameters_until: usize,
    /// From the last path on there is no `?` or `#` up to here.
    path_until: usize,
    /// Up to here signs were looked for, and the last `@` among those, one more than where it stands.
    signs_until: usize,
    sign: usize,
}

impl Seen {
    /// The first `?` or `#` in `text[from..end]`; neither number is ever less than the time before.
    fn query(&mut self, text: &[u8], from: usize, end: usize) -> Option<usize> {
        let known = self.path_until.clamp(from, end);
        let query = text[known..end].iter().position(|b| matches!(b, b'?' | b'#'));
        self.path_until = query.map_or(end, |query| known + query);
        query.map(|query| known + query)
    }

    /// The last `@` in `text[from..end]`; neither number is ever less than the time before.
    fn last_sign(&mut self, text: &[u8], from: usize, end: usize) -> Option<usize> {
        let known = self.signs_until.clamp(from, end);
        if let Some(sign) = text[known..end].iter().rposition(|&b| b == b'@') {
            self.sign = known + sign + 1;
        }
        self.signs_until = self.signs_until.max(end);
        self.sign.checked_sub(1).filter(|sign| (from..end).contains(sign))
    }
}

/// Finds in the URL whose `://` stands at `at`.
pub(crate) fn at(text: &[u8], at: usize, seen: &mut Seen, found: &mut Vec<Found>) {
    let scheme_len = text[..at]
        .iter()
        .rev()
        .take(32)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-' | b':'))
        .count();
    let scheme = &text[at - scheme_len..at];
    let scheme = scheme
        .iter()
        .rposition(|&b| b == b':' && !scheme.starts_with(b"jdbc"))
        .map_or(scheme, |colon| &scheme[colon + 1..]);
    if scheme.is_empty() || !scheme[0].is_ascii_alphabetic() {
        return;
    }
    let start = at - scheme.len();
    let authority_at = at + 3;
    let known = seen.run_until.clamp(authority_at, authority_at + URL_MAX_BYTES);
    let room = authority_at + URL_MAX_BYTES - known;
    let end = known + text[known..].iter().take(room).take_while(|&&b| is_in_url(b)).count();
    seen.run_until = end;
    if let Some(one) = with_password(text, start, authority_at, end, scheme, seen) {
        found.push(one);
        return;
    }
    let path_at = authority_at
        + text[authority_at..end].iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(end - authority_at);
    let host = without_port(&text[authority_at..path_at]);
    if is_webhook(host, &text[path_at..end]) {
        found.push(Found { kind: Kind::WEBHOOK, start, end: without_punctuation(text, start, end), confidence: 1.0 });
        return;
    }
    if let Some((start, end)) = in_version(text, path_at, end) {
        found.push(Found { kind: Kind::URL_TOKEN, start, end, confidence: 0.6 });
    }
    if let Some(query) = seen.query(text, path_at, end).filter(|query| *query >= seen.parameters_until) {
        parameters(text, query + 1, end, found);
        seen.parameters_until = end;
    }
}

/// A URL with credentials in front of its host.
fn with_password(
    text: &[u8],
    start: usize,
    authority_at: usize,
    end: usize,
    scheme: &[u8],
    seen: &mut Seen,
) -> Option<Found> {
    let window_end = end.min(authority_at + AUTHORITY_MAX_BYTES);
    let window = &text[authority_at..window_end];
    // A password that was not encoded may hold a slash; then the last `@` before a blank counts,
    // unless the path begins earlier.
    let slash = window.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(window.len());
    let host_at = window[..slash].iter().rposition(|&b| b == b'@').or_else(|| {
        let sign = seen.last_sign(text, authority_at, window_end)? - authority_at;
        may_be_unencoded(window, slash).then_some(sign)
    })?;
    let user_info = &window[..host_at];
    let has_host = window
        .get(host_at + 1)
        .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'[' | b'$' | b'{' | b'<' | b'%' | b'_' | b'-'));
    let split = user_info.iter().position(|&b| b == b':');
    let secret = split.map_or(user_info, |colon| &user_info[colon + 1..]);
    let is_token = split.is_none() || secret.is_empty();
    let token = if is_token { user_info.strip_suffix(b":").unwrap_or(user_info) } else { secret };
    let is_secret = if is_token { token.len() >= 16 && is_random(token) } else { !is_placeholder(token) };
    if !has_host
        || !is_secret
        || token.is_empty()
        || token.starts_with(b"$") && token.len() > 1 && !token[1..].iter().any(u8::is_ascii_lowercase)
    {
        return None;
    }
    let is_connection =
        CONNECTIONS.iter().any(|name| scheme.eq_ignore_ascii_case(name.as_bytes())) || scheme.starts_with(b"jdbc:");
    let kind = if is_connection { Kind::CONNECTION_PASSWORD } else { Kind::URL_PASSWORD };
    Some(Found { kind, start, end: without_punctuation(text, start, end), confidence: 0.97 })
}

/// Whether a password may hold the `/`, `?` or `#` at `slash`: `://user:pa/ss@host`.
fn may_be_unencoded(window: &[u8], slash: usize) -> bool {
    let Some(colon) = window[..slash].iter().position(|&b| b == b':') else { return false };
    let port = &window[colon + 1..slash];
    !(port.iter().all(u8::is_ascii_digit) || window[..colon].contains(&b'.'))
}

fn is_in_url(byte: u8) -> bool {
    !(byte.is_ascii_whitespace()
        || byte.is_ascii_control()
        || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\'))
}

fn without_punctuation(text: &[u8], start: usize, mut end: usize) -> usize {
    while end > start + 1 && matches!(text[end - 1], b'.' | b',' | b';' | b')' | b']' | b'!' | b'}') {
        end -= 1;
    }
    end
}

fn without_port(host: &[u8]) -> &[u8] {
    let digits = host.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    match &host[..host.len() - digits] {
        [name @ .., b':'] => name,
        _ => host,
    }
}

fn is_webhook(host: &[u8], path: &[u8]) -> bool {
    let is_host = |name: &str| {
        if name.starts_with('.') {
            host.len() > name.len() && host[host.len() - name.len()..].eq_ignore_ascii_case(name.as_bytes())
        } else {
            host.eq_ignore_ascii_case(name.as_bytes())
        }
    };
    let known = WEBHOOKS.iter().any(|(name, prefix, min)| {
        is_host(name)
            && path
                .strip_prefix(prefix.as_bytes())
                .is_some_and(|rest| rest.len() >= *min && (*min == 0 || is_worth(rest)))
            && (*name != ".make.com" || host.starts_with(b"hook."))
    });
    known || is_own_hook(path)
}

/// `/v2/_JZ1KfbcZLWYzMEyAZl63PAnh5h7peGf`: the key that all of a service's addresses end with.
fn in_version(text: &[u8], path_at: usize, end: usize) -> Option<(usize, usize)> {
    let path = &text[path_at..end.min(path_at + PATH_MAX_BYTES)];
    let path = &path[..path.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(path.len())];
    let last = path.iter().rposition(|&b| b == b'/')? + 1;
    let [.., b'/', b'v', b'1'..=b'9', b'/'] = &path[..last] else { return None };
    let key = &path[last..];
    let makeup = Makeup::of(key);
    let is_key = (24..=64).contains(&key.len())
        && key.iter().all(|&b| is_word(b))
        && makeup.upper >= 3
        && makeup.lower >= 3
        && makeup.digits >= 1
        && is_random(key)
        && is_worth(key);
    is_key.then_some((path_at + last, path_at + last + key.len()))
}

fn is_worth(rest: &[u8]) -> bool {
    let makeup = Makeup::of(rest);
    makeup.digits > 0
        && !is_documented(rest)
        && rest.iter().filter(|b| matches!(b, b'X' | b'x')).count() * 2 < rest.len()
        && !rest.contains(&b'{')
        && !rest.contains(&b'$')
}

/// `/hooks/<26 small letters and digits>` of Mattermost and Rocket.Chat, on anybody's host, and
/// `/webhook/` with a UUID.
fn is_own_hook(path: &[u8]) -> bool {
    const NAMES: [&[u8]; 4] = [b"hooks/", b"webhook/", b"webhooks/", b"webhook-test/"];
    let path = &path[..path.iter().take(PATH_MAX_BYTES).take_while(|b| !matches!(b, b'?' | b'#')).count()];
    let slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/');
    let Some(at) = slashes.map(|(at, _)| at + 1).find_map(|at| {
        NAMES
            .iter()
            .filter(|_| matches!(path.get(at), Some(b'h' | b'w')))
            .find(|name| path[at..].starts_with(name))
            .map(|name| at + name.len())
    }) else {
        return false;
    };
    let rest = &path[at..];
    let len = rest.iter().take_while(|&&b| is_word(b)).count();
    (len == 26 && is_random(&rest[..len])) || (len >= 17 && is_random(&rest[..len])) || is_uuid(&rest[..len])
}

/// Secret parameters of the query at `start` to `end`, those of URLs inside of it among them.
fn parameters(text: &[u8], start: usize, end: usize, found: &mut Vec<Found>) {
    let mut at = start;
    while at < end {
        let len = text[at..end].iter().position(|b| matches!(b, b'&' | b'#' | b';' | b'?')).unwrap_or(end - at);
        let pair = &text[at..at + len];
        if let Some(equals) = pair.iter().position(|&b| b == b'=') {
            let name = pair[..equals].to_ascii_lowercase();
            let value_end = without_punctuation(text, at + equals + 1, at + len);
            let value = text.get(at + equals + 1..value_end).unwrap_or_default();
            if PARAMETERS.has(&name) && is_parameter(&name, value) {
                found.push(Found { kind: Kind::URL_TOKEN, start: at + equals + 1, end: value_end, confidence: 0.8 });
            }
        }
        at += len + 1;
    }
}

fn is_parameter(name: &[u8], value: &[u8]) -> bool {
    let makeup = Makeup::of(value);
    let is_password = [&b"password"[..], b"passwd", b"pwd", b"pass", b"passcode"].contains(&name);
    let min = if is_password { 4 } else { 8 };
    let is_vague = [
        &b"key"[..],
        b"code",
        b"hash",
        b"policy",
        b"session",
        b"state",
        b"app_id",
        b"appid",
        b"verify",
        b"crumb",
        b"sid",
        b"pin",
        b"ticket",
    ]
    .contains(&name);
    let is_enough = match () {
        () if is_password => true,
        () if is_vague => value.len() >= 16 && (is_random(value) || is_uuid(value)),
        () => makeup.digits > 0 && (makeup.letters() > 0 || makeup.digits >= 6) || is_random(value),
    };
    value.len() >= min && is_enough && !is_placeholder(value)
}

/// A JSON Web Token that starts exactly at `at`: two base64url objects and a signature, which may be
/// broken over lines.
pub(crate) fn jwt_at(text: &[u8], at: usize) -> Option<usize> {
    // `-` and `.` belong to the token, so what stands behind them is the inside of a longer run.
    if !is_boundary(text, at) || matches!(text[..at].last(), Some(b'-' | b'.' | b'_')) {
        return None;
    }
    let mut end = at;
    let (mut dots, mut breaks) = (0, 0);
    loop {
        let run = text[end..].iter().take(8 * 1024).take_while(|b| is_word(**b) || **b == b'.').count();
        dots += text[end..end + run].iter().filter(|b| **b == b'.').count();
        end += run;
        // A token has two dots, or four when it is encrypted; broken lines go on until those are seen.
        let Some(next) = behind_break(text, end).filter(|_| breaks < 24 && run >= 8) else { break };
        let more = text[next..].iter().take(8 * 1024).take_while(|b| is_word(**b) || **b == b'.').count();
        let word_end = next + more;
        let goes_on = more >= 4 && (dots < 2 || more >= 16) && (dots < 2 || is_random(&text[next..word_end]));
        if !goes_on || (dots == 0 && end - at > 1_000) {
            break;
        }
        (end, breaks) = (next, breaks + 1);
    }
    while end > at && text[end - 1] == b'.' {
        end -= 1;
    }
    let token = &text[at..end];
    let header = token.iter().position(|&b| b == b'.')?;
    let payload = token.get(header + 1..)?;
    let is_token = header >= 12
        && payload.len() >= 10
        && (payload.starts_with(b"ey")
            || token.iter().filter(|b| **b == b'.').count() >= 4
            // Others sign what is no object: the parts behind the header are random then.
            || payload.iter().position(|&b| b == b'.').is_some_and(|dot| {
                payload.len() - dot > 20 && is_random(&payload[dot + 1..])
            }));
    (is_token && !is_documented(token)).then_some(end)
}
