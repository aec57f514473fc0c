//! Passwords on command lines: `mysql -pS3cret`, `curl -u user:pass`, `sshpass -p S3cret`.
//!
//! Owns which flag of which program takes a secret. Flags that say so themselves (`--password X`)
//! are names, see `names`. Never runs or expands anything.

use crate::alphabet::{is_blank, is_boundary, line_end, line_start};
use crate::kind::Kind;
use crate::placeholder::is_placeholder;
use crate::random::Makeup;
use crate::scan::Found;

/// Programs and their flags. A flag ends with `+` when the value follows without a blank, with `~`
/// when the value is `user:password` and `%` when it is `user%password`; `#n` is the n-th argument
/// that is no flag, counted from 1, and `$` the last. With a sub-command the row counts only behind it.
struct Program {
    names: &'static [&'static str],
    sub: &'static str,
    flags: &'static [&'static str],
}

const fn row(names: &'static [&'static str], sub: &'static str, flags: &'static [&'static str]) -> Program {
    Program { names, sub, flags }
}

const PROGRAMS: &[Program] = &[
    row(
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mariadb",
            "mariadb-dump",
            "mysqlimport",
            "mycli",
            "mysqlsh",
            "mysqlcheck",
        ],
        "",
        &["-p+"],
    ),
    row(&["sshpass"], "", &["-p", "-p+"]),
    row(
        &["curl", "curlie"],
        "",
        &[
            "-u~",
            "--user~",
            "-u~+",
            "-U~",
            "--proxy-user~",
            "--pass",
            "--proxy-pass",
            "--oauth2-bearer",
            "--tlspassword",
        ],
    ),
    row(&["wget", "wget2", "aria2c"], "", &["--http-passwd", "--ftp-passwd"]),
    row(&["http", "https", "xh", "httpie"], "", &["-a~", "--auth~"]),
    row(&["redis-cli", "valkey-cli", "keydb-cli"], "", &["-a", "--pass", "AUTH", "auth"]),
    row(
        &["mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport", "mongostat"],
        "",
        &["-p", "-p+"],
    ),
    row(
        &["ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami", "ldapmodrdn"],
        "",
        &["-w", "-s"],
    ),
    row(&["smbclient", "rpcclient", "winexe", "smbget", "pth-winexe"], "", &["-U%", "--user%"]),
    row(&["docker", "podman", "nerdctl", "buildah", "helm", "oras", "crane"], "login", &["-p"]),
    row(&["skopeo", "buildah"], "", &["--creds~", "--src-creds~", "--dest-creds~"]),
    row(&["htpasswd"], "", &["$"]),
    row(&["openssl"], "", &["-passin", "-passout", "-pass", "-k", "-passwd"]),
    row(&["zip", "unzip", "zipcloak", "bsdtar"], "", &["-P", "-P+"]),
    row(&["7z a", "7z x", "7za", "7zr", "7zz", "rar", "unrar"], "", &["-p+", "-hp+"]),
    row(&["gpg", "gpg2", "qpdf", "cryptsetup"], "", &["--passphrase", "--symmetric-passphrase"]),
    row(&["pdftk"], "", &["input_pw", "owner_pw", "user_pw"]),
    row(
        &["keytool", "jarsigner", "apksigner"],
        "",
        &["-storepass", "-keypass", "-srcstorepass", "-deststorepass", "-destkeypass", "-srckeypass", "-new"],
    ),
    row(&["snmpwalk", "snmpget", "snmpset", "snmpbulkwalk", "snmptrap", "snmpgetnext"], "", &["-c", "-A", "-X"]),
    row(&["plink", "pscp", "psftp", "putty", "kitty"], "", &["-pw"]),
    row(&["sqlcmd", "bcp", "osql", "isql", "tsql"], "", &["-P", "-P+"]),
    row(&["sqlplus", "sqlldr", "expdp", "impdp", "rman", "sqlcl"], "", &["#1"]),
    row(&["vault"], "login", &["#2"]),
    row(&["vault operator unseal", "importprivkey", "bw unlock"], "", &["#1"]),
    row(&["racadm"], "", &["-p"]),
    row(&["xfreerdp", "wfreerdp", "rdesktop"], "", &["-p", "/p:+"]),
    row(&["net"], "user", &["#3"]),
    row(&["net"], "use", &["#4"]),
    row(&["psexec", "PsExec", "psexec.exe", "wmiexec", "winrs"], "", &["-p", "-p:+"]),
    row(&["wmic", "cmdkey", "schtasks", "sc"], "", &["/password:+", "/pass:+", "/rp", "/p"]),
    row(&["mosquitto_pub", "mosquitto_sub", "mqtt"], "", &["-P", "-pw"]),
    row(&["rabbitmqadmin"], "", &["-p"]),
    row(&["rabbitmqctl"], "add_user", &["#3"]),
    row(&["rabbitmqctl"], "change_password", &["#3"]),
    row(
        &[
            "beeline",
            "cqlsh",
            "nodetool",
            "presto",
            "trino",
            "influx",
            "impala-shell",
            "cypher-shell",
            "arangosh",
            "clickhouse-client",
        ],
        "",
        &["-p", "-pw", "-password"],
    ),
    row(&["ipmitool", "ipmi-power"], "", &["-P", "-p"]),
    row(
        &[
            "crackmapexec",
            "cme",
            "nxc",
            "netexec",
            "evil-winrm",
            "hydra",
            "medusa",
            "bloodhound-python",
            "kerbrute",
            "smbmap",
        ],
        "",
        &["-p"],
    ),
    row(&["twine", "flit", "hatch"], "", &["-p", "--auth"]),
    row(&["poetry"], "config", &["$"]),
    row(&["composer"], "config", &["$"]),
    row(&["cargo"], "login", &["#2"]),
    row(&["doctl", "flyctl", "railway"], "auth", &["-t"]),
    row(&["ssh-keygen"], "", &["-N", "-P"]),
    row(&["wpa_passphrase"], "", &["#2"]),
    row(&["nmcli", "networksetup"], "", &["password", "wifi-sec.psk", "802-11-wireless-security.psk"]),
    row(&["iwconfig"], "key", &["#3"]),
    row(&["lftp"], "", &["-u,"]),
    row(&["ncftp", "ncftpput", "ncftpget"], "", &["-p"]),
    row(&["kubectl"], "secret", &["--from-literal="]),
    row(&["kubectl"], "login", &["-p"]),
    row(&["gh secret", "glab secret"], "", &["--body", "-b"]),
    row(&["az login", "oc login", "acr login"], "", &["-p"]),
    row(&["fly", "flyctl", "wrangler", "heroku", "railway", "vercel", "netlify", "doppler", "eas"], "set", &["$="]),
    row(&["dotnet", "nuget", "choco"], "push", &["-k", "-ApiKey"]),
    row(&["useradd", "usermod", "dsadd"], "", &["-p", "-pwd"]),
    row(&["x11vnc", "vncviewer"], "", &["-passwd"]),
    row(&["radtest"], "", &["#2", "#5"]),
    row(&["swaks", "sendemail", "sendEmail", "mailsend", "msmtp"], "", &["-ap", "-xp", "--auth-password", "-pass"]),
    row(&["security"], "", &["-w", "-p", "-P"]),
    row(&["hdiutil", "sysadminctl", "notarytool", "altool", "xcrun"], "", &["-passphrase", "-password", "-p"]),
    row(&["mc alias"], "", &["#4", "#5"]),
    row(&["certutil", "signtool", "pvk2pfx"], "", &["-p", "/p", "-po", "-pi"]),
    row(&["siege", "wrk"], "", &["-A~", "-P~"]),
    row(&["jenkins-cli", "java"], "", &["-auth~"]),
    row(&["svn", "cvs"], "", &["-P"]),
    row(&["smbpasswd", "mkpasswd"], "", &["$"]),
    row(&["restic", "borg", "kopia", "duplicacy"], "", &["-password"]),
    row(
        &["impacket-psexec", "impacket-smbexec", "secretsdump.py", "psexec.py", "wmiexec.py", "impacket-secretsdump"],
        "",
        &["#1"],
    ),
    row(&["sqlmap"], "", &["--auth-cred~"]),
    row(&["ansible", "ansible-playbook"], "", &["-e="]),
    row(&["op signin"], "", &["#3", "#4"]),
    row(&["bw login"], "", &["#2"]),
    row(&["rclone"], "obscure", &["#2"]),
    row(&["ansible-vault"], "encrypt_string", &["#2"]),
    row(&["az sql", "az mysql", "az postgres", "az mariadb"], "", &["-p"]),
    row(&["influxd", "grafana-cli", "grafana"], "reset-admin-password", &["$"]),
    row(&["wp user", "wp core"], "", &["--user_pass", "--admin_password"]),
    row(&["aws"], "set", &["$"]),
    row(&["snowsql"], "", &["-p"]),
    // Of routers and switches.
    row(&["key-string"], "", &["#1"]),
    row(&["message-digest-key"], "", &["#3"]),
    row(&["auth-user-pass-inline:"], "", &["#2"]),
    row(&["codecov", "codecov.io/bash)"], "", &["-t"]),
    row(&["psql", "pg_dump", "pgcli"], "", &["-W+"]),
    row(&["db2"], "connect", &["using"]),
    row(&["ftp", "sftp", "tnftp"], "", &["-p"]),
    row(&["hdbsql", "hdbuserstore", "isql-fb", "mclient", "vsql", "nzsql", "bteq"], "", &["-p", "-w", "-pw"]),
    row(&["cf login", "cf auth", "ibmcloud login", "tkn login"], "", &["-p", "--apikey"]),
    row(&["sendmail", "ssmtp", "mutt"], "", &["-ap"]),
    row(&["ab -A", "ab -P"], "", &["#1"]),
    row(&["openssl passwd"], "", &["-1", "-5", "-6", "-apr1"]),
    row(&["vncdo", "vncdotool"], "", &["-p"]),
    row(&["gpgconf", "ykman", "pkcs11-tool", "softhsm2-util", "tpm2_createprimary"], "", &["--pin", "-p", "-P"]),
    row(&["ldapcompare", "ldapexop", "ldapvi", "dsmod", "dsconf"], "", &["-w", "-pwd"]),
];

