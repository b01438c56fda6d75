//! Actions on API tokens: make one, give it another text, end it, and find out what a token that was shown may do.
//!
//! *Invariant:* a token acts for its owner and never beyond the role that the owner has now. Making a token and giving it
//! another text need a fresh sign-in, so that neither a stolen cookie nor a token makes a token.

mod proof;
mod texts;

pub use proof::{call_by, prove};
pub use texts::{DEFAULT_LIFE, parse_life, parse_name, parse_power};

use super::{Answer, Call, Proof, Right};
use crate::error::{Code, Error, Result};
use crate::model::{Account, NewToken, Power, Role, Token, TokenText, Zone};
use crate::store::Store;
use crate::wire;
use std::time::Duration;

/// The right to make tokens of one's own, and to see, rotate and revoke them.
pub const OWN: Right = Right::new(Role::Viewer, "use tokens");
/// The right to make a token that acts for another person.
const MAKE_FOR_OTHERS: Right = Right::new(Role::Admin, "make a token of another person");
/// The right to see the tokens of other people.
const SEE_OTHERS: Right = Right::new(Role::Admin, "see the tokens of other people");
/// The right to give a token of another person another text.
const ROTATE_OTHERS: Right = Right::new(Role::Admin, "rotate a token of another person");
/// The right to end a token of another person.
const REVOKE_OTHERS: Right = Right::new(Role::Admin, "revoke a token of another person");

/// A request to make a token.
#[derive(Clone, Debug)]
pub struct TokenAdd {
    /// What its owner calls it.
    pub name: String,
    /// The account for which it acts. Default: the one who asks; at the command line the only admin.
    pub owner: Option<String>,
    /// What it may do.
    pub power: Power,
    /// How long it counts; `None`: until somebody revokes it.
    pub life: Option<Duration>,
}

/// Makes a token. The answer alone has its text.
///
/// # Errors
/// `AUTH-LOGIN-005` for a sign-in that is not fresh; `AUTH-TOKEN-002` for a token; `AUTH-ROLE-001` below the role admin for
/// the account of another person; `AUTH-NAME-001` for an account that is not there; `JOB-VALUE-001` for a scope that the
/// owner's role lacks; `AUTH-TOKEN-004` for a name that the owner has given before; `AUTH-TOKEN-005` for a 101st token.
pub async fn create(
    store: &Store,
    call: &Call,
    request: TokenAdd,
) -> Result<Answer<wire::TokenMade>> {
    let doing = "make a token";
    call.needs(OWN)?;
    call.needs_fresh(doing)?;
    let name = texts::parse_name(&request.name)?;
    let owner = owner_of(store, call, request.owner, doing).await?;
    refuse_beyond(&request.power, &owner, doing)?;
    let text = TokenText::made_of(&chance()?);
    let new = NewToken {
        id: text.id().to_owned(),
        hash: text.hash(),
        name,
        owner: owner.username,
        power: request.power,
        expires_at: request.life.map(|life| call.now.plus(life)),
    };
    let token = store.add_token(new, call.actor(), call.now).await?;
    let sentence = format!(
        "The {} is made and counts {}. Its text is shown this once.",
        token.actor_name(),
        end(&token, call.zone)
    );
    Ok(Answer::new(
        wire::TokenMade { of: wire::Token::of(&token, call.now), token: text },
        sentence,
    ))
}

/// The tokens that this person may see: their own, and for an admin everybody's, by owner and name.
///
/// # Errors
/// `AUTH-TOKEN-002` for a token without the scope `admin`.
pub async fn list(store: &Store, call: &Call) -> Result<Vec<Token>> {
    call.needs(OWN)?;
    let sees_all = SEE_OTHERS.is_of(call.who.role);
    store.tokens((!sees_all).then(|| call.who.name.clone())).await
}

/// The roles that a token of a person with this role can have.
pub fn roles_of(role: Role) -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(move |of| *of <= role)
}

/// Gives a token another text. The one before counts for 24 hours more, so that a program can be told the new one at leisure.
///
/// # Errors
/// `AUTH-LOGIN-005` for a sign-in that is not fresh; `AUTH-TOKEN-002` for a token; `AUTH-TOKEN-003` for a token that is not
/// there, and below the role admin for one of another person; `AUTH-TOKEN-006` while the text of before its last rotation
/// counts.
pub async fn rotate(store: &Store, call: &Call, id: &str) -> Result<Answer<wire::TokenMade>> {
    let doing = "rotate a token";
    call.needs(OWN)?;
    call.needs_fresh(doing)?;
    let token = known(store, call, id, ROTATE_OTHERS).await?;
    let text = TokenText::renewed(&token.id, &chance()?);
    let token = store.rotate_token(token.id, text.hash(), call.actor(), call.now).await?;
    let until = token.old_counts_until(call.now);
    let until = until.map(|at| format!("; the one before counts until {}", call.zone.in_full(at)));
    let sentence = format!(
        "The {} has a new text, which is shown this once and counts {}{}.",
        token.actor_name(),
        end(&token, call.zone),
        until.unwrap_or_default()
    );
    Ok(Answer::new(
        wire::TokenMade { of: wire::Token::of(&token, call.now), token: text },
        sentence,
    ))
}

