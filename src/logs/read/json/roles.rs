//! The names that programs give to the fields of an event, and the best value for each.

use crate::logs::read::fields::Weight;
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
    /// The severity of syslog, which systemd gives to a program that states none.
    Priority,
    Message,
    /// A stack trace.
    Trace,
    Source,
    Correlation,
    User,
    Path,
}

/// Paths of names in lower case, of each role in the order of preference.
const NAMES: [(Role, &str); 9] = [
    (
        Role::Time,
        "__realtime_timestamp timestamp @timestamp time ts @t asctime datetime record.time.timestamp record.time \
         timeunixnano observedtimeunixnano time_unix_nano timecreated eventtime event_time instant t date timemillis \
         created created_at starttime receivetimestamp @time logtime",
    ),
    (
        Role::Level,
        "level levelname @level @l severity severitytext severity_text log.level loglevel log_level level_name lvl \
         leveldisplayname error_severity record.level.name level.name levelno severitynumber severity_number s sev \
         syslog.severity at log.syslog.severity.name winlog.level",
    ),
    (Role::Priority, "priority"),
    (
        Role::Message,
        "message msg @message @m renderedmessage @mt messagetemplate short_message textpayload jsonpayload.message \
         jsonpayload.msg record.message event body log text error.message err.message exception.message error err \
         full_message reason description title jsonpayload data payload",
    ),
    (
        Role::Trace,
        "@x err.stack error.stack error.stack_trace stack_trace stacktrace stack exc_info exc_text exception.stacktrace \
         traceback error.stacktrace exception",
    ),
    (
        Role::Source,
        "_systemd_unit syslog_identifier _comm logger name source target module @module logger_name loggername \
         log.logger sourcecontext properties.sourcecontext component service service.name app providername channel \
         record.name resource.attributes.service.name",
    ),
    (
        Role::Correlation,
        "correlation_id correlationid request_id requestid req_id reqid trace_id traceid trace.id @tr x_request_id \
         x-request-id req.id http.request.id",
    ),
    (Role::User, "user_id userid user.id _user_id"),
    (Role::Path, "request_path path url.path req.url request.uri request.path http.path"),
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
