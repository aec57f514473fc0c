//! What is refused before it is ever called, and what the refusal says.

use std::error::Error;

use e2e::guest::{SECTION, World, component, encode, manifest, text, with_manifest, with_section};
use e2e::plugins::host;
use serde_json::{Value, json};
use sluice::domain::json::Json;
use sluice::domain::plugin::PluginKind;
use sluice::plugins::{BindError, Limits, LoadError, PluginHost};

/// What somebody reads who tries to install `bytes`.
fn refusal(bytes: &[u8]) -> String {
    let error = host(Limits::default()).install(bytes).expect_err("the component is refused");
    with_causes(&error)
}

fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}

fn bare_reducer() -> Vec<u8> {
    encode(World::Reducer, "", &text("spin", &[("rounds", "1")]))
}

fn said(expected: &[&str], words: &str) {
    for part in expected {
        assert!(words.contains(part), "expected {part:?} in {words:?}");
    }
}

#[test]
fn what_is_no_webassembly() {
    for bytes in [&b""[..], b"\x7fELF", b"(component)", b"\0as", b"{}"] {
        said(&["not WebAssembly", "component"], &refusal(bytes));
    }
}

#[test]
fn a_core_module_and_how_to_make_a_component_of_it() {
    let module = wat::parse_str("(module (func (export \"f\")))").unwrap();
    said(&["core WebAssembly module", "wasm-tools component new"], &refusal(&module));
}

#[test]
fn a_component_cut_short_anywhere() {
    let whole = component(World::Reducer, "spin", &[("rounds", "1")]);
    for length in (8..whole.len() - 1).step_by(37) {
        let words = refusal(&whole[..length]);
        let known = ["damaged", "manifest", "has to export"];
        assert!(known.iter().any(|part| words.contains(part)), "{length} bytes: {words}");
    }
}

#[test]
fn a_component_whose_code_is_not_valid() {
    // A 64-bit constant becomes a float of as many bytes: only the code's types are wrong.
    let mut broken = component(World::Reducer, "spin", &[("rounds", "1234567")]);
    let constant = [0x42, 0x87, 0xad, 0xcb, 0x00];
    let at = broken.windows(5).position(|window| window == constant).expect("the constant is in the code");
    broken[at] = 0x43;
    said(&["damaged or uses features"], &refusal(&broken));
}

#[test]
fn features_the_host_does_not_have() {
    for core in ["(memory 1 2 shared)", "(memory i64 1)", "(type (struct))", "(tag)", "(func (param externref))"] {
        let words = refusal(&reducer_with(&format!("(export \"init\" (func $none))) (core module {core}")));
        said(&["damaged or uses features"], &words);
    }
}

#[test]
fn a_component_over_the_size_limit() {
    let small = component(World::Reducer, "spin", &[("rounds", "1")]);
    let padded = |size: usize| {
        let head = with_section(&small, "padding", &[]).len() + 3;
        let padded = with_section(&small, "padding", &vec![0; size - head]);
        assert_eq!(padded.len(), size);
        padded
    };
    let limit = 64 * 1024 * 1024;
    host(Limits::default()).install(padded(limit)).unwrap();
    said(&["67108865 bytes", "at most 67108864"], &refusal(&padded(limit + 1)));
}

#[test]
fn a_missing_manifest_and_how_to_add_it() {
    said(&["no custom section `sluice:manifest`", "manifest.json"], &refusal(&bare_reducer()));
    // A section within a nested component is not the component's own.
    let nested = with_manifest(&wat::parse_str("(component)").unwrap(), &manifest("reducer"));
    let mut outer = b"\0asm\x0d\0\x01\0".to_vec();
    outer.push(4);
    assert!(nested.len() > 128 && nested.len() < 16_384);
    let seven_bits = |number: usize| u8::try_from(number & 0x7f).unwrap();
    outer.extend([seven_bits(nested.len()) | 0x80, seven_bits(nested.len() >> 7)]);
    outer.extend(nested);
    said(&["no custom section `sluice:manifest`"], &refusal(&outer));
}