/// Most bytes and words of a command line looked at.
pub(crate) const LINE_MAX_BYTES: usize = 1_024;
const WORDS_MAX: usize = 48;

/// Names of all rows together.
pub(crate) const NAMES: usize = {
    let (mut row, mut count) = (0, 0);
    while row < PROGRAMS.len() {
        let mut name = 0;
        while name < PROGRAMS[row].names.len() {
            // Names of two letters are too short for the index and occur in every text.
            if PROGRAMS[row].names[name].len() > 2 {
                count += 1;
            }
            name += 1;
        }
        row += 1;
    }
    count
};

/// The name numbered `number` and its row.
pub(crate) const fn name(number: usize) -> (&'static [u8], usize) {
    let (mut row, mut left) = (0, number);
    loop {
        let mut name = 0;
        while name < PROGRAMS[row].names.len() {
            if PROGRAMS[row].names[name].len() > 2 {
                if left == 0 {
                    return (PROGRAMS[row].names[name].as_bytes(), row);
                }
                left -= 1;
            }
            name += 1;
        }
        row += 1;
    }
}

/// A word of the command line, without its quotes.
#[derive(Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
}

/// Secrets on the command line whose program, of row `row`, stands at `at` to `end`. Gives the position
/// from which the program's name is worth another look: behind the words whose flags were looked at.
pub(crate) fn at(text: &[u8], at: usize, end: usize, row: usize, found: &mut Vec<Found>) -> usize {
    let program = &PROGRAMS[row];
    let is_command =
        is_boundary(text, at) && !matches!(at.checked_sub(1).map(|i| text[i]), Some(b'-' | b'_' | b'.' | b'@' | b'='));
    let end = if text[end..].starts_with(b".exe") { end + 4 } else { end };
    if !is_command || !text.get(end).copied().is_some_and(is_blank) {
        return at;
    }
    let words = split(text, end);
    // Places of arguments are counted from the program on.
    let is_counted = program.flags.iter().any(|flag| flag.starts_with('#')) || !program.sub.is_empty();
    let until = words.last().filter(|_| !is_counted).map_or(at, |last| last.end);
    let word = |number: usize| words.get(number).map(|word| &text[word.start..word.end]);
    if !program.sub.is_empty() && !words.iter().take(6).any(|w| text[w.start..w.end] == *program.sub.as_bytes()) {
        return at;
    }
    let mut push = |start: usize, end: usize| {
        let bytes = &text[start..end];
        let is_innocent = bytes.len() < 3
            || is_placeholder(bytes)
            || bytes.starts_with(b"-")
            || bytes.starts_with(b"$") && is_variable(bytes);
        if !is_innocent && !is_port_or_path(bytes) {
            found.push(Found { kind: Kind::PASSWORD, start, end, confidence: 0.85 });
        }
    };
    for flag in program.flags {
        if let Some(place) = flag.strip_prefix('#') {
            let wanted = place.parse::<usize>().unwrap_or(1);
            let plain = words.iter().filter(|w| !matches!(text[w.start], b'-')).nth(wanted - 1);
            if let Some(word) = plain {
                push_credentials(text, *word, program, &mut push);
            }
        } else if *flag == "$" {
            if words.len() >= 3
                && let Some(last) = words.last()
            {
                push(last.start, last.end);
            }
        } else if let Some(flag) = flag.strip_suffix('=') {
            // Pairs behind the flag, or anywhere.
            for word in words.iter().filter(|_| true) {
                let bytes = &text[word.start..word.end];
                let bytes = if flag == "$" {
                    bytes
                } else {
                    bytes.strip_prefix(flag.as_bytes()).map_or(bytes, |b| b.strip_prefix(b"=").unwrap_or(b))
                };
                let offset = word.end - bytes.len();
                if let Some(equals) =
                    bytes.iter().position(|&b| b == b'=').filter(|at| *at > 0 && !bytes.starts_with(b"-"))
                {
                    let value = &bytes[equals + 1..];
                    if crate::random::is_random(value) || Makeup::of(value).symbols > 0 {
                        push(offset + equals + 1, word.end);
                    }
                }
            }
        } else {
            for number in 0..words.len() {
                if let Some((start, end)) = value_of_flag(text, &words, number, flag, word(number).unwrap_or_default())
                {
                    push(start, end);
                }
            }
        }
    }
    until
}

