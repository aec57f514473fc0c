//! Where a secret stands: files, code, commands, logs, messages.
//!
//! In a template `%V` is the secret, `%S` the service as one small word, `%U` the same in capitals,
//! `%n` what it calls its secret in `snake_case`, `%N` in capitals, `%c` in `camelCase`, `%w` in words.

pub(crate) const TEMPLATES: &[(&str, &str)] = &[
    ("env", "# local settings\nAPP_ENV=production\n%U_%N=%V\nLOG_LEVEL=info\n"),
    ("env quoted", "%U_%N=\"%V\"\nDEBUG=0\n"),
    ("export", "export %U_%N=%V && ./deploy.sh"),
    ("powershell", "$env:%U_%N = \"%V\"\nInvoke-Build"),
    ("batch", "@echo off\r\nset %U_%N=%V\r\nbuild.cmd\r\n"),
    ("fish", "set -gx %U_%N %V"),
    ("json", "{\n  \"service\": \"%S\",\n  \"%n\": \"%V\",\n  \"retries\": 3\n}"),
    ("json camel", "{\"%S\":{\"%c\":\"%V\",\"timeout\":30}}"),
    ("json escaped", "{\"body\":\"{\\\"%c\\\":\\\"%V\\\"}\"}"),
    ("yaml", "%S:\n  host: api.%S.com\n  %n: %V\n  region: eu\n"),
    ("yaml quoted", "integrations:\n  - type: %S\n    %c: '%V'\n"),
    ("compose", "services:\n  web:\n    environment:\n      - PORT=8080\n      - %U_%N=%V\n"),
    (
        "kubernetes env",
        "        env:\n        - name: %U_%N\n          value: \"%V\"\n        - name: MODE\n          value: fast\n",
    ),
    ("toml", "[%S]\nenabled = true\n%n = \"%V\"\n"),
    ("ini", "[%S]\n%n = %V\nverify = yes\n"),
    ("properties", "%S.%c=%V\n%S.timeout=30\n"),
    ("dockerfile", "FROM alpine:3.20\nENV %U_%N=%V\nCMD [\"run\"]\n"),
    ("terraform", "provider \"%S\" {\n  %n = \"%V\"\n  region  = \"eu-west-1\"\n}\n"),
    ("tfvars", "%S_%n = \"%V\"\n"),
    ("workflow", "      - run: make publish\n        env:\n          %U_%N: %V\n"),
    ("python", "client = %S.Client(%n=\"%V\", timeout=10)"),
    ("python global", "%U_%N = '%V'  # TODO rotate"),
    ("python environ", "os.environ['%U_%N'] = '%V'"),
    ("python dict", "config = {'%n': '%V', 'debug': True}"),
    ("javascript", "const %c = '%V';\nmodule.exports = { %c };"),
    ("javascript object", "new Client({ %c: \"%V\", region: 'us' })"),
    ("typescript", "export const %U_%N: string = \"%V\";"),
    ("headers", "fetch(url, { headers: { 'X-Api-Key': '%V', Accept: 'application/json' } })"),
    ("go", "client := %S.New(&%S.Options{\n\tAPIKey: \"%V\",\n})"),
    ("go const", "const %c = `%V`"),
    ("java", "private static final String %N = \"%V\";"),
    ("java setter", "builder.setProperty(\"%S.%n\", \"%V\").build();"),
    ("csharp", "var options = new %SOptions { ApiKey = \"%V\" };"),
    ("ruby", "%S.configure do |c|\n  c.%n = '%V'\nend"),
    ("php define", "define('%U_%N', '%V');"),
    ("php array", "'%S' => ['%n' => '%V', 'sandbox' => false],"),
    ("rust", "let %n = \"%V\";\nlet api = Api::new(%n);"),
    ("swift", "static let %c = \"%V\""),
    ("kotlin", "val %c: String = \"%V\""),
    ("elixir", "config :app, %n: \"%V\""),
    ("clojure", "{:%n \"%V\" :retries 2}"),
    ("perl", "my $%n = '%V';"),
    ("r", "Sys.setenv(%U_%N = \"%V\")"),
    ("xml", "<config>\n  <%c>%V</%c>\n</config>"),
    ("xml add", "<add key=\"%S.%c\" value=\"%V\" />"),
    ("plist", "<key>%c</key>\n<string>%V</string>"),
    ("android", "<string name=\"%S_%n\">%V</string>"),
    ("gradle", "buildConfigField \"String\", \"%U_%N\", \"\\\"%V\\\"\""),
    ("curl header", "curl -s -H 'X-Api-Key: %V' https://api.%S.com/v1/items"),
    ("curl bearer", "curl https://api.%S.com/v2/me -H \"Authorization: Bearer %V\""),
    ("request", "GET /v1/users HTTP/1.1\r\nHost: api.%S.com\r\nAuthorization: Token %V\r\nAccept: */*\r\n"),
    ("query", "https://api.%S.com/v1/data?api_key=%V&units=metric"),
    ("query token", "wget 'https://%S.io/export.csv?token=%V' -O out.csv"),
    ("flag", "%S deploy --api-key %V --region eu"),
    ("flag equals", "$ %S-cli login --token=%V"),
    ("log", "2026-03-04T10:22:31Z INFO  %S client ready %n=%V attempt=1"),
    ("log json", "{\"level\":\"debug\",\"msg\":\"calling %S\",\"%n\":\"%V\",\"ms\":12}"),
    ("error", "Error: Incorrect %w provided: %V. You can find your %w at https://%S.com/account."),
    ("trace", "  File \"app.py\", line 42, in main\n    %S.login(token=\"%V\")\nValueError: bad response"),
    ("diff", "-%U_%N=\n+%U_%N=%V\n"),
    ("prose", "Hi team, the new %S %w is %V, please update your setups."),
    ("prose colon", "For the demo use this %S %w: %V"),
    ("prose newline", "Here is the %S %w you asked for:\n\n%V\n\nCheers, Ben"),
    ("chat", "[10:41] maria: our %S %w changed to `%V` btw"),
    ("chat reply", "> what's the %S %w?\n%V is the %w for staging"),
    ("markdown", "- **%S %w**: `%V`\n- **region**: eu-west-1\n"),
    ("table", "| service | %w |\n|---|---|\n| %S | %V |\n"),
    ("comment", "// %S %w: %V\nfunc init() {}"),
    ("sql", "INSERT INTO settings (name, value) VALUES ('%S_%n', '%V');"),
    ("sql update", "UPDATE accounts SET %n = '%V' WHERE id = 7;"),
    ("systemd", "[Service]\nEnvironment=\"%U_%N=%V\"\nExecStart=/usr/bin/app\n"),
    ("makefile", "%U_%N := %V\nall: build\n"),
    ("nginx", "proxy_set_header X-%S-Token \"%V\";"),
    ("helm", "helm upgrade app ./chart --set %S.%c=%V"),
    ("kubectl", "kubectl create secret generic %S --from-literal=%n=%V"),
    ("docker run", "docker run -e %U_%N=%V -p 8080:80 acme/app"),
    ("ansible", "- name: configure\n  vars:\n    %S_%n: \"%V\"\n"),
    ("html", "<meta name=\"%S-%n\" content=\"%V\">"),
    ("notebook", "\"source\": [\n  \"%n = '%V'\\n\",\n  \"print(1)\"\n]"),
    ("note", "%S\nlogin: ops@acme.test\n%w: %V\n"),
];

/// `template` with a secret of a service in it.
pub(crate) fn place(template: &str, service: &str, noun: &str, value: &str) -> String {
    let service: String = service.chars().filter(char::is_ascii_alphanumeric).collect();
    let snake = noun.replace(' ', "_");
    let camel: String = noun
        .split(' ')
        .enumerate()
        .map(|(at, word)| if at == 0 { word.to_owned() } else { word[..1].to_uppercase() + &word[1..] })
        .collect();
    template
        .replace("%S", &service)
        .replace("%U", &service.to_uppercase())
        .replace("%n", &snake)
        .replace("%N", &snake.to_uppercase())
        .replace("%c", &camel)
        .replace("%w", noun)
        .replace("%V", value)
}
