//! The contract of a kind: the type of its payload, the type of its output, its rules.

use super::{Kind, KindRules};
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
}
