//! Persons' numbers and addresses, with the check digits of their countries.

use super::Dice;

fn digit(byte: u8) -> u32 {
    u32::from(byte - b'0')
}

fn sum(digits: &str, weights: &[u32]) -> u32 {
    digits.bytes().zip(weights).map(|(b, w)| digit(b) * w).sum()
}

fn luhn_digit(body: &str) -> u32 {
    let total: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, b)| {
            let doubled = digit(b) * if at % 2 == 0 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    (10 - total % 10) % 10
}

fn with_luhn(body: impl AsRef<str>) -> String {
    let body = body.as_ref();
    let check = luhn_digit(body);
    format!("{body}{check}")
}

fn date(dice: &mut Dice, order: &str) -> String {
    let (year, month, day) = (dice.below(60) + 40, dice.below(12) + 1, dice.below(28) + 1);
    order.replace("yy", &format!("{year:02}")).replace("mm", &format!("{month:02}")).replace("dd", &format!("{day:02}"))
}

/// Tries until a check digit exists.
fn until(dice: &mut Dice, make: impl Fn(&mut Dice) -> Option<String>) -> String {
    loop {
        if let Some(made) = make(dice) {
            return made;
        }
    }
}

fn group(digits: &str, sizes: &[usize], separator: &str) -> String {
    let mut parts = Vec::new();
    let mut at = 0;
    for size in sizes {
        parts.push(&digits[at..(at + size).min(digits.len())]);
        at += size;
    }
    parts.join(separator)
}

fn iban(dice: &mut Dice) -> String {
    let (country, pattern) = dice.pick(&[
        ("DE", "{d18}"),
        ("FR", "{d10}0{d10}{d2}"),
        ("GB", "WEST{d14}"),
        ("NL", "ABNA{d10}"),
        ("ES", "{d20}"),
        ("IT", "X{d10}{d12}"),
        ("CH", "{d17}"),
        ("AT", "{d16}"),
        ("BE", "{d12}"),
        ("PL", "{d24}"),
        ("SE", "{d20}"),
        ("PT", "{d21}"),
    ]);
    let body = dice.fill(pattern);
    let numbers: String = format!("{body}{country}00").chars().map(|c| c.to_digit(36).unwrap().to_string()).collect();
    let rest = numbers.bytes().fold(0, |rest, b| (rest * 10 + digit(b)) % 97);
    format!("{country}{:02}{body}", 98 - rest)
}

fn spaced(text: &str) -> String {
    text.as_bytes().chunks(4).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect::<Vec<_>>().join(" ")
}

const FIRST: &[&str] = &["jane", "omar", "li", "marta", "sven", "aiko", "peter", "lucia", "tom", "nadia"];
const LAST: &[&str] = &["doe", "hassan", "wei", "kowalska", "berg", "tanaka", "novak", "rossi", "murphy", "singh"];
const DOMAINS: &[&str] = &[
    "gmail.com",
    "acme.org",
    "mail.example.net",
    "uni-bonn.de",
    "company.co.uk",
    "outlook.com",
    "firma.pl",
    "startup.io",
];

