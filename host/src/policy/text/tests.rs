//! Texts that are meant to end the process, or to hold it up.

use super::*;
use crate::domain::id::WorkspaceId;
use crate::domain::policy::Mode;
use crate::domain::principal::Role;
use crate::policy::ask::{Ask, Asker, Resource};
use crate::policy::rules::{Effect, Rules};

fn own(text: &str) -> PolicySource {
    PolicySource { policies: [("own".to_owned(), text.to_owned())].into(), links: Vec::new() }
}

fn problems(source: &PolicySource) -> Vec<TextProblem> {
    read(Origin::Own, source).expect_err("it is refused").0
}

/// `head` as often as it fits, then `tail`.
fn as_large_as_may_be(head: &str, tail: &str) -> String {
    format!(
        "permit (principal, action, resource) when {{ {}{tail} }};",
        head.repeat((TEXT_MAX_BYTES - 100) / head.len())
    )
}

#[test]
fn what_is_nested_without_end_is_refused_and_not_followed() {
    for (head, tail) in [
        ("(", ""),
        ("[", ""),
        ("!", "true"),
        ("-", "1"),
        ("true && ", "true"),
        ("1 + ", "1"),
        ("if true then true else ", "true"),
        ("{a: ", "1"),
        ("principal.", "name"),
        ("[].contains(", "1"),
    ] {
        let told = problems(&own(&as_large_as_may_be(head, tail)));
        assert_eq!(told.len(), 1, "{head}: {told:?}");
        assert!(told[0].place.is_some() && told[0].message.contains("several policies"), "{head}: {told:?}");
    }
    let closed = format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(problems(&own(&format!("permit (principal, action, resource) when {{ {closed} }};"))).len(), 1);
}

#[test]
fn floods_of_problems_are_cut_off() {
    for piece in [";", "permit ", "permit (principal, action, resource) ", "@id(\"x\") ", "permit (a, b, c); ", "\""] {
        let told = problems(&own(&piece.repeat(TEXT_MAX_BYTES / piece.len())));
        assert!((1..=PROBLEMS_MAX).contains(&told.len()), "{piece}: {}", told.len());
    }
    // As many as there may be, each wrong for every kind of question.
    let wrong = "permit (principal, action, resource) when { resource.x == 1 };\n";
    let told = problems(&own(&wrong.repeat(1_200)));
    assert_eq!(told.len(), PROBLEMS_MAX);
    assert_eq!(told[0].place, Some(Place { line: 1, column: 45 }), "the first come first: {}", told[0]);
}

#[test]
fn what_is_as_deep_as_may_be_is_judged() {
    // On a stack as small as those that requests are judged on.
    let judged = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
        let nested = |open: &str, inner: &str, close: &str| format!("{}{inner}{}", open.repeat(29), close.repeat(29));
        for condition in [
            format!("{}false", "true && ".repeat(240)),
            format!("{}false", "principal is Agent || ".repeat(120)),
            format!("{}0 == 1", "0 + ".repeat(240)),
            format!("{}false", "if principal is Agent then true else ".repeat(120)),
            nested("(", "false", ")"),
            format!("{} == {}", nested("[", "1", "]"), nested("[", "2", "]")),
            format!("{}{} == 2", nested("{a: ", "1", "}"), ".a".repeat(29)),
        ] {
            let text = format!("forbid (principal, action, resource) when {{ {condition} }};");
            let rules =
                Rules::of(1, None, Mode::Enforce, &own(&text)).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let here = WorkspaceId::new("local");
            let thing = Resource { workspace_id: &here, id: None, owner: None, run_id: None };
            let asker = Asker::Role { name: "user.a".to_owned(), role: Role::Operator, credential: "token" };
            let ask = Ask { asker: &asker, action: Action::MissionRead, thing, effect: None };
            // One that cannot be judged to its end would forbid it.
            assert_eq!(rules.judge(&ask).verdict.effect, Effect::Allowed, "{text}");
        }
    });
    judged.expect("a thread").join().expect("nothing overflows");
}

#[test]
fn templates_are_not_multiplied_without_end() {
    let mut source = own(&format!(
        "@id(\"t\") permit (principal == ?principal, action, resource) when {{ principal has name && principal.name == \"{}\" }};",
        "x".repeat(200_000)
    ));
    let link = |n: usize| Link {
        id: format!("l{n}"),
        template: "t".to_owned(),
        principal: Some(format!("User::\"user.{n}\"")),
        resource: None,
    };
    source.links = (0..POLICIES_MAX).map(link).collect();
    let told = problems(&source);
    assert!(told.len() == 1 && told[0].message.contains("60000 parts"), "{told:?}");
    source.links = (0..=POLICIES_MAX).map(link).collect();
    assert!(problems(&source)[0].message.contains("more than 2000 links"));
    source
        .policies
        .insert("own".to_owned(), "@id(\"t\") permit (principal == ?principal, action, resource);".to_owned());
    source.links = (0..POLICIES_MAX).map(link).collect();
    assert_eq!(read(Origin::Own, &source).map(|set| set.num_of_policies()), Ok(POLICIES_MAX));
    source.links[1].id = "l0".to_owned();
    assert!(problems(&source)[0].message.contains("another policy"));
}
