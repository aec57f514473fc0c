//! Every operation with every credential, on things of one's own, of somebody else and of another
//! workspace: what comes back is what the default policies say, and nothing here says it again
//! (`specs/policy/matrix.txt` shows what that is).

use std::collections::BTreeSet;

use e2e::server::{Reply, TestServer, on_both_servers, reply};
use reqwest::Method;
use serde_json::{Value, json};
use sluice::domain::artifact::Digest;
use sluice::domain::id::{TokenId, WorkspaceId};
use sluice::domain::principal::Role;
use sluice::engine::NewToken;
use sluice::http::Operation;
use sluice::policy::{Action, Ask, Asker, Resource, Rules, ThingKind};

const CACHE: &str = env!("CARGO_TARGET_TMPDIR");
/// A component that comes with the host.
const REVIEWER: &[u8] = include_bytes!("../../../plugins/prebuilt/reviewer.wasm");
const HERE: &str = "local";
const ELSEWHERE: &str = "elsewhere";

/// One of each thing that an operation may be about.
#[derive(Debug, Clone)]
struct Things {
    workspace: &'static str,
    /// Who made the mission, worked its run, and is asked about in the approval.
    worker: String,
    /// Whom the token speaks for.
    bearer: String,
    mission: String,
    run: String,
    run_token: String,
    artifact: String,
    approval: String,
    token: String,
    lease: String,
    routine: String,
    /// A run of it.
    routine_run: String,
    memory: String,
}