#[test]
fn two_manifests() {
    let twice = with_manifest(&with_manifest(&bare_reducer(), &manifest("reducer")), &manifest("gate"));
    said(&["2 custom sections `sluice:manifest`"], &refusal(&twice));
}

#[test]
fn a_manifest_over_the_size_limit() {
    let of = |bytes: usize| {
        let mut content = manifest("reducer").to_string().into_bytes();
        content.resize(bytes, b' ');
        with_section(&bare_reducer(), SECTION, &content)
    };
    host(Limits::default()).install(of(64 * 1024)).unwrap();
    said(&["65537 bytes", "at most 65536"], &refusal(&of(64 * 1024 + 1)));
}

#[test]
fn a_manifest_that_is_not_one() {
    let of = |content: &[u8]| refusal(&with_section(&bare_reducer(), SECTION, content));
    said(&["name, version, kind", "EOF"], &of(b"{"));
    said(&["name, version, kind", "expected"], &of(b"[]x"));
    said(&["name, version, kind", "invalid"], &of(b"{\"name\":\"\xff\"}"));
    let mut without = manifest("reducer");
    without.as_object_mut().unwrap().remove("version");
    said(&["missing field `version`"], &of(without.to_string().as_bytes()));
    let mut more = manifest("reducer");
    more["licence"] = json!("x");
    said(&["unknown field `licence`"], &of(more.to_string().as_bytes()));
}

#[test]
fn a_manifest_with_a_member_that_cannot_be_used() {
    for (member, value, expected) in [
        ("name", json!("Two Words"), ["`name` is \"Two Words\"", "a-z, 0-9"]),
        ("name", json!(""), ["`name` is \"\"", "1 to 64"]),
        ("name", json!("n".repeat(65)), ["`name` is", "1 to 64"]),
        ("version", json!("1.0"), ["`version` is \"1.0\"", "such as 1.2.3"]),
        ("kind", json!("planner"), ["`kind` is \"planner\"", "reducer, gate, scrubber"]),
        ("contract", json!("0.2"), ["`contract` is \"0.2\"", "0.1, which this host speaks"]),
        ("settings_schema", json!("none"), ["settings_schema", "expected"]),
        ("settings_schema", json!({"type": "objekt"}), ["`settings_schema` cannot be used", "type"]),
        ("settings_schema", json!({"$ref": "file:///etc/passwd"}), ["`settings_schema` cannot be used", "etc/passwd"]),
        ("settings_schema", json!({"properties": {"a": {"pattern": "("}}}), ["`settings_schema` cannot be used", "("]),
    ] {
        let mut changed = manifest("reducer");
        changed[member] = value;
        said(&expected, &refusal(&with_manifest(&bare_reducer(), &changed)));
    }
}

#[test]
fn a_component_of_another_kind_than_it_says() {
    let words = refusal(&with_manifest(&bare_reducer(), &manifest("gate")));
    said(
        &["says the plugin is a gate", "sluice:gate/evaluator@0.1.0", "it exports sluice:mission/reducer@0.1.0"],
        &words,
    );
    let empty = with_manifest(&wat::parse_str("(component)").unwrap(), &manifest("scrubber"));
    said(&["sluice:scrubber/text@0.1.0", "it exports nothing"], &refusal(&empty));
}

