//! What is said at the tracker: the text of a new issue or of a comment.

use super::Marker;

/// The text of a new issue or a remark, as the tracker gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The marker by which it is recognised; the body holds it.
    pub marker: Marker,
    /// The title of a new issue.
    pub title: String,
    /// Markdown.
    pub body: String,
    /// Labels of a new issue.
    pub labels: Vec<String>,
}
