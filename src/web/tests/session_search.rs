//! Tests of the search of sessions.

use super::agent::Run;
use super::*;
use crate::model::SessionRequest;

#[tokio::test]
async fn the_list_is_searched_by_the_words_of_prompts_and_answers() {
    let site = Site::signed_in().await;
    let disk = Run::of(&site, SessionRequest::of("why is the disk full?")).await;
    let disk = disk.done("old <b>backups</b> fill it").await;
    let mail = Run::of(&site, SessionRequest::of("look at the mail")).await.done("fine").await;
    let all = site.see("/sessions").await.body;
    assert!(all.contains(r#"name="q""#) && all.contains(&format!("session-{mail}")));
    for (query, found, not) in
        [("backups", disk, mail), ("the+mail", mail, disk), ("%22is+the+disk%22", disk, mail)]
    {
        let page = site.see(&format!("/sessions?q={query}")).await.body;
        assert!(page.contains(&format!("id=\"session-{found}\"")), "{query}");
        assert!(!page.contains(&format!("id=\"session-{not}\"")), "{query}");
    }
    let none = site.see("/sessions?q=%3Cscript%3E").await.body;
    assert!(none.contains("2 sessions were looked through."), "{none}");
    assert!(none.contains(r#"value="&lt;script&gt;""#));
    let wrong = site.see("/sessions?q=status:lost").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("aria-invalid"), "{}", wrong.body);
    assert!(wrong.body.contains("All sessions are shown instead."), "{}", wrong.body);
    assert!(wrong.body.contains(&format!("id=\"session-{mail}\"")), "the list stays");
    let part = site.part("/sessions/list-part?q=status:lost").await;
    assert_eq!(part.status, StatusCode::OK, "the list goes on");
    let version = part.body.split("v=").nth(1).unwrap().split('"').next().unwrap();
    let same = site.part(&format!("/sessions/list-part?q=status:lost&v={version}")).await;
    assert_eq!(same.status, StatusCode::NO_CONTENT, "and nothing takes it away");
    let half = site.see("/sessions?q=status:lost+backups").await.body;
    assert!(half.contains("Sessions that match <code>backups</code> are shown instead."));
    assert!(half.contains(&format!("id=\"session-{disk}\"")));
    assert!(!half.contains(&format!("id=\"session-{mail}\"")));
}