/// What somebody comes with, and what the policies have to say about it.
#[derive(Debug, Clone)]
enum Who {
    /// Nobody: 401 on all that is not open.
    Nobody,
    Role(Role, &'static str),
    Ticket(Role, &'static str),
    /// The token of one run.
    Run {
        run: String,
        mission: String,
    },
}

struct Credential {
    name: &'static str,
    text: String,
    who: Who,
}

/// What the policies lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Unauthenticated,
    Forbidden,
    Missing,
    PastTheGate,
}

/// A request for an operation; some are an action of their own beside the route's.
struct Call {
    path: String,
    body: Value,
    also: Option<Action>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

async fn posted(server: &TestServer, path: &str, token: &str, body: Value) -> Value {
    let answer = server.ask(Method::POST, path, token, body).await;
    assert!((200..300).contains(&answer.status), "{path}: {} {:#}", answer.status, answer.body);
    answer.body
}

async fn issue(
    server: &TestServer,
    workspace: &str,
    role: Role,
    principal: &str,
    ttl_ms: Option<u64>,
) -> (String, String) {
    let new = NewToken {
        workspace_id: WorkspaceId::new(workspace),
        name: "of the test".to_owned(),
        role,
        principal: Some(principal.to_owned()),
        ttl_ms,
    };
    let issued = server.engine.issue_token(new, "test").await.expect("a token can be issued");
    (issued.token.id.to_string(), issued.text)
}

/// Real things: a mission at work, its claimed run, an artifact of it, a question about what it
/// wants to do, and a token.
async fn things(server: &TestServer, workspace: &'static str, (role, worker): (Role, &str), bearer: &str) -> Things {
    let token = server.token(workspace, role, worker).await;
    let made = json!({
        "title": "of the test", "work_items": [{"id": "a", "title": "A"}], "capabilities": ["connector.shop.*", "resource.write:project/", "memory.write:project"],
    });
    let mission = server.mission_of(workspace, worker, made).await;
    let claim = json!({"worker": "w", "mission_id": mission, "wait_ms": 20_000, "lease_ms": 600_000});
    let claimed = posted(server, "/runs/claim", &token, claim).await["run"].clone();
    let (run, run_token) = (text(&claimed["id"]), text(&claimed["token"]));
    let left = json!({"kind": "text", "name": "a.txt", "content": "x"});
    let artifact = posted(server, &format!("/runs/{run}/artifacts"), &run_token, left).await["artifact"].clone();
    let ask = json!({"connector": "shop", "action": "buy", "args": {"of": run}, "summary": "Buy one"});
    let asked = posted(server, &format!("/runs/{run}/actions"), &run_token, ask).await;
    let kept = server.ask(Method::PUT, "/resource/project/thing", &token, json!({"value": {}})).await;
    assert_eq!(kept.status, 200, "{:#}", kept.body);
    let remembered = json!({"text": format!("what {run} has learned"), "tier": "project"});
    let memory = posted(server, "/memory/put", &run_token, remembered).await["id"].clone();
    let lease = json!({"name": format!("of {run}"), "ttl_ms": 600_000});
    let lease = posted(server, "/leases", &token, lease).await["lease_id"].clone();
    let made =
        json!({"name": "of the test", "schedule": "0 0 1 1 *", "entrypoint": "do nothing", "overlap_policy": "allow"});
    let routine = text(&posted(server, "/routines", &token, made).await["routine"]["id"]);
    let operator = server.token(workspace, Role::Operator, "user.maker").await;
    let webhook = format!("/workspaces/{workspace}/webhooks/another");
    let set = server.ask(Method::PUT, &webhook, &operator, json!({"url": "https://hooks.example.org/"})).await;
    assert_eq!(set.status, 200, "{:#}", set.body);
    let ran = posted(server, &format!("/routines/{routine}/run_now"), &operator, json!({"force": true})).await;
    let (token, _) = issue(server, workspace, Role::Viewer, bearer, None).await;
    Things {
        workspace,
        worker: worker.to_owned(),
        bearer: bearer.to_owned(),
        mission,
        run,
        run_token,
        artifact: text(&artifact["id"]),
        approval: text(&asked["approval_id"]),
        token,
        lease: text(&lease),
        routine,
        routine_run: text(&ran["run_id"]),
        memory: text(&memory),
    }
}

/// The routine that somebody was allowed to delete, for whoever asks next.
async fn made_again(server: &TestServer, of: &Things) {
    let token = server.token(of.workspace, Role::Member, &of.worker).await;
    let made = json!({"id": of.routine, "name": "again", "schedule": "0 0 1 1 *", "entrypoint": "do nothing"});
    posted(server, "/routines", &token, made).await;
}

/// The requests for one operation; an operation nobody taught to this test fails it.
fn calls(operation: &Operation, of: &Things) -> Vec<Call> {
    let name = format!("{} {}", operation.method, operation.path);
    let id = match operation.path.split('/').nth(1) {
        Some("mission") => &of.mission,
        Some("runs") => &of.run,
        Some("artifacts") => &of.artifact,
        Some("approvals") => &of.approval,
        Some("tokens") => &of.token,
        Some("leases") => &of.lease,
        Some("routines") if operation.path.starts_with("/routines/runs/") => &of.routine_run,
        Some("routines") => &of.routine,
        Some("memory") => &of.memory,
        Some("workspaces") => of.workspace,
        _ => "not-found",
    };
    let path = operation.path.replace("{id}", id).replace("{slug}", id).replace("{key}", "project/thing");
    let path = path
        .replace("{session_id}", "engine-1")
        .replace("{name}/{version}", "another/1.0.0")
        .replace("{name}", "another");
    let path = path.replace("{digest}", Digest::of(REVIEWER).as_str());
    let told = |body: Value, also| Call { path: path.clone(), body: json!({ "event": body }), also };
    let body = match name.as_str() {
        "GET /global/health"
        | "GET /healthz"
        | "GET /readyz"
        | "GET /openapi.json"
        | "GET /problems/{slug}"
        | "GET /metrics"
        | "GET /mission"
        | "GET /mission/{id}"
        | "GET /mission/{id}/history"
        | "GET /mission/{id}/events"
        | "GET /mission/{id}/work_items"
        | "GET /mission/{id}/verdicts"
        | "GET /mission/{id}/artifacts"
        | "GET /mission/{id}/replay"
        | "GET /runs"
        | "GET /runs/{id}"
        | "GET /artifacts/{id}"
        | "GET /approvals"
        | "GET /approvals/{id}"
        | "GET /event"
        | "GET /global/event"
        | "GET /resource/events"
        | "POST /event/ticket"
        | "GET /tokens"
        | "GET /tokens/{id}"
        | "DELETE /tokens/{id}"
        | "GET /resource"
        | "GET /resource/{key}"
        | "GET /resource/history/{key}"
        | "GET /resource/schemas"
        | "GET /leases"
        | "GET /leases/{id}"
        | "GET /routines"
        | "GET /routines/{id}"
        | "GET /routines/{id}/history"
        | "GET /routines/{id}/runs"
        | "GET /routines/runs"
        | "GET /routines/runs/{id}"
        | "GET /routines/runs/{id}/artifacts"
        | "GET /routines/templates"
        | "GET /routines/events"
        | "DELETE /routines/{id}"
        | "GET /memory"
        | "GET /memory/audit"
        | "GET /runs/{id}/context"
        | "GET /workspaces/{id}/policy"
        | "GET /workspaces/{id}/policy/history"
        | "GET /plugins"
        | "GET /plugins/{digest}"
        // One of the host's own, which nobody removes.
        | "DELETE /plugins/{digest}"
        | "GET /workspaces/{id}"
        | "GET /workspaces/{id}/history"
        | "GET /workspaces/{id}/webhooks"
        | "GET /workspaces/{id}/webhooks/{name}"
        | "GET /workspaces/{id}/deliveries"
        | "GET /runs/{id}/deliveries"
        | "GET /workspaces/{id}/shadow"
        | "GET /audit" => Value::Null,
        "POST /approvals/{id}/grant"
        | "POST /approvals/{id}/deny"
        | "POST /tokens/{id}/rotate"
        | "POST /runs/{id}/heartbeat"
        | "POST /leases/{id}/renew"
        | "POST /leases/{id}/release"
        | "POST /routines/runs/{id}/approve"
        | "POST /routines/runs/{id}/deny"
        | "POST /routines/runs/{id}/pause"
        | "POST /routines/runs/{id}/resume"
        | "PATCH /routines/{id}"
        | "PATCH /resource/{key}" => json!({}),
        "POST /routines" => json!({"name": "another", "schedule": "0 0 1 1 *", "entrypoint": "do nothing"}),
        "POST /routines/preview" => json!({"schedule": "@daily"}),
        "POST /routines/{id}/run_now" => json!({}),
        "POST /routines/{id}/backfill" => json!({"from_ms": 0, "to_ms": 1}),
        "POST /routines/runs/{id}/artifacts" => json!({"uri": "https://example.org/a", "kind": "link"}),
        "PUT /resource/{key}" => json!({"value": 1}),
        "PUT /resource" => json!({"key": "project/thing", "value": 1}),
        // Whoever may is told that it is at another revision, and so it stays for whoever asks next.
        "DELETE /resource/{key}" => json!({"if_match_rev": 999_999}),
        "DELETE /resource" => json!({"key": "project/thing", "if_match_rev": 999_999}),
        "POST /resource/batch" => json!({"operations": [{"op": "put", "key": "project/thing", "value": 2}]}),
        "PUT /resource/schemas" => json!({"prefix": "team/a/", "schema": true, "if_revision": 999_999}),
        "DELETE /resource/schemas" => json!({"prefix": "team/a/", "if_revision": 999_999}),
        "POST /memory/put" => json!({"text": "another"}),
        "POST /memory/scrub" => json!({"text": "another"}),
        "POST /memory/search" => json!({"query": "another"}),
        // Whoever may promote at all is told that this leads nowhere; which tiers is no question of policy.
        "POST /memory/promote" => json!({"id": of.memory, "to_tier": "session"}),
        "POST /memory/demote" => json!({"id": of.memory, "if_revision": 999_999}),
        "DELETE /memory/{id}" => json!({"if_revision": 999_999}),
        "POST /leases" => json!({"name": "another", "ttl_ms": 60_000}),
        "POST /mission" => json!({"title": "another"}),
        "POST /runs/claim" => json!({"worker": "w", "mission_id": "mis_none"}),
        "POST /runs/heartbeat" => json!({"worker": "w", "runs": []}),
        "POST /runs/{id}/events" => {
            json!({"events": [{"type": "message.part.updated", "part": {"type": "text", "text": "x"}}]})
        }
        // Of a session that is nobody's run; the host's own runs are refused to everybody.
        "POST /sessions/{session_id}/events" => json!({"type": "session.run.started"}),
        "POST /runs/{id}/artifacts" => json!({"kind": "text", "name": "b.txt", "content": "y"}),
        "POST /runs/{id}/finish" => json!({"status": "succeeded"}),
        "POST /runs/{id}/actions" => json!({"connector": "shop", "action": "sell", "args": {}, "summary": "Sell one"}),
        // Whoever may is told that it is at another revision, and so nothing changes for whoever asks next.
        "PUT /workspaces/{id}/policy" => json!({"policies": {}, "if_match_rev": 999_999}),
        "POST /workspaces/{id}/policy/rollback" => json!({"revision": 1, "if_match_rev": 999_999}),
        "PUT /workspaces/{id}" => json!({"if_match_rev": 999_999}),
        "POST /workspaces/{id}/rollback" => json!({"revision": 1, "if_match_rev": 999_999}),
        "PUT /workspaces/{id}/webhooks/{name}" | "DELETE /workspaces/{id}/webhooks/{name}" => {
            json!({"if_match_rev": 999_999})
        }
        // Whoever may is told that this is no component.
        "PUT /plugins/{name}/{version}" => json!({}),
        "POST /plugins/{digest}/check" => json!({"role": "gate", "last": 1}),
        // Whoever may is told that this is no form.
        "POST /plugins/check" => json!({}),
        "POST /workspaces/{id}/policy/explain" => {
            json!({"principal": {"type": "User", "name": "user.ada"}, "action": "mission.read"})
        }
        "POST /workspaces/{id}/policy/diff" => json!({"policy": {"policies": {}}}),
        "POST /mission/{id}/reducer" => json!({"digest": "mission-default"}),
        "POST /tokens" => json!({"name": "another", "role": "viewer"}),
        "POST /mission/{id}/event" => {
            let answer = json!({"type": "approval_granted", "work_item_id": "a", "approval_id": of.approval});
            let finish = json!({"type": "run_finished", "work_item_id": "a", "run_id": of.run, "status": "failed"});
            return vec![
                told(json!({"type": "tool_observed", "tool": "t"}), None),
                told(answer, Some(Action::ApprovalDecide)),
                told(finish, Some(Action::RunClaim)),
                told(json!({"type": "mission_paused", "reason": "a test"}), Some(Action::MissionControl)),
            ];
        }
        unknown => panic!("this test does not know how to call {unknown}: teach it"),
    };
    vec![Call { path, body, also: None }]
}

/// Whose a thing of this kind is.
fn owner(kind: ThingKind, of: &Things) -> &str {
    if kind == ThingKind::Token { &of.bearer } else { &of.worker }
}

/// Who of a kind may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    No,
    Yes,
    Own,
    Others,
}

/// What the policies say of all things of one's own, and of all of others.
fn may(action: Action, asker: &Asker) -> May {
    let here = WorkspaceId::new(HERE);
    let rules = Rules::standard();
    let own_run = if let Asker::Run { run_id, .. } = asker { Some(run_id.as_str()) } else { None };
    let allows = |owner, run_id| {
        let thing = Resource { workspace_id: &here, id: Some("x"), owner: Some(owner), run_id };
        rules.allows(&Ask { asker, action, thing, effect: None })
    };
    match (allows(asker.name(), own_run), allows("user.nobody", None)) {
        (true, true) => May::Yes,
        (true, false) => May::Own,
        (false, true) => May::Others,
        (false, false) => May::No,
    }
}

/// What the policies say about an action on a thing; `of` is none where the operation is about no
/// thing in particular.
fn by_policy(action: Action, who: &Who, of: Option<&Things>, workspace: &str) -> Expected {
    let (asker, name) = match who {
        Who::Nobody => return Expected::Unauthenticated,
        Who::Role(role, name) => (Asker::Role { name: (*name).to_owned(), role: *role, credential: "token" }, *name),
        Who::Ticket(role, name) => (Asker::Role { name: (*name).to_owned(), role: *role, credential: "ticket" }, *name),
        Who::Run { run, .. } => (Asker::Run { name: "agent.b".to_owned(), run_id: run.clone() }, ""),
    };
    let is_elsewhere = of.is_some_and(|of| of.workspace != workspace);
    let kind = action.kind();
    match (may(action, &asker), who, of) {
        (May::No, ..) => Expected::Forbidden,
        _ if is_elsewhere => Expected::Missing,
        (May::Yes, Who::Run { mission, .. }, Some(of)) if of.mission != *mission => Expected::Missing,
        (May::Own, Who::Run { .. }, None) => Expected::Forbidden,
        (May::Own, Who::Run { run, .. }, Some(of)) if of.run != *run => Expected::Forbidden,
        (_, Who::Run { .. }, _) => Expected::PastTheGate,
        (May::Own, _, Some(of)) if owner(kind, of) != name => Expected::Forbidden,
        (May::Others, _, Some(of)) if owner(kind, of) == name => Expected::Forbidden,
        _ => Expected::PastTheGate,
    }
}

fn expected(operation: &Operation, call: &Call, who: &Who, of: &Things, workspace: &str) -> Expected {
    let Some(action) = operation.action else { return Expected::PastTheGate };
    let names_it = match (operation.path.as_str(), who) {
        // What a run's token sees of others' records is no question of policy.
        ("/memory/promote", Who::Run { .. }) => false,
        ("/memory/promote" | "/memory/demote", _) => true,
        (path, _) => path.contains("{id}"),
    };
    let of = names_it.then_some(of);
    match (by_policy(action, who, of, workspace), call.also) {
        (Expected::PastTheGate, Some(also)) => by_policy(also, who, of, workspace),
        (refused, _) => refused,
    }
}

fn seen(reply: &Reply) -> Expected {
    match reply.status {
        401 => Expected::Unauthenticated,
        403 => Expected::Forbidden,
        404 => Expected::Missing,
        _ => Expected::PastTheGate,
    }
}

async fn send(server: &TestServer, operation: &Operation, call: &Call, token: &str, workspace: Option<&str>) -> Reply {
    let method = Method::from_bytes(operation.method.as_bytes()).expect("a method");
    let mut request = server.request(method, &call.path, token).header("accept", "application/json");
    if let Some(workspace) = workspace {
        request = request.header("sluice-workspace", workspace);
    }
    let request = if call.body.is_null() { request } else { request.json(&call.body) };
    let reply = reply(request).await;
    assert!(reply.status < 500, "{} {}: {:#}", operation.method, call.path, reply.body);
    if reply.status >= 400 {
        let is_problem = reply.headers["content-type"] == "application/problem+json";
        assert!(is_problem, "{} {}: {:?}", operation.method, call.path, reply.headers);
    }
    reply
}

/// Every operation; a run's end and a routine's deletion come last, since nothing more can be done with them then.
fn operations() -> Vec<Operation> {
    let mut operations = sluice::http::operations();
    operations.sort_by_key(|operation| {
        operation.path.ends_with("/finish") || (operation.method == "DELETE" && operation.path == "/routines/{id}")
    });
    assert!(operations.len() >= 39, "the API has lost operations: {operations:#?}");
    operations
}

/// A 403 as the audit has to hold it: who, which action, and the end of its resource.
type Denied = BTreeSet<(String, String, String)>;

/// Tries every operation with one credential on all things; what is denied is added to `denied`.
async fn walk(server: &TestServer, credential: &Credential, all: &[&Things], denied: &mut Denied) -> usize {
    let mut count = 0;
    for operation in operations() {
        for of in all {
            for call in calls(&operation, of) {
                let reply = send(server, &operation, &call, &credential.text, None).await;
                let wanted = expected(&operation, &call, &credential.who, of, HERE);
                assert_eq!(
                    seen(&reply),
                    wanted,
                    "{} as {}: {} {} with {} on {of:#?}\nanswered {} {:#}",
                    credential.name,
                    operation.action.map_or("open", Action::name),
                    operation.method,
                    call.path,
                    call.body,
                    reply.status,
                    reply.body
                );
                if let (Expected::Forbidden, Who::Role(_, name) | Who::Ticket(_, name)) = (wanted, &credential.who) {
                    let last = call.path.trim_start_matches('/').to_owned();
                    denied.insert(((*name).to_owned(), text(&reply.body["action"]), last));
                }
                count += 1;
                if operation.method == "DELETE" && operation.path == "/routines/{id}" && reply.status == 200 {
                    made_again(server, of).await;
                }
            }
            if !operation.path.contains("{id}") {
                break;
            }
        }
    }
    count
}

/// The whole audit of the workspace.
async fn audit(server: &TestServer) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    let mut path = "/audit?limit=500".to_owned();
    loop {
        let page = server.get(&path).await.body;
        entries.extend(page["entries"].as_array().expect("entries").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/audit?limit=500&cursor={cursor}"),
            None => return entries,
        }
    }
}

