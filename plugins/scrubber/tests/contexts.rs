//! Texts of a set that was written without knowledge of the rules, of which the rules that are tried here knew
//! nothing: what they hold must go, and what holds nothing must stay.
//!
//! All values are made up. The large corpus, with its thresholds, is in `score`.

use sluice_plugin::scrubber::{ScrubInput, Scrubber};
use sluice_scrubber::TextScrubber;

/// The text without what is redacted.
fn scrubbed(text: &str) -> String {
    sluice_plugin::testing::set_settings("{}");
    let input = ScrubInput { text: text.to_owned(), data: "{}".to_owned() };
    let report = TextScrubber::scrub(&input).expect("the settings are good");
    let mut left = String::new();
    let mut done = 0;
    for redaction in &report.redactions {
        left.push_str(&text[done..redaction.start as usize]);
        left.push('\u{0}');
        done = redaction.end as usize;
    }
    left + &text[done..]
}

/// Asserts that of each text nothing is left of what follows it: no five characters in a row.
fn all_go(rows: &[(&str, &[&str])]) {
    for (text, secrets) in rows {
        let left = scrubbed(text);
        for secret in *secrets {
            let characters: Vec<char> = secret.chars().collect();
            let beside = text.replace(secret, "\u{0}");
            for five in characters.windows(characters.len().min(5)) {
                let five: String = five.iter().collect();
                assert!(!left.contains(&five) || beside.contains(&five), "{text}: {left}");
            }
        }
    }
}