/// Ends a token for good. That takes power away, so it needs no fresh sign-in.
///
/// # Errors
/// `AUTH-TOKEN-003` for a token that is not there, and below the role admin for one of another person; `AUTH-TOKEN-002` for
/// a token without the scope `admin`.
pub async fn revoke(store: &Store, call: &Call, id: &str) -> Result<Answer<wire::TokenRevoked>> {
    call.needs(OWN)?;
    let token = known(store, call, id, REVOKE_OTHERS).await?;
    let token = store.revoke_token(token.id, call.actor(), call.now).await?;
    let sentence = format!("The {} is revoked and opens nothing any more.", token.actor_name());
    let (id, name, owner) = (token.id, token.name, token.owner.username);
    Ok(Answer::new(wire::TokenRevoked { id, name, owner }, sentence))
}

/// The token of this id. To a person who may not act on it, it is as if it were not there.
async fn known(store: &Store, call: &Call, id: &str, of_others: Right) -> Result<Token> {
    let id = id.trim();
    let found = store.token(id.to_owned()).await?;
    let is_seen =
        |token: &Token| token.owner.username == call.who.name || of_others.is_of(call.who.role);
    found.filter(is_seen).ok_or_else(|| {
        let why = format!("find the token {id:?}: there is none of this id");
        Error::new(Code::AuthTokenUnknown, why)
    })
}

/// The account for which the token is to act.
async fn owner_of(
    store: &Store,
    call: &Call,
    asked: Option<String>,
    doing: &str,
) -> Result<Account> {
    let name = match (asked, &call.who.proof) {
        (Some(name), _) => name.trim().to_owned(),
        (None, Proof::Owner) => return only_admin(store, call, doing).await,
        (None, Proof::Login(_) | Proof::Host | Proof::Token(_)) => call.who.name.clone(),
    };
    if name != call.who.name {
        call.needs(MAKE_FOR_OTHERS)?;
    }
    let found = store.account(name.clone()).await?;
    let unknown = || Error::new(Code::AuthUnknown, format!("{doing}: there is no user {name}"));
    found.map(|(account, _)| account).ok_or_else(unknown)
}

/// The one admin there is, for whom a token at the command line is meant that names nobody.
async fn only_admin(store: &Store, call: &Call, doing: &str) -> Result<Account> {
    let all = store.accounts(call.now).await?;
    let accounts = all.into_iter().map(|state| state.account);
    let mut admins =
        accounts.filter(|account| account.role == Role::Admin && account.disabled_at.is_none());
    let (admin, another) = (admins.next(), admins.next());
    match (admin, another) {
        (Some(admin), None) => Ok(admin),
        (None, _) => {
            let why = format!("{doing}: there is no admin yet; name the user for whom it acts");
            Err(Error::new(Code::AuthUnknown, why))
        }
        (Some(_), Some(_)) => {
            let why = format!("{doing}: there are several admins; name the user for whom it acts");
            Err(Error::new(Code::ModelInvalid, why))
        }
    }
}

/// Refuses a scope that the owner's role lacks: the token would look as if it had it.
fn refuse_beyond(power: &Power, owner: &Account, doing: &str) -> Result<()> {
    let beyond = power.scopes.iter().find(|scope| scope.least() > owner.role);
    beyond.map_or(Ok(()), |scope| {
        let (least, role) = (scope.least().as_str(), owner.role.as_str());
        let why = format!(
            "{doing}: the scope {scope} needs an owner with the role {least}, and {} has the role {role}",
            owner.username
        );
        Err(Error::new(Code::ModelInvalid, why))
    })
}

fn end(token: &Token, zone: Zone) -> String {
    let end = token.expires_at.map(|at| format!("until {}", zone.in_full(at)));
    end.unwrap_or_else(|| "until somebody revokes it".to_owned())
}

fn chance<const BYTES: usize>() -> Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::new(Code::WebInternal, "make a token").because(error))?;
    Ok(bytes)
}