/// Whether the audit holds a denial: its resource is the path that was asked for, or the thing.
fn holds(entries: &[Value], (actor, action, path): &(String, String, String)) -> bool {
    let ids: Vec<&str> = path.split('/').collect();
    entries.iter().any(|entry| {
        let resource = entry["resource"].as_str().unwrap_or_default();
        let is_it = resource == path || resource.split_once('/').is_some_and(|(_, id)| ids.contains(&id));
        entry["actor"] == actor.as_str() && entry["action"] == action.as_str() && entry["outcome"] == "denied"
            // An answer told as a mission's event is denied about the approval, not the mission.
            && (is_it || path.ends_with("/event") && resource.starts_with("approval/"))
    })
}

async fn credentials(server: &TestServer, ended: &Things) -> Vec<Credential> {
    let role = async |name, role, principal| Credential {
        name,
        text: server.token(HERE, role, principal).await,
        who: Who::Role(role, principal),
    };
    let nobody = |name, text: &str| Credential { name, text: text.to_owned(), who: Who::Nobody };
    let (_, expired) = issue(server, HERE, Role::Operator, "user.late", Some(1_000)).await;
    let (id, revoked) = issue(server, HERE, Role::Operator, "user.gone", None).await;
    server.engine.revoke_token(&WorkspaceId::new(HERE), &TokenId::new(id), "test").await.expect("it ends");
    let good = server.token(HERE, Role::Operator, "user.altered").await;
    let last = if good.ends_with('a') { "b" } else { "a" };
    let altered = format!("{}{last}", &good[..good.len() - 1]);
    // The shortest-lived token there is lives for a second.
    while server.ask(Method::GET, "/mission", &expired, Value::Null).await.status != 401 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    vec![
        nobody("no token", ""),
        nobody("malformed", "secret"),
        nobody("altered", &altered),
        nobody("revoked", &revoked),
        nobody("expired", &expired),
        role("operator", Role::Operator, "user.op").await,
        role("member", Role::Member, "user.me").await,
        role("agent", Role::Agent, "agent.a").await,
        role("viewer", Role::Viewer, "user.vi").await,
        Credential {
            name: "run token after its run ended",
            text: ended.run_token.clone(),
            who: Who::Run { run: ended.run.clone(), mission: ended.mission.clone() },
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_actions_holds_for_every_operation_and_credential() {
    on_both_servers(CACHE, async |server| {
        let elsewhere = things(&server, ELSEWHERE, (Role::Member, "user.op"), "user.op").await;
        let others = things(&server, HERE, (Role::Member, "user.other"), "user.other").await;
        let ended = things(&server, HERE, (Role::Agent, "agent.b"), "agent.b").await;
        let end = json!({"status": "succeeded"});
        posted(&server, &format!("/runs/{}/finish", ended.run), &ended.run_token, end).await;
        let mut denied = Denied::new();
        let mut count = 0;
        for credential in credentials(&server, &ended).await {
            let own = match credential.who {
                Who::Role(role @ (Role::Operator | Role::Member | Role::Agent), name) => {
                    things(&server, HERE, (role, name), name).await
                }
                // A viewer has nothing of its own but tokens.
                Who::Role(role, name) => {
                    let aide = server.token(HERE, role, name).await;
                    assert_eq!(server.ask(Method::POST, "/mission", &aide, json!({"title": "x"})).await.status, 403);
                    things(&server, HERE, (Role::Member, "user.aide"), name).await
                }
                _ => ended.clone(),
            };
            count += walk(&server, &credential, &[&own, &others, &elsewhere], &mut denied).await;
        }
        let drawn =
            posted(&server, "/event/ticket", &server.token(HERE, Role::Member, "user.me").await, Value::Null).await;
        let ticket =
            Credential { name: "ticket", text: text(&drawn["ticket"]), who: Who::Ticket(Role::Member, "user.me") };
        count += walk(&server, &ticket, &[&others, &elsewhere], &mut denied).await;
        let run = Credential {
            name: "run token",
            text: others.run_token.clone(),
            who: Who::Run { run: others.run.clone(), mission: others.mission.clone() },
        };
        count += walk(&server, &run, &[&ended, &elsewhere, &others], &mut denied).await;
        assert!(count > 1_000, "{count} requests are too few to be every operation with every credential");

        let entries = audit(&server).await;
        assert!(denied.len() > 50, "{denied:#?}");
        for denial in &denied {
            assert!(holds(&entries, denial), "the audit does not hold {denial:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_reaches_into_another_workspace_by_its_name() {
    on_both_servers(CACHE, async |server| {
        let there = things(&server, ELSEWHERE, (Role::Member, "user.other"), "user.other").await;
        let here = things(&server, HERE, (Role::Agent, "agent.a"), "agent.a").await;
        let operator = Who::Role(Role::Operator, "user.op");
        let mut others = vec![here.run_token.clone()];
        for (role, name) in [(Role::Member, "user.me"), (Role::Agent, "agent.a"), (Role::Viewer, "user.vi")] {
            others.push(server.token(HERE, role, name).await);
        }
        let token = server.token(HERE, Role::Operator, "user.op").await;
        for operation in operations().into_iter().filter(|operation| operation.action.is_some()) {
            for of in [&there, &here] {
                for call in calls(&operation, of) {
                    let name = format!("{} {} on {of:#?}", operation.method, call.path);
                    let reply = send(&server, &operation, &call, &token, Some(ELSEWHERE)).await;
                    let wanted = expected(&operation, &call, &operator, of, ELSEWHERE);
                    assert_eq!(seen(&reply), wanted, "{name}: {:#}", reply.body);
                    for other in &others {
                        let reply = send(&server, &operation, &call, other, Some(ELSEWHERE)).await;
                        assert_eq!((reply.status, reply.code()), (404, "NOT_FOUND"), "{name}: {:#}", reply.body);
                    }
                }
            }
        }
        let refused = reply(server.request(Method::GET, "/mission", &token).header("sluice-workspace", "../x")).await;
        assert_eq!((refused.status, refused.code()), (400, "MALFORMED_REQUEST"));
    })
    .await;
}