#[rustfmt::skip]
const SECRETS: &[(&str, &[&str])] = &[
    ("Administrator:500:aad3b435b51404eeaad3b435b51404ee:9554b0a63c96816abf9ee96e01a7880d:::", &["9554b0a63c96816abf9ee96e01a7880d"]),
    ("I changed the root password from Winter5555.kk to 3IzME3^16Kn64mEt this morning.", &["Winter5555.kk", "3IzME3^16Kn64mEt"]),
    ("Der Mattermost-Schlüssel lautet 1qq3vmikigqfviqrryq58l57sp, bitte im Tresor ablegen.", &["1qq3vmikigqfviqrryq58l57sp"]),
    ("variable \"meili_master_key\" {\n  type    = string\n  default = \"k9mZMVq-Z6i7pmpE5TpPPBz8JM0nuCtoFsHn8cEY-1R\"\n}", &["k9mZMVq-Z6i7pmpE5TpPPBz8JM0nuCtoFsHn8cEY-1R"]),
    ("SSHPASS=Ees8nmW9T2u6QFrnMI.7 sshpass -e rsync -a . svc-deploy@web01.mistral-it-ops.cloud:/srv", &["Ees8nmW9T2u6QFrnMI.7"]),
    ("| service | variable | value |\n|---|---|---|\n| WordPress application password | WP_APP_PASSWORD | `ADeO Rxlp kSrp B04c X7nU 5NM4` |", &["ADeO Rxlp kSrp B04c X7nU 5NM4"]),
    ("expect \"assword:\"\nsend \"ZwRyaLk4oaGV\\r\"", &["ZwRyaLk4oaGV"]),
    ("/msg NickServ IDENTIFY QjQf5jeqTuei", &["QjQf5jeqTuei"]),
    ("Ticket #19973\nCustomer says Proxmox integration fails.\nSteps: 1) opened settings 2) pasted 3e53653e-e7f5-43d4-9ec0-9bdb14f7ad36 3) error 403.\nProxmox key as above.", &["3e53653e-e7f5-43d4-9ec0-9bdb14f7ad36"]),
    ("::set-env name=FASTLANE_APPLE_APPLICATION_SPECIFIC_PASSWORD::ujzt-hxtc-tymp-umfd", &["ujzt-hxtc-tymp-umfd"]),
    ("Netflix: noah.brandt@lumenlab-data.app / Monkey755?", &["Monkey755?"]),
    ("safe combination 58-34-39", &["58-34-39"]),
    ("Recovery codes:\n3ji7g-k9mta\nitues-2ch4y\n167gc-a5700\nvircm-dxyi5", &["3ji7g-k9mta", "itues-2ch4y", "167gc-a5700", "vircm-dxyi5"]),
    ("INSERT INTO users (id, login, password, role) VALUES (34, 'deployer', 'Tulip95?kk', 'admin');", &["Tulip95?kk"]),
    ("rootpw --plaintext QTxO3ciNV0R9", &["QTxO3ciNV0R9"]),
    ("A chave do DigitalOcean Spaces é LIzSRBGiCdGds0ogPJFp9Ms7E6rFUqQSnrK2dnF+IRA= (produção).", &["LIzSRBGiCdGds0ogPJFp9Ms7E6rFUqQSnrK2dnF+IRA="]),
    ("bitcoin-cli importprivkey L1SyiXn1GHnaahE3Q5YkZ68qdvaLtNDdpRHSQHKrpAoXd7bGvz6h", &["L1SyiXn1GHnaahE3Q5YkZ68qdvaLtNDdpRHSQHKrpAoXd7bGvz6h"]),
    ("x = [\"u6492999-72be0892e3e697c60f07d8f3\", \"eu-west-1\", 1]", &["u6492999-72be0892e3e697c60f07d8f3"]),
    ("USER            PASSWORD              HOST\njkowalski        ctbZGiutZiGet2        shop-eu.vireo.net", &["ctbZGiutZiGet2"]),
    ("security_answer: \"Flockrfhd\"", &["Flockrfhd"]),
    ("variable \"okx_secret_key\" {\n  type    = string\n  default = \"76BE65EC1D8CCC92F30453CE17EEB405\"\n}", &["76BE65EC1D8CCC92F30453CE17EEB405"]),
    ("Der Duo-Schlüssel lautet ytwDTRWYLqblIj7HVbtRyEvJGRojnf6FnmiGsZv3, bitte im Tresor ablegen.", &["ytwDTRWYLqblIj7HVbtRyEvJGRojnf6FnmiGsZv3"]),
    ("Modal 的密钥是 as-7D6UyEvxN4CmZBP3eGNKC8,请勿外传。", &["as-7D6UyEvxN4CmZBP3eGNKC8"]),
    ("she typed 8ZPaFn2fEtN7i9h7d*K61 into the password field and it worked", &["8ZPaFn2fEtN7i9h7d*K61"]),
    ("ldap_default_authtok = jx2ybuzk7bkubwsy", &["jx2ybuzk7bkubwsy"]),
    ("variable \"comet_api_key\" {\n  type    = string\n  default = \"kMuBRDXb9wNxTunMdQlVNTDRb\"\n}", &["kMuBRDXb9wNxTunMdQlVNTDRb"]),
    ("Der Chargebee-Schlüssel lautet live_BGnDINtW7BoH9ttHFZTuUU2zeAGUl4Xeo, bitte im Tresor ablegen.", &["live_BGnDINtW7BoH9ttHFZTuUU2zeAGUl4Xeo"]),
    ("variable \"unsplash_secret_key\" {\n  type    = string\n  default = \"pfUZbq3VGacejRI3-OoHOfSYSIrTWtsOOt-r_8jdgzn\"\n}", &["pfUZbq3VGacejRI3-OoHOfSYSIrTWtsOOt-r_8jdgzn"]),
    ("try this one: 7c05c24a-6521-4908-a8c1-198c71b5c597:fx", &["7c05c24a-6521-4908-a8c1-198c71b5c597:fx"]),
    ("{\"version\":3,\"crypto\":{\"cipher\":\"aes-128-ctr\",\"ciphertext\":\"1d1f0d4b8f81653184535d04efc5d0e989ba8e0f26286de85179a6e90d00ec87\",\"kdf\":\"scrypt\",\"mac\":\"67e46496806d75e18b7e15739957489c1aaacd2beeec9dc1d1d52efd6ebbc677\"}}", &["1d1f0d4b8f81653184535d04efc5d0e989ba8e0f26286de85179a6e90d00ec87"]),
    ("Der Customer.io-Schlüssel lautet 82c1cd9aa24134e00cc9483eb6b3c9d2, bitte im Tresor ablegen.", &["82c1cd9aa24134e00cc9483eb6b3c9d2"]),
    ("echo \"saddle bicycle harbor pebble\" | keepassxc-cli open db.kdbx", &["saddle bicycle harbor pebble"]),
    ("Ключ TeamCity: eyJ0eXAiOiAiVENWMiJ9.vlqkb3b2fMaIynIOhvrjCX1C7HuKjkhPL-uN.2BdxCuUbK9OWdXjaoRJgczlUIS7WKD088SRkKLVBfjrILnrZ", &["eyJ0eXAiOiAiVENWMiJ9.vlqkb3b2fMaIynIOhvrjCX1C7HuKjkhPL-uN.2BdxCuUbK9OWdXjaoRJgczlUIS7WKD088SRkKLVBfjrILnrZ"]),
    ("A senha é NVNA-jgPy-VVed, anota aí.", &["NVNA-jgPy-VVed"]),
    ("BitLocker recovery key: 353507-925628-392464-478649-032321-924356-189106-325837", &["353507-925628-392464-478649-032321-924356-189106-325837"]),
    ("use `fOsYP9n-6!l3ak9h` for the admin login password", &["fOsYP9n-6!l3ak9h"]),
    ("variable \"splunk_hec_token\" {\n  type    = string\n  default = \"1550015a-a84e-4740-911a-b8fe949b9462\"\n}", &["1550015a-a84e-4740-911a-b8fe949b9462"]),
    ("[smtp.oakline-pay.fr]:587 etl:Dw.69Jnkf794663", &["Dw.69Jnkf794663"]),
    ("vault operator unseal hxMp9iJeNIJIjR3odvEUiTUGGujDoeRcz/H7PwGNVmp2", &["hxMp9iJeNIJIjR3odvEUiTUGGujDoeRcz/H7PwGNVmp2"]),
    ("A chave do Statuspage é acb14b26-e47b-4260-b632-f7b78b16ceb1 (produção).", &["acb14b26-e47b-4260-b632-f7b78b16ceb1"]),
    ("racadm -r 10.132.33.122 -u root -p iW6aPWGFxw getsysinfo", &["iW6aPWGFxw"]),
    ("Ticket #6804\nCustomer says Mailgun new integration fails.\nSteps: 1) opened settings 2) pasted d781cf3015abfafdce5dc4669e35fdc8-6880e1b6-3e1302b2 3) error 403.\nMailgun new key as above.", &["d781cf3015abfafdce5dc4669e35fdc8-6880e1b6-3e1302b2"]),
    ("Ihr Einmalcode (TAN) lautet 050317.", &["050317"]),
    ("bw unlock --raw purple-marble-quilt", &["purple-marble-quilt"]),
    ("Ticket #47162\nCustomer says Confluent Cloud integration fails.\nSteps: 1) opened settings 2) pasted JPnumaYAk0Ag/8VWrBgNBBmpeul3vC0KvZpJe60nYZuTXvbs0eslrVZrZT9fkIqQ 3) error 403.\nConfluent Cloud key as above.", &["JPnumaYAk0Ag/8VWrBgNBBmpeul3vC0KvZpJe60nYZuTXvbs0eslrVZrZT9fkIqQ"]),
    ("Authorization: Digest username=\"fmartin\", realm=\"zephyrly-ops.fr\", nonce=\"dc1b26fd71471c611eaa0f5ea7c344a0\", uri=\"/dir/\", response=\"be173179f57b433c07c79b75669301f4\", opaque=\"f66cf5df0650ced2d4dc7042cb70a2d9\"", &["be173179f57b433c07c79b75669301f4"]),
    ("Alpaca 的密钥是 L1jl5vvow5TrlEuWWEhlKAIgcnKsUdN93jAU3DfW,请勿外传。", &["L1jl5vvow5TrlEuWWEhlKAIgcnKsUdN93jAU3DfW"]),
    ("echo '9*8e4y_FRP6TLJ' > .vault_pass", &["9*8e4y_FRP6TLJ"]),
    ("Der DocuSign-Schlüssel lautet a5950091-987e-4e0a-ba34-aadc75ac1604, bitte im Tresor ablegen.", &["a5950091-987e-4e0a-ba34-aadc75ac1604"]),
    ("cipher = AES.new(bytes.fromhex(\"793c9c16a80dd735fc14a2472e6662dd003fc59d83a1bc756b5def18d869816e\"), AES.MODE_GCM)", &["793c9c16a80dd735fc14a2472e6662dd003fc59d83a1bc756b5def18d869816e"]),
    ("Content-Disposition: form-data; name=\"password\"\n\nMarble3274*Qz\n------WebKitFormBoundary", &["Marble3274*Qz"]),
    ("backup codes for google: 6301 7389, 6579 2627, 0451 8287", &["6301 7389", "6579 2627", "0451 8287"]),
    ("gate code: 42682#", &["42682"]),
    ("Ticket #69438\nCustomer says Instana integration fails.\nSteps: 1) opened settings 2) pasted 8n2pcK5gr1fLSGpy-b12Gz 3) error 403.\nInstana key as above.", &["8n2pcK5gr1fLSGpy-b12Gz"]),
    ("Der Epic-Schlüssel lautet aHZ4_hYVBe4RrI9SqQevcukGfsHaVHnHxcjUt9Sbvp9, bitte im Tresor ablegen.", &["aHZ4_hYVBe4RrI9SqQevcukGfsHaVHnHxcjUt9Sbvp9"]),
    ("Der Browserless-Schlüssel lautet 5fd8f1ab-c026-43a9-8ff3-00d1c76c8183, bitte im Tresor ablegen.", &["5fd8f1ab-c026-43a9-8ff3-00d1c76c8183"]),
    ("Ticket #88280\nCustomer says Slack signing integration fails.\nSteps: 1) opened settings 2) pasted 1f21e1f84e6e20dbb0c4c84064c4c1c3 3) error 403.\nSlack signing key as above.", &["1f21e1f84e6e20dbb0c4c84064c4c1c3"]),
    ("<keyMaterial>Kraken32+x</keyMaterial>", &["Kraken32+x"]),
    ("Der Gate.io-Schlüssel lautet 586e91fb5af8a0b03a1a3fd529ca58e257bc6c04ee91c869446b3598acd5ed40, bitte im Tresor ablegen.", &["586e91fb5af8a0b03a1a3fd529ca58e257bc6c04ee91c869446b3598acd5ed40"]),
];

