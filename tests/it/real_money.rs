//! Money with Claude Code itself: what it tells of its cost when it is stopped, killed, resumed and forked.

mod campaign;

use crate::real_cli::{desk, until_seen};
use crate::support::desk::{Desk, transcript, until_said};
use crate::support::messages_api::Reply;
use crate::support::now;
use lamplighter::model::JobId;
use serde_json::{Value, json};

/// A look that costs as much as so many tokens that were read.
const TOKENS: u64 = 100_000;

fn dear(command: &str) -> Reply {
    Reply::Costly("Bash", json!({"command": command}), TOKENS)
}

fn usd(session: &Value) -> f64 {
    session["cost_usd"].as_f64().unwrap()
}

async fn spent(desk: &Desk) -> f64 {
    desk.store.spent(None, now()).await.unwrap().0.day
}

/// The dollars of one dear look, by what the program tells of a run that ends well.
async fn price(desk: &Desk, api: &crate::support::messages_api::MessagesApi) -> f64 {
    api.script("case-price", [dear("true"), Reply::Text("done")]);
    let id = desk.trigger(&["case-price"]);
    usd(&desk.ends(id, ("completed", "done", None)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_run_that_is_stopped_or_killed_is_paid() {
    let Some((mut desk, api)) = desk(&[]) else { return };
    let look = price(&desk, &api).await;
    for word in ["case-stop", "case-kill"] {
        api.script(
            word,
            [dear("true"), dear("true"), dear("sh -c 'sleep 4246 & exec sleep 4245'")],
        );
    }
    let stopped = desk.trigger(&["case-stop"]);
    // By then the program has read the whole answer. Before that it would tell less than what has passed.
    until_said(&desk.store, stopped, "exec sleep 4245").await;
    until_seen("sleep\x004245").await;
    desk.ask(&["sessions", "stop", &stopped.to_string()]);
    let session = desk.ends(stopped, ("cancelled", "cancelled", None)).await;
    println!("a look costs {look}, three of them, stopped: {}", usd(&session));
    assert!((2.9 * look..3.1 * look).contains(&usd(&session)), "{session:#}");
    // The oldest version that is accepted makes no report when it is interrupted; newer ones miss it now and then on a busy
    // machine. What passed the wall counts then, and it is said so.
    let kept = transcript(&desk.store, stopped).await;
    let has_told = kept.contains(r#""type":"result""#);
    println!("it told its cost: {has_told}");
    assert_eq!(session["cost_at_least"], !has_told, "{session:#}\n{kept}");

    let (turns, read) = (&session["num_turns"], session["input_tokens"].as_u64().unwrap());
    assert_eq!((turns, read >= 3 * TOKENS), (&json!(3), true), "{session:#}");

    // A run that its budget cuts has the turns and the tokens that were served to it.
    api.script("case-dear", [dear("true")]);
    let cut = desk.trigger(&["--budget", &format!("{:.4}", 1.5 * look), "case-dear"]);
    let session = desk.ends(cut, ("failed", "budget", Some("AGENT-LIMIT-003"))).await;
    let served = u32::try_from(api.requests("case-dear").len()).unwrap();
    println!("served: {served}, told: {}, {}", session["num_turns"], session["input_tokens"]);
    assert_eq!(session["num_turns"], json!(served), "{session:#}");
    assert!(session["input_tokens"].as_u64().unwrap() >= u64::from(served) * TOKENS, "{session:#}");

    let killed = desk.trigger(&["case-kill"]);
    until_said(&desk.store, killed, "exec sleep 4245").await;
    desk.server.take().unwrap().kill();
    desk.serve();
    let session = desk.ends(killed, ("failed", "interrupted", Some("JOB-RUN-004"))).await;
    println!("killed: {}", usd(&session));
    assert!((2.9 * look..3.1 * look).contains(&usd(&session)), "{session:#}");
    assert_eq!(session["cost_at_least"], true, "{session:#}");
    let all = spent(&desk).await;
    let looks = 7.0 + f64::from(served);
    assert!(
        ((looks - 0.1) * look..(looks + 0.2) * look).contains(&all),
        "{all} for {looks} looks of {look}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_follow_ups_of_one_session_never_see_each_other_and_each_pays_for_itself() {
    let Some((desk, api)) = desk(&[]) else { return };
    let look = price(&desk, &api).await;
    api.script("case-root", [dear("echo of-the-root"), Reply::Text("found")]);
    let root = desk.trigger(&["case-root"]);
    desk.ends(root, ("completed", "done", None)).await;
    let go_on = |from: JobId, word: &'static str| {
        // What a follow-up is asked comes last, so its own script answers it.
        api.script_first(word, [dear("true"), Reply::Text("done")]);
        desk.trigger(&[word, "--continues", &from.to_string()])
    };
    let branches = [go_on(root, "branch-b"), go_on(root, "branch-c")];
    for id in branches {
        let session = desk.ends(id, ("completed", "done", None)).await;
        assert!((0.9 * look..1.2 * look).contains(&usd(&session)), "{look}: {session:#}");
    }
    let leaf = go_on(branches[1], "leaf-of-c");
    let session = desk.ends(leaf, ("completed", "done", None)).await;
    assert!((0.9 * look..1.2 * look).contains(&usd(&session)), "{look}: {session:#}");
    let heard = |word: &str| api.requests(word).pop().unwrap().said().join("\n");
    let holds = |word: &str, other: &str| heard(word).contains(other);
    assert!(holds("branch-b", "of-the-root") && holds("branch-c", "of-the-root"));
    assert!(!holds("branch-b", "branch-c"), "{}", heard("branch-b"));
    assert!(!heard("leaf-of-c").contains("branch-b") && holds("leaf-of-c", "branch-c"));
    let all = spent(&desk).await;
    assert!((4.9 * look..5.2 * look).contains(&all), "{all} for five looks of {look}");
}