/// `user/password@host` of Oracle's tools, `domain/user:password@host` of others, else the word.
fn push_credentials(text: &[u8], word: Word, program: &Program, push: &mut impl FnMut(usize, usize)) {
    let bytes = &text[word.start..word.end];
    let host = bytes.iter().rposition(|&b| b == b'@').unwrap_or(bytes.len());
    let separator = if program.names[0].starts_with("impacket") { b':' } else { b'/' };
    match bytes[..host].iter().position(|&b| b == separator) {
        Some(split) => push(word.start + split + 1, word.start + host),
        None if program.names[0] != "sqlplus" && separator == b'/' => push(word.start, word.end),
        None => {}
    }
}

fn value_of_flag(text: &[u8], words: &[Word], number: usize, flag: &str, given: &[u8]) -> Option<(usize, usize)> {
    let (flag, is_glued) = flag.strip_suffix('+').map_or((flag, false), |flag| (flag, true));
    let (flag, separator) = match flag.as_bytes().last()? {
        b'~' => (&flag[..flag.len() - 1], Some(b':')),
        b'%' => (&flag[..flag.len() - 1], Some(b'%')),
        b',' => (&flag[..flag.len() - 1], Some(b',')),
        _ => (flag, None),
    };
    // `-sku user:password`: flags of one letter in one word, of which the last takes the value.
    let is_bundle = separator.is_some()
        && !is_glued
        && flag.len() == 2
        && (3..=6).contains(&given.len())
        && given[0] == b'-'
        && given[1..].iter().all(u8::is_ascii_alphabetic)
        && given.last() == flag.as_bytes().last();
    let rest = if is_bundle { &[][..] } else { given.strip_prefix(flag.as_bytes())? };
    let word = words[number];
    let value = if is_glued {
        Word { start: word.end - rest.len(), end: word.end }
    } else if rest.is_empty() {
        *words.get(number + 1)?
    } else {
        let rest = rest.strip_prefix(b"=")?;
        Word { start: word.end - rest.len(), end: word.end }
    };
    let mut bytes = &text[value.start..value.end];
    let mut start = value.start;
    for prefix in [&b"pass:"[..], b"\"", b"'"] {
        if bytes.starts_with(prefix) {
            start += prefix.len();
            bytes = &bytes[prefix.len()..];
        }
    }
    if bytes.starts_with(b"env:") || bytes.starts_with(b"file:") || bytes.starts_with(b"fd:") || bytes == b"stdin" {
        return None;
    }
    let mut end = value.end;
    if end > start && matches!(text[end - 1], b'"' | b'\'') && is_glued {
        end -= 1;
    }
    match separator {
        None => Some((start, end)),
        // The user goes too: a token may stand on either side.
        Some(separator) => {
            let split = text[start..end].iter().position(|&b| b == separator)?;
            let secret = &text[start + split + 1..end];
            (!is_placeholder(secret) && secret.len() >= 3 && !secret.starts_with(b"$"))
                .then_some((start + split + 1, end))
                .map(|(from, to)| {
                    let user = &text[start..start + split];
                    if crate::random::is_random(user) { (start, to) } else { (from, to) }
                })
        }
    }
}