#[test]
fn secrets_in_every_kind_of_context_go() {
    all_go(SECRETS);
}

#[rustfmt::skip]
const PERSONS: &[(&str, &[&str])] = &[
    ("Name: Omar Yilmaz\nआधार: 977443667740\nDate: 2025-02-24", &["977443667740"]),
    ("git log --author=\"stefan costa\"@bluefjord.io", &["\"stefan costa\"@bluefjord.io"]),
    ("2026-05-24T23:01:50.349Z INFO user pat.o'nilsen@birchpoint.fr logged in", &["pat.o'nilsen@birchpoint.fr"]),
    ("HP: 9520 4391", &["9520 4391"]),
    ("Reisepass-Nr. C01X5856K4", &["C01X5856K4"]),
    ("CLABE 002142791369851780", &["002142791369851780"]),
    ("name;SV-Nr.;since\nDubois;6726 140990;2019-12-02", &["6726 140990"]),
    ("连络邮箱:\"marta okafor\"@zephyrlysoft.pl", &["\"marta okafor\"@zephyrlysoft.pl"]),
    ("card 4539-8361-5168-8214 cvv 391 exp 04/29", &["4539-8361-5168-8214", "391"]),
    ("MRZ:\nP<D<<LINDQVIST<<PIA<<<<<<<<<<<<<<<<<<<<<<<<<\nC01X560362D<<8711234M3102189<<<<<<<<<<<<<<04", &["C01X560362D<<8711234M3102189<<<<<<<<<<<<<<04"]),
    ("INSERT INTO persons VALUES (895, 'Santos', '5944723680856'); -- เลขประจำตัวประชาชน", &["5944723680856"]),
    ("IRD number = 126177720", &["126177720"]),
    ("BSB 062-000 Account 576498763", &["576498763"]),
    ("Κινητό: 695 224 7261", &["695 224 7261"]),
    ("Ruf mich bitte unter 572 147 248 an.", &["572 147 248"]),
    ("护照号码:E55744783", &["E55744783"]),
    ("连络邮箱:pat.o'rossi@kaskade.fr", &["pat.o'rossi@kaskade.fr"]),
    ("MRZ:\nP<D<<SANTOS<<MARTA<<<<<<<<<<<<<<<<<<<<<<<<<<\nC01X230924D<<7302080M3107139<<<<<<<<<<<<<<00", &["C01X230924D<<7302080M3107139<<<<<<<<<<<<<<00"]),
    ("name;EMŠO;since\nFerrari;0709964502780;2026-08-06", &["0709964502780"]),
    ("<field name=\"EMŠO\">2704988506502</field>", &["2704988506502"]),
];

