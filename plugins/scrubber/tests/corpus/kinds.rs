//! Kinds of secrets: a service, what it calls its secret, what that looks like.

/// Services whose secrets have a mark of their own.
pub(crate) const MARKED: &[(&str, &str, &str)] = &[
    ("aws", "access key id", "AKIA{u16}"), ("aws", "session key", "ASIA{u16}"), ("aws bedrock", "api key", "ABSKQmVkcm9ja0FQSUtleS{a100}="), ("google", "api key", "AIza{w35}"), ("google", "client secret", "GOCSPX-{w28}"),
    ("google", "access token", "ya29.a0{w120}"), ("google", "refresh token", "1//0{w40}"), ("firebase", "server key", "AAAA{w7}:APA91b{w134}"), ("azure", "client secret", "{a3}8Q~{a34}"), ("azure storage", "account key", "{b76}+ASt{a6}=="),
    ("azure devops", "pat", "{a76}AZDO{a4}"), ("azure openai", "key", "{a52}JQQJ99BCACYeBjF{a17}"), ("digitalocean", "token", "dop_v1_{h64}"), ("alibaba", "access key", "LTAI{a20}"), ("tencent", "secret id", "AKID{a32}"),
    ("yandex", "api key", "AQVN{w35}"), ("heroku", "api key", "HRKU-{w36}"), ("fly", "token", "fo1_{w43}"), ("render", "api key", "rnd_{a32}"), ("netlify", "token", "nfp_{a36}"),
    ("cloudflare", "origin ca key", "v1.0-{h24}-{h146}"), ("vault", "token", "hvs.{a90}"), ("terraform", "token", "{a14}.atlasv1.{a67}"), ("pulumi", "token", "pul-{h40}"), ("doppler", "token", "dp.pt.{a43}"),
    ("doppler", "service token", "dp.st.dev.{a43}"), ("1password", "service account token", "ops_eyJ{a240}"), ("age", "secret key", "AGE-SECRET-KEY-1{u58}"), ("tailscale", "auth key", "tskey-auth-k{a10}CNTRL-{a32}"), ("planetscale", "password", "pscale_pw_{w43}"),
    ("planetscale", "token", "pscale_tkn_{w43}"), ("infracost", "api key", "ico-{a32}"), ("scaleway", "access key", "SCW{u17}"), ("github", "token", "ghp_{a36}"), ("github", "oauth token", "gho_{a36}"),
    ("github", "app token", "ghs_{a36}"), ("github", "refresh token", "ghr_{a76}"), ("github", "fine grained token", "github_pat_{a22}_{a59}"), ("gitlab", "token", "glpat-{w20}"), ("gitlab", "runner token", "glrt-{w20}"),
    ("gitlab", "deploy token", "gldt-{w20}"), ("gitlab", "trigger token", "glptt-{h40}"), ("bitbucket", "app password", "ATBB{a32}"), ("atlassian", "api token", "ATATT3xFfGF0{w170}={h8}"), ("trello", "token", "ATTA{h64}"),
    ("sourcegraph", "token", "sgp_{h40}"), ("npm", "token", "npm_{a36}"), ("pypi", "token", "pypi-AgEIcHlwaS5vcmc{w100}"), ("rubygems", "api key", "rubygems_{h48}"), ("nuget", "api key", "oy2{l43}"),
    ("crates", "token", "cio{a32}"), ("clojars", "token", "CLOJARS_{l60}"), ("docker", "pat", "dckr_pat_{w27}"), ("artifactory", "api key", "AKCp{a69}"), ("circleci", "token", "CCIPAT_{a22}_{h40}"),
    ("buildkite", "token", "bkua_{h40}"), ("harness", "pat", "pat.{w22}.{h24}.{a20}"), ("octopus", "api key", "API-{u26}"), ("sonarqube", "token", "sqp_{h40}"), ("launchdarkly", "sdk key", "sdk-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("postman", "api key", "PMAK-{h24}-{h34}"), ("readme", "api key", "rdme_{l70}"), ("prefect", "api key", "pnu_{a36}"), ("slack", "bot token", "xoxb-{d12}-{d13}-{a24}"), ("slack", "user token", "xoxp-{d12}-{d12}-{d12}-{h32}"),
    ("slack", "app token", "xapp-1-A{u10}-{d13}-{h64}"), ("telegram", "bot token", "{d10}:AA{w33}"), ("discord", "bot token", "MTA4NzY1NDMyMTA5ODc2NTQz.G{w5}.{w38}"), ("intercom", "token", "dG9rOm{a52}="), ("onesignal", "key", "os_v2_app_{l103}"),
    ("stripe", "secret key", "sk_live_{a24}"), ("stripe", "restricted key", "rk_live_{a24}"), ("stripe", "test key", "sk_test_{a99}"), ("stripe", "webhook secret", "whsec_{a32}"), ("square", "access token", "sq0atp-{w22}"),
    ("square", "secret", "sq0csp-{w43}"), ("square", "token", "EAAA{w60}"), ("braintree", "access token", "access_token$production${l16}${h32}"), ("plaid", "access token", "access-sandbox-{h8}-{h4}-{h4}-{h4}-{h12}"), ("razorpay", "key", "rzp_live_{a14}"),
    ("flutterwave", "secret key", "FLWSECK-{h32}-X"), ("shopify", "access token", "shpat_{h32}"), ("shopify", "shared secret", "shpss_{h32}"), ("gocardless", "token", "live_{w40}"), ("mollie", "api key", "live_{a30}"),
    ("easypost", "api key", "EZAK{a54}"), ("shippo", "token", "shippo_live_{h40}"), ("duffel", "token", "duffel_live_{w43}"), ("midtrans", "server key", "Mid-server-{w24}"), ("xendit", "secret key", "xnd_production_{a60}"),
    ("mercadopago", "access token", "APP_USR-{d16}-{d6}-{h32}-{d9}"), ("woocommerce", "consumer secret", "cs_{h40}"), ("openai", "api key", "sk-proj-{w74}T3BlbkFJ{w74}"), ("openai", "legacy key", "sk-{a20}T3BlbkFJ{a20}"), ("anthropic", "api key", "sk-ant-api03-{w93}AA"),
    ("openrouter", "key", "sk-or-v1-{h64}"), ("huggingface", "token", "hf_{a34}"), ("replicate", "token", "r8_{a37}"), ("groq", "api key", "gsk_{a52}"), ("xai", "api key", "xai-{a80}"),
    ("perplexity", "api key", "pplx-{a48}"), ("pinecone", "api key", "pcsk_{a6}_{a63}"), ("langsmith", "api key", "lsv2_pt_{h32}_{h10}"), ("nvidia", "api key", "nvapi-{w64}"), ("voyage", "key", "pa-{w43}"),
    ("tavily", "key", "tvly-{a32}"), ("apify", "token", "apify_api_{a36}"), ("firecrawl", "key", "fc-{h32}"), ("deepseek", "api key", "sk-{h32}"), ("databricks", "token", "dapi{h32}"),
    ("aiven", "password", "AVNS_{w19}"), ("supabase", "token", "sbp_{h40}"), ("neon", "api key", "napi_{l64}"), ("airtable", "pat", "pat{a14}.{h64}"), ("airtable", "key", "key{a14}"),
    ("mongodb atlas", "service secret", "mdb_sa_sk_{w40}"), ("sendgrid", "api key", "SG.{w22}.{w43}"), ("mailgun", "key", "key-{h32}"), ("mailchimp", "api key", "{h32}-us12"), ("brevo", "api key", "xkeysib-{h64}-{a16}"),
    ("resend", "api key", "re_{a8}_{a24}"), ("mailersend", "token", "mlsn.{h64}"), ("klaviyo", "private key", "pk_{h34}"), ("new relic", "user key", "NRAK-{u27}"), ("new relic", "insert key", "NRII-{w32}"),
    ("new relic", "license key", "{h36}NRAL"), ("sentry", "auth token", "sntryu_{h64}"), ("grafana", "service account token", "glsa_{a32}_{h8}"), ("honeycomb", "key", "hcaik_{l58}"), ("dynatrace", "token", "dt0c01.{u24}.{u64}"),
    ("axiom", "token", "xaat-{h8}-{h4}-{h4}-{h4}-{h12}"), ("posthog", "personal key", "phx_{a43}"), ("linear", "api key", "lin_api_{a40}"), ("notion", "token", "ntn_{a46}"), ("notion", "secret", "secret_{a43}"),
    ("figma", "token", "figd_{w40}"), ("contentful", "token", "CFPAT-{w43}"), ("hubspot", "token", "pat-na1-{h8}-{h4}-{h4}-{h4}-{h12}"), ("dropbox", "token", "sl.{w140}"), ("typeform", "token", "tfp_{w59}"),
    ("clickup", "token", "pk_{d8}_{u32}"), ("salesforce", "session id", "00D{a12}!{w96}"), ("facebook", "access token", "EAAC{a160}"), ("twitter", "bearer token", "AAAAAAAAAAAAAAAAAAAAA{a24}%3D{a50}"), ("pinterest", "token", "pina_{a80}"),
    ("twitch", "oauth token", "oauth:{l30}"), ("riot", "api key", "RGAPI-{h8}-{h4}-{h4}-{h4}-{h12}"), ("mapbox", "secret token", "sk.eyJ1Ijoi{a80}.{a22}"), ("rapidapi", "key", "{a10}msh{a15}p1{h6}jsn{h12}"), ("wakatime", "key", "waka_{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("adafruit", "key", "aio_{a28}"), ("okta", "api token", "00{w40}"), ("zoho", "token", "1000.{h32}.{h32}"), ("frame.io", "token", "fio-u-{w64}"), ("stytch", "secret", "secret-live-{w36}="),
];

/// Services whose secrets are recognisable only by what stands beside them, among them some that
/// nobody has heard of.
pub(crate) const UNMARKED: &[&str] = &[
    "abuseipdb", "accuweather", "adyen", "aerisapi", "aha", "airbrake", "akamai", "algolia", "alienvault", "alphavantage", "amplitude", "apollo", "appcues", "asana", "assemblyai", "auth0", "autopilot", "bamboohr", "baremetrics", "besttime", "bitly", "blazemeter", "bugsnag", "buttercms",
    "calendarific", "censys", "chartmogul", "clearbit", "clickhouse", "clockify", "cloudconvert", "cloudmersive", "codacy", "codecov", "coinbase", "coveralls", "currencylayer", "datadog", "deepgram", "deepai", "delighted", "disqus", "dnsimple", "docusign", "drift", "edamam", "elastic", "etherscan", "eventbrite", "everhour", "exchangerate", "fastly", "finnhub", "fixerio", "flickr", "foursquare", "freshdesk", "fullstory", "geocodio", "giphy", "gumroad", "gitter", "graphhopper", "helpscout", "heroku", "hunter", "imgix", "infura", "intrinio", "ipapi", "ipinfo", "ipstack", "jotform", "jumpcloud", "kickbox", "kraken", "lemlist", "linode", "lokalise", "loggly", "mailboxlayer", "mailjet", "mapquest", "meraki", "mixpanel", "monday", "moralis", "nasdaq", "newsapi", "nexmo", "nylas", "onelogin", "opencage", "openweather", "opsgenie", "pagerduty", "pandadoc", "pastebin", "pipedrive", "polygon", "positionstack", "postmark", "pusher", "quickbase", "raygun", "rebrandly", "rollbar", "saucelabs", "scraperapi", "screenshotapi", "segment", "semaphore", "serpstack", "shodan", "shortcut", "shutterstock", "signalwire", "snyk", "spoonacular", "splunk", "statuscake", "storyblok", "stormglass", "strava", "sumologic", "survicate", "taxjar", "telnyx", "tmdb", "todoist", "tomtom", "travisci", "twilio", "twelvedata", "unsplash", "uploadcare", "uptimerobot", "urlscan", "virustotal", "vultr", "weatherbit", "webflow", "wistia", "worldweather", "wrike", "yelp", "zendesk", "zenserp", "zerobounce", "zipcodeapi", "zoom",
    "fleetwise", "orbitly", "quantforge", "nimbusdesk", "paperplane", "greenledger", "tidepool", "brightbox", "hexaflow", "lumenpay", "cargonaut", "medisync", "parkwell", "skylarkmail", "inkstone", "vaultric", "bluefin", "opensight", "rapidlane", "datamill",
];

/// What such secrets look like.
pub(crate) const SHAPES: &[&str] = &["{h32}", "{h40}", "{h64}", "{a20}", "{a24}", "{a32}", "{a40}", "{a64}", "{l24}", "{l32}", "{l40}", "{w43}", "{b43}=", "{b86}==", "{u32}", "{h8}-{h4}-{h4}-{h4}-{h12}", "{a16}", "{h24}", "{a22}", "{w36}", "{a12}-{a12}-{a12}", "{a8}.{a24}"];

/// What they are called.
pub(crate) const NOUNS: &[&str] = &["api key", "token", "secret", "api token", "access token", "secret key", "auth token", "client secret", "app key", "api secret", "private key", "access key", "service key", "signing secret"];
