//! Lists that are refused, with the reason, and lists that are taken.

use super::*;
use sluice_plugin::testing::MemoryBoard;

fn answer(items: &str) -> Result<Vec<String>, String> {
    let text = format!(r#"{{"work_items": {items}}}"#);
    read_answer(&text, &MemoryBoard::new()).map(ids)
}

fn ids(drafts: Vec<Draft>) -> Vec<String> {
    drafts.into_iter().map(|draft| draft.id).collect()
}

#[test]
fn items_come_after_what_they_depend_on_and_otherwise_as_given() {
    let items = r#"[{"id":"c","title":"C","depends_on":["b","a"]},{"id":"b","title":"B","depends_on":["a"]},
        {"id":"x","title":"X"},{"id":"a","title":"A"}]"#;
    assert_eq!(answer(items).unwrap(), ["x", "a", "b", "c"]);
}

#[test]
fn each_fault_is_told() {
    let long = format!(r#"[{{"id":"{}","title":"A"}}]"#, "a".repeat(129));
    let cases = [
        ("[]", "at least one"),
        ("{}", "invalid type"),
        (r#"[{"id":"a"}]"#, "missing field `title`"),
        (r#"[{"title":"A"}]"#, "id ``"),
        (r#"[{"id":"a b","title":"A"}]"#, "id `a b`"),
        (r#"[{"id":"-a","title":"A"}]"#, "begin with a letter"),
        (&long, "1 to 128"),
        (r#"[{"id":"a","title":"  "}]"#, "title has 2"),
        (r#"[{"id":"a","title":"A","priority":1}]"#, "unknown field `priority`"),
        (r#"[{"id":"a","title":"A","action":"rm"}]"#, "invalid type: string"),
        (r#"[{"id":"a","title":"A"},{"id":"a","title":"B"}]"#, "id `a` is taken"),
        (r#"[{"id":"a","title":"A","depends_on":["a"]}]"#, "`a` depends on itself"),
        (r#"[{"id":"a","title":"A","depends_on":["z"]}]"#, "`z`, which is not an item"),
        (r#"[{"id":"a","title":"A"},{"id":"b","title":"B","depends_on":["a","a"]}]"#, "`a` twice"),
        (
            r#"[{"id":"x","title":"X"},{"id":"a","title":"A","depends_on":["x","b"]},
                {"id":"b","title":"B","depends_on":["c"]},{"id":"c","title":"C","depends_on":["a"]}]"#,
            "circle: a -> b -> c -> a",
        ),
        (
            r#"[{"id":"q","title":"Q","depends_on":["a"]},{"id":"a","title":"A","depends_on":["b"]},
            {"id":"b","title":"B","depends_on":["a"]}]"#,
            "circle: a -> b -> a",
        ),
    ];
    for (items, expected) in cases {
        let reason = answer(items).unwrap_err();
        assert!(reason.contains(expected), "{items}: {reason}");
    }
}

#[test]
fn only_json_and_all_of_it_is_taken() {
    let board = MemoryBoard::new();
    let good = r#"{"work_items":[{"id":"a","title":"A"}]}"#;
    assert!(read_answer(&format!("\n {good}\n"), &board).is_ok());
    for bad in ["", "Here is the plan.", "[]", "null", &format!("```json\n{good}\n```"), &format!("{good} done")] {
        assert!(read_answer(bad, &board).is_err(), "{bad}");
    }
    let twice = r#"{"work_items":[],"work_items":[{"id":"a","title":"A"}]}"#;
    assert!(read_answer(twice, &board).unwrap_err().contains("duplicate"));
}

#[test]
fn ten_thousand_are_taken_and_one_more_is_not() {
    let list = |count: usize| -> Value {
        (0..count)
            .map(|n| json!({"id": format!("i{n}"), "title": "T", "depends_on": if n == 0 { vec![] } else { vec![format!("i{}", n - 1)] }}))
            .collect()
    };
    let board = MemoryBoard::new();
    assert_eq!(read_items(list(ITEMS_MAX), Source::Planner, 0, &board).unwrap().len(), ITEMS_MAX);
    let reason = read_items(list(ITEMS_MAX + 1), Source::Planner, 0, &board).unwrap_err();
    assert!(reason.contains("10001 work items"), "{reason}");
    assert!(read_items(list(2), Source::Planner, ITEMS_MAX - 1, &board).is_err());
    assert!(read_items(list(1), Source::Planner, ITEMS_MAX - 1, &board).is_ok());
}

#[test]
fn a_proposal_may_leave_ids_out_and_lean_on_what_is_there() {
    let board = MemoryBoard::new().item("a", &json!({"title": "A"}));
    let items =
        json!([{"title": "B", "depends_on": ["a"]}, {"work_item_id": "c", "title": "C", "depends_on": ["wi_7_1"]}]);
    let drafts = read_items(items, Source::Proposal { seq: 7 }, 1, &board).unwrap();
    assert_eq!(ids(drafts), ["wi_7_1", "c"]);
    let taken = read_items(json!([{"id": "a", "title": "A"}]), Source::Proposal { seq: 7 }, 1, &board);
    assert!(taken.unwrap_err().contains("id `a` is taken"));
}