#[test]
fn personal_data_beside_words_of_many_languages_goes() {
    all_go(PERSONS);
}

#[rustfmt::skip]
const DISGUISED: &[(&str, &[&str])] = &[
    ("{\"api_key\":\"n p m _ C Q D 2 g h f D J H j k 4 J b 5 0 p B b Y s K 8 i s X 6 I b 3 Q 8 t r z\"}", &["n p m _ C Q D 2 g h f D J H j k 4 J b 5 0 p B b Y s K 8 i s X 6 I b 3 Q 8 t r z"]),
    ("mail: j m o r e a u @ t a r n h o f s o f t . c o m", &["j m o r e a u @ t a r n h o f s o f t . c o m"]),
    ("raw: IRAVIQKEJ5DV6QKQJFPUWRKZHU4WMODCGZSWKNLDMYYTAM3EMFTDGZBVGYYWCNDFG42DMYJZMY3TC===", &["IRAVIQKEJ5DV6QKQJFPUWRKZHU4WMODCGZSWKNLDMYYTAM3EMFTDGZBVGYYWCNDFG42DMYJZMY3TC==="]),
    ("d&#111;p_v&#49;_16&#51;7&#48;e50db0d1ed4&#48;&#102;73&#56;8f4545&#48;49&#97;&#102;07&#51;4&#56;&#102;d&#48;de69550ce&#101\u{200d};7a7f3&#49;&#55;4763&#101;&#100;&#97;", &["d&#111;p_v&#49;_16&#51;7&#48;e50db0d1ed4&#48;&#102;73&#56;8f4545&#48;49&#97;&#102;07&#51;4&#56;&#102;d&#48;de69550ce&#101\u{200d};7a7f3&#49;&#55;4763&#101;&#100;&#97;"]),
    ("{\"blob\":\"ZXlKaGNHbGZhMlY1SWpvaVpHOXdYM1l4WHpGbE5UazNZelExWlRNd016SmxOemN6T0RrMU56QTRNR05pTlRVd01ETmtOV0ZtT1RGa1pERXpZakpoWm1Jd05tWTJObU15T1dRd016RTVOVEpsTVRjaWZRPT0=\"}", &["ZXlKaGNHbGZhMlY1SWpvaVpHOXdYM1l4WHpGbE5UazNZelExWlRNd016SmxOemN6T0RrMU56QTRNR05pTlRVd01ETmtOV0ZtT1RGa1pERXpZakpoWm1Jd05tWTJObU15T1dRd016RTVOVEpsTVRjaWZRPT0="]),
    ("phone: +56 9 92\n> 74 7789", &["+56 9 92\n> 74 7789"]),
    ("Der Schlüssel ist sk-a nt-a pi03 -3s- t9gt R7UD 0_Ps Nhq1 Go48 6nK1 oujS mGI7 vmjr bWYF DZJn 9tLk oNbH rab6 oD0v YV_v fCcr RYI_ ND4u X-LH p4Jg Bsxf zDAA.", &["sk-a nt-a pi03 -3s- t9gt R7UD 0_Ps Nhq1 Go48 6nK1 oujS mGI7 vmjr bWYF DZJn 9tLk oNbH rab6 oD0v YV_v fCcr RYI_ ND4u X-LH p4Jg Bsxf zDAA"]),
    ("ID number: 0 4 0 4 4 5 - 0 3 8 7", &["0 4 0 4 4 5 - 0 3 8 7"]),
    ("here is the key dop_v\\000031_3\\0000353bbebe12\\0000612\\0000321623e4\\00003751\\000031\\000064f1c45649\\000031\\000038\\000066a3f\\0000341\\000037f3eb\\0000313\\000038\\000034\\000036\\000063d\\0000388\\000038\\000033801\\000034d087 for you", &["dop_v\\000031_3\\0000353bbebe12\\0000612\\0000321623e4\\00003751\\000031\\000064f1c45649\\000031\\000038\\000066a3f\\0000341\\000037f3eb\\0000313\\000038\\000034\\000036\\000063d\\0000388\\000038\\000033801\\000034d087"]),
    ("Visa 3434 324\" + \"028 15402", &["3434 324\" + \"028 15402"]),
    ("transfer to IBAN M D 2 3   3 7 3 3   5 8 7 7   9 2 8 7   1 4 6 8   2 1 5 2", &["M D 2 3   3 7 3 3   5 8 7 7   9 2 8 7   1 4 6 8   2 1 5 2"]),
    ("IBAN: AL83 1741 4480\n>  UT9I VZ7R MWQC TVVY", &["AL83 1741 4480\n>  UT9I VZ7R MWQC TVVY"]),
    ("IBAN: BH68 NVKE 3775 \" + \"3599 6391 14", &["BH68 NVKE 3775 \" + \"3599 6391 14"]),
    ("phone: +41 79 8\" + \"28 41 18", &["+41 79 8\" + \"28 41 18"]),
    ("2026-07-22T21:01:50.660Z DEBUG auth=g\u{a0}h\u{a0}p\u{a0}_\u{a0}P\u{a0}j\u{a0}J\u{a0}T\u{a0}x\u{a0}S\u{a0}o\u{a0}u\u{a0}S\u{a0}W\u{a0}u\u{a0}E\u{a0}C\u{a0}s\u{a0}R\u{a0}y\u{a0}F\u{a0}i\u{a0}S\u{a0}g\u{a0}1\u{a0}3\u{a0}S\u{a0}W\u{a0}j\u{a0}i\u{a0}p\u{a0}e\u{a0}z\u{a0}h\u{a0}4\u{a0}Y\u{a0}S\u{a0}R\u{a0}m\u{a0}9", &["g\u{a0}h\u{a0}p\u{a0}_\u{a0}P\u{a0}j\u{a0}J\u{a0}T\u{a0}x\u{a0}S\u{a0}o\u{a0}u\u{a0}S\u{a0}W\u{a0}u\u{a0}E\u{a0}C\u{a0}s\u{a0}R\u{a0}y\u{a0}F\u{a0}i\u{a0}S\u{a0}g\u{a0}1\u{a0}3\u{a0}S\u{a0}W\u{a0}j\u{a0}i\u{a0}p\u{a0}e\u{a0}z\u{a0}h\u{a0}4\u{a0}Y\u{a0}S\u{a0}R\u{a0}m\u{a0}9"]),
    ("x%256Fxb-%25339%25326%2531%253552419%2530-%2531%2536930%25362482571-%2566R%2533sy7%255Aw%2566%2572p0%2531BF%2551UQH%25504kBT", &["x%256Fxb-%25339%25326%2531%253552419%2530-%2531%2536930%25362482571-%2566R%2533sy7%255Aw%2566%2572p0%2531BF%2551UQH%25504kBT"]),
];

