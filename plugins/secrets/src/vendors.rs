//! Names of services whose keys have no mark of their own: a random string beside one is a key.
//!
//! Owns the list. Names that are everyday words are left out, and so are code hosts, whose names
//! stand beside revisions.

/// Whether `word` (small letters) is the name of such a service.
pub(crate) fn is_vendor(word: &[u8]) -> bool {
    VENDORS.binary_search_by(|name| name.as_bytes().cmp(word)).is_ok()
}

/// Sorted.
#[rustfmt::skip]
static VENDORS: &[&str] = &[
    "abbysale", "abstractapi", "abuseipdb", "accuweather", "acrcloud", "activecampaign", "adafruit", "adobe",
    "adyen", "adzuna", "aerisapi", "aftership", "agora", "aha", "ahrefs", "airbrake", "airship", "airtable",
    "airvisual", "aiven", "akamai", "akeneo", "alchemy", "alconost", "alegra", "aletheia", "algolia", "alibaba",
    "alienvault", "allsports", "alphavantage", "amadeus", "amazon", "ambee", "amplitude", "anthropic", "anypoint",
    "apacta", "api2cart", "apideck", "apiflash", "apifonica", "apify", "apilayer", "apilist", "apimatic",
    "apimetrics", "apininjas", "apitemplate", "apollo", "appcues", "appfollow", "appointedd", "appoptics",
    "appsflyer", "apptivo", "appveyor", "artifactory", "artsy", "asana", "assemblyai", "atera", "atlassian", "audd",
    "auth0", "autodesk", "autoklose", "avaza", "aviationstack", "axonaut", "aylien", "ayrshare", "backblaze",
    "bamboohr", "bandwidth", "bannerbear", "baremetrics", "baseten", "beamer", "beebole", "besnappy", "besttime",
    "betterstack", "billomat", "binance", "bingmaps", "bitbar", "bitcoinaverage", "bitdefender", "bitfinex",
    "bitgo", "bitly", "bitmex", "blablabus", "blazemeter", "blitapp", "blockchair", "blockcypher", "blockfrost",
    "blogger", "bluesky", "bombbomb", "boostnote", "borgbase", "braintree", "brandfetch", "braze", "brevo", "brex",
    "browserbase", "browserling", "browserstack", "browshot", "bscscan", "budibase", "bugherd", "bugsnag",
    "buildkite", "bulksms", "bunny", "buttercms", "bybit", "caflou", "calendarific", "calendly", "calorieninja",
    "campayo", "canny", "captaindata", "capturebot", "caspio", "catchr", "censys", "centralstation", "cerebras",
    "cexio", "chargebee", "chartmogul", "chatbot", "chatfule", "chatwoot", "checio", "checklyhq", "checkmarket",
    "checkout", "checkvist", "cicero", "circleci", "clarifai", "clearbit", "clickatell", "clickhelp", "clicksend",
    "clicksign", "clickup", "cliengo", "clientary", "clinchpad", "clockify", "clockwork", "cloudconvert",
    "cloudelements", "cloudflare", "cloudimage", "cloudinary", "cloudmersive", "cloudplan", "cloudsmith",
    "cloverly", "cloze", "clustdoc", "coda", "codacy", "codeclimate", "codecov", "codemagic", "codequiry",
    "coinapi", "coinbase", "coingecko", "coinlayer", "coinlib", "coinmarketcap", "companyhub", "confluent",
    "contentful", "contentstack", "conversiontools", "convertapi", "convertkit", "copyscape", "couchbase",
    "countrylayer", "courier", "coveralls", "crossbrowsertesting", "crowdin", "crowdstrike", "cryptocompare",
    "currencycloud", "currencyfreaks", "currencylayer", "currencyscoop", "currentsapi", "customerguru",
    "customerio", "d7network", "dailyco", "dandelion", "dareboost", "databox", "databricks", "datadog", "datafire",
    "datagov", "datocms", "debounce", "deepai", "deepgram", "deepl", "deepseek", "delighted", "demio", "deno",
    "deputy", "detectify", "detectlanguage", "devcycle", "dfuse", "diffbot", "diggernaut", "digicert",
    "digitalocean", "discogs", "discord", "discourse", "disqus", "dnscheck", "dnsimple", "docparser", "documo",
    "docusign", "doppler", "dotdigital", "dovico", "dronahq", "dropbox", "duda", "dwolla", "dynalist", "dynatrace",
    "dyspatch", "eagleeyenetworks", "easyinsight", "easypost", "ecostruxure", "edamam", "edenai", "eightxeight",
    "elasticemail", "elevenlabs", "enablex", "endorlabs", "envoyapi", "esputnik", "etherscan", "ethplorer", "etsy",
    "eventbrite", "everhour", "exchangerate", "exchangerates", "exchangeratesapi", "exportsdk", "extractorapi",
    "faceplusplus", "facturapi", "fastforex", "fastly", "fastspring", "fatture", "fauna", "feedier", "fetchrss",
    "fibery", "figma", "fileio", "filestack", "finage", "financialmodelingprep", "finchat", "findl", "finnhub",
    "fireworks", "fixer", "fixerio", "flatio", "fleetbase", "flexport", "flickr", "flightapi", "flightaware",
    "flightlabs", "flightstats", "flodesk", "flowflu", "flutterwave", "flyio", "fmfw", "formbucket", "formcraft",
    "formio", "formsite", "foursquare", "frameio", "freshbooks", "freshdesk", "freshservice", "fullcontact",
    "fullstory", "fusebill", "fxmarket", "gcp", "geckoboard", "gengo", "geoapify", "geocode", "geocodify",
    "geocodio", "geoipifi", "getaddress", "getemail", "getemails", "getgeoapi", "getgist", "getresponse",
    "getsandbox", "giphy", "gitguardian", "glassnode", "glitterly", "gocanvas", "gocardless", "godaddy", "goodday",
    "grafana", "graphcms", "graphhopper", "greenhouse", "groovehq", "groq", "gtmetrix", "gumroad", "gupshup",
    "gyazo", "happi", "happyscribe", "harness", "helcim", "hellosign", "helpcrunch", "helpscout", "hereapi",
    "heroku", "hetzner", "hexo", "hibob", "hiveage", "holidayapi", "honeybadger", "honeycomb", "html2pdf",
    "hubspot", "huggingface", "humanity", "hybiscus", "hypertrack", "iconfinder", "iexapis", "iexcloud", "imagekit",
    "imagga", "imgix", "imgur", "improvmx", "inflectra", "influxdb", "infobip", "infracost", "infura", "insightly",
    "instabot", "instagram", "instamojo", "instantly", "instatus", "intercom", "interseller", "intra42", "intrinio",
    "invoiceocean", "ionic", "ip2location", "ipapi", "ipgeolocation", "ipify", "ipinfo", "ipinfodb", "ipquality",
    "ipqualityscore", "ipstack", "jfrog", "jina", "jira", "jotform", "jumpcloud", "jumpseller", "kaleyra", "kanban",
    "kanbantool", "karbon", "keenio", "kickbox", "klaviyo", "klipfolio", "knapsackpro", "kontent", "kucoin",
    "kylas", "lambdatest", "larksuite", "launchdarkly", "leadfeeder", "lemlist", "lendflow", "lessannoyingcrm",
    "lexigram", "linemessaging", "linenotify", "linkedin", "linkpreview", "linode", "liveagent", "livestorm",
    "loadmill", "lob", "locationiq", "logdna", "loggly", "loginradius", "logtail", "logz", "lokalise", "loyverse",
    "lunchmoney", "luno", "m3o", "madkudu", "magicbell", "mailboxlayer", "mailchimp", "mailerlite", "mailgun",
    "mailjet", "mailmodo", "mailsac", "mandrill", "mapbox", "mapquest", "marketstack", "mattermost", "mavenlink",
    "maxmind", "meaningcloud", "mediastack", "meilisearch", "meistertask", "meraki", "mercadopago", "mesibo",
    "messagebird", "metaapi", "metabase", "metrilo", "midise", "mindmeister", "miro", "mistral", "mite", "mixmax",
    "mixpanel", "mockaroo", "mollie", "monkeylearn", "moonclerk", "moosend", "moralis", "mrticktock", "mux",
    "myfreshworks", "myintervals", "n8n", "nasdaq", "nethunt", "netlify", "netsuite", "neutrinoapi", "newrelic",
    "newsapi", "newscatcher", "nexmo", "nftport", "ngc", "ngrok", "nicereply", "noticeable", "novu", "nozbe",
    "numverify", "nutritionix", "nvidia", "nylas", "nytimes", "oanda", "okta", "omnisend", "onedesk", "onelogin",
    "onepagecrm", "onesignal", "onfleet", "oopspam", "openai", "opencage", "openuv", "openvpn", "openweather",
    "openweathermap", "opsgenie", "optimizely", "overloop", "owlbot", "packagecloud", "pagarme", "pagerduty",
    "pandadoc", "pandascore", "paperform", "papertrail", "paralleldots", "parseur", "partnerstack", "passbase",
    "pastebin", "paydirt", "paymo", "paymongo", "paypal", "paystack", "pdflayer", "pdfshift", "peopledatalabs",
    "pepipost", "perplexity", "phraseaccess", "pinata", "pinecone", "pinterest", "pipedream", "pipedrive",
    "pivotaltracker", "pixabay", "planetscale", "planviewleankit", "planyo", "plivo", "podio", "pollsapi",
    "poloniex", "polygonscan", "positionstack", "postageapi", "posthog", "postman", "postmark", "powrbot",
    "prefect", "procore", "prodpad", "prospectcrm", "prosperworks", "protocolsio", "proxycrawl", "prtg", "pubnub",
    "pulumi", "purestake", "pushbullet", "pusher", "pushover", "qase", "qdrant", "qubole", "quickbase",
    "quickbooks", "quickmetrics", "quicknode", "rabbitmq", "rapidapi", "rawg", "razorpay", "rebrandly",
    "rechargepayments", "recruitee", "rentman", "repairshopr", "replicate", "replyio", "requestfinance", "resend",
    "restpack", "retellai", "revampcrm", "ringcentral", "ritekit", "robinhood", "roblox", "rocketreach", "rollbar",
    "route4me", "rownd", "runpod", "runrunit", "runscope", "salesblink", "salescookie", "salesflare", "salesforce",
    "salesmate", "sanity", "satismeter", "saucelabs", "scalewaykey", "scalingo", "scrapeowl", "scraperapi",
    "scraperbox", "scrapersite", "scraperstack", "scrapfly", "scrapingant", "scrapingbee", "screenshotapi",
    "screenshotlayer", "scrutinizerci", "securitytrails", "selectpdf", "sendbird", "sendgrid", "sendinblue",
    "sentry", "serpapi", "serper", "serphouse", "serpstack", "shipday", "shippo", "shodan", "shopify", "shotstack",
    "shutterstock", "signable", "signalwire", "signaturit", "signupgenius", "sigopt", "simfin", "simplekpi",
    "simplesat", "simplybook", "simvoly", "sinchmessage", "sirv", "siteleaf", "skrapp", "skybiometry",
    "slackwebhook", "smartsheet", "smartystreets", "smooch", "snipcart", "snowflake", "snyk", "snykkey",
    "sonarcloud", "sonarqube", "sourcegraph", "sparkpost", "speechtext", "splunk", "splunkobservability",
    "spoonacular", "sportradar", "sportsmonk", "spotify", "squareapp", "squarespace", "squareup", "sslmate",
    "statuscake", "statuspage", "statuspal", "stitchdata", "stockdata", "storecove", "storjshare", "stormboard",
    "stormglass", "storyblok", "storychief", "strava", "stripe", "stripo", "stytch", "sugester", "sumologic",
    "supabase", "supernotes", "surveyanyplace", "surveybot", "surveysparrow", "survicate", "swiftype", "synthesia",
    "tailscale", "talkwalker", "tatum", "tavily", "taxjar", "teamgate", "teamworkcrm", "teamworkdesk",
    "technicalanalysis", "telegram", "telesign", "teletype", "telnyx", "tencent", "testingbot", "textmagic",
    "theoddsapi", "thinkific", "thousandeyes", "threatconnect", "ticketmaster", "ticktick", "tiingo", "timecamp",
    "timezoneapi", "tineswebhook", "tmdb", "tmetric", "todoist", "toggl", "togglrack", "tokeet", "tomorrowio",
    "tomtom", "tradier", "transferwise", "travelpayouts", "travisci", "trello", "trufflehog", "twelvedata",
    "twilio", "twitch", "tyntec", "typeform", "typesense", "typetalk", "ubidots", "uclassify", "unplugg",
    "unsplash", "uplead", "uploadcare", "upstash", "uptimerobot", "upwave", "urlscan", "userflow", "userstack",
    "vagrant", "vatlayer", "veevavault", "vercel", "verimail", "veriphone", "versioneye", "viewneo", "virustotal",
    "visualcrossing", "voicegain", "voodoosms", "vouchery", "vpnapi", "vultr", "vyte", "walkscore", "wandb",
    "weatherapi", "weatherbit", "weatherstack", "weaviate", "webex", "webflow", "webscraper", "webscraping",
    "wepay", "whatcms", "wistia", "worksnaps", "workstack", "worldcoinindex", "worldweather", "wrike", "xero",
    "yandex", "yelp", "yodlee", "youneedabudget", "yousign", "zapier", "zendesk", "zenrows", "zenscrape", "zenserp",
    "zeplin", "zerobounce", "zerotier", "zipapi", "zipbooks", "zipcodeapi", "zoho", "zonka", "zoom", "zulip",
];

#[cfg(test)]
mod tests {
    use super::{VENDORS, is_vendor};

    #[test]
    fn the_list_is_sorted() {
        assert!(VENDORS.is_sorted());
        assert!(is_vendor(b"algolia") && !is_vendor(b"box"));
    }
}
