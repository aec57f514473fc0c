//! Mail delivery and marketing.

use super::{Format, row};

pub(super) const FORMATS: &[Format] = &[
    row("SG.<w20-24>.<w39-50>", "sendgrid_key", "a SendGrid key"),
    row("key-<h32>", "mailgun_key", "a Mailgun key"),
    row("pubkey-<h32>", "mailgun_key", "a Mailgun key"),
    row("<h32>-us<d1-2>", "mailchimp_key", "a Mailchimp key"),
    row("md-<w22>", "mandrill_key", "a Mandrill key"),
    row("xkeysib-<h64>-<a16>", "brevo_key", "a Brevo key"),
    row("xsmtpsib-<h64>-<a16>", "brevo_key", "a Brevo key"),
    row("re_<a6-12>_<a20-30>", "resend_key", "a Resend key"),
    row("re_<a32-36>", "resend_key", "a Resend key"),
    row("mlsn.<h64>", "mailersend_key", "a MailerSend key"),
    row("pk_<h34>", "klaviyo_key", "a Klaviyo key"),
    row("api-<u32>", "smtp2go_key", "an SMTP2GO key"),
    row("pk_prod_<u28>", "courier_key", "a Courier key"),
    row("dk_prod_<u28>", "courier_key", "a Courier key"),
    row("testsk_<b30-60>", "svix_key", "a Svix key"),
];
