//! Settings are judged when they are bound: by the manifest's schema, then by the plugin itself.

use e2e::guest::{World, encode, manifest, text, with_manifest};
use e2e::plugins::host;
use serde_json::json;
use sluice::domain::json::Json;
use sluice::domain::plugin::{Binding, Limit, PluginFailure, PluginKind};
use sluice::plugins::{BindError, Limits, PluginHost};

/// A host with a reducer whose schema has a bit of everything; `check` is the body of its own
/// check, which gets the settings' address and length and gives that of a `result<_, string>`.
fn host_with(check: &str) -> PluginHost {
    let mut manifest = manifest("reducer");
    manifest["settings_schema"] = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "max_parallel_runs": { "type": "integer", "minimum": 1, "maximum": 64 },
            "paths": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "forbidden": { "type": "array", "items": { "type": "string", "minLength": 1 } } },
            },
            "a/b~c": { "type": "boolean" },
        },
    });
    let more = "world more { export sluice:plugin/settings-check@0.1.0; }";
    let export = format!(
        "(func (export \"sluice:plugin/settings-check@0.1.0#check\") (param i32 i32) (result i32) {check})
         (func (export \"sluice:mission/reducer@0.1.0#init\")"
    );
    let core = text("spin", &[("rounds", "1")])
        .replacen("(func (export \"sluice:mission/reducer@0.1.0#init\")", &export, 1)
        .replacen("(memory (export \"memory\") 1)", "(memory (export \"memory\") 5)", 1);
    let mut limits = Limits::default();
    limits.reducer.fuel = 1_000_000;
    let host = host(limits);
    host.install(with_manifest(&encode(World::Reducer, more, &core), &manifest)).expect("it is sound");
    host
}

/// Accepts whatever comes.
const ACCEPT: &str = "i32.const 0";

/// Refuses, and quotes the settings as its reason.
const REFUSE: &str = "(i32.store8 (i32.const 16) (i32.const 1))
    (i32.store (i32.const 20) (local.get 0)) (i32.store (i32.const 24) (local.get 1)) i32.const 16";

fn bind(host: &PluginHost, settings: &str) -> Result<Binding, BindError> {
    let binding = host.bind("hostile", PluginKind::Reducer, &Json::from_valid(settings))?;
    host.check_binding(&binding)?;
    Ok(binding)
}

fn problems(settings: &str) -> Vec<String> {
    match bind(&host_with(ACCEPT), settings) {
        Err(BindError::Settings { plugin, problems }) => {
            assert_eq!(plugin, "hostile@0.1.0");
            problems.iter().map(ToString::to_string).collect()
        }
        other => panic!("expected problems, got {other:?}"),
    }
}

#[test]
fn settings_that_fit_are_bound_as_they_are() {
    let settings = r#" {"max_parallel_runs": 64, "paths": {"forbidden": ["a"]}, "a/b~c": true}"#;
    assert_eq!(bind(&host_with(ACCEPT), settings).unwrap().settings.as_str(), settings);
    bind(&host_with(ACCEPT), "{}").unwrap();
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest_known() {
    assert_eq!(
        problems(r#"{"max_paralel_runs": 3}"#),
        ["/max_paralel_runs: unknown setting `max_paralel_runs`; did you mean `max_parallel_runs`?"]
    );
    assert_eq!(
        problems(r#"{"paths": {"forbiden": []}}"#),
        ["/paths/forbiden: unknown setting `forbiden`; did you mean `forbidden`?"]
    );
    assert_eq!(problems(r#"{"paths": {"xyz/": []}}"#), ["/paths/xyz~1: unknown setting `xyz/`; known are forbidden"]);
}

#[test]
fn a_wrong_value_is_named_by_its_pointer() {
    let one = |settings: &str, pointer: &str, says: &str| {
        let problems = problems(settings);
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert!(problem.starts_with(pointer) && problem.contains(says), "{problem}");
    };
    one(r#"{"max_parallel_runs": 0}"#, "/max_parallel_runs: ", "1");
    one(r#"{"max_parallel_runs": 65}"#, "/max_parallel_runs: ", "64");
    one(r#"{"max_parallel_runs": "4"}"#, "/max_parallel_runs: ", "integer");
    one(r#"{"paths": {"forbidden": ["a", ""]}}"#, "/paths/forbidden/1: ", "1");
    one(r#"{"a/b~c": 1}"#, "/a~1b~0c: ", "boolean");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let problems = problems(r#"{"max_parallel_runs": 0, "paths": {"forbidden": 7}, "x": 1, "y": 2}"#);
    assert_eq!(problems.len(), 4, "{problems:?}");
}

#[test]
fn settings_that_are_no_object_are_refused() {
    for (settings, says) in
        [("[]", "JSON object"), ("null", "JSON object"), ("{", "not valid JSON"), ("", "not valid JSON")]
    {
        let problems = problems(settings);
        assert!(problems[0].starts_with("the settings: ") && problems[0].contains(says), "{problems:?}");
    }
}

#[test]
fn settings_are_limited_in_size() {
    let of = |bytes: usize| format!("{{{}}}", " ".repeat(bytes - 2));
    bind(&host_with(ACCEPT), &of(256 * 1024)).unwrap();
    assert!(problems(&of(256 * 1024 + 1))[0].contains("262145 bytes"));
}

#[test]
fn the_plugins_own_check_has_the_last_word() {
    let settings = r#"{"max_parallel_runs":7}"#;
    match bind(&host_with(REFUSE), settings) {
        Err(BindError::Refused { plugin, reason }) => {
            assert_eq!((plugin.as_str(), reason.as_str()), ("hostile@0.1.0", settings));
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn a_check_that_fails_is_no_consent() {
    let check = |body: &str| match bind(&host_with(body), "{}") {
        Err(BindError::Check { source, .. }) => source,
        other => panic!("expected a failed check, got {other:?}"),
    };
    assert!(matches!(check("unreachable"), PluginFailure::Trap { .. }));
    assert_eq!(check("(loop $l (br $l)) unreachable"), PluginFailure::Limit { limit: Limit::Fuel, allowed: 1_000_000 });
}
