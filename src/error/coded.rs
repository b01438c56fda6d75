//! Warnings and errors for the log, each with its registered code.

/// Logs a warning whose text begins with `[CODE]`.
///
/// # Example
/// ```
/// lamplighter::warn_coded!(lamplighter::Code::LogDropped, "{} lines dropped", 7);
/// ```
#[macro_export]
macro_rules! warn_coded {
    ($code:expr, $($text:tt)+) => {
        $crate::error::__tracing::event!(
            $crate::error::__tracing::Level::WARN, "[{}] {}", $code, format_args!($($text)+))
    };
}

/// Logs an error whose text begins with `[CODE]`.
#[macro_export]
macro_rules! error_coded {
    ($code:expr, $($text:tt)+) => {
        $crate::error::__tracing::event!(
            $crate::error::__tracing::Level::ERROR, "[{}] {}", $code, format_args!($($text)+))
    };
}
