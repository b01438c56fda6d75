//! How many clicks and texts it takes from the dashboard to what people come for.

use super::sign_in;
use crate::issues::leave_many_for_approval;
use crate::support::chromium::{Chromium, Page};
use crate::support::site::Site;
use crate::support::{now, store};
use lamplighter::model::{FilingState, Filter, Kind, NewJob, Queue, Status};
use serde_json::json;

/// Clicks and types on a page, and counts both: a text that is typed, with its Enter, counts as one.
pub(super) struct Clicks<'a> {
    page: &'a Page,
    count: u32,
    texts: u32,
}

impl<'a> Clicks<'a> {
    pub(super) fn on(page: &'a Page) -> Self {
        Self { page, count: 0, texts: 0 }
    }

    /// Clicks once the page is there as a whole: "all of them" are all only then.
    pub(super) fn click(&mut self, selector: &str) {
        let is_there = format!("!!document.querySelector({})", json!(selector));
        self.page.wait(&format!("document.readyState == 'complete' && {is_there}"));
        self.page.click(selector);
        self.count += 1;
    }

    fn type_and_enter(&mut self, selector: &str, text: &str) {
        self.page.wait(&format!("!!document.querySelector({})", json!(selector)));
        self.page.fill(selector, text);
        self.page.eval("document.activeElement.form.requestSubmit()");
        self.count += 1;
    }

    /// Types a text in place of what is in the field.
    pub(super) fn type_text(&mut self, selector: &str, text: &str) {
        self.page.wait(&format!("!!document.querySelector({})", json!(selector)));
        self.page.eval(&format!("document.querySelector({}).value = ''", json!(selector)));
        self.page.fill(selector, text);
        self.texts += 1;
    }

    /// The clicks and the texts.
    pub(super) fn count(&self) -> u32 {
        self.count + self.texts
    }

    /// The clicks alone.
    pub(super) fn clicks(&self) -> u32 {
        self.count
    }
}

/// Says how many it took, and holds that against the most.
fn took(what: &str, clicks: &Clicks<'_>, most: u32) {
    println!("{what}: {} of at most {most}", clicks.count());
    assert!(clicks.count() <= most, "{what}: {} clicks", clicks.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_come_for_takes_few_clicks_from_the_dashboard() {
    let (folder, store) = store();
    leave_many_for_approval(&store, 7).await;
    let mail = |customer: u32| NewJob {
        queue: Some(Queue::named("mail")),
        payload: json!({"customer_id": customer}).into(),
        ..NewJob::new(Kind::named("send_email"))
    };
    store.enqueue_all((1_200..1_220).map(mail).collect(), now()).await.unwrap();
    let site = Site::start(folder.path(), &store).await;
    let Some(chromium) = Chromium::start() else { return };
    let page = chromium.page();
    sign_in(&page, &site.url);
    let dashboard = || {
        page.open(&format!("{}/", site.url));
        Clicks::on(&page)
    };

    let mut clicks = dashboard();
    clicks.click(".side a[href='/jobs']");
    clicks.type_and_enter("main input[type=search]", ".customer_id:1207");
    page.wait("document.querySelectorAll('#job-list tbody tr').length == 1");
    page.wait_text("#job-list tbody tr", "customer_id 1207");
    took("find the job of customer 1207", &clicks, 2);

    let mut clicks = dashboard();
    clicks.click(".tiles a[href*='queued']");
    page.wait_text("#job-list tbody tr", "no worker handles it");
    took("why a job waits", &clicks, 2);

    let mut clicks = dashboard();
    clicks.click("#needs a[href$='/approvals']");
    clicks.click("input[data-pick-all]");
    page.wait_text("#decide button[value=approve]", "Approve 7");
    clicks.click("#decide button[value=approve]");
    page.wait_text("h1", "Approve 7 findings?");
    clicks.click("main button[value=approve]");
    page.wait_text("#approvals", "Approved by you");
    took("approve seven findings", &clicks, 4);
    let filings = store.waiting_filings(9).await.unwrap();
    assert!(filings.len() == 7 && filings.iter().all(|one| one.state == FilingState::Pending));

    let mut clicks = dashboard();
    clicks.click(".side a[href='/queues']");
    clicks.click("a[aria-label='Pause mail']");
    page.wait("document.activeElement?.id === 'pause-reason'");
    clicks.click("#queue-pause button[type=submit]");
    page.wait("!!document.querySelector('form[action*=\"/mail/resume\"]')");
    took("pause a queue", &clicks, 3);
    let queues = store.queues().await.unwrap();
    assert!(queues.iter().any(|queue| queue.name.as_str() == "mail" && queue.pause.is_some()));

    let mut clicks = dashboard();
    clicks.click("#needs form[action$='/mail/resume'] button");
    page.wait("!document.querySelector('#needs form[action$=\"/mail/resume\"]')");
    took("let it go on", &clicks, 1);
    let waiting = Filter::default().status(Status::Queued);
    assert!(!store.find_jobs(waiting, None, 1, now()).await.unwrap().rows.is_empty());
    assert_eq!(page.complaints(), [""; 0]);
}
