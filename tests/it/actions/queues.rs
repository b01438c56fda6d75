//! Actions on queues, face by face.

use crate::support::faces::{Faces, Request, Told, value};
use crate::support::foreign;
use lamplighter::Code;
use lamplighter::actions::queues::{self, QueueLimit, QueuePause};
use lamplighter::model::Role;
use std::path::Path;

fn prepare(folder: &Path) {
    foreign(folder)
        .execute_batch("INSERT INTO job_queues (name, engine_limit) VALUES ('mail', 10)")
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_limited_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    for (queue, limit, says) in [
        ("mail", "3", Ok("The queue mail runs at most 3 jobs at a time.")),
        ("mail", "0", Ok("The queue mail starts no job until its limit is raised.")),
        (
            "mail",
            "default",
            Ok("The queue mail runs as the program says: at most 10 jobs at a time."),
        ),
        ("mail", "10001", Err(Code::ModelInvalid)),
        ("mail", "many", Err(Code::ModelInvalid)),
        ("nobody", "3", Err(Code::QueueUnknown)),
        ("a b", "3", Err(Code::ModelInvalid)),
    ] {
        let form = [("queue", queue), ("limit", limit)];
        let request = Request {
            cli: &["queues", "limit", queue, limit],
            page: Some(("/queues/limit", &form)),
        };
        let set = async |store: &_, call: &_| {
            let limit = queues::parse_limit(limit)?;
            let request = QueueLimit { queue: queue.into(), limit };
            Ok(value(&queues::limit(store, call, request).await?))
        };
        check(faces.ask(request, set).await, says);
        if says.is_ok() {
            assert_eq!(faces.refused_below(Role::Viewer, request.page, set).await, Code::AuthRole);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_paused_resumed_and_stopped_alike_by_every_face() {
    let mut faces = Faces::start(prepare).await;
    let long = "x".repeat(501);
    for (queue, reason, length, says) in [
        (
            "mail",
            "the disk is moved",
            "",
            Ok("The queue mail is paused until a person resumes it; what runs goes on."),
        ),
        ("mail", "", "0s", Err(Code::ModelInvalid)),
        ("mail", "", "300000years", Err(Code::ModelInvalid)),
        ("mail", "", "soon", Err(Code::ModelInvalid)),
        ("mail", &long, "", Err(Code::ModelInvalid)),
        ("nobody", "", "", Err(Code::QueueUnknown)),
    ] {
        let form = [("queue", queue), ("reason", reason), ("minutes", length)];
        let mut cli = vec!["queues", "pause", queue, "--reason", reason];
        cli.extend((!length.is_empty()).then_some(["--for", length]).into_iter().flatten());
        let request = Request { cli: &cli, page: Some(("/queues/pause", &form)) };
        let pause = async |store: &_, call: &_| {
            let length = queues::parse_pause(length, queue)?;
            let request = QueuePause { queue: queue.into(), reason: reason.into(), length };
            Ok(value(&queues::pause(store, call, request).await?))
        };
        check(faces.ask(request, pause).await, says);
        if says.is_ok() {
            assert_eq!(
                faces.refused_below(Role::Viewer, request.page, pause).await,
                Code::AuthRole
            );
        }
    }
    for (path, queue, says) in [
        ("/queues/mail/resume", "mail", Ok("The queue mail is resumed.")),
        ("/queues/mail/resume", "mail", Ok("The queue mail was not paused.")),
        ("/queues/nobody/resume", "nobody", Err(Code::QueueUnknown)),
        ("/queues/a%20b/resume", "a b", Err(Code::ModelInvalid)),
    ] {
        let request = Request { cli: &["queues", "resume", queue], page: Some((path, &[])) };
        let resume =
            async |store: &_, call: &_| Ok(value(&queues::resume(store, call, queue).await?));
        check(faces.ask(request, resume).await, says);
        assert_eq!(faces.refused_below(Role::Viewer, request.page, resume).await, Code::AuthRole);
    }
    let form = [("reason", "fire")];
    let request = Request {
        cli: &["queues", "pause", "--all", "--reason", "fire"],
        page: Some(("/settings/stop-all", &form)),
    };
    let stop = async |store: &_, call: &_| Ok(value(&queues::stop_all(store, call, "fire").await?));
    check(faces.ask(request, stop).await, Ok("All queues are stopped; no job was running."));
    assert_eq!(faces.refused_below(Role::Operator, request.page, stop).await, Code::AuthRole);
    let request =
        Request { cli: &["queues", "resume", "--all"], page: Some(("/settings/resume-all", &[])) };
    let resume = async |store: &_, call: &_| Ok(value(&queues::resume_all(store, call).await?));
    let says = Ok("The queues go on; a queue that was paused separately stays paused.");
    check(faces.ask(request, resume).await, says);
    assert_eq!(faces.refused_below(Role::Operator, request.page, resume).await, Code::AuthRole);
}

/// Compares what all faces told with what is right.
pub(super) fn check(told: Told, says: Result<&str, Code>) {
    match (told, says) {
        (Told::Done(value), Ok(says)) => assert_eq!(value["answer"], says),
        (Told::Refused(code, sentence), Err(expected)) => assert_eq!(code, expected, "{sentence}"),
        (told, says) => panic!("{says:?} was expected: {told:?}"),
    }
}
