//! One row for each kind of number: its name, how it is written, what must stand beside it, what makes it right.
//!
//! Never looks at text; see `national`.

use super::rules::{
    any, ar_cuit, at_svnr, au_abn, baltic, be_nn, bg_egn, br_cnpj, br_cpf, ca_sin, cl_rut, co_nit, cz_rc, de_health,
    de_social, es_dni, es_nie, es_nuss, fi_hetu, fi_hetu_dash, fr_nir, fr_spi, gr_afm, has_digits, hk_id, icao, ie_pps,
    in_aadhaar, ir_melli, is_kt, it_cf, jmbg, jp_number, kz_iin, lv_code, mx_curp, nl_bsn, no_fnr, nz_ird, pl_id,
    pl_nip, pl_pesel, pt_nif, ro_cnp, ru_inn, ru_snils, se_date, sg_nric, th_id, tr_tc, tw_id, ua_tax, uk_nhs, uk_nino,
    us_dea, us_itin, us_npi, us_routing, us_ssn, uy_ci, vin, za_id,
};
use super::{Id, Need};
use crate::personal::checks::{
    day_month, digit, ean, full_date, luhn, mod_11_2, mod_11_10, number, weighted, year_month_day,
};

const fn id(
    kind: &'static str,
    shape: &'static str,
    need: Need,
    words: &'static [&'static str],
    check: fn(&[u8]) -> bool,
) -> Id {
    Id { kind, shape, need, words, check }
}

use Need::{NameOrWord, Nothing, OwnWord, Word};

const SSN: &[&str] = &["ssn", "social", "soc sec", "tin", "itin"];
const SIN: &[&str] = &["sin", "social insurance", "nas"];
const DNI: &[&str] = &["dni", "nif", "documento", "nie", "identidad"];