#[test]
fn what_is_spaced_out_or_joined_by_functions_goes() {
    all_go(DISGUISED);
}

#[rustfmt::skip]
const CLEAN: &[&str] = &[
    "\"password\": \"パスワード\"",
    "password:\n  type: string\n  format: password\n  minLength: 8",
    "contraseña: \"Contraseña\"",
    "Cache restored from key: Linux-node-c9b2c4734754698d323b9a0388e2340f1c2ca794eee11082044fd235e4c8d072",
    "daemon:*:19000:0:99999:7:::",
    "password_encryption = scram-sha-256",
    "Le mot de passe est obligatoire.",
    "Het wachtwoord is verlopen.",
    "password: \"Пароль\"",
    "Das Passwort ist abgelaufen und muss geändert werden.",
    "gpg: key 3AA5C34371567BD2: public key imported",
    "Mot de passe oublié ?",
    "password: { type: String, required: true }",
    "the quick brown fox jumps over the lazy dog again",
    "contact: the desk; phone later",
    "INSERT INTO t (id, name) VALUES (1, 'abc123')",
    "NAME            READY   STATUS\nweb-7d9f8c6b5-x2x9z   1/1     Running",
    "Cache-Key: npm-linux-0a9f3c7e1d5b82460a9f3c7e1d5b82460a9f3c7e1d5b82460a9f3c7e1d5b8246",
];