#[test]
fn imports_beyond_the_world_are_all_listed() {
    let more = "world more {
        import example:host/files@1.0.0;
        import wasi:http/outgoing-handler@0.2.3;
        import wasi:random/random@0.3.0;
        import wasi:random/insecure@0.2.3;
    }
    package example:host@1.0.0 { interface files { read: func() -> string; } }
    package wasi:http@0.2.3 { interface outgoing-handler { handle: func(); } }
    package wasi:random@0.3.0 { interface random { get-random-u64: func() -> u64; } }
    package wasi:random@0.2.3 { interface insecure { get-insecure-random-u64: func() -> u64; } }";
    let core = "(module
        (import \"example:host/files@1.0.0\" \"read\" (func (param i32)))
        (import \"wasi:http/outgoing-handler@0.2.3\" \"handle\" (func))
        (import \"wasi:random/random@0.3.0\" \"get-random-u64\" (func (result i64)))
        (import \"wasi:random/insecure@0.2.3\" \"get-insecure-random-u64\" (func (result i64)))";
    let core = text("spin", &[("rounds", "1")]).replacen("(module", core, 1);
    let words = refusal(&with_manifest(&encode(World::Reducer, more, &core), &manifest("reducer")));
    said(&["a reducer may not import", "example:host/files@1.0.0", "wasi:http/outgoing-handler@0.2.3"], &words);
    said(&["wasi:random/random@0.3.0"], &words);
    assert!(!words.contains("wasi:random/insecure"), "the empty WASI is allowed: {words}");
}

#[test]
fn imports_of_another_kinds_world() {
    let more = "world more { import sluice:mission/commands@0.1.0; }
    package sluice:mission@0.1.0 { interface commands { request-gate: func(work-item: string, gate: string); } }";
    let core = "(module (import \"sluice:mission/commands@0.1.0\" \"request-gate\" (func (param i32 i32 i32 i32)))";
    let values = [("id", "x"), ("id_bytes", "1"), ("offset", "0"), ("length", "1"), ("pages", "20")];
    let core = text("read", &values).replacen("(module", core, 1);
    let gate = with_manifest(&encode(World::Gate, more, &core), &manifest("gate"));
    said(&["a gate may not import sluice:mission/commands@0.1.0"], &refusal(&gate));
}

/// A component that exports `functions` under the name of a reducer's interface.
fn reducer_with(functions: &str) -> Vec<u8> {
    let component = format!(
        "(component
            (core module $m (memory (export \"memory\") 1)
                (func (export \"f\") (result i32) i32.const 0)
                (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $init (result (result (error string)))
                (canon lift (core func $i \"f\") (memory (core memory $i \"memory\"))
                    (realloc (core func $i \"realloc\"))))
            (func $none (result u32) (canon lift (core func $i \"f\")))
            (instance $reducer {functions})
            (export \"sluice:mission/reducer@0.1.0\" (instance $reducer)))"
    );
    with_manifest(&wat::parse_str(component).expect("the component's text parses"), &manifest("reducer"))
}

#[test]
fn functions_of_another_type_are_found_when_it_is_prepared() {
    let host = host(Limits::default());
    for (functions, says) in [
        ("(export \"init\" (func $init))", "on-event"),
        ("(export \"init\" (func $none)) (export \"on-event\" (func $none))", "found `u32`"),
    ] {
        let info = host.install(reducer_with(functions)).unwrap();
        let words = with_causes(&host.prepare(&info.digest).unwrap_err());
        said(&["does not fit the world of a reducer", says, "rebuild it"], &words);
    }
}

#[test]
fn more_parts_than_the_pool_has_room_for() {
    let with_instances = |count: usize| {
        let instances = "(core instance (instantiate $empty))".repeat(count);
        let text = format!(
            "(component (core module $empty) {instances}
            (core module $m (func (export \"f\") (result i32) i32.const 0))
            (core instance $i (instantiate $m))
            (func $none (result u32) (canon lift (core func $i \"f\")))
            (instance $reducer (export \"init\" (func $none)))
            (export \"sluice:mission/reducer@0.1.0\" (instance $reducer)))"
        );
        with_manifest(&wat::parse_str(text).unwrap(), &manifest("reducer"))
    };
    let host = host(Limits::default());
    let fits = host.install(with_instances(99)).unwrap();
    // It compiles; that it is no reducer is another matter.
    said(&["does not fit the world"], &with_causes(&host.prepare(&fits.digest).unwrap_err()));
    let over = host.install(with_instances(100)).unwrap();
    said(&["compile the component", "101", "100"], &with_causes(&host.prepare(&over.digest).unwrap_err()));
}

#[test]
fn an_inspection_tells_what_a_component_is() {
    let bytes = with_section(
        &component(World::Reducer, "log", &[("lines", "1"), ("bytes", "1"), ("pages", "1")]),
        "more",
        b"abc",
    );
    let inspection = PluginHost::inspect(&bytes).unwrap();
    assert_eq!(inspection.manifest.name, "hostile");
    assert_eq!(inspection.manifest.kind, PluginKind::Reducer);
    assert_eq!(inspection.size, bytes.len());
    assert!(inspection.imports.contains(&"sluice:plugin/log@0.1.0".to_owned()), "{:?}", inspection.imports);
    assert_eq!(inspection.exports, ["sluice:mission/reducer@0.1.0"]);
    assert!(inspection.core_modules >= 1);
    assert!(inspection.custom_sections.contains(&("more".to_owned(), 3)), "{:?}", inspection.custom_sections);
    assert_eq!(inspection.digest, sluice::domain::artifact::Digest::of(&bytes));
}

#[test]
fn installing_twice_changes_nothing() {
    let host = host(Limits::default());
    let before = host.installed().len();
    let bytes = component(World::Reducer, "spin", &[("rounds", "1")]);
    let first = host.install(bytes.clone()).unwrap();
    assert_eq!(host.install(bytes).unwrap(), first);
    assert_eq!(host.installed().len(), before + 1);
}

fn versioned(version: &str, rounds: &str) -> Vec<u8> {
    let mut manifest = manifest("reducer");
    manifest["version"] = Value::from(version);
    with_manifest(&encode(World::Reducer, "", &text("spin", &[("rounds", rounds)])), &manifest)
}

#[test]
fn a_name_means_its_newest_version() {
    let host = host(Limits::default());
    for version in ["0.9.0", "0.10.0", "0.10.0-rc.1", "0.2.0"] {
        host.install(versioned(version, "1")).unwrap();
    }
    let bind = |selector: &str| host.bind(selector, PluginKind::Reducer, &Json::empty_object());
    assert_eq!(bind("hostile").unwrap().version, "0.10.0");
    assert_eq!(bind("hostile@0.9.0").unwrap().version, "0.9.0");
    let digest = bind("hostile@0.2.0").unwrap().digest;
    assert_eq!(bind(digest.as_str()).unwrap().version, "0.2.0");
}

#[test]
fn of_two_builds_of_one_version_the_one_installed_last_is_meant() {
    let host = host(Limits::default());
    for rounds in ["3", "1", "4", "2"] {
        let info = host.install(versioned("1.0.0", rounds)).unwrap();
        let bound = host.bind("hostile@1.0.0", PluginKind::Reducer, &Json::empty_object()).unwrap();
        assert_eq!(bound.digest, info.digest);
    }
}

#[test]
fn a_selector_nobody_answers_to_lists_who_would() {
    let host = host(Limits::default());
    host.install(versioned("1.0.0", "1")).unwrap();
    let bind = |selector: &str, kind| host.bind(selector, kind, &Json::empty_object()).unwrap_err();
    let unknown = bind("hostle", PluginKind::Reducer);
    assert!(matches!(unknown, BindError::Unknown { .. }), "{unknown:?}");
    said(&["no reducer answers to `hostle`", "hostile@1.0.0", "mission-default@"], &unknown.to_string());
    said(&["no reducer answers to `hostile@2.0.0`"], &bind("hostile@2.0.0", PluginKind::Reducer).to_string());
    let other = bind("hostile", PluginKind::Gate);
    assert!(matches!(other, BindError::WrongKind { .. }), "{other:?}");
    said(&["`hostile` is a reducer, and a gate is wanted"], &other.to_string());
}

#[test]
fn what_is_not_installed_cannot_be_prepared() {
    let digest = sluice::domain::artifact::Digest::of(b"nothing");
    let error = host(Limits::default()).prepare(&digest).unwrap_err();
    assert!(matches!(error, LoadError::NotInstalled { .. }), "{error:?}");
}
