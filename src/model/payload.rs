//! The contract of a kind: the type of its payload, the type of its output, its rules.

use super::{Job, JobId, Kind, KindRules};
use crate::error::{Code, Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the jobs of one kind are given, and what they answer. The type stands for the kind: a payload of another type
/// for it does not compile.
///
/// # Example
/// ```
/// use lamplighter::prelude::*;
///
/// #[derive(Serialize, Deserialize)]
/// struct SendInvoice {
///     number: u64,
/// }
///
/// impl Payload for SendInvoice {
///     const KIND: Kind = Kind::named("send_invoice");
///     type Output = String;
///
///     fn rules() -> KindRules {
///         KindRules { max_attempts: 5, ..KindRules::new(Self::KIND) }
///     }
/// }
/// ```
///
/// A name that no kind may have does not compile. The compiler sees it in `cargo build`, where it makes the constant, and
/// not yet in `cargo check`:
/// ```compile_fail,E0080
/// use lamplighter::model::Kind;
///
/// const KIND: Kind = Kind::named("Send-Invoice");
/// # fn main() { println!("{KIND}"); }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the payload of a kind of jobs",
    label = "no `Payload`",
    note = "write `impl Payload for {Self} {{ const KIND: Kind = Kind::named(\"…\"); type Output = (); }}`"
)]
pub trait Payload: Serialize + DeserializeOwned + Send + 'static {
    /// The kind, whose name is stored in each job: another name is another kind.
    const KIND: Kind;

    /// What its handler answers, kept as the job's result: `()` if nobody asks for it.
    type Output: Serialize + DeserializeOwned + Send;

    /// What the engine fills in for its jobs. Default: [`KindRules::new`]. The engine puts [`Payload::KIND`] in the place
    /// of any other kind that the rules name.
    fn rules() -> KindRules {
        KindRules::new(Self::KIND)
    }

    /// A payload that people may begin with when they ask for a job of the kind on a page. Default: none, and they begin
    /// with `{}`. One that is longer than 10 KiB as JSON is left out.
    fn example() -> Option<Self> {
        None
    }
}

impl Job {
    /// The job's result as the output of its payload's type. A job without a result has that of `null`.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the result is not of this type.
    pub fn output<P: Payload>(&self) -> Result<P::Output> {
        read(self.result.as_deref().unwrap_or("null"), "result", self.id)
    }

    /// The job's payload as its type.
    ///
    /// # Errors
    /// `JOB-VALUE-001` if the payload is not of this type.
    pub fn payload_as<P: Payload>(&self) -> Result<P> {
        read(&self.payload, "payload", self.id)
    }
}

fn read<T: DeserializeOwned>(text: &str, what: &str, id: JobId) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Error::new(Code::ModelInvalid, format!("read the {what} of job {id}")).because(error)
    })
}