fn is_variable(bytes: &[u8]) -> bool {
    bytes[1..].iter().all(|&b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'{' | b'}'))
        || bytes.starts_with(b"${")
        || bytes.starts_with(b"$(")
}

/// `8080:80`, `443`, `./dir`: what the same flag means to other sub-commands.
fn is_port_or_path(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'/' | b'.')) && bytes.len() <= 5
        || bytes.iter().all(|b| b.is_ascii_digit() || *b == b':') && bytes.contains(&b':')
        || bytes.starts_with(b"/") && bytes.iter().filter(|b| **b == b'/').count() >= 2
        || bytes.starts_with(b"./")
}

/// The words of the command behind its program, up to the end of the command.
fn split(text: &[u8], from: usize) -> Vec<Word> {
    let end = (from + LINE_MAX_BYTES).min(text.len());
    let mut words = Vec::new();
    let mut i = from;
    while i < end && words.len() < WORDS_MAX {
        match text[i] {
            b'\\' if matches!(text.get(i + 1), Some(b'\n' | b'\r')) => i += 2,
            b'\n' | b'|' | b';' | b'`' => break,
            b'&' if text.get(i + 1) == Some(&b'&') => break,
            b if b.is_ascii_whitespace() => i += 1,
            quote @ (b'"' | b'\'') => {
                let Some(len) = text[i + 1..end].iter().position(|&b| b == quote || b == b'\n') else { break };
                words.push(Word { start: i + 1, end: i + 1 + len });
                i += len + 2;
            }
            _ => {
                let start = i;
                let mut open = None;
                while i < end {
                    match (text[i], open) {
                        (b, Some(quote)) if b == quote => open = None,
                        (b'\n', _) | (b'`', None) => break,
                        (quote @ (b'"' | b'\''), None) => open = Some(quote),
                        (b, None) if b.is_ascii_whitespace() => break,
                        _ => {}
                    }
                    i += 1;
                }
                words.push(Word { start, end: i });
            }
        }
    }
    words
}

