//! The roles of the fields of an event by their names, and the best value for each.

use crate::logs::read::fields::Weight;
use crate::logs::read::names;
use crate::logs::read::time::Moment;
use crate::model::Level;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a value may be for its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Time,
    Level,
    Priority,
    Message,
    /// A stack trace.
    Trace,
    Source,
    Correlation,
    User,
    Path,
}

/// The names of each role.
const NAMES: [(Role, &str); 9] = [
    (Role::Time, names::TIME),
    (Role::Level, names::LEVEL),
    (Role::Priority, names::PRIORITY),
    (Role::Message, names::MESSAGE),
    (Role::Trace, names::TRACE),
    (Role::Source, names::SOURCE),
    (Role::Correlation, names::CORRELATION),
    (Role::User, names::USER),
    (Role::Path, names::PATH),
];

/// The role and the rank of each known path.
pub(super) static ROLES: LazyLock<HashMap<&'static str, (Role, u16)>> = LazyLock::new(|| {
    let mut roles = HashMap::new();
    let mut rank = 0;
    for (role, names) in NAMES {
        for name in names.split_whitespace() {
            roles.entry(name).or_insert((role, rank));
            rank += 1;
        }
    }
    roles
});

/// The best value of a role so far.
#[derive(Debug)]
pub(super) struct Slot<T> {
    found: Option<(u16, T)>,
    /// The names of its path, if it is to be taken out of the object.
    names: Vec<String>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { found: None, names: Vec::new() }
    }
}

impl<T> Slot<T> {
    pub(super) fn offer(
        &mut self,
        rank: u16,
        names: &[&str],
        value: &Value,
        read: impl FnOnce() -> Option<T>,
    ) {
        if self.found.as_ref().is_some_and(|(known, _)| *known <= rank) {
            return;
        }
        if let Some(read) = read() {
            self.found = Some((rank, read));
            self.names.clear();
            // An object says more than was read of it.
            if !value.is_object() {
                self.names.extend(names.iter().map(|name| (*name).to_owned()));
            }
        }
    }

    /// The value; it is taken out of the object, as are objects that have nothing else.
    pub(super) fn take_value(&mut self, keys: &mut Map<String, Value>) -> Option<T> {
        let (_, value) = self.found.take()?;
        remove(keys, &self.names);
        Some(value)
    }
}

fn remove(keys: &mut Map<String, Value>, names: &[String]) {
    match names {
        [] => {}
        [name] => drop(keys.remove(name)),
        [first, rest @ ..] => {
            if let Some(Value::Object(inner)) = keys.get_mut(first) {
                remove(inner, rest);
                if inner.is_empty() {
                    keys.remove(first);
                }
            }
        }
    }
}

/// The best value for each role.
#[derive(Debug, Default)]
pub(super) struct Best {
    pub(super) time: Slot<Moment>,
    pub(super) level: Slot<(Weight, Level)>,
    pub(super) message: Slot<String>,
    pub(super) trace: Slot<String>,
    pub(super) source: Slot<String>,
    pub(super) correlation: Slot<String>,
    pub(super) user: Slot<String>,
    pub(super) path: Slot<String>,
}