#[test]
fn what_holds_nothing_stays_as_it_is() {
    for text in CLEAN {
        assert_eq!(scrubbed(text), *text);
    }
}

#[rustfmt::skip]
const TOLD: &[(&str, &[&str])] = &[
    ("$db = new mysqli(\"localhost\", \"wp_user\", \"hkjXR#zgUOV\", \"wordpress\");", &["hkjXR#zgUOV"]),
    ("const imap = new ImapClient('imap.mail.test', 993, 'ops', 'HiCv1JtcdMoCkcXSUyQB');", &["HiCv1JtcdMoCkcXSUyQB"]),
    ("new Sequelize(\"shop\", \"shop_rw\", \"Qwyoq+9822rt\", {host: \"db\"})", &["Qwyoq+9822rt"]),
    ("await signIn('jdoe', 'Tmwjh!4369cx');", &["Tmwjh!4369cx"]),
    ("sql.Open(\"mysql\", \"root:Tmwjh4369@tcp(db:3306)/shop\")", &["Tmwjh4369"]),
    ("127.0.0.1:6379> AUTH Qwyoq+9822rt\nOK", &["Qwyoq+9822rt"]),
    ("a1 LOGIN jd@corp.test Qwyoq+9822rt", &["Qwyoq+9822rt"]),
    ("USER jd\n+OK\nPASS Harbor-tundra.9", &["Harbor-tundra.9"]),
    ("WP_APP_PASSWORD=l46y qI2D IQZ3 0Pqg 6lnY 3dDD", &["l46y qI2D IQZ3 0Pqg 6lnY 3dDD"]),
    ("2FA setup key: PHB7 FUBK QQPX NAAW", &["PHB7 FUBK QQPX NAAW"]),
    ("TOTP secret: QKZPXWVBHGJTRMFD", &["QKZPXWVBHGJTRMFD"]),
    ("seed: alter barrel almost donkey agree affair animal alert alert admit addict adult", &["alter barrel almost donkey agree affair animal alert alert admit addict adult"]),
    ("$ANSIBLE_VAULT;1.1;AES256\n6132333435363738396162636465660a\n31323334353637383961626364", &["6132333435363738396162636465660a", "31323334353637383961626364"]),
    ("CREATE LOGIN [svc] WITH PASSWORD = N'Qwyoq+9822rt', CHECK_POLICY = OFF;", &["Qwyoq+9822rt"]),
    ("client 10.0.0.0/8 {\n  secret = Mango_ember_33\n}", &["Mango_ember_33"]),
    ("https://eth-mainnet.rpc.test/v2/_JZ1KfbcZLWYzMEyAZl63PAnh5h7peGf", &["_JZ1KfbcZLWYzMEyAZl63PAnh5h7peGf"]),
    ("try this one: acme_a_QxMtC4GuZD64WUXwuGSwYaSxHScpDxud", &["QxMtC4GuZD64WUXwuGSwYaSxHScpDxud"]),
    ("identifiants : admin / Qwyoq+9822rt", &["Qwyoq+9822rt"]),
    ("the office wifi is Acme-Guest / Qwyoq+9822rt", &["Qwyoq+9822rt"]),
    ("my films: kim@family.test Qwyoq+9822rt", &["Qwyoq+9822rt"]),
    ("|Jenkins|admin|Qwyoq+9822rt|http://ci:8080|", &["Qwyoq+9822rt"]),
    ("passord: Qwyoq+9822rt", &["Qwyoq+9822rt"]),
    ("snmp community string is Qwyoq+9822rt", &["Qwyoq+9822rt"]),
    ("ip ospf message-digest-key 1 md5 Qwyoq9822rt", &["Qwyoq9822rt"]),
];