/// `echo 'S3cret' | sudo -S`, `echo "root:S3cret" | chpasswd`: what is echoed into the command that
/// reads passwords and stands at `at`.
pub(crate) fn piped(text: &[u8], at: usize, found: &mut Vec<Found>) {
    let from = line_start(text, at, 256);
    let line = &text[from..at];
    let Some(pipe) = line.iter().rposition(|&b| b == b'|') else {
        here_string(text, at, found);
        return;
    };
    let before = &line[..pipe];
    let Some(echo) = [&b"echo "[..], b"printf "]
        .iter()
        .find_map(|word| before.windows(word.len()).rposition(|w| w == *word).map(|at| at + word.len()))
    else {
        return;
    };
    let words = split(&text[..from + pipe], from + echo);
    let is_option = |word: &&Word| text[word.start] != b'-' && !text[word.start..word.end].starts_with(b"%");
    if let Some(word) = words.iter().find(is_option) {
        let bytes = &text[word.start..word.end];
        let colon = bytes.iter().position(|&b| b == b':').filter(|_| text[at..].starts_with(b"chpasswd"));
        let start = word.start + colon.map_or(0, |colon| colon + 1);
        if word.end > start + 3 && !is_placeholder(&text[start..word.end]) && text[start] != b'$' {
            found.push(Found { kind: Kind::PASSWORD, start, end: word.end, confidence: 0.85 });
        }
    }
}

