//! Chat, telephony, push messages, paging.

use super::{Format, row};

pub(super) const FORMATS: &[Format] = &[
    row("xoxb-<w20-255>", "slack_token", "a Slack token"),
    row("xoxp-<w20-255>", "slack_token", "a Slack token"),
    row("xoxa-<w20-255>", "slack_token", "a Slack token"),
    row("xoxo-<w20-255>", "slack_token", "a Slack token"),
    row("xoxr-<w20-255>", "slack_token", "a Slack token"),
    row("xoxs-<w20-255>", "slack_token", "a Slack token"),
    row("xoxc-<w20-255>", "slack_token", "a Slack token"),
    row("xoxd-<b20-255>", "slack_token", "a Slack token"),
    row("xoxe-<w20-255>", "slack_token", "a Slack token"),
    row("xoxe.xoxp-<w20-255>", "slack_token", "a Slack token"),
    row("xoxe.xoxb-<w20-255>", "slack_token", "a Slack token"),
    row("xapp-<w20-255>", "slack_token", "a Slack token"),
    row("xwfp-<w20-255>", "slack_token", "a Slack token"),
    row("<d8-10>:AA<w32-34>", "telegram_token", "a Telegram bot token"),
    row("mfa.<w60-90>", "discord_token", "a Discord token"),
    row("KEY0<h29-31>_<w20-24>", "telnyx_key", "a Telnyx key"),
    row("dG9rO<b40-80>", "intercom_token", "an Intercom token"),
    row("os_v2_app_<a80-120>", "onesignal_key", "a OneSignal key"),
    row("os_v2_org_<a80-120>", "onesignal_key", "a OneSignal key"),
    row("ExponentPushToken[<w20-24>]", "expo_token", "an Expo push token"),
    row("tk_<l29>", "ntfy_token", "an ntfy token"),
    row("1000.<h32>.<h32>", "zoho_token", "a Zoho token"),
    row("syt_<a4-60>_<a20>_<a6>", "matrix_token", "a Matrix access token"),
    row("pdus+_0XBPWQQ_<w30-60>", "pagerduty_key", "a PagerDuty key"),
    row("nsec1<l58>", "nostr_key", "a Nostr private key"),
];