#[test]
fn what_calls_devices_and_people_tell_goes() {
    all_go(TOLD);
}

#[rustfmt::skip]
const BROKEN: &[(&str, &[&str])] = &[
    ("token: AIzawEER21JPV<br>djXpH7r-dmNQT<br>lBEjTfi-vkzef", &["AIzawEER21JPV", "djXpH7r-dmNQT", "lBEjTfi-vkzef"]),
    ("use AKIALE<wbr>JB3TEX<wbr>H54SYB<wbr>VP for the job", &["AKIALE", "JB3TEX", "H54SYB"]),
    ("xoxb-104330</span><span>907988-7691581214647-broolIsmqxw28PKH5ZevXXc9", &["xoxb-104330", "907988-7691581214647-broolIsmqxw28PKH5ZevXXc9"]),
    ("{\"note\":\"key AKIAHL\\nVJDP4B\\nGASW5TMD\"}", &["AKIAHL", "VJDP4B", "GASW5TMD"]),
    ("| token | AKIAK4P |\n|       | I |\n|       | R5JEE55DEASX |", &["AKIAK4P", "R5JEE55DEASX"]),
    ("2026-10-17T06:11:33.925Z app[17]: ghp_ZPuCgV89FgjeApvwAKncNJJ\n2026-09-28T03:47:42.077Z app[17]: 9agDv7v30aIhf", &["ghp_ZPuCgV89FgjeApvwAKncNJJ", "9agDv7v30aIhf"]),
    ("token AKIAIM2\u{200b}\nQ7A\u{200b}\nPJUDAPSOPN", &["AKIAIM2", "PJUDAPSOPN"]),
    ("key = [\"AIzaU\",\"JueqV\",\"oK7lT\",\"Kx4cq\",\"O4qoo\",\"sR_U8\",\"JspAj\",\"XjVj\"].join(\"\");", &["AIzaU", "JueqV", "oK7lT", "JspAj"]),
    ("token: A.K.I.A.I.M.Q.Q.J.A.P.J.U.D.A.P.S.O.P.N", &["A.K.I.A.I.M.Q.Q.J.A.P.J.U.D.A.P.S.O.P.N"]),
    ("API_TOKEN=A K I ANR3K4IQP6ROWZTXR", &["ANR3K4IQP6ROWZTXR"]),
    ("DB_PASSWORD=4c 61 6e 74 65 72 6e 5f 70 65 70 70 65 72 2d 39 34", &["4c 61 6e 74 65 72 6e 5f 70 65 70 70 65 72 2d 39 34"]),
    ("mail: pia98 @ orange . fr", &["pia98 @ orange . fr"]),
];