/// `echo 'S3cret' > .vault_pass`: what is echoed into the file whose name has the word at `at`.
pub(crate) fn redirected(text: &[u8], at: usize, found: &mut Vec<Found>) {
    let is_of_path = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'~');
    let path = text[..at].iter().rev().take(64).take_while(is_of_path).count();
    let arrow = text[..at - path].trim_ascii_end();
    if !arrow.ends_with(b">") {
        return;
    }
    let from = line_start(text, at, 256);
    let before = arrow.len() - arrow.iter().rev().take(2).take_while(|b| **b == b'>').count();
    let Some(line) = text.get(from..before) else { return };
    let Some(echo) = [&b"echo "[..], b"printf "]
        .iter()
        .find_map(|word| line.windows(word.len()).rposition(|w| w == *word).map(|at| at + word.len()))
    else {
        return;
    };
    let is_option = |word: &&Word| text[word.start] != b'-' && !text[word.start..word.end].starts_with(b"%");
    if let Some(word) = split(&text[..before], from + echo).iter().find(is_option)
        && word.end > word.start + 3
        && !is_placeholder(&text[word.start..word.end])
        && text[word.start] != b'$'
    {
        found.push(Found { kind: Kind::PASSWORD, start: word.start, end: word.end, confidence: 0.8 });
    }
}

/// `passwd --stdin bob <<< "S3cret"`.
fn here_string(text: &[u8], at: usize, found: &mut Vec<Found>) {
    let end = line_end(text, at, 256);
    let Some(arrows) = text[at..end].windows(3).position(|w| w == b"<<<") else { return };
    if let Some(word) = split(&text[..end], at + arrows + 3).first()
        && word.end > word.start + 3
        && !is_placeholder(&text[word.start..word.end])
        && text[word.start] != b'$'
    {
        found.push(Found { kind: Kind::PASSWORD, start: word.start, end: word.end, confidence: 0.85 });
    }
}
