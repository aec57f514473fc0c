//! Texts in which nothing is secret though much looks so.
//!
//! In a template `%u` is a UUID, `%s` a commit, `%d` a digest, `%v` a version, `%t` a time, `%i` a
//! number, `%b` base64 of a picture.

use super::Dice;
use super::disguise::base64;

pub(crate) const TEMPLATES: &[&str] = &[
    "request_id=%u status=200 duration=12ms", "{\"id\": \"%u\", \"type\": \"event\", \"trace\": \"%u\"}", "commit %s\nAuthor: build\nDate: today\n\n    fix typo\n", "git checkout %s", "HEAD is now at %c fix the parser", "image: registry.io/app@sha256:%d",
    "sha256sum: %d  file.tar.gz", "\"integrity\": \"sha512-%B==\",", "checksum = \"%d\"", "etag: \"%m\"", "MD5 (file) = %m", "index %c..%c 100644", "Merge commit '%s' into main", "https://github.com/acme/repo/commit/%s", "resolved \"https://registry.npmjs.org/left-pad/-/left-pad-1.3.0.tgz#%s\"",
    "dependency acme-core v%v (from %s)", "version: %v\nbuild: %i\n", "Upgraded from %v to %v in %i ms", "h1:%H=", "go.sum: github.com/pkg/errors v%v h1:%H=", "[[package]]\nname = \"serde\"\nversion = \"1.0.228\"\nchecksum = \"%d\"\n",
    "![logo](data:image/png;base64,%b)", "background: url(data:image/gif;base64,%b);", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA%k user", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB%k%k deploy", "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A%k\n%k\n-----END PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE%k\n%k\n-----END CERTIFICATE-----",
    "traceparent: 00-%m-%q-01", "span_id=%q trace_id=%m", "X-Request-Id: %u", "Idempotency-Key: %u", "cache key: user:%i:%m", "cache_key = \"%m\"", "partition_key: %u", "primary key (id, %i)", "public_key: %P", "container %d started", "pod web-7d9c6b8f5-x2x4z is ready", "node ip-10-0-3-17.ec2.internal joined", "listening on 127.0.0.1:8080",
    "arn:aws:iam::123456789012:role/deploy", "projects/acme/secrets/db-password/versions/3", "s3://bucket/%m/file.parquet", "Order %i shipped on 2026-03-04, tracking 1Z999AA1%i", "ISBN 978-3-16-148410-0", "invoice 2024-0042-1187 total 1,299.00", "part number 415-88123-A", "coordinates 52.520008, 13.404954", "%t INFO worker-3 processed 1042 rows in 35 ms", "port 5432 is already in use", "took 1732302121 ns", "epoch 1732302121123", "seq=%i offset=%i",
    "de:ad:be:ef:00:11", "color: #ff8800; width: 120px", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "0x7ffee4b2c8d0 in main () at main.c:12", "java.lang.IllegalStateException: token expired", "npm install @acme/core@%v", "pip install requests==%v", "actions/checkout@v4", "icon@2x.png", "git@github.com:acme/repo.git", "user@host:~$ ls -la", "systemctl restart getty@tty1.service",
    "password: <your-password>", "DB_PASSWORD=changeme", "API_KEY=your-api-key-here", "SECRET_KEY=${SECRET_KEY}", "password = os.environ[\"DB_PASSWORD\"]", "token = request.headers.get('Authorization')", "const token = await getToken();", "let password = prompt('Enter your password');", "password: String,", "password: z.string().min(8)", "\"password\": {\"type\": \"string\", \"minLength\": 8}", "password VARCHAR(255) NOT NULL", "<input type=\"password\" name=\"password\" placeholder=\"Password\">", "<label for=\"password\">Password</label>", "\"password\": \"Passwort\",", "\"forgotPassword\": \"Forgot your password?\",", "password_hash = hash(password)", "if (!password) throw new Error('password required')", "self.password = password", "props.token === undefined", "api_key: {{ .Values.apiKey }}", "apiKey: process.env.API_KEY", "Authorization: Bearer <token>", "Authorization: Bearer ${TOKEN}", "curl -H \"Authorization: Bearer $TOKEN\" https://api.acme.io", "curl -u \"$USER:$PASS\" https://acme.io", "mysql -u root -p", "mysql -h db -P 3306 -u app", "docker run -p 8080:80 nginx", "ssh -p 2222 deploy@host", "mkdir -p build/out", "psql -U app -d shop", "redis-cli -h cache -p 6379", "postgres://user:password@localhost/db", "postgres://${DB_USER}:${DB_PASS}@${DB_HOST}/app", "https://<user>:<password>@host/path", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "xoxb-your-token-here", "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "AIzaXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "password: ********", "token: [REDACTED]", "secret: (hidden)",
    "The password is required.", "Your password is too short", "the password must be at least 12 characters", "The token is expired, please log in again.", "A strong password is important for every account.", "password is case-sensitive and never stored in plain text", "The password is stored hashed with bcrypt.", "if the password is incorrect the account is locked", "Please enter your password to continue", "We never ask for your password by email.", "The secret is mounted at /etc/secrets.", "The API key is read from the environment.", "api key is missing", "Keys are rotated every 90 days.", "The session token is valid for 30 minutes", "Passwords are hashed with argon2id.", "Reset your password by following the link.", "the password for the database is kept in Vault", "Use the password manager instead.", "password policy: 12 characters, one digit", "Password reset requested by user 4711", "Invalid password for user admin", "Failed password for invalid user oracle from 10.0.0.5 port 4711 ssh2", "Accepted publickey for deploy from 10.0.0.5 port 4711", "pam_unix(sshd:auth): authentication failure", "login failed: bad credentials", "Login with your company account to see the page.", "The key is to keep functions small.", "key concepts: ownership, borrowing", "author: the docs team", "the secret of good code is naming", "Token bucket rate limiter with 100 tokens", "max_tokens: 4096, temperature: 0.2", "token_type=bearer expires_in=3600", "tokenizer.encode(text, add_special_tokens=False)", "keyboard shortcut: Ctrl+Shift+P", "key: value", "sort_key = created_at", "foreign key user_id references users(id)", "KeyError: 'name'", "the passport office opens at nine", "Call me maybe", "call the function twice", "phone: required", "email: must not be empty", "tel aviv is sunny", "a 16 digit number such as 1234 5678 1234 5678", "account number is masked", "SSN: ***-**-****", "ext. 12", "The answer is 42", "line 415, column 555", "see RFC 7519 section 4.1", "ISO 8601 dates such as 2026-02-03", "temperature 21.5 C, humidity 40%%", "Cookie: theme=dark; lang=en-US", "Set-Cookie: theme=light; Path=/", "cookie banner accepted", "basic authentication is disabled", "a bearer of bad news", "digest access authentication", "Content-Type: application/json; charset=utf-8", "Accept-Encoding: gzip, deflate, br", "https://example.com/search?q=rust&page=2", "https://acme.io/docs/api-keys#rotation", "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit", "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 24\"><path d=\"M12 2C6.48 2 2 6.48 2 12s4.48 10 10 10\"/></svg>", "function(e,t,n){\"use strict\";var r=n(17),o=n.n(r);e.exports=o.a}", "SELECT id, password_hash FROM users WHERE email = $1", "UPDATE users SET password = $1 WHERE id = $2", "test tests::password_is_checked ... ok", "running 12 tests", "fn verify_password(hash: &str, password: &str) -> bool {", "def set_password(self, password: str) -> None:", "public void setPassword(String password) {", "export PATH=$PATH:/usr/local/go/bin", "kubectl get secret db-credentials -o yaml", "kubectl create secret generic db --from-file=./password.txt", "vault read secret/data/db", "op read op://vault/item/password", "gcloud secrets versions access latest --secret=db-password", "GITHUB_TOKEN: ${{ secrets.GITHUB_TOKEN }}", "secretKeyRef:\n  name: db\n  key: password", "valueFrom:\n  secretKeyRef:\n    name: app-secrets\n    key: api-key", "auth_method: oauth2", "auth: true", "credentials: include", "credentials_file: /etc/app/credentials.json", "private_key_path: ~/.ssh/id_ed25519", "ssl_certificate_key /etc/nginx/ssl/server.key;", "IdentityFile ~/.ssh/id_rsa", "license: Apache-2.0", "licenseKey: none", "signature: %u", "session opened for user root", "session id %u closed", "csrf: enabled", "salt rounds: 12", "seed: 42", "pin the version to %v", "pin: 4 digits", "otp is sent by mail", "verification code sent to your phone",
];

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A clean text after the template.
pub(crate) fn make(dice: &mut Dice, template: &str) -> String {
    let picture: Vec<u8> = (0..90).map(|_| u8::try_from(dice.below(256)).unwrap()).collect();
    let mut out = String::new();
    let mut rest = template.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let made = match rest.next().unwrap() {
            'u' => dice.uuid(),
            's' => dice.fill("{h40}"),
            'c' => dice.fill("{h7}"),
            'd' => dice.fill("{h64}"),
            'm' => dice.fill("{h32}"),
            'q' => dice.fill("{h16}"),
            'v' => format!("{}.{}.{}", dice.below(9), dice.below(30), dice.below(90)),
            't' => "2026-03-04T10:22:31.120Z".to_owned(),
            'i' => (dice.below(8_999_999) + 1_000_000).to_string(),
            'b' => "iVBORw0KGgo".to_owned() + &base64(&picture, b"+/", true),
            'B' => dice.string(LETTERS, 86),
            'H' => dice.string(LETTERS, 43),
            'k' => dice.string(LETTERS, 44),
            'P' => "MCowBQYDK2VwAyEA".to_owned() + &dice.string(LETTERS, 43),
            other => other.to_string(),
        };
        out.push_str(&made);
    }
    out
}