#[test]
fn what_tags_cells_and_prefixes_break_goes() {
    all_go(BROKEN);
}

#[rustfmt::skip]
const NUMBERS: &[(&str, &[&str])] = &[
    ("Sort code 26-91-20, account no 71310154", &["26-91-20", "71310154"]),
    ("please pay to 46-88-11 / 93043606 (Barclays)", &["46-88-11", "93043606"]),
    ("Ada Lovelace 52998224725", &["52998224725"]),
    ("Lovelace,52998224725,2023-01-11", &["52998224725"]),
    ("ID number: 529.982.247\u{2002}25", &["529.982.247"]),
    ("NIE (Y-3774287R) could not be verified", &["3774287R"]),
    ("Krankenversichertennummer A123456780", &["A123456780"]),
    ("geb. am 01.10.1997", &["01.10.1997"]),
];

#[test]
fn what_numbers_tell_of_a_person_goes() {
    all_go(NUMBERS);
}

/// Twins of the texts above that hold nothing.
#[rustfmt::skip]
const TWINS: &[&str] = &[
    "Client(\"api.corp.test\", \"v1beta2\", \"application/json\")",
    "new Client(\"host.test\", \"orders-consumer-1\", \"order.created.v2\")",
    "Config(\"eu-central-1\", \"my-bucket-2026\", \"logs/2026-11\")",
    "Session(\"main\", \"utf8mb4\", \"READ COMMITTED\")",
    "250-AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2",
    "--- PASS: TestLogin2Factor (0.00s)",
    "PASS tests/unit/auth_v2.test.js (5.2 s)",
    "pass: 1412 fail: 0 skip: 3",
    "seed data: users, orders, invoices, products, carts, coupons, reviews, addresses, sessions, roles, teams, plans",
    "secret: my-app-tls",
    "https://registry.test/v2/library/nginx/manifests/latest",
    "cus_NffrFeUfNV2Hib pi_3MtwBwLkdIwHu7ix28a3tqPa",
    "arn:aws:kms:eu-central-1:111122223333:key/33d1faa9-c751-4faf-9181-d121b82b4311",
    "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-a1B2c3",
    "password: ENC[AES256_GCM,data:a2jFxKfPra/jpokCCQLK4qYS==,iv:xvaubrg/8WMU8k4qeyFGyj1Z/gN1BR7UFma1pcLnZqK=,type:str]",
    "ii  passwd  1:4.13+dfsg1-4ubuntu3.2  amd64  change and administer password and group data",
    ".password-strength__bar--weak { background: #ff5252; width: calc(100% / 3); }",
    "<b>Version</b><i>2.14</i> build<br>4411",
    "2026-11-22T08:14:03Z app commit 9f3b2c1\n2026-11-22T08:14:04Z app commit 7e1d0aa",
    "| id | 4411 |\n|    | 2207 |",
    "{\"log\":\"step1 done\\nstep2 done\\nstep3 done\"}",
    "OID 1.3.6.1.4.1.2021.4.6.0 and a.b.c.d.e.f.g.h.i.j",
    "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']",
    "Order #302-4471823-9910045 shipped on 2026-11-20",
    "Order Number 52998224725",
    "date 26-11-20, 12 items",
];

#[test]
fn what_only_looks_alike_stays_as_it_is() {
    for text in TWINS {
        assert_eq!(scrubbed(text), *text);
    }
}
