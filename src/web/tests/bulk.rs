//! Tests of acts on many jobs: the preview states the consequence, the number is typed above 100, and nothing made later is touched.

use super::work::{HOSTILE, assert_inert, enqueue, error, job, poll, settle};
use super::*;
use crate::model::{BulkAct, BulkSlice, Filter, JobId, Outcome, Role, Status, Username};

async fn failed(site: &Site, text: &str) -> JobId {
    let id = enqueue(site, "mail").await;
    let lease = poll(site, "mail").await.unwrap();
    settle(site, lease, Outcome::Fatal(error(text))).await;
    id
}

#[tokio::test]
async fn a_failed_job_offers_one_thing_first() {
    let site = Site::signed_in().await;
    let id = failed(&site, "no answer").await;
    let page = site.see(&format!("/jobs/{id}")).await.body;
    let main: Vec<_> = page.split("<button").filter(|rest| rest.contains("btn-primary")).collect();
    assert!(main.len() == 1 && main[0].contains(">Retry</button>"), "{main:?}");
}

/// The fields of the form of a preview, as a browser sends them.
fn form_of(page: &str) -> String {
    let form = page.split(r#"id="bulk-form""#).nth(1).unwrap().split("</form>").next().unwrap();
    let field = |input: &str| {
        let part = |name: &str| {
            let value = input.split(&format!(r#"{name}=""#)).nth(1)?.split('"').next()?;
            Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">"))
        };
        Some((part("name")?, part("value")?))
    };
    let inputs = form.split("<input type=\"hidden\"").skip(1);
    let fields: Vec<_> = inputs.filter_map(field).collect();
    serde_urlencoded::to_string(fields).unwrap()
}

#[tokio::test]
async fn a_selection_leads_to_a_preview_that_is_done_as_it_was_shown() {
    let site = Site::signed_in().await;
    for _ in 0..2 {
        failed(&site, HOSTILE).await;
    }
    let other = failed(&site, "bounced").await;
    enqueue(&site, "mail").await;
    let list = site.see("/jobs?q=status:failed").await.body;
    assert!(list.contains(r#"name="pick" value="3" form="bulk""#), "{list}");
    assert!(list.contains("All 3 that match") && list.contains(r#"value="delete""#), "{list}");
    assert!(!list.contains(r#"value="run_now""#), "failed jobs cannot be started");
    let path = "/jobs/bulk?q=status:failed&act=retry&pick=1&pick=2&pick=4";
    let preview = site.see(path).await.body;
    assert_inert(&preview);
    assert!(preview.contains("Retry 2 jobs?"), "{preview}");
    assert!(preview.contains("left alone (1 not over yet)"), "{preview}");
    assert!(preview.contains(">Go back<") && !preview.contains("to go on"), "{preview}");
    let done = site.submit("/jobs/bulk", &form_of(&preview)).await;
    let list = "/jobs?q=id%3A5%2C6&did=retry&n=2";
    assert_eq!((done.status.as_u16(), done.header("location")), (303, list), "{}", done.body);
    assert!(site.see(list).await.body.contains("2 jobs run again, each as a new job."));
    let jobs = site
        .web
        .store
        .find_jobs(crate::model::Filter::default(), None, 99, START)
        .await
        .unwrap()
        .rows;
    let parents: Vec<_> = jobs.iter().filter_map(|job| job.parent_id).collect();
    assert_eq!(parents, [JobId(2), JobId(1)]);
    assert_eq!(job(&site, other).await.status, Status::Failed);
    // What was run again is left out, and offered. The navigation counts on the page of a refusal too.
    let refused = site.submit("/jobs/bulk", "act=retry&q=status:failed&changes=0").await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let menu = refused.body.split("<main").next().unwrap();
    assert!(menu.contains(r#"<span class="visually-hidden"> new</span>"#), "{menu}");
    let rest = site.see("/jobs/bulk?q=status:failed&act=retry").await.body;
    assert!(rest.contains("Retry 1 job?"), "{rest}");
    assert!(rest.contains("Run again also the 2 that were run again already"), "{rest}");
    let all = site.see("/jobs/bulk?q=status:failed&act=retry&once_more=1").await.body;
    assert!(all.contains("Retry 3 jobs?") && form_of(&all).contains("once_more=1"), "{all}");
    let list = site.see("/jobs?q=status:failed").await.body;
    assert!(list.contains("2 of the 3 shown were run again already."), "{list}");
    let narrow = "/jobs?q=status%3Afailed+-is%3Aretried";
    assert!(list.contains(narrow), "{list}");
    let narrow = site.see(narrow).await.body;
    assert!(narrow.contains("/jobs/3\"") && !narrow.contains("/jobs/1\""), "{narrow}");
    let rest = site.see("/jobs/bulk?q=status:failed+is:still_failed&act=retry").await.body;
    assert!(rest.contains("Retry 1 job?"), "{rest}");
}

#[tokio::test]
async fn more_than_a_hundred_are_typed_and_what_came_later_is_left_alone() {
    let site = Site::signed_in().await;
    for _ in 0..101 {
        enqueue(&site, "mail").await;
    }
    let preview = site.see("/jobs/bulk?q=kind:mail&act=cancel&all=1&pick=7").await.body;
    assert!(preview.contains("Cancel 101 jobs?"), "{preview}");
    assert!(preview.contains("More than 100: type 101 to go on"), "{preview}");
    let later = enqueue(&site, "mail").await;
    let form = form_of(&preview);
    for typed in ["", "&typed=", "&typed=100"] {
        let refused = site.submit("/jobs/bulk", &format!("{form}{typed}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{typed}");
        assert!(refused.body.contains("type the number 101 to go on"), "{}", refused.body);
    }
    // Somebody saw fewer than there are.
    let fewer = form.replace("changes=101", "changes=7");
    let refused = site.submit("/jobs/bulk", &fewer).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    assert!(refused.body.contains("JOB-BULK-001"), "{}", refused.body);
    let done = site.submit("/jobs/bulk", &format!("{form}&typed=101")).await;
    let by = JobId(later.0 + 1);
    assert_eq!(
        (done.status.as_u16(), done.header("location")),
        (303, format!("/jobs/{by}").as_str())
    );
    let page = site.see(&format!("/jobs/{by}")).await.body;
    assert!(page.contains("kind:mail") && page.contains("Cancel"), "{page}");
    let listed = format!("/jobs?q=bulk%3A{by}");
    assert!(page.contains("0 cancelled") && !page.contains(&listed), "no link to nothing: {page}");
    let lease = poll(&site, "bulk_action").await.unwrap();
    let filter = Filter::parse("kind:mail").unwrap();
    let act = site.web.store.preview(filter, BulkAct::Cancel, Some(later.0), START).await.unwrap();
    let told = Box::new(move |slice: &BulkSlice| {
        format!("Changed {} jobs; looked through job {}.", slice.done, later.0 - 1)
    });
    let slice = site.web.store.act_slice_of(act.bulk, lease, (0, 200), Actor::cli(), START, told);
    assert_eq!(slice.await.unwrap().done, 101);
    let page = site.see(&format!("/jobs/{by}")).await.body;
    assert!(page.contains(&format!("{listed}\">101 cancelled, or asked to end</a>")), "{page}");
    let list = site.see(&listed).await.body;
    assert!(list.contains("/jobs/101\"") && !list.contains(&format!("/jobs/{later}\"")), "{list}");
    assert_eq!(job(&site, later).await.status, Status::Queued);
}

#[tokio::test]
async fn strange_requests_and_lower_roles_are_refused() {
    let mut site = Site::signed_in().await;
    enqueue(&site, "mail").await;
    for path in [
        "/jobs/bulk?act=explode&q=status:queued",
        "/jobs/bulk?act=cancel",
        "/jobs/bulk?act=cancel&pick=x",
        "/jobs/bulk?act=cancel&q=status:faild",
        "/jobs/bulk?act=set_priority&q=status:queued",
        "/jobs/bulk?act=set_priority&q=status:queued&priority=999",
    ] {
        assert_eq!(site.see(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let none = site.see("/jobs/bulk?act=retry&q=status:failed").await.body;
    assert!(none.contains("No job fits the query.") && !none.contains("bulk-form"), "{none}");
    for (role, sees) in [(Role::Operator, 200), (Role::Viewer, 403)] {
        let name = Username::parse(role.as_str()).unwrap();
        let store = &site.web.store;
        store.add_account(name, role, "hash".into(), Actor::cli(), START).await.unwrap();
        let (account, _) = store.account(role.as_str().into()).await.unwrap().unwrap();
        site.cookie = site.login(&account, role.as_str()).await;
        let list = site.see("/jobs").await.body;
        assert_eq!(list.contains(r#"name="pick""#), role == Role::Operator, "{list}");
        assert!(!list.contains(r#"name="act" value="delete""#), "{list}");
        let preview = site.see("/jobs/bulk?act=cancel&q=status:queued").await;
        assert_eq!(preview.status.as_u16(), sees, "{role:?}");
        let delete = site.see("/jobs/bulk?act=delete&q=status:failed").await;
        assert_eq!(delete.status, StatusCode::FORBIDDEN, "{role:?}");
        let form = "act=delete&q=status:failed&changes=9";
        let refused = site.submit("/jobs/bulk", form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role:?}");
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_retries_once() {
    let site = Site::signed_in().await;
    enqueue(&site, "mail").await;
    let lease = poll(&site, "mail").await.unwrap();
    settle(&site, lease, Outcome::Fatal(error("no"))).await;
    let preview = site.see("/jobs/bulk?act=retry&q=status%3Afailed").await.body;
    assert!(preview.contains(r#"name="form" value=""#), "{preview}");
    let form = "act=retry&q=status%3Afailed&before=2&changes=1&form=abc";
    for _ in 0..2 {
        assert_eq!(site.submit("/jobs/bulk", form).await.status, StatusCode::SEE_OTHER);
    }
    let all = site.web.store.find_jobs(Filter::default(), None, 9, START).await.unwrap().rows;
    assert_eq!(all.len(), 2, "the failed one and its one retry");
}
