//! What GitHub's JSON looks like, whole.

use lamplighter::model::Timestamp;
use serde_json::{Value, json};

pub fn instant(at: Timestamp) -> Value {
    at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

pub fn error(message: &str) -> Value {
    json!({ "message": message, "documentation_url": "https://docs.github.com/rest" })
}

pub fn invalid(field: &str) -> Value {
    json!({
        "message": "Validation Failed",
        "documentation_url": "https://docs.github.com/rest/issues/issues#create-an-issue",
        "errors": [{ "resource": "Issue", "code": "invalid", "field": field }],
    })
}

/// The field of a new issue that breaks a rule of GitHub's.
pub fn why_invalid(new: &Value) -> Option<&'static str> {
    let length = |value: &Value| value.as_str().unwrap_or_default().chars().count();
    let is_long = |label: &Value| length(label) > 50;
    if !(1..=256).contains(&length(&new["title"])) {
        Some("title")
    } else if length(&new["body"]) > 65_536 {
        Some("body")
    } else {
        new["labels"]
            .as_array()
            .is_some_and(|labels| labels.iter().any(is_long))
            .then_some("labels")
    }
}

pub fn user(url: &str, login: &str) -> Value {
    let of = |path: &str| format!("{url}/users/{login}/{path}");
    json!({
        "login": login, "id": 7, "node_id": "U_7", "gravatar_id": "", "type": "User", "site_admin": false,
        "avatar_url": format!("{url}/avatars/{login}"), "url": format!("{url}/users/{login}"),
        "html_url": format!("{url}/{login}"), "followers_url": of("followers"),
        "following_url": of("following{/other_user}"), "gists_url": of("gists{/gist_id}"),
        "starred_url": of("starred{/owner}{/repo}"), "subscriptions_url": of("subscriptions"),
        "organizations_url": of("orgs"), "repos_url": of("repos"), "events_url": of("events{/privacy}"),
        "received_events_url": of("received_events"),
    })
}

pub fn private_user(url: &str, login: &str) -> Value {
    let mut user = user(url, login);
    let more = json!({
        "bio": null, "blog": "", "company": null, "email": null, "followers": 0, "following": 0,
        "hireable": null, "location": null, "name": null, "public_gists": 0, "public_repos": 1,
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z", "collaborators": 0,
        "disk_usage": 0, "owned_private_repos": 1, "private_gists": 0, "total_private_repos": 1,
        "two_factor_authentication": true, "user_view_type": "private",
    });
    user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    user
}

pub fn labels(repository_url: &str, labels: &[Value]) -> Value {
    let label = |(n, label): (usize, &Value)| {
        let name = label.as_str().unwrap();
        json!({
            "id": n, "node_id": format!("LA_{n}"), "url": format!("{repository_url}/labels/{n}"),
            "name": name, "description": null, "color": "ededed", "default": false,
        })
    };
    labels.iter().enumerate().map(label).collect()
}

pub fn issue(
    url: &str,
    repository: &str,
    number: i64,
    author: &str,
    new: &Value,
    now: Timestamp,
) -> Value {
    let repository_url = format!("{url}/repos/{repository}");
    let own = format!("{repository_url}/issues/{number}");
    let of = |path: &str| format!("{own}/{path}");
    json!({
        "id": 1_000_000_000_000_i64 + number, "node_id": format!("I_{number}"), "number": number,
        "url": own, "repository_url": repository_url, "labels_url": of("labels{/name}"),
        "comments_url": of("comments"), "events_url": of("events"), "timeline_url": of("timeline"),
        "html_url": format!("{url}/{repository}/issues/{number}"),
        "title": new["title"], "body": new["body"], "user": user(url, author),
        "labels": labels(&repository_url, new["labels"].as_array().map_or(&[], Vec::as_slice)),
        "state": "open", "state_reason": null, "locked": false, "active_lock_reason": null,
        "assignee": null, "assignees": [], "milestone": null, "comments": 0, "closed_by": null,
        "created_at": instant(now), "updated_at": instant(now), "closed_at": null,
        "author_association": "CONTRIBUTOR", "performed_via_github_app": null,
        "reactions": reactions(&of("reactions")),
    })
}

pub fn comment(
    url: &str,
    repository: &str,
    number: i64,
    id: i64,
    author: &str,
    body: &str,
    now: Timestamp,
) -> Value {
    let own = format!("{url}/repos/{repository}/issues/comments/{id}");
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": own, "body": body, "user": user(url, author),
        "html_url": format!("{url}/{repository}/issues/{number}#issuecomment-{id}"),
        "issue_url": format!("{url}/repos/{repository}/issues/{number}"),
        "created_at": instant(now), "updated_at": instant(now), "author_association": "CONTRIBUTOR",
        "performed_via_github_app": null, "reactions": reactions(&format!("{own}/reactions")),
    })
}

fn reactions(url: &str) -> Value {
    json!({
        "url": url, "total_count": 0, "+1": 0, "-1": 0, "laugh": 0, "hooray": 0, "confused": 0,
        "heart": 0, "rocket": 0, "eyes": 0,
    })
}

pub fn repository(url: &str, name: &str, private: bool) -> Value {
    let own = format!("{url}/repos/{name}");
    let page = format!("{url}/{name}");
    let (owner, bare) = name.split_once('/').unwrap();
    let mut json = json!({
        "id": 42, "node_id": "R_42", "name": bare, "full_name": name, "owner": user(url, owner),
        "private": private, "visibility": if private { "private" } else { "public" },
        "html_url": page, "url": own, "description": null, "fork": false, "homepage": null,
        "language": null, "license": null, "mirror_url": null, "archived": false, "disabled": false,
        "default_branch": "main", "size": 1, "forks": 0, "forks_count": 0, "network_count": 0,
        "open_issues": 0, "open_issues_count": 0, "stargazers_count": 0, "subscribers_count": 0,
        "watchers": 0, "watchers_count": 0, "has_discussions": false, "has_issues": true,
        "has_pages": false, "has_projects": false, "has_wiki": false,
        "created_at": "2020-01-01T00:00:00Z", "pushed_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z", "clone_url": format!("{page}.git"),
        "git_url": format!("git://localhost/{name}.git"), "ssh_url": format!("git@localhost:{name}.git"),
        "svn_url": page,
    });
    for part in [
        "archive",
        "assignees",
        "blobs",
        "branches",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "git_commits",
        "git_refs",
        "git_tags",
        "hooks",
        "issue_comment",
        "issue_events",
        "issues",
        "keys",
        "labels",
        "languages",
        "merges",
        "milestones",
        "notifications",
        "pulls",
        "releases",
        "stargazers",
        "statuses",
        "subscribers",
        "subscription",
        "tags",
        "teams",
        "trees",
    ] {
        json[format!("{part}_url")] = format!("{own}/{part}").into();
    }
    json
}
