//! Databases, warehouses, search, streams, spreadsheets that serve as one.

use super::{Format, row};

pub(super) const FORMATS: &[Format] = &[
    row("dapi<h32>", "databricks_token", "a Databricks token"),
    row("dapi<h32>-<d1>", "databricks_token", "a Databricks token"),
    row("dkea<h32>", "databricks_token", "a Databricks token"),
    row("dose<h32>", "databricks_token", "a Databricks token"),
    row("dsapi<h32>", "databricks_token", "a Databricks token"),
    row("AVNS_<w16-26>", "aiven_password", "an Aiven password"),
    row("sbp_<h40>", "supabase_key", "a Supabase key"),
    row("sbp_oauth_<h40>", "supabase_key", "a Supabase key"),
    row("sb_secret_<w20-60>", "supabase_key", "a Supabase key"),
    row("napi_<a60-70>", "neon_key", "a Neon key"),
    row("npg_<a10-20>", "neon_key", "a Neon key"),
    row("fnA<w36-42>", "fauna_key", "a Fauna key"),
    row("CCDB1_<a20-24>_<a38-42>", "cockroach_key", "a CockroachDB key"),
    row("xau_<a20-44>", "xata_key", "a Xata key"),
    row("4b1d<a38>", "clickhouse_key", "a ClickHouse Cloud key"),
    row("mdb_sa_sk_<w36-48>", "mongodb_key", "a MongoDB Atlas key"),
    row("mdb_sa_id_<h24>", "mongodb_key", "a MongoDB Atlas key"),
    row("essu_<b40-120>", "elastic_key", "an Elastic key"),
    row("key<a14>", "airtable_key", "an Airtable key"),
    row("pat<a14>.<h64>", "airtable_key", "an Airtable key"),
    row("cflt<b40-80>", "confluent_key", "a Confluent key"),
    row("p.eyJ1Ijoi<w40-400>", "tinybird_token", "a Tinybird token"),
    row("AstraCS:<w20-40>:<h60-70>", "astra_token", "an Astra DB token"),
    row("dbtc_<w30-60>", "dbt_token", "a dbt Cloud token"),
    row("dbts_<w30-60>", "dbt_token", "a dbt Cloud token"),
    row("dbtu_<w30-60>", "dbt_token", "a dbt Cloud token"),
];