/// All rows.
#[rustfmt::skip]
pub(crate) const IDS: &[Id] = &[
    // North America.
    id("us_ssn", "ddd-dd-dddd", Nothing, SSN, us_ssn),
    id("us_ssn", "ddd dd dddd", Word, SSN, us_ssn),
    id("us_ssn", "ddddddddd", OwnWord, SSN, us_ssn),
    id("us_itin", "9dd-dd-dddd", Nothing, SSN, us_itin),
    id("us_ein", "dd-ddddddd", OwnWord, &["ein", "fein", "employer", "tax id", "federal tax", "tin"], any),
    id("us_routing_number", "ddddddddd", OwnWord, &["routing", "aba", "rtn"], us_routing),
    id("us_medicare_id", "dUAd-UAd-UUdd", Nothing, &["medicare", "mbi"], any),
    id("us_medicare_id", "dUAdUAdUUdd", OwnWord, &["medicare", "mbi"], any),
    id("us_npi", "dddddddddd", OwnWord, &["npi", "provider identifier"], us_npi),
    id("us_dea_number", "UUddddddd", OwnWord, &["dea"], us_dea),
    id("ca_sin", "ddd-ddd-ddd", Nothing, SIN, ca_sin),
    id("ca_sin", "ddd ddd ddd", Word, SIN, ca_sin),
    id("mx_curp", "UUUUddddddUUUUUUAd", Nothing, &["curp"], mx_curp),
    id("mx_rfc", "UUUUddddddAAA", OwnWord, &["rfc", "contribuyente", "fiscal"], |c| year_month_day(&c[4..10])),
    id("mx_nss", "ddddddddddd", OwnWord, &["nss", "imss", "seguro social"], luhn),
    // The British isles.
    id("uk_nino", "UU dd dd dd U", Nothing, &["nino", "national insurance", "ni number"], uk_nino),
    id("uk_nhs_number", "ddd ddd dddd", OwnWord, &["nhs", "patient"], uk_nhs),
    id("uk_utr", "ddddd ddddd", OwnWord, &["utr", "unique taxpayer", "self assessment"], any),
    id("uk_driving_licence", "UAAAAddddddAAdUU", OwnWord, &["driv", "licence", "dvla"], any),
    id("ie_pps", "dddddddUU", Word, &["pps", "ppsn"], ie_pps),
    id("ie_pps", "dddddddU", Word, &["pps", "ppsn"], ie_pps),
    // Western Europe.
    id("de_tax_id", "dd ddd ddd ddd", Word, &["steuer", "idnr", "tin", "tax"], |c| c[0] != b'0' && mod_11_10(c)),
    id("de_id_card", "UAAAAAAAAd", Word, &["ausweis", "perso", "id card", "identity card", "reisepass", "passport"], icao),
    id("de_social_security", "dd dddddd U ddd", Nothing, &["sozialversicherung", "rentenversicherung", "sv-nummer", "svnr", "rvnr"], de_social),
    id("de_health_insurance", "Uddddddddd", Word, &["krankenvers", "kvnr", "kv-nr", "versichertennummer", "krankenkasse", "gesundheitskarte"], de_health),
    id("fr_nir", "d dd dd dd ddd ddd dd", Nothing, &["nir", "sécurité sociale", "securite sociale", "insee", "carte vitale"], fr_nir),
    id("fr_nir", "d dd dd dA ddd ddd dd", Nothing, &["nir", "sécurité sociale", "insee"], fr_nir),
    id("fr_tax_number", "dd dd ddd ddd ddd", Word, &["spi", "fiscal", "numéro fiscal", "impôt"], fr_spi),
    id("fr_siret", "ddd ddd ddd ddddd", OwnWord, &["siret"], luhn),
    id("nl_bsn", "dddd dd ddd", Word, &["bsn", "burgerservice", "sofi"], nl_bsn),
    id("nl_bsn", "ddd ddd ddd", OwnWord, &["bsn", "burgerservice", "sofi"], nl_bsn),
    id("be_national_number", "dd.dd.dd-ddd.dd", Nothing, BE, be_nn),
    id("be_national_number", "dd dd dd ddd dd", Word, BE, be_nn),
    id("lu_national_id", "ddddddddddddd", Word, &["matricule", "luxemb"], |c| full_date(c) && luhn(&c[..12])),
    id("ch_ahv", "756.dddd.dddd.dd", Nothing, &["ahv", "avs", "avn"], ean),
    id("ch_ahv", "756 dddd dddd dd", Nothing, &["ahv", "avs"], ean),
    id("at_social_security", "dddd dddddd", Word, &["svnr", "sozialversicherung", "sv-nummer", "versicherungsnummer", "sv nr", "sv-nr"], at_svnr),
    // Southern Europe.
    id("es_dni", "dddddddd-U", Nothing, DNI, es_dni),
    id("es_dni", "ddddddddU", Nothing, DNI, es_dni),
    id("es_dni", "dd.ddd.ddd-U", Nothing, DNI, es_dni),
    id("es_nie", "Uddddddd-U", Nothing, DNI, es_nie),
    id("es_nie", "UdddddddU", Nothing, DNI, es_nie),
    id("es_nie", "U-ddddddd-U", Nothing, DNI, es_nie),
    id("es_nie", "U-dddddddU", Nothing, DNI, es_nie),
    id("es_nuss", "dd dddddddd dd", OwnWord, &["nuss", "seguridad social", "afiliaci", "naf"], es_nuss),
    id("es_cif", "UdddddddA", OwnWord, &["cif", "nif"], any),
    id("pt_nif", "ddd ddd ddd", OwnWord, &["nif", "contribuinte", "fiscal"], pt_nif),
    id("pt_citizen_card", "dddddddd d UUd", OwnWord, &["cidad", "cartão", "citizen"], any),
    id("it_fiscal_code", "UUUUUUddUddUdddU", Nothing, &["fiscale", "codice"], it_cf),
    id("it_fiscal_code", "UUU UUU ddUdd UdddU", Nothing, &["fiscale", "codice"], it_cf),
    id("it_vat_number", "ddddddddddd", OwnWord, &["iva", "p.iva", "piva"], luhn),
    id("gr_amka", "ddddddddddd", Word, &["amka", "αμκα", "ΑΜΚΑ"], |c| day_month(c) && luhn(c)),
    id("gr_afm", "ddddddddd", OwnWord, &["afm", "αφμ", "ΑΦΜ"], gr_afm),
    id("mt_id", "dddddddU", OwnWord, &["malta", "maltese"], any),
    id("cy_tin", "ddddddddU", OwnWord, &["cyprus", "cypriot"], any),
    id("tr_identity_number", "ddddddddddd", Word, &["tc kimlik", "kimlik", "tckn", "t.c.", "tc no", "turkish"], tr_tc),
    id("il_identity_number", "ddddddddd", Word, &["teudat", "zehut", "israel", "t.z", "תעודת"], luhn),
    id("il_identity_number", "dddddddd-d", Word, &["teudat", "zehut", "israel"], luhn),
    // Northern Europe.
    id("se_personal_number", "dddddd-dddd", Nothing, SE, |c| se_date(c) && luhn(c)),
    id("se_personal_number", "dddddd+dddd", Nothing, SE, |c| se_date(c) && luhn(c)),
    id("se_personal_number", "dddddddd-dddd", Nothing, SE, |c| full_date(c) && luhn(&c[2..])),
    id("se_personal_number", "dddddddddddd", Word, SE, |c| full_date(c) && luhn(&c[2..])),
    id("se_personal_number", "dddddddddd", Word, SE, |c| se_date(c) && luhn(c)),
    id("no_birth_number", "dddddd ddddd", Nothing, NO, no_fnr),
    id("dk_cpr", "dddddd-dddd", Nothing, DK, |c| {
        day_month(c) && weighted(c, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    }),
    id("dk_cpr", "dddddd-dddd", Word, DK, day_month),
    id("dk_cpr", "dddddd dddd", OwnWord, DK, day_month),
    id("fi_personal_code", "ddddddAdddA", Nothing, FI, fi_hetu),
    id("fi_personal_code", "dddddd-dddA", Nothing, FI, fi_hetu_dash),
    id("fi_personal_code", "dddddd+dddA", Nothing, FI, fi_hetu_dash),
    id("is_kennitala", "dddddd-dddd", Nothing, &["kennitala", "kt"], is_kt),
    id("is_kennitala", "dddddddddd", OwnWord, &["kennitala"], is_kt),
    // Eastern Europe.
    id("pl_pesel", "ddddddddddd", Nothing, &["pesel"], pl_pesel),
    id("pl_nip", "ddd-ddd-dd-dd", Nothing, &["nip"], pl_nip),
    id("pl_nip", "ddd-dd-dd-ddd", Nothing, &["nip"], pl_nip),
    id("pl_nip", "dddddddddd", OwnWord, &["nip"], pl_nip),
    id("pl_regon", "ddddddddd", OwnWord, &["regon"], |c| {
        weighted(c, &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == digit(c[8])
    }),
    id("pl_id_card", "UUU dddddd", OwnWord, &["dow", "id card"], pl_id),
    id("cz_birth_number", "dddddd/dddd", Nothing, CZ, cz_rc),
    id("cz_birth_number", "dddddddddd", Word, CZ, cz_rc),
    id("hu_taj", "ddd ddd ddd", OwnWord, &["taj"], |c| weighted(c, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == digit(c[8])),
    id("hu_tax_id", "8ddddddddd", OwnWord, &["adó", "adoazonosito", "hungar", "tax"], |c| {
        weighted(c, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == digit(c[9])
    }),
    id("ro_cnp", "ddddddddddddd", Nothing, &["cnp"], ro_cnp),
    id("bg_egn", "dddddddddd", Word, &["egn", "егн", "ЕГН", "bulgar"], bg_egn),
    id("hr_oib", "ddddddddddd", Word, &["oib"], mod_11_10),
    id("jmbg", "ddddddddddddd", Word, &["jmbg", "emso", "emšo", "emŠo", "матични", "embg"], jmbg),
    id("si_tax_number", "dddddddd", OwnWord, &["davč", "davcna"], |c| {
        (11 - weighted(c, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == digit(c[7])
    }),
    id("ee_personal_code", "ddddddddddd", Nothing, &["isikukood", "asmens kodas", "estonia", "lithuania"], baltic),
    id("lv_personal_code", "dddddd-ddddd", Nothing, &["personas kods", "latvia"], lv_code),
    id("ru_snils", "ddd-ddd-ddd dd", Nothing, &["снилс", "СНИЛС", "snils"], ru_snils),
    id("ru_inn", "dddddddddddd", Word, &["инн", "ИНН", "inn"], ru_inn),
    id("ru_inn", "dddddddddd", OwnWord, &["инн", "ИНН", "inn"], any),
    id("ru_passport", "dd dd dddddd", OwnWord, &["паспорт", "Паспорт", "passport"], any),
    id("ua_tax_number", "dddddddddd", OwnWord, &["рнокпп", "РНОКПП", "ІПН", "rnokpp", "іпн", "ukrain"], ua_tax),
    id("kz_iin", "dddddddddddd", Word, &["iin", "иин", "ИИН", "kazakh"], kz_iin),
    // South America.
    id("br_cpf", "ddd.ddd.ddd-dd", Nothing, &["cpf"], br_cpf),
    id("br_cpf", "ddd ddd ddd dd", NameOrWord, &["cpf"], br_cpf),
    id("br_cpf", "ddddddddd-dd", Nothing, &["cpf"], br_cpf),
    id("br_cnpj", "dd.ddd.ddd/dddd-dd", Nothing, &["cnpj"], br_cnpj),
    id("br_cnpj", "dddddddddddddd", OwnWord, &["cnpj"], br_cnpj),
    id("br_pis", "ddd.ddddd.dd-d", OwnWord, &["pis", "nis", "pasep"], |c| {
        (11 - weighted(c, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == digit(c[10])
    }),
    id("ar_cuit", "dd-dddddddd-d", Nothing, &["cuit", "cuil"], ar_cuit),
    id("ar_cuit", "ddddddddddd", OwnWord, &["cuit", "cuil"], ar_cuit),
    id("ar_dni", "dd.ddd.ddd", OwnWord, &["dni", "documento"], any),
    id("ar_dni", "dddddddd", OwnWord, &["dni", "documento"], any),
    id("cl_rut", "dd.ddd.ddd-A", Nothing, &["rut", "run"], cl_rut),
    id("cl_rut", "d.ddd.ddd-A", Nothing, &["rut", "run"], cl_rut),
    id("cl_rut", "dddddddd-A", Word, &["rut", "run"], cl_rut),
    id("cl_rut", "ddddddd-A", Word, &["rut", "run"], cl_rut),
    id("co_nit", "ddd.ddd.ddd-d", Nothing, &["nit"], co_nit),
    id("co_nit", "ddddddddd-d", OwnWord, &["nit"], co_nit),
    id("co_cedula", "d.ddd.ddd.ddd", OwnWord, &["cédula", "cedula", "c.c."], any),
    id("uy_ci", "d.ddd.ddd-d", Nothing, &["cédula", "cedula"], uy_ci),
    id("ec_cedula", "dddddddddd", OwnWord, &["cédula", "cedula", "ecuad"], |c| number(&c[..2]) <= 24 && luhn(c)),
    id("pe_ruc", "ddddddddddd", OwnWord, &["ruc"], |c| {
        (11 - weighted(c, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10 == digit(c[10])
    }),
    id("pe_dni", "dddddddd", OwnWord, &["dni"], any),
    id("do_cedula", "ddd-ddddddd-d", Nothing, &["cédula", "cedula"], luhn),
    // Asia.
    id("in_aadhaar", "dddd dddd dddd", Word, &["aadhaar", "aadhar", "uidai", "uid", "आधार"], in_aadhaar),
    id("in_aadhaar", "dddd-dddd-dddd", Nothing, &["aadhaar", "aadhar"], in_aadhaar),
    id("in_pan", "UUUUUddddU", Word, &["pan", "permanent account"], |c| b"PCHFATBLJG".contains(&c[3])),
    id("in_pan", "UUUUUddddU", Nothing, &["pan"], |c| c[3] == b'P'),
    id("in_gstin", "ddUUUUUddddUAUA", Nothing, &["gst"], |c| c[13] == b'Z'),
    id("in_voter_id", "UUUddddddd", OwnWord, &["voter", "epic"], any),
    id("cn_resident_id", "dddddddddddddddddA", Nothing, &["身份证", "resident"], |c| {
        full_date(&c[6..14]) && mod_11_2(c)
    }),
    id("hk_identity_card", "Udddddd(A)", Nothing, &["hkid"], hk_id),
    id("hk_identity_card", "UUdddddd(A)", Nothing, &["hkid"], hk_id),
    id("hk_identity_card", "UddddddA", OwnWord, &["hkid", "hong kong"], hk_id),
    id("tw_national_id", "Uddddddddd", Nothing, &["身分證", "taiwan"], tw_id),
    id("sg_nric", "UdddddddU", Nothing, &["nric", "fin"], sg_nric),
    id("my_nric", "dddddd-dd-dddd", Nothing, &["mykad", "nric", "ic no"], year_month_day),
    id("my_nric", "dddddddddddd", OwnWord, &["mykad", "nric", "ic no", "kad pengenalan"], year_month_day),
    id("th_national_id", "d-dddd-ddddd-dd-d", Nothing, &["thai"], th_id),
    id("th_national_id", "d dddd ddddd dd d", Word, &["thai", "บัตรประชาชน", "ประชาชน", "เลขป"], th_id),
    id("kr_resident_number", "dddddd-ddddddd", Nothing, &["rrn", "주민"], |c| {
        year_month_day(c) && (b'1'..=b'8').contains(&c[6])
    }),
    id("kr_business_number", "ddd-dd-ddddd", OwnWord, &["사업자", "business registration"], any),
    id("jp_my_number", "dddd dddd dddd", Word, &["my number", "マイナンバー", "個人番号", "mynumber"], jp_number),
    id("id_nik", "dddddddddddddddd", OwnWord, &["nik", "ktp"], any),
    id("vn_cccd", "dddddddddddd", OwnWord, &["cccd", "căn cước", "cmnd"], any),
    id("ph_philsys", "dddd-dddd-dddd-dddd", OwnWord, &["philsys", "psn", "philid"], any),
    id("ph_sss", "dd-ddddddd-d", OwnWord, &["sss"], any),
    id("ph_tin", "ddd-ddd-ddd-ddd", OwnWord, &["tin"], any),
    id("pk_cnic", "ddddd-ddddddd-d", Nothing, &["cnic", "nadra"], any),
    id("lk_nic", "dddddddddU", OwnWord, &["nic", "lanka"], any),
    id("bd_nid", "dddddddddd", OwnWord, &["nid"], any),
    id("ir_melli", "dddddddddd", Word, &["melli", "کد ملی", "iran"], ir_melli),
    id("ae_emirates_id", "784-dddd-ddddddd-d", Nothing, &["emirates"], luhn),
    id("ae_emirates_id", "784dddddddddddd", Nothing, &["emirates"], luhn),
    id("sa_national_id", "dddddddddd", OwnWord, &["iqama", "saudi", "absher"], luhn),
    id("kw_civil_id", "dddddddddddd", OwnWord, &["civil id", "kuwait"], any),
    id("eg_national_id", "dddddddddddddd", OwnWord, &["egypt", "الرقم القومي"], any),
    // Africa and Oceania.
    id("za_id", "dddddd dddd dd d", Nothing, &["rsa id", "south africa", "sa id"], za_id),
    id("ng_nin", "ddddddddddd", OwnWord, &["nin", "bvn", "nimc"], any),
    id("ke_pin", "UdddddddddU", OwnWord, &["kra", "pin"], any),
    id("gh_card", "GHA-ddddddddd-d", Nothing, &["ghana"], any),
    id("au_tfn", "ddd ddd ddd", Word, &["tfn", "tax file"], |c| {
        weighted(c, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
    }),
    id("au_medicare", "dddd ddddd d", Word, &["medicare"], |c| {
        (b'2'..=b'6').contains(&c[0]) && weighted(c, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(c[8])
    }),
    id("au_abn", "dd ddd ddd ddd", OwnWord, &["abn", "business number"], au_abn),
    id("nz_ird", "ddd-ddd-ddd", OwnWord, &["ird", "inland revenue"], nz_ird),
    id("nz_ird", "dd-ddd-ddd", OwnWord, &["ird", "inland revenue"], nz_ird),
    id("nz_ird", "ddddddddd", OwnWord, &["ird", "inland revenue"], nz_ird),
    id("nz_nhi", "UUUdddd", OwnWord, &["nhi"], any),
    // Everywhere.
    id("vin", "AAAAAAAAAAAAAAAAA", OwnWord, &["vin", "vehicle", "chassis"], vin),
    id("imei", "dd dddddd dddddd d", OwnWord, &["imei"], luhn),
    id("imei", "ddddddddddddddd", OwnWord, &["imei"], luhn),
    id("passport", "UUddddddd", OwnWord, PASSPORT, any),
    id("passport", "Udddddddd", OwnWord, PASSPORT, any),
    id("passport", "ddddddddd", OwnWord, PASSPORT, any),
    id("passport", "UUdddddd", OwnWord, PASSPORT, any),
    id("passport", "Uddddddd", OwnWord, PASSPORT, any),
    id("passport", "ddUUddddd", OwnWord, PASSPORT, any),
    id("passport", "dddddddd", OwnWord, PASSPORT, any),
    id("passport", "CAAAAAAAd", OwnWord, PASSPORT, has_digits),
    id("passport", "UUUdddddd", OwnWord, PASSPORT, any),
    id("passport", "UAAAAAAAAd", OwnWord, PASSPORT, has_digits),
    id("passport", "UAAAAAAAd", OwnWord, PASSPORT, has_digits),
    id("driving_licence", "Uddddddd", OwnWord, LICENCE, any),
    id("driving_licence", "dddddddd", OwnWord, LICENCE, any),
    id("driving_licence", "Udddddddd", OwnWord, LICENCE, any),
    id("driving_licence", "ddddddddd", OwnWord, LICENCE, any),
    id("driving_licence", "Uddd-dddd-dddd", OwnWord, LICENCE, any),
    id("driving_licence", "Uddd-ddd-dd-ddd-d", OwnWord, LICENCE, any),
    id("driving_licence", "Udddddddddddd", OwnWord, LICENCE, any),
    id("driving_licence", "UUdddddd", OwnWord, LICENCE, any),
    id("driving_licence", "AAAAAAAAAAA", OwnWord, LICENCE, has_digits),
    id("bank_account", "dddddddd", OwnWord, ACCOUNT, any),
    id("bank_account", "ddddddddd", OwnWord, ACCOUNT, any),
    id("bank_account", "dddddddddd", OwnWord, ACCOUNT, any),
    id("bank_account", "ddddddddddd", OwnWord, ACCOUNT, any),
    id("bank_account", "dddddddddddd", OwnWord, ACCOUNT, any),
    id("bank_account", "dd-dd-dd dddddddd", OwnWord, PAYMENT, any),
    id("bank_account", "dddddddddddddddddd", OwnWord, &["clabe"], any),
];

const BE: &[&str] =
    &["rijksregister", "registre national", "nationaal nummer", "niss", "insz", "numéro national", "belgi"];
const SE: &[&str] = &["personnummer", "samordningsnummer", "swedish", "sweden", "svensk"];
const NO: &[&str] = &["fødselsnummer", "fodselsnummer", "personnummer", "norweg", "fnr"];
const DK: &[&str] = &["cpr", "personnummer", "danish", "denmark"];
const FI: &[&str] = &["hetu", "henkilötunnus", "henkilotunnus", "finnish"];
const CZ: &[&str] = &["rodné", "rodne", "rodného", "birth number", "rč"];
const PASSPORT: &[&str] = &[
    "passport",
    "reisepass",
    "passeport",
    "pasaporte",
    "passaporto",
    "passaporte",
    "paspoort",
    "passnummer",
    "pass-nr",
    "pass nr",
    "paszport",
    "паспорт",
    "Паспорт",
    "护照",
    "護照",
    "旅券",
    "パスポート",
    "여권",
    "pasaport",
];
const LICENCE: &[&str] = &[
    "driver",
    "driving",
    "dl#",
    "dl:",
    "dl number",
    "licence no",
    "license no",
    "license #",
    "führerschein",
    "permis",
];
/// What is said where a sort code and an account stand together.
const PAYMENT: &[&str] =
    &["sort", "account", "acct", "a/c", "s/c", "bank", "pay", "transfer", "bacs", "remit", "refund", "iban", "bsb"];
const ACCOUNT: &[&str] = &[
    "account number",
    "account no",
    "account_number",
    "accountnumber",
    "acct",
    "bank account",
    "kontonummer",
    "sort code",
    "iban",
    "account #",
    "bsb",
    "clabe",
    "konto",
    "cuenta",
    "compte",
    "checking account",
    "savings account",
    "a/c",
];
