//! API tokens, and what became of a request for one.

use crate::model::{self, Scope, Timestamp, TokenText};
use serde::Serialize;

/// A token: all but its text.
#[derive(Clone, Debug, Serialize)]
pub struct Token {
    /// The eight characters of its text by which people name it.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The account for which it acts.
    pub owner: String,
    /// What it may do, as far as its owner may.
    pub scopes: Vec<&'static str>,
    /// The only kinds of jobs that it may make and see; `null`: all.
    pub kinds: Option<Vec<String>>,
    /// The only queues whose jobs it may make and see; `null`: all.
    pub queues: Option<Vec<String>>,
    /// When it was made.
    pub created_at: String,
    /// When it ends; `null`: when somebody revokes it.
    pub expires_at: Option<String>,
    /// Whether its time is over.
    pub expired: bool,
    /// When it was last used, to the minute.
    pub used_at: Option<String>,
    /// Until when the text before the present one counts too, if it does.
    pub old_until: Option<String>,
}

/// A token that was made or got another text.
#[derive(Clone, Debug, Serialize)]
pub struct TokenMade {
    /// The token.
    #[serde(flatten)]
    pub of: Token,
    /// Its text, which is never shown again.
    pub token: TokenText,
}

/// A token that was ended.
#[derive(Clone, Debug, Serialize)]
pub struct TokenRevoked {
    /// The eight characters of its text by which people named it.
    pub id: String,
    /// What its owner called it.
    pub name: String,
    /// The account for which it acted.
    pub owner: String,
}

/// Who a token is to the one who shows it.
#[derive(Clone, Debug, Serialize)]
pub struct TokenSelf {
    /// The eight characters of its text by which people name it.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The account for which it acts.
    pub owner: String,
    /// The role of that account now.
    pub role: &'static str,
    /// The scopes that count now: those of the token that the role has too.
    pub scopes: Vec<&'static str>,
    /// The only kinds of jobs that it may make and see; `null`: all.
    pub kinds: Option<Vec<String>>,
    /// The only queues whose jobs it may make and see; `null`: all.
    pub queues: Option<Vec<String>>,
    /// When it ends; `null`: when somebody revokes it.
    pub expires_at: Option<String>,
}

impl Token {
    /// The token as it is now.
    pub fn of(token: &model::Token, now: Timestamp) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            owner: token.owner.username.clone(),
            scopes: words(&token.power.scopes),
            kinds: names(token.power.kinds.as_deref()),
            queues: names(token.power.queues.as_deref()),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.map(|at| at.to_string()),
            expired: token.has_expired(now),
            used_at: token.used_at.map(|at| at.to_string()),
            old_until: token.old_counts_until(now).map(|at| at.to_string()),
        }
    }
}

impl From<&model::Token> for TokenSelf {
    fn from(token: &model::Token) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            owner: token.owner.username.clone(),
            role: token.role().as_str(),
            scopes: words(&token.scopes_now()),
            kinds: names(token.power.kinds.as_deref()),
            queues: names(token.power.queues.as_deref()),
            expires_at: token.expires_at.map(|at| at.to_string()),
        }
    }
}

fn words(scopes: &[Scope]) -> Vec<&'static str> {
    scopes.iter().map(|scope| scope.as_str()).collect()
}

fn names<T: ToString>(names: Option<&[T]>) -> Option<Vec<String>> {
    names.map(|names| names.iter().map(ToString::to_string).collect())
}
