//! Names of services whose keys have no mark of their own: a random string beside one is a key.
//!
//! Owns the list. Names that are everyday words are left out, and so are code hosts, whose names
//! stand beside revisions.

use crate::openings::Shapes;

/// Whether `word` (small letters) is the name of such a service.
pub(crate) fn is_vendor(word: &[u8]) -> bool {
    SHAPES.may_have(word) && VENDORS.binary_search_by(|name| name.as_bytes().cmp(word)).is_ok()
}

static SHAPES: Shapes = Shapes::of(VENDORS);

/// Sorted.
#[rustfmt::skip]
static VENDORS: &[&str] = &[
    "abbysale", "abstractapi", "abuseipdb", "accuweather", "acrcloud", "activecampaign", "adafruit", "adobe", "adyen",
    "adzuna", "aerisapi", "aeroworkflow", "aftership", "agora", "aha", "ahrefs", "airbrake", "airship", "airtable",
    "airvisual", "aiven", "akamai", "akeneo", "alchemy", "alconost", "alegra", "aletheia", "algolia", "alibaba",
    "alienvault", "allsports", "alphavantage", "amadeus", "amazon", "ambee", "amplitude", "ankr", "anthropic",
    "anypoint", "apacta", "api2cart", "apideck", "apiflash", "apifonica", "apify", "apilayer", "apilist", "apimatic",
    "apimetrics", "apininjas", "apitemplate", "apollo", "appcues", "appfollow", "appointedd", "appoptics",
    "appsflyer", "appsynergy", "apptivo", "appveyor", "artifactory", "artsy", "asana", "assemblyai", "atera",
    "atlassian", "audd", "auth0", "autodesk", "autoklose", "avaza", "aviationstack", "aws", "axonaut", "aylien",
    "ayrshare", "azure", "backblaze", "bamboohr", "bandwidth", "bannerbear", "baremetrics", "baseapi", "baseten",
    "beamer", "beebole", "besnappy", "besttime", "betterstack", "billomat", "binance", "bingmaps", "bitbar",
    "bitcoinaverage", "bitdefender", "bitfinex", "bitgo", "bitly", "bitmex", "bitquery", "bitstamp", "blablabus",
    "blazemeter", "blitapp", "blockchair", "blockcypher", "blockfrost", "blogger", "bluesky", "bombbomb", "boostnote",
    "borgbase", "braintree", "brandfetch", "braze", "brevo", "brex", "browserbase", "browserling", "browserstack",
    "browshot", "bscscan", "budibase", "bugherd", "bugsnag", "buildkite", "bulksms", "bunny", "buttercms", "bybit",
    "caflou", "calendarific", "calendly", "calorieninja", "campayn", "campayo", "canny", "cannyio", "captaindata",
    "capturebot", "carboninterface", "cashboard", "caspio", "catchr", "censys", "centralstation", "cerebras", "cexio",
    "chargebee", "chartmogul", "chatbot", "chatfuel", "chatfule", "chatwoot", "checio", "checkio", "checklyhq",
    "checkmarket", "checkvist", "cicero", "circleci", "clarifai", "clearbit", "clickatell", "clickhelp",
    "clicksend", "clicksign", "clickup", "cliengo", "clientary", "clinchpad", "clockify", "clockwork", "cloudconvert",
    "cloudelements", "cloudflare", "cloudimage", "cloudinary", "cloudmersive", "cloudplan", "cloudsmith", "cloverly",
    "cloze", "clustdoc", "coda", "codacy", "codeclimate", "codecov", "codemagic", "codequiry", "coinapi", "coinbase",
    "coingecko", "coinlayer", "coinlib", "coinmarketcap", "coinpaprika", "commercejs", "commodities", "companyhub",
    "confluent", "contentful", "contentstack", "conversiontools", "convertapi", "convertkit", "copyscape",
    "couchbase", "countrylayer", "courier", "covalent", "coveralls", "craftmypdf", "crossbrowsertesting", "crowdin",
    "crowdstrike", "cryptocompare", "cryptopanic", "currencycloud", "currencyfreaks", "currencylayer",
    "currencyscoop", "currentsapi", "customerguru", "customerio", "d7network", "dailyco", "dandelion", "dareboost",
    "databox", "databricks", "datadog", "datafire", "datagov", "datocms", "debounce", "deepai", "deepgram", "deepl",
    "deepseek", "delighted", "demio", "deno", "deputy", "detectify", "detectlanguage", "devcycle", "dfuse", "diffbot",
    "diggernaut", "digicert", "digitalocean", "discogs", "discord", "discourse", "disqus", "ditto", "dnscheck",
    "dnsimple", "docparser", "docraptor", "documo", "docusign", "doppler", "dotdigital", "dotmailer", "dovico",
    "dronahq", "droneci", "dropbox", "duda", "dune", "dwolla", "dynalist", "dynatrace", "dyspatch",
    "eagleeyenetworks", "easyinsight", "easypost", "ecostruxure", "edamam", "edenai", "eightxeight", "elasticemail",
    "elevenlabs", "enablex", "endorlabs", "envoyapi", "envoyapikey", "esputnik", "etherscan", "ethplorer", "etsy",
    "eventbrite", "everhour", "exchangerate", "exchangerates", "exchangeratesapi", "exportsdk", "extractorapi",
    "faceplusplus", "facepp", "facturapi", "fastforex", "fastly", "fastspring", "fatture", "fauna", "feedier",
    "fetchrss", "fibery", "figma", "fileio", "filestack", "finage", "financialmodelingprep", "finchat", "findl",
    "finnhub", "fireworks", "fixer", "fixerio", "flatio", "fleetbase", "flexport", "flickr", "flightapi",
    "flightaware", "flightlabs", "flightstats", "flodesk", "flowflu", "flutterwave", "flyio", "fmfw", "formbucket",
    "formcraft", "formio", "formsite", "foursquare", "frameio", "freshbooks", "freshdesk", "freshservice",
    "freshworks", "ftx", "fullcontact", "fullstory", "fusebill", "fxmarket", "gcloud", "gcp", "geckoboard", "gemini",
    "gengo", "geoapify", "geocode", "geocodify", "geocodio", "geoipifi", "getaddress", "getblock", "getemail",
    "getemails", "getgeoapi", "getgist", "getresponse", "getsandbox", "giphy", "gitguardian", "glassnode",
    "glitterly", "gocanvas", "gocardless", "godaddy", "goodday", "googlemaps", "grafana", "graphcms", "graphhopper",
    "greenhouse", "groovehq", "groq", "gtmetrix", "guardianapi", "gumroad", "gupshup", "gyazo", "happi",
    "happyscribe", "harness", "helcim", "hellosign", "helpcrunch", "helpdesk", "helpscout", "hereapi", "heroku",
    "hetzner", "hexo", "hibob", "hiveage", "holidayapi", "honeybadger", "honeycomb", "html2pdf", "hubspot",
    "huggingface", "humanity", "hunter", "hybiscus", "hypertrack", "ibmcloud", "iconfinder", "iexapis", "iexcloud",
    "imagekit", "imagga", "imgix", "imgur", "impala", "improvmx", "inflectra", "influxdb", "infobip", "infracost",
    "infura", "insightly", "instabot", "instagram", "instamojo", "instantly", "instatus", "intercom", "interseller",
    "intra42", "intrinio", "invoiceocean", "ionic", "ip2location", "ipapi", "ipgeolocation", "ipify", "ipinfo",
    "ipinfodb", "ipquality", "ipqualityscore", "ipstack", "jfrog", "jina", "jira", "jotform", "jumpcloud",
    "jumpseller", "juro", "kaiko", "kaleyra", "kanban", "kanbantool", "karbon", "keenio", "kickbox", "klarna",
    "klaviyo", "klipfolio", "knapsackpro", "kontent", "kraken", "kubecost", "kucoin", "kylas", "lambdatest",
    "larksuite", "lastfm", "launchdarkly", "ldclient", "leadfeeder", "leadiq", "lemlist", "lendflow",
    "lessannoyingcrm", "lexigram", "linemessaging", "linenotify", "linkedin", "linkpreview", "linode", "liveagent",
    "livestorm", "loadmill", "lob", "locationiq", "logdna", "loggly", "loginradius", "logtail", "logz", "logzio",
    "lokalise", "lokalisetoken", "loyverse", "lunarcrush", "lunchmoney", "luno", "m3o", "madkudu", "magicbell",
    "mailboxlayer", "mailchimp", "mailerlite", "mailgun", "mailjet", "mailmodo", "mailosaur", "mailsac", "mailtrap",
    "mandrill", "mapbox", "mapquest", "marketstack", "mastodon", "mattermost", "mavenlink", "maxmind", "meaningcloud",
    "mediastack", "meilisearch", "meistertask", "meraki", "mercadopago", "mesibo", "messagebird", "messari",
    "metaapi", "metabase", "metrilo", "mezmo", "microsoft", "midise", "mindmeister", "miro", "mistral", "mite",
    "mixmax", "mixpanel", "mockaroo", "mollie", "monkeylearn", "moonclerk", "moosend", "moralis", "mrticktock", "mux",
    "myfreshworks", "myintervals", "n8n", "nasdaq", "nasdaqdatalink", "netdata", "nethunt", "netlify", "netsuite",
    "neutrinoapi", "newrelic", "newsapi", "newscatcher", "nexmo", "nftport", "ngc", "ngrok", "nicereply", "nightfall",
    "nitro", "nomics", "noticeable", "novu", "nozbe", "nozbeteams", "numverify", "nutritionix", "nvidia", "nylas",
    "nytimes", "oanda", "okta", "okx", "omnisend", "onedesk", "onelogin", "onepagecrm", "onesignal", "onfleet",
    "oopspam", "openai", "opencage", "opencagedata", "openexchangerates", "opengraphr", "opensea", "openuv",
    "openvpn", "openweather", "openweathermap", "opsgenie", "optidash", "optimizely", "ory", "oura", "overloop",
    "owlbot", "packagecloud", "paddle", "pagarme", "pagerduty", "pagertree", "pandadoc", "pandascore", "papercups",
    "paperform", "papertrail", "paralleldots", "parsehub", "parseur", "partnerstack", "passbase", "pastebin",
    "paydirt", "paymo", "paymongo", "paypal", "paystack", "pdflayer", "pdfshift", "pendo", "peopledatalabs",
    "pepipost", "percy", "perplexity", "photoroom", "phraseaccess", "pinata", "pinecone", "pingdom", "pinterest",
    "pipedream", "pipedrive", "pivotal", "pivotaltracker", "pixabay", "plaid", "planetscale", "planhat",
    "planviewleankit", "planyo", "plausible", "plivo", "podio", "pollsapi", "poloniex", "polygonscan", "portkey",
    "positionstack", "postageapi", "postbacks", "posthog", "postman", "postmark", "powrbot", "prefect", "prismic",
    "procore", "prodpad", "productboard", "prospectcrm", "prosperworks", "protocolsio", "proxmox", "proxycrawl",
    "prtg", "pubmatic", "pubnub", "pulumi", "purestake", "pushbullet", "pusher", "pusherchannel", "pushover", "qase",
    "qdrant", "qualaroo", "quay", "qubole", "quickbase", "quickbooks", "quickmetrics", "quicknode", "rabbitmq",
    "ragic", "rapidapi", "rarible", "rawg", "razorpay", "reachmail", "reallysimplesystems", "rebrandly",
    "rechargepayments", "recruitee", "recurly", "reddit", "rentman", "repairshopr", "replicate", "replyio",
    "requestfinance", "resend", "restpack", "retellai", "retool", "revampcrm", "revolut", "ringcentral", "ritekit",
    "robinhood", "roblox", "rocketreach", "rollbar", "roninapp", "route4me", "rownd", "rudderstack", "runpod",
    "runrunit", "runscope", "salesblink", "salescookie", "salesflare", "salesforce", "salesmate", "sanity",
    "santiment", "satismeter", "saucelabs", "scalewaykey", "scalingo", "scalr", "scrapeowl", "scraperapi",
    "scraperbox", "scrapersite", "scraperstack", "scrapestack", "scrapfly", "scrapin", "scrapingant", "scrapingbee",
    "screenshotapi", "screenshotlayer", "scrutinizerci", "securitytrails", "selectpdf", "sendbird",
    "sendbirdorganization", "sendgrid", "sendinblue", "sendoso", "sendpulse", "sentry", "serpapi", "serper",
    "serphouse", "serpstack", "shipday", "shipengine", "shippo", "shipstation", "shodan", "shopify", "shortio",
    "shotstack", "shutterstock", "signable", "signalwire", "signaturit", "signoz", "signupgenius", "sigopt", "simfin",
    "simplekpi", "simplesat", "simplybook", "simplynoted", "simvoly", "sinch", "sinchmessage", "sirv", "siteleaf",
    "skrapp", "skrappio", "skybiometry", "skyscanner", "slackwebhook", "sleekplan", "smartsheet", "smarty",
    "smartystreets", "smooch", "snipcart", "snipeit", "snovio", "snowflake", "snyk", "snykkey", "solarwinds",
    "solcast", "sonarcloud", "sonarqube", "sourcegraph", "sparkpost", "speechtext", "splunk", "splunkobservability",
    "spoonacular", "sportradar", "sportsmonk", "spotify", "squareapp", "squarespace", "squareup", "sslmate",
    "statsig", "statuscake", "statuspage", "statuspal", "stitchdata", "stockdata", "stockx", "storecove",
    "storjshare", "stormboard", "stormglass", "storyblok", "storychief", "strava", "stripe", "stripo", "stytch",
    "sugester", "sumologic", "supabase", "supernotes", "surveyanyplace", "surveybot", "surveysparrow", "survicate",
    "svix", "swell", "swiftype", "synthesia", "tailscale", "talkwalker", "tallyfy", "tatum", "tatumio", "tavily",
    "tawk", "taxjar", "teachable", "teamgate", "teamviewer", "teamworkcrm", "teamworkdesk", "technicalanalysis",
    "telegram", "telesign", "teletype", "telnyx", "tencent", "tenderly", "testingbot", "textmagic", "theoddsapi",
    "thingspeak", "thinkific", "thirdweb", "thousandeyes", "threatconnect", "ticketmaster", "tickettailor",
    "ticktick", "tidio", "tiingo", "timecamp", "timekit", "timezoneapi", "tines", "tineswebhook", "tly", "tmdb",
    "tmetric", "todoist", "toggl", "togglrack", "toggltrack", "tokeet", "tomorrowio", "tomtom", "tradier",
    "transferwise", "travelpayouts", "travisci", "trello", "truelayer", "trufflehog", "twelvedata", "twilio", "twist",
    "twitch", "twitter", "tyntec", "typeform", "typesense", "typetalk", "ubidots", "uclassify", "unbounce", "unifyid",
    "unplugg", "unsplash", "upcdatabase", "uplead", "uploadcare", "upstash", "uptimerobot", "upwave", "urlscan",
    "userback", "userflow", "userstack", "uservoice", "vagrant", "vatlayer", "veevavault", "vercel", "verimail",
    "veriphone", "versioneye", "viewneo", "vimeo", "virustotal", "visualcrossing", "vitally", "voicegain", "vonage",
    "voodoosms", "vouchery", "vpnapi", "vultr", "vyte", "wakatime", "walkscore", "wandb", "weatherapi", "weatherbit",
    "weatherstack", "weaviate", "webex", "webflow", "webhookrelay", "webscraper", "webscraping", "wepay", "whatcms",
    "whatsapp", "wistia", "woocommerce", "wordpress", "workable", "worksnaps", "workstack", "worldcoinindex",
    "worldweather", "wrike", "writesonic", "xendit", "xero", "yandex", "yelp", "yodlee", "yotpo", "youneedabudget",
    "yousign", "zapier", "zendesk", "zendrive", "zenkitapi", "zenrows", "zenscrape", "zenserp", "zeplin",
    "zerobounce", "zerossl", "zerotier", "zipapi", "zipbooks", "zipcodeapi", "zoho", "zonka", "zonkafeedback", "zoom",
    "zulip", "zulipchat", "zuora",
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
