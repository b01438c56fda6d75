//! Tests of what waits for a person, on the dashboard.

use super::*;
use crate::model::{Actor, Kind, NewJob, Queue};

#[tokio::test]
async fn what_needs_a_person_comes_first_and_is_put_off_and_told_again_by_buttons() {
    let site = Site::signed_in().await;
    work::lead(&site).await;
    let calm = site.see("/").await.body;
    assert!(calm.contains("Nothing needs you.") && !calm.contains("Needs you"), "{calm}");

    let queue = Queue::DEFAULT;
    let kind = Kind::parse("send_email").unwrap();
    let job = NewJob { queue: Some(queue.clone()), ..NewJob::new(kind) };
    site.web.store.enqueue(job, START).await.unwrap();
    assert!(work::poll(&site, "other").await.is_none(), "nobody handles it");
    let pause = site.web.store.pause_queue(queue, "stock".into(), None, Actor::cli(), START);
    pause.await.unwrap();
    let page = site.see("/").await.body;
    let (needs, figures) = (page.find("Needs you").unwrap(), page.find("class=\"tiles\"").unwrap());
    assert!(needs < figures && page.contains("By cli: stock. 1 job waits."));
    let no_worker = page.find("1 send_email job has no worker").unwrap();
    assert!(page.find("Queue default is paused").unwrap() < no_worker && no_worker < figures);
    assert!(page.contains(r#"action="/queues/default/resume""#));

    let off = site.submit("/needs/put-off", "key=queue_paused%3Adefault&length=24h").await;
    assert_eq!((off.status.as_u16(), off.header("location")), (303, "/"));
    let page = site.see("/").await.body;
    assert!(page.contains("1 put off"), "{page}");
    assert!(page.contains("Queue default is paused, put off until"));
    let again = site.submit("/needs/put-off", "key=queue_paused%3Adefault&length=").await;
    assert_eq!(again.status.as_u16(), 303);
    assert!(!site.see("/").await.body.contains("1 put off"));

    for wrong in ["key=weather&length=1h", "key=queue_paused%3Adefault&length=9d", "length=1h"] {
        let refused = site.submit("/needs/put-off", wrong).await;
        assert!(refused.status.is_client_error(), "{wrong}: {}", refused.status);
    }
}
