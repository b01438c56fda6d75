//! The messages of the protocol, as far as they are read. Fields that are not named here are skipped.
//!
//! *Source:* `opentelemetry/proto/logs/v1/logs.proto`, `common/v1/common.proto`, `resource/v1/resource.proto`,
//! `collector/logs/v1/logs_service.proto` and `google/rpc/status.proto`; the JSON is that of protobuf, but for ids in hexadecimal digits.

use super::value::{AnyValue, KeyValue, hex, number_of_severity, or_default, unsigned};
use prost::Message;
use serde::Deserialize;

/// `ExportLogsServiceRequest`.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Export {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub(super) resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub(super) scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub(super) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub(super) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    #[serde(deserialize_with = "or_default")]
    pub(super) log_records: Vec<LogRecord>,
}

/// `InstrumentationScope`: the logger of a program.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Scope {
    #[prost(string, tag = "1")]
    #[serde(deserialize_with = "or_default")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LogRecord {
    /// Nanoseconds since 1970; 0: not known.
    #[prost(fixed64, tag = "1")]
    #[serde(deserialize_with = "unsigned")]
    pub(super) time_unix_nano: u64,
    #[prost(fixed64, tag = "11")]
    #[serde(deserialize_with = "unsigned")]
    pub(super) observed_time_unix_nano: u64,
    /// 1 to 24; 0: not stated.
    #[prost(int32, tag = "2")]
    #[serde(deserialize_with = "number_of_severity")]
    pub(super) severity_number: i32,
    #[prost(string, tag = "3")]
    #[serde(deserialize_with = "or_default")]
    pub(super) severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub(super) body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    #[serde(deserialize_with = "or_default")]
    pub(super) attributes: Vec<KeyValue>,
    #[prost(bytes = "vec", tag = "9")]
    #[serde(deserialize_with = "hex")]
    pub(super) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    #[serde(deserialize_with = "hex")]
    pub(super) span_id: Vec<u8>,
    #[prost(string, tag = "12")]
    #[serde(deserialize_with = "or_default")]
    pub(super) event_name: String,
}

/// A request of which nothing is read but how many parts it has.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Counted {
    #[prost(message, repeated, tag = "1")]
    resource_logs: Vec<CountedResource>,
}

#[derive(Clone, PartialEq, Message)]
struct CountedResource {
    #[prost(message, repeated, tag = "2")]
    scope_logs: Vec<CountedScope>,
}

#[derive(Clone, PartialEq, Message)]
struct CountedScope {
    #[prost(bytes = "vec", repeated, tag = "2")]
    log_records: Vec<Vec<u8>>,
}

impl Counted {
    /// Its records, and the groups in which they are.
    pub(super) fn records(&self) -> usize {
        let scopes = self.resource_logs.iter().flat_map(|group| &group.scope_logs);
        let records = scopes.map(|group| 1 + group.log_records.len()).sum::<usize>();
        records + self.resource_logs.len()
    }
}

/// `ExportLogsServiceResponse`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Answer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_log_records: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

impl Answer {
    pub(super) fn partial(rejected: u64, why: &str) -> Self {
        let rejected_log_records = i64::try_from(rejected).unwrap_or(i64::MAX);
        let error_message = why.to_owned();
        Self { partial_success: Some(PartialSuccess { rejected_log_records, error_message }) }
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}
