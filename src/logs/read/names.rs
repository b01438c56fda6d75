//! The names that programs give to what an event says: one list for each role, and the shorter ones by which a line is recognised.

/// Where an event's time stands, in the order of preference, as paths in lower case; so the others.
pub(super) const TIME: &str = "__realtime_timestamp timestamp @timestamp time ts @t asctime datetime record.time.timestamp record.time \
     timeunixnano observedtimeunixnano time_unix_nano timecreated eventtime event_time instant t date timemillis \
     created created_at starttime receivetimestamp @time logtime";
pub(super) const LEVEL: &str = "level levelname @level @l severity severitytext severity_text log.level loglevel log_level level_name lvl \
     leveldisplayname error_severity record.level.name level.name levelno severitynumber severity_number s sev \
     syslog.severity at log.syslog.severity.name winlog.level";
/// The severity of syslog, which systemd gives to a program that states none.
pub(super) const PRIORITY: &str = "priority";
pub(super) const MESSAGE: &str = "message msg @message @m renderedmessage @mt messagetemplate short_message textpayload jsonpayload.message \
     jsonpayload.msg record.message event body log text error.message err.message exception.message error err \
     full_message reason description title jsonpayload data payload";
pub(super) const TRACE: &str = "@x err.stack error.stack error.stack_trace stack_trace stacktrace stack exc_info exc_text exception.stacktrace \
     traceback error.stacktrace exception";
pub(super) const SOURCE: &str = "_systemd_unit syslog_identifier _comm logger name source target module @module logger_name loggername \
     log.logger sourcecontext properties.sourcecontext component service service.name app providername channel \
     record.name resource.attributes.service.name";
pub(super) const CORRELATION: &str = "correlation_id correlationid request_id requestid req_id reqid trace_id traceid trace.id @tr x_request_id \
     x-request-id req.id http.request.id";
pub(super) const USER: &str = "user_id userid user.id _user_id";
pub(super) const PATH: &str =
    "request_path path url.path req.url request.uri request.path http.path";

/// Names by which a line of pairs is known for an event: it says its message or its time so. Prose has pairs too.
pub(super) const PAIR_MESSAGE: [&str; 3] = ["msg", "message", "event"];
pub(super) const PAIR_TIME: [&str; 4] = ["time", "ts", "t", "timestamp"];
/// Names of a pair within a sentence that states its level.
pub(super) const PAIR_LEVEL: [&str; 5] = ["level", "lvl", "severity", "loglevel", "at"];
/// Of a file of cells between commas, one column of each is named so in its header.
pub(super) const CELL_TIME: [&str; 6] =
    ["time", "timestamp", "@timestamp", "timecreated", "datetime", "date"];
pub(super) const CELL_SAYS: [&str; 5] = ["level", "severity", "message", "msg", "leveldisplayname"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_is_known_by_is_read_as_that() {
        let role = |names: &str, known: &[&str]| {
            for name in known {
                assert!(names.split_whitespace().any(|other| other == *name), "{name}");
            }
        };
        role(MESSAGE, &PAIR_MESSAGE);
        role(TIME, &PAIR_TIME);
        role(LEVEL, &PAIR_LEVEL);
        role(TIME, &CELL_TIME);
        role(&format!("{LEVEL} {MESSAGE}"), &CELL_SAYS);
    }
}
