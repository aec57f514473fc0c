//! What clients get wrong about shared resources: each time a problem document that names it, and
//! nothing written.

use e2e::server::{Reply, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");

/// Checks that an answer is a problem document of this status and code that names this member.
#[track_caller]
fn refused(answer: &Reply, status: u16, code: &str, field: &str, about: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{about}: {:#}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{about}");
    assert_eq!(answer.body["field"].as_str().unwrap_or_default(), field, "{about}: {:#}", answer.body);
    assert!(answer.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{about}: {:#}", answer.body);
}

/// Sends a target exactly as it is; clients would tidy it up. Answers status and code.
async fn raw(server: &TestServer, method: &str, target: &str, body: &str) -> (u16, String) {
    let address = server.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        server.operator,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the answer comes");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    // The body may come in chunks; the document is one line of it.
    let document = body.lines().find_map(|line| serde_json::from_str::<Value>(line).ok().filter(Value::is_object));
    (status, document.unwrap_or_default()["code"].as_str().unwrap_or_default().to_owned())
}

async fn nothing_written(server: &TestServer, before: u64) {
    assert_eq!(server.engine.store().log_head().await.expect("the log has an end"), before, "nothing was told");
    assert_eq!(server.get("/resource").await.body["count"], 0, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_are_refused_in_every_place() {
    on_both_servers(CACHE, async |server| {
        let before = server.engine.store().log_head().await.expect("the log has an end");
        let long = format!("project/{}", "x".repeat(505));
        let targets = [
            ("project%2F..%2Fa", 422),
            ("project/../a", 422),
            ("project/%2e%2e/a", 422),
            ("project/./a", 422),
            ("project/a%00", 422),
            ("project/%00", 422),
            ("project%252Fa", 422),
            ("project/a%252Fb", 422),
            ("/project/a", 422),
            ("project//a", 422),
            ("project/a/", 422),
            ("project/a%2F", 422),
            ("project", 422),
            ("project/", 422),
            ("projects/a", 422),
            ("Project/a", 422),
            ("status/a", 422),
            ("project/a%20b", 422),
            ("project/a+b", 422),
            ("project/a%5Cb", 422),
            ("project/%C3%A4", 422),
            ("project/a%0D%0Ab", 422),
            ("project/a%3Fb", 422),
            ("project/%ff", 400),
            ("history%2Fproject%2Fa", 422),
            (long.as_str(), 422),
        ];
        for (target, status) in targets {
            for (method, body) in [("GET", ""), ("PUT", r#"{"value":1}"#), ("PATCH", "{}"), ("DELETE", "")] {
                let about = format!("{method} {target}");
                let code = if status == 400 { "MALFORMED_REQUEST" } else { "INVALID_FIELD" };
                let answer = raw(&server, method, &format!("/resource/{target}"), body).await;
                assert_eq!(answer, (status, code.to_owned()), "{about}");
            }
            let answer = raw(&server, "GET", &format!("/resource/history/{target}"), "").await;
            assert_eq!(answer.0, status, "history {target}");
        }
        // No key at all.
        assert_eq!(raw(&server, "GET", "/resource/", "").await, (404, "UNKNOWN_ROUTE".to_owned()));
        assert_eq!(
            raw(&server, "PUT", "/resource/batch", r#"{"value":1}"#).await,
            (405, "METHOD_NOT_ALLOWED".to_owned())
        );

        let longest = format!("project/{}", "x".repeat(504));
        for key in ["", "a", "project/../a", "project/a\u{0}", "project%2Fa", "project//a", "project/ä", &long] {
            let answer = server.ask(Method::PUT, "/resource", &server.operator, json!({"key": key, "value": 1})).await;
            refused(&answer, 422, "INVALID_FIELD", "key", key);
            let answer = server.ask(Method::DELETE, "/resource", &server.operator, json!({"key": key})).await;
            refused(&answer, 422, "INVALID_FIELD", "key", key);
            let operations = json!([{"op": "put", "key": "team/a", "value": 1}, {"op": "put", "key": key, "value": 1}]);
            let answer = server.post("/resource/batch", json!({"operations": operations})).await;
            refused(&answer, 422, "INVALID_FIELD", "operations[1].key", key);
        }
        for (path, body) in
            [("/resource", json!({"value": 1})), ("/resource/team/a", json!({"key": "team/b", "value": 1}))]
        {
            refused(&server.ask(Method::PUT, path, &server.operator, body).await, 422, "INVALID_FIELD", "key", path);
        }
        nothing_written(&server, before).await;
        let made = raw(&server, "PUT", &format!("/resource/{}", longest.replace('/', "%2f")), r#"{"value":1}"#).await;
        assert_eq!(made.0, 200, "the longest key there is");
        assert_eq!(raw(&server, "GET", "/resource/run%2Fs1%2Fstatus", "").await.0, 404);
        assert_eq!(
            raw(&server, "PUT", "/resource/run/s1/status", r#"{"value":1}"#).await,
            (403, "RESOURCE_RESERVED".to_owned())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_be_kept_as_they_are_are_refused() {
    on_both_servers(CACHE, async |server| {
        let before = server.engine.store().log_head().await.expect("the log has an end");
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        let long = format!("\"{}\"", "x".repeat((1 << 20) - 1));
        let deep = (nested(64), nested(100_000));
        let values: &[(&str, u16, &str, &str)] = &[
            ("", 400, "MALFORMED_JSON", ""),
            ("NaN", 400, "MALFORMED_JSON", ""),
            ("Infinity", 400, "MALFORMED_JSON", ""),
            ("-Infinity", 400, "MALFORMED_JSON", ""),
            ("{\"a\":NaN}", 400, "MALFORMED_JSON", ""),
            ("01", 400, "MALFORMED_JSON", ""),
            ("+1", 400, "MALFORMED_JSON", ""),
            (".5", 400, "MALFORMED_JSON", ""),
            ("0x10", 400, "MALFORMED_JSON", ""),
            ("'a'", 400, "MALFORMED_JSON", ""),
            ("\"\\ud800\"", 400, "MALFORMED_JSON", ""),
            ("\"\\udc00\\ud800\"", 400, "MALFORMED_JSON", ""),
            ("\"\u{0}\"", 400, "MALFORMED_JSON", ""),
            ("{\"a\":1,\"a\":1}", 400, "DUPLICATE_KEY", "a"),
            ("[{\"b\":{\"a\":1,\"\\u0061\":2}}]", 400, "DUPLICATE_KEY", "a"),
            (&deep.0, 400, "TOO_DEEP", ""),
            (&deep.1, 400, "TOO_DEEP", ""),
            ("1e400", 422, "INVALID_FIELD", "value"),
            ("-1e400", 422, "INVALID_FIELD", "value"),
            ("1e-400", 422, "INVALID_FIELD", "value"),
            ("18446744073709551616", 422, "INVALID_FIELD", "value"),
            ("-9223372036854775809", 422, "INVALID_FIELD", "value"),
            ("{\"a\":[1,{\"b\":123456789012345678901234567890}]}", 422, "INVALID_FIELD", "value.a[1].b"),
            ("\"a\\u0000b\"", 422, "INVALID_FIELD", "value"),
            ("{\"a\":[1,\"\\u0000\"]}", 422, "INVALID_FIELD", "value.a[1]"),
            ("{\"a\\u0000\":1}", 422, "INVALID_FIELD", "value"),
            (&long, 422, "INVALID_FIELD", "value"),
        ];
        for (value, status, code, field) in values {
            let about = &value[..value.len().min(40)];
            let body = format!("{{\"value\":{value}}}");
            let request = server.request(Method::PUT, "/resource/team/v", &server.operator);
            let answer = reply(request.header("content-type", "application/json").body(body)).await;
            refused(&answer, *status, code, field, about);
            // The same as a patch that makes a record, but for what is a syntax of its own there.
            if !value.is_empty() && *value != deep.0 {
                let field = field.strip_prefix("value.").unwrap_or(if *field == "value" { "" } else { field });
                let request = server.request(Method::PATCH, "/resource/team/v?if_match_rev=0", &server.operator);
                let answer = reply(request.header("content-type", "application/json").body((*value).to_owned())).await;
                let is_of_the_value = answer.body["detail"].as_str().is_some_and(|detail| detail.starts_with("value"));
                if is_of_the_value {
                    assert_eq!((answer.status, answer.code()), (*status, *code), "{about}: {:#}", answer.body);
                } else {
                    refused(&answer, *status, code, field, about);
                }
            }
        }
        let operations = json!([
            {"op": "put", "key": "team/a", "value": 1}, {"op": "put", "key": "team/b", "value": {"x": "\u{0}"}},
        ]);
        let answer = server.post("/resource/batch", json!({"operations": operations})).await;
        refused(&answer, 422, "INVALID_FIELD", "operations[1].value.x", "NUL in a batch");
        let body = format!("{{\"value\":\"{}\"}}", "x".repeat(3 << 20));
        let request = server.request(Method::PUT, "/resource/team/v", &server.operator);
        let answer = reply(request.header("content-type", "application/json").body(body)).await;
        refused(&answer, 413, "TOO_LARGE", "", "a body over its limit");
        nothing_written(&server, before).await;

        // From the other side.
        for value in [
            &nested(63),
            &long.replacen('x', "", 1),
            "18446744073709551615",
            "-0.0",
            "5e-324",
            "\"\\ud83d\\ude00\"",
            "\"\\\\u0000\"",
        ] {
            let request = server.request(Method::PUT, "/resource/team/v", &server.operator);
            let answer =
                reply(request.header("content-type", "application/json").body(format!("{{\"value\":{value}}}"))).await;
            assert_eq!(answer.status, 200, "{}: {:#}", &value[..value.len().min(40)], answer.body);
            let kept: Value = serde_json::from_str(value).expect("a test's own value");
            let same = server.get("/resource/team/v").await.body["value"] == kept || kept == json!(-0.0);
            assert!(same, "{}", &value[..value.len().min(40)]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_about_resources_that_cannot_be_are_refused_by_name() {
    on_both_servers(CACHE, async |server| {
        let before = server.engine.store().log_head().await.expect("the log has an end");
        let bodies: &[(Value, &str, &str)] = &[
            (json!({}), "INVALID_FIELD", "value"),
            (json!([1]), "INVALID_FIELD", ""),
            (json!({"value": 1, "rev": 1}), "UNKNOWN_FIELD", "rev"),
            (json!({"value": 1, "ttl_ms": 0}), "INVALID_FIELD", "ttl_ms"),
            (json!({"value": 1, "ttl_ms": -1}), "INVALID_FIELD", "ttl_ms"),
            (json!({"value": 1, "ttl_ms": 31_622_400_001_u64}), "INVALID_FIELD", "ttl_ms"),
            (json!({"value": 1, "ttl_ms": 1.5}), "INVALID_FIELD", "ttl_ms"),
            (json!({"value": 1, "ttl_ms": "1"}), "INVALID_FIELD", "ttl_ms"),
            (json!({"value": 1, "if_match_rev": -1}), "INVALID_FIELD", "if_match_rev"),
            (json!({"value": 1, "if_match_rev": "1"}), "INVALID_FIELD", "if_match_rev"),
            (json!({"value": 1, "if_match_rev": 9_223_372_036_854_775_808_u64}), "INVALID_FIELD", "if_match_rev"),
            (json!({"value": 1, "updated_by": ""}), "INVALID_FIELD", "updated_by"),
            (json!({"value": 1, "updated_by": "a\nb"}), "INVALID_FIELD", "updated_by"),
            (json!({"value": 1, "updated_by": "x".repeat(257)}), "INVALID_FIELD", "updated_by"),
            (json!({"value": 1, "lease_id": "../x"}), "INVALID_FIELD", "lease_id"),
            (json!({"value": 1, "lease_id": ""}), "INVALID_FIELD", "lease_id"),
        ];
        for (body, code, field) in bodies {
            let answer = server.ask(Method::PUT, "/resource/team/a", &server.operator, body.clone()).await;
            refused(&answer, 422, code, field, &body.to_string());
        }
        let queries: &[(&str, u16, &str, &str)] = &[
            ("if_match_rev=x", 422, "INVALID_FIELD", "if_match_rev"),
            ("if_match_rev=-1", 422, "INVALID_FIELD", "if_match_rev"),
            ("if_match_rev=", 422, "INVALID_FIELD", "if_match_rev"),
            ("if_match_rev=1.5", 422, "INVALID_FIELD", "if_match_rev"),
            ("if_match_rev=99999999999999999999", 422, "INVALID_FIELD", "if_match_rev"),
            ("if_match_rev=9223372036854775808", 422, "INVALID_FIELD", "if_match_rev"),
            ("rev=1", 422, "UNKNOWN_FIELD", "rev"),
            ("lease_id=%2F", 422, "INVALID_FIELD", "lease_id"),
        ];
        for (query, status, code, field) in queries {
            for method in [Method::PUT, Method::PATCH, Method::DELETE] {
                let body = if method == Method::DELETE { Value::Null } else { json!({"value": 1}) };
                let answer = server.ask(method, &format!("/resource/team/a?{query}"), &server.operator, body).await;
                refused(&answer, *status, code, field, query);
            }
        }
        let headers: &[(&str, &str)] = &[
            ("if-match", "x"),
            ("if-match", "\"x\""),
            ("if-match", "\"-1\""),
            ("if-match", "\"1\", \"2\""),
            ("if-match", "W/\"1\""),
            ("if-match", ""),
            ("if-match", "\"99999999999999999999\""),
            ("if-none-match", "\"1\""),
            ("if-none-match", ""),
        ];
        for (name, value) in headers {
            let request = server.request(Method::PUT, "/resource/team/a", &server.operator).header(*name, *value);
            let answer = reply(request.json(&json!({"value": 1}))).await;
            let field = if *name == "if-match" { "If-Match" } else { "If-None-Match" };
            refused(&answer, 400, "MALFORMED_REQUEST", field, value);
        }
        for (name, value) in [("if-match", "\"2\""), ("if-match", "*"), ("if-none-match", "*")] {
            let request = server.request(Method::PUT, "/resource/team/a?if_match_rev=1", &server.operator);
            let answer = reply(request.header(name, value).json(&json!({"value": 1}))).await;
            refused(&answer, 422, "INVALID_FIELD", "if_match_rev", "two conditions that differ");
        }
        let request = server.request(Method::PATCH, "/resource/team/a", &server.operator);
        let answer = reply(request.header("content-type", "application/json-patch+json").body("[]")).await;
        refused(&answer, 415, "UNSUPPORTED_MEDIA_TYPE", "", "another kind of patch");

        let reads = [
            ("/resource?limit=0", 422, "INVALID_FIELD", "limit"),
            ("/resource?limit=501", 422, "INVALID_FIELD", "limit"),
            ("/resource?prefix=", 422, "INVALID_FIELD", "prefix"),
            ("/resource?prefix=x", 422, "INVALID_FIELD", "prefix"),
            ("/resource?prefix=project//", 422, "INVALID_FIELD", "prefix"),
            ("/resource?prefix=project/../a", 422, "INVALID_FIELD", "prefix"),
            ("/resource?prefix=project/%00", 422, "INVALID_FIELD", "prefix"),
            ("/resource?prefix=project/%25", 422, "INVALID_FIELD", "prefix"),
            ("/resource?cursor=x", 400, "INVALID_CURSOR", "cursor"),
            ("/resource?cursor=project/..", 400, "INVALID_CURSOR", "cursor"),
            ("/resource?prefix=team/&cursor=project/a", 400, "INVALID_CURSOR", "cursor"),
            ("/resource?offset=1", 422, "UNKNOWN_FIELD", "offset"),
            ("/resource/team/a?rev=x", 422, "INVALID_FIELD", "rev"),
            ("/resource/team/a?rev=0", 422, "INVALID_FIELD", "rev"),
            ("/resource/team/a?rev=-1", 422, "INVALID_FIELD", "rev"),
            ("/resource/team/a?rev=18446744073709551616", 422, "INVALID_FIELD", "rev"),
            ("/resource/team/a?rev=18446744073709551615", 404, "NOT_FOUND", ""),
            ("/resource/history/team/a?cursor=-1", 400, "INVALID_CURSOR", "cursor"),
            ("/resource/history/team/a?limit=x", 422, "INVALID_FIELD", "limit"),
        ];
        for (path, status, code, field) in reads {
            refused(&server.get(path).await, status, code, field, path);
        }
        nothing_written(&server, before).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_and_schemas_that_cannot_be_are_refused_by_name() {
    on_both_servers(CACHE, async |server| {
        let before = server.engine.store().log_head().await.expect("the log has an end");
        let put = json!({"op": "put", "key": "team/a", "value": 1});
        let operations: &[(Value, &str, &str)] = &[
            (json!({"key": "team/b", "value": 1}), "INVALID_FIELD", "operations[1].op"),
            (json!({"op": "post", "key": "team/b", "value": 1}), "INVALID_FIELD", "operations[1].op"),
            (json!({"op": "put", "value": 1}), "INVALID_FIELD", "operations[1].key"),
            (json!({"op": "put", "key": "team/b"}), "INVALID_FIELD", "operations[1].value"),
            (json!({"op": "put", "key": "team/b", "patch": {}}), "INVALID_FIELD", "operations[1].value"),
            (json!({"op": "put", "key": "team/b", "value": 1, "patch": {}}), "INVALID_FIELD", "operations[1].patch"),
            (json!({"op": "patch", "key": "team/b", "value": {}}), "INVALID_FIELD", "operations[1].patch"),
            (json!({"op": "delete", "key": "team/b", "value": null}), "INVALID_FIELD", "operations[1].value"),
            (
                json!({"op": "patch", "key": "team/b", "patch": {}, "ttl_ms": 5}),
                "INVALID_FIELD",
                "operations[1].ttl_ms",
            ),
            (json!({"op": "put", "key": "team/b", "value": 1, "rev": 1}), "UNKNOWN_FIELD", "operations[1].rev"),
            (
                json!({"op": "put", "key": "team/b", "value": 1, "if_match_rev": -1}),
                "INVALID_FIELD",
                "operations[1].if_match_rev",
            ),
            (json!({"op": "put", "key": "team/a", "value": 2}), "INVALID_FIELD", "operations[1].key"),
            (json!({"op": "delete", "key": "team/a"}), "INVALID_FIELD", "operations[1].key"),
            (json!(["put", "team/b", 1]), "INVALID_FIELD", "operations[1]"),
        ];
        for (operation, code, field) in operations {
            let answer = server.post("/resource/batch", json!({"operations": [put, operation]})).await;
            refused(&answer, 422, code, field, &operation.to_string());
        }
        let bodies: &[(Value, &str, &str)] = &[
            (json!({}), "INVALID_FIELD", "operations"),
            (json!({"operations": []}), "INVALID_FIELD", "operations"),
            (json!({"operations": [put], "ops": [put]}), "INVALID_FIELD", ""),
            (json!({"operations": [put], "atomic": false}), "UNKNOWN_FIELD", "atomic"),
            (json!({"operations": put}), "INVALID_FIELD", "operations"),
        ];
        for (body, code, field) in bodies {
            let answer = server.post("/resource/batch", body.clone()).await;
            assert_eq!((answer.status, answer.code()), (422, *code), "{body}: {:#}", answer.body);
            assert!(field.is_empty() || answer.body["field"] == *field, "{body}: {:#}", answer.body);
        }

        let large: Value = (0..70_000 / 8).map(|n| json!(format!("{n:05}"))).collect();
        let schemas: &[(Value, &str)] = &[
            (json!({"prefix": "", "schema": true}), "prefix"),
            (json!({"prefix": "x/", "schema": true}), "prefix"),
            (json!({"prefix": "project/../", "schema": true}), "prefix"),
            (json!({"schema": true}), "prefix"),
            (json!({"prefix": "team/"}), "schema"),
            (json!({"prefix": "team/", "schema": 7}), "schema"),
            (json!({"prefix": "team/", "schema": {"type": "number of things"}}), "schema"),
            (json!({"prefix": "team/", "schema": {"$ref": "#/$defs/none"}}), "schema"),
            (json!({"prefix": "team/", "schema": {"$ref": "file:///etc/hostname"}}), "schema"),
            (json!({"prefix": "team/", "schema": {"$ref": format!("{}/openapi.json", server.base)}}), "schema"),
            (json!({"prefix": "team/", "schema": {"pattern": "("}}), "schema"),
            (json!({"prefix": "team/", "schema": {"enum": large}}), "schema"),
            (json!({"prefix": "team/", "schema": true, "if_revision": -1}), "if_revision"),
        ];
        for (body, field) in schemas {
            let answer = server.ask(Method::PUT, "/resource/schemas", &server.operator, body.clone()).await;
            let about = body.to_string();
            refused(&answer, 422, "INVALID_FIELD", field, &about[..about.len().min(120)]);
        }
        let none = server.ask(Method::DELETE, "/resource/schemas", &server.operator, json!({"prefix": "team/"})).await;
        refused(&none, 404, "NOT_FOUND", "", "a schema there is not");
        assert_eq!(server.get("/resource/schemas").await.body["revision"], 0);
        for number in 0..100 {
            let body = json!({"prefix": format!("team/{number}"), "schema": true});
            assert_eq!(server.ask(Method::PUT, "/resource/schemas", &server.operator, body).await.status, 200);
        }
        let one_more = json!({"prefix": "team/x", "schema": true});
        let answer = server.ask(Method::PUT, "/resource/schemas", &server.operator, one_more).await;
        refused(&answer, 422, "INVALID_FIELD", "prefix", "one too many");
        nothing_written(&server, before).await;
    })
    .await;
}