/// A kind of personal data and what makes one of it.
type Maker = (&'static str, fn(&mut Dice) -> String);

/// A kind of personal data and one of it.
pub(crate) fn make(dice: &mut Dice, number: usize) -> (&'static str, String) {
    let mut all: Vec<Maker> = vec![
        ("email", |d| format!("{}.{}@{}", d.pick(FIRST), d.pick(LAST), d.pick(DOMAINS))),
        ("email", |d| format!("{}{}@{}", d.pick(FIRST), d.below(1000), d.pick(DOMAINS))),
        ("email", |d| format!("{}_{}+tag@{}", d.pick(FIRST), d.pick(LAST), d.pick(DOMAINS))),
        ("phone", |d| d.fill("+1415555{d4}")),
        ("phone", |d| d.fill("+44 20 7{d3} {d4}")),
        ("phone", |d| d.fill("+49 30 {d8}")),
        ("phone", |d| d.fill("(415) 555-{d4}")),
        ("phone", |d| d.fill("212-555-{d4}")),
        ("phone", |d| d.fill("07700 900{d3}")),
        ("phone", |d| d.fill("06 12 {d2} {d2} {d2}")),
        ("phone", |d| d.fill("+91 98{d3} {d5}")),
        ("phone", |d| d.fill("090-{d4}-{d4}")),
        ("phone", |d| d.fill("0151 {d8}")),
        ("phone", |d| d.fill("+33 6 {d2} {d2} {d2} {d2}")),
        ("phone", |d| d.fill("+55 11 9{d4}-{d4}")),
        ("phone", |d| d.fill("310.555.{d4}")),
        ("card", |d| with_luhn(d.fill("4{d14}"))),
        ("card", |d| spaced(&with_luhn(d.fill("52{d13}")))),
        ("card", |d| spaced(&with_luhn(d.fill("4{d14}"))).replace(' ', "-")),
        ("card", |d| with_luhn(d.fill("37{d12}"))),
        ("card", |d| with_luhn(d.fill("6011{d11}"))),
        ("card", |d| group(&with_luhn(d.fill("34{d12}")), &[4, 6, 5], " ")),
        ("iban", iban),
        ("iban", |d| spaced(&iban(d))),
    ];
    all.extend(IDS);
    let (kind, one) = all[number % all.len()];
    (kind, one(dice))
}

const IDS: [Maker; 36] = [
    ("us ssn", |d| format!("{:03}-{:02}-{:04}", d.below(660) + 1, d.below(98) + 1, d.below(9998) + 1)),
    ("canada sin", |d| group(&with_luhn(format!("{}{}", d.below(7) + 1, d.digits(7))), &[3, 3, 3], " ")),
    ("uk nino", |d| format!("AB {} {} {} C", d.digits(2), d.digits(2), d.digits(2))),
    ("uk nino", |d| format!("JG{}A", d.digits(6))),
    ("uk nhs number", |d| {
        until(d, |d| {
            let body = d.digits(9);
            let check = (11 - sum(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
            (check < 10).then(|| group(&format!("{body}{check}"), &[3, 3, 4], " "))
        })
    }),
    ("german tax id", |d| {
        let body = format!("{}{}", d.below(9) + 1, d.digits(9));
        let product = body.bytes().fold(10, |p, b| {
            let s = (digit(b) + p) % 10;
            (if s == 0 { 10 } else { s }) * 2 % 11
        });
        format!("{body}{}", (11 - product) % 10)
    }),
    ("french nir", |d| {
        let body = format!(
            "{}{:02}{:02}{:02}{}{}",
            d.below(2) + 1,
            d.below(99),
            d.below(12) + 1,
            d.below(89) + 1,
            d.digits(3),
            d.digits(3)
        );
        format!("{body}{:02}", 97 - body.parse::<u64>().unwrap() % 97)
    }),
    ("spanish dni", |d| {
        let number = d.below(89_999_999) + 10_000_000;
        format!("{number}{}", char::from(b"TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]))
    }),
    ("spanish nie", |d| {
        let number = d.below(9_999_999);
        format!("Y{number:07}{}", char::from(b"TRWAGMYFPDXBNJZSQVHLCKE"[(10_000_000 + number) % 23]))
    }),
    ("dutch bsn", |d| {
        until(d, |d| {
            let body = format!("{}{}", d.below(9) + 1, d.digits(7));
            let check = sum(&body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
            (check < 10).then(|| format!("{body}{check}"))
        })
    }),
    ("belgian national number", |d| {
        let body = format!("{}{}", date(d, "yymmdd"), d.digits(3));
        let all = format!("{body}{:02}", 97 - body.parse::<u64>().unwrap() % 97);
        format!("{}.{}.{}-{}.{}", &all[..2], &all[2..4], &all[4..6], &all[6..9], &all[9..])
    }),
    ("polish pesel", |d| {
        let body = format!("{}{}", date(d, "yymmdd"), d.digits(4));
        format!("{body}{}", (10 - sum(&body, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10)
    }),
    ("swedish personnummer", |d| {
        let all = with_luhn(format!("{}{}", date(d, "yymmdd"), d.digits(3)));
        format!("{}-{}", &all[..6], &all[6..])
    }),
    ("norwegian fodselsnummer", |d| {
        until(d, |d| {
            let body = format!("{}{}", date(d, "ddmmyy"), d.digits(3));
            let first = (11 - sum(&body, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
            let body = format!("{body}{first}");
            let second = (11 - sum(&body, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
            (first < 10 && second < 10).then(|| format!("{body}{second}"))
        })
    }),
    ("danish cpr", |d| {
        until(d, |d| {
            let body = format!("{}{}", date(d, "ddmmyy"), d.digits(3));
            let check = (11 - sum(&body, &[4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
            (check < 10).then(|| format!("{}-{}{check}", &body[..6], &body[6..]))
        })
    }),
    ("finnish hetu", |d| {
        let (day, serial) = (date(d, "ddmmyy"), d.digits(3));
        let check = b"0123456789ABCDEFHJKLMNPRSTUVWXY"[format!("{day}{serial}").parse::<usize>().unwrap() % 31];
        format!("{day}-{serial}{}", char::from(check))
    }),
    ("swiss ahv", |d| {
        let body = format!("756{}", d.digits(9));
        let total: u32 = body.bytes().enumerate().map(|(at, b)| digit(b) * if at % 2 == 0 { 1 } else { 3 }).sum();
        let all = format!("{body}{}", (10 - total % 10) % 10);
        format!("{}.{}.{}.{}", &all[..3], &all[3..7], &all[7..11], &all[11..])
    }),
    ("czech birth number", |d| {
        until(d, |d| {
            let body = format!("{}{}", date(d, "yymmdd"), d.digits(3));
            let check = body.parse::<u64>().unwrap() % 11;
            (check < 10).then(|| format!("{}/{}{check}", &body[..6], &body[6..]))
        })
    }),
    ("romanian cnp", |d| {
        until(d, |d| {
            let body = format!("1{}{:02}{}", date(d, "yymmdd"), d.below(46) + 1, d.digits(3));
            let check = sum(&body, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
            (check < 10).then(|| format!("{body}{check}"))
        })
    }),
    ("bulgarian egn", |d| {
        until(d, |d| {
            let body = format!("{}{}", date(d, "yymmdd"), d.digits(3));
            let check = sum(&body, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11;
            (check < 10).then(|| format!("{body}{check}"))
        })
    }),
    ("croatian oib", |d| {
        let body = d.digits(10);
        let product = body.bytes().fold(10, |p, b| {
            let s = (digit(b) + p) % 10;
            (if s == 0 { 10 } else { s }) * 2 % 11
        });
        format!("{body}{}", (11 - product) % 10)
    }),
    ("turkish kimlik", |d| {
        let body = format!("{}{}", d.below(9) + 1, d.digits(8));
        let odd = sum(&body, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
        let even = sum(&body, &[0, 1, 0, 1, 0, 1, 0, 1]);
        let tenth = (odd * 7 + 90 - even) % 10;
        format!("{body}{tenth}{}", (odd + even + tenth) % 10)
    }),
    ("israeli id", |d| with_luhn(d.digits(8))),
    ("south african id", |d| with_luhn(format!("{}{}08", date(d, "yymmdd"), d.digits(4)))),
    ("brazilian cpf", |d| {
        let body = d.digits(9);
        let first = sum(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
        let body = format!("{body}{first}");
        let all = format!("{body}{}", sum(&body, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10);
        format!("{}.{}.{}-{}", &all[..3], &all[3..6], &all[6..9], &all[9..])
    }),
    ("brazilian cpf", |d| {
        let body = d.digits(9);
        let first = sum(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
        let body = format!("{body}{first}");
        format!("{body}{}", sum(&body, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10)
    }),
    ("chilean rut", |d| {
        let body = (d.below(15_000_000) + 10_000_000).to_string();
        let total: u32 = body.bytes().rev().zip([2, 3, 4, 5, 6, 7, 2, 3]).map(|(b, w)| digit(b) * w).sum();
        let check = match 11 - total % 11 {
            11 => "0".to_owned(),
            10 => "K".to_owned(),
            other => other.to_string(),
        };
        format!("{}.{}.{}-{check}", &body[..2], &body[2..5], &body[5..])
    }),
    ("argentine cuit", |d| {
        until(d, |d| {
            let body = format!("20{}", d.digits(8));
            let check = (11 - sum(&body, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
            (check < 10).then(|| format!("20-{}-{check}", &body[2..]))
        })
    }),
    ("chinese resident id", |d| {
        let body = format!("110105{}{:02}{:02}{}", d.below(50) + 1950, d.below(12) + 1, d.below(28) + 1, d.digits(3));
        let total = sum(&body, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
        format!("{body}{}", char::from(b"10X98765432"[total as usize]))
    }),
    ("singapore nric", |d| {
        let body = d.digits(7);
        format!("S{body}{}", char::from(b"JZIHGFEDCBA"[sum(&body, &[2, 7, 6, 5, 4, 3, 2]) as usize % 11]))
    }),
    ("korean rrn", |d| format!("{}-{}{}", date(d, "yymmdd"), d.below(4) + 1, d.digits(6))),
    ("indian pan", |d| {
        format!("{}P{}{}{}", d.fill("{u3}").replace(|c: char| c.is_ascii_digit(), "K"), "S", d.digits(4), "Q")
    }),
    ("australian tfn", |d| {
        until(d, |d| {
            let all = format!("{}{}", d.below(9) + 1, d.digits(8));
            sum(&all, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11).then(|| group(&all, &[3, 3, 3], " "))
        })
    }),
    ("passport number", |d| format!("{}{}", "C", d.digits(8))),
    ("estonian isikukood", |d| {
        until(d, |d| {
            let body = format!("3{}{}", date(d, "yymmdd"), d.digits(3));
            let check = sum(&body, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
            (check < 10).then(|| format!("{body}{check}"))
        })
    }),
    ("russian snils", |d| {
        until(d, |d| {
            let body = d.digits(9);
            let check = sum(&body, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
            (check < 100).then(|| format!("{}-{}-{} {check:02}", &body[..3], &body[3..6], &body[6..]))
        })
    }),
];

/// Where it stands: `%V` is the value, `%k` what it is called.
pub(crate) const TEMPLATES: &[&str] = &[
    "Customer %k: %V",
    "Please update my %k to %V in your records.",
    "{\"name\": \"Jane Doe\", \"%k\": \"%V\"}",
    "user_id,name,%k\n17,Jane Doe,%V\n",
    "%k=%V",
    "Hi, my %k is %V, can you check my order?",
    "INSERT INTO people (name, \"%k\") VALUES ('Jane', '%V');",
    "2026-02-03 09:12:44 INFO signup completed %k=%V source=web",
    "Name: Jane Doe\n%k: %V\nCity: Leeds\n",
    "<field name=\"%k\">%V</field>",
    "On file we have the %k (%V) from last year.",
    "| name | %k |\n|---|---|\n| Jane | %V |\n",
    "- %k: `%V`",
    "The %k on the form reads %V.",
];
