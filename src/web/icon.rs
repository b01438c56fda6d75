//! Line icons, as markup that takes the text's colour.

use maud::{Markup, PreEscaped, html};

macro_rules! icons {
    ($($(#[$doc:meta])* $variant:ident = $file:literal,)*) => {
        /// An icon of the set that the pages use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Icon { $($(#[$doc])* $variant,)* }

        impl Icon {
            const fn svg(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(
                        concat!(env!("LAMPLIGHTER_ASSETS"), "/icon-", $file, ".svg")),)*
                }
            }
        }
    };
}

icons! {
    Alert = "alert",
    Dashboard = "dashboard",
    Inbox = "inbox",
    Jobs = "jobs",
    Keyboard = "keyboard",
    Lamp = "lamp",
    Logout = "logout",
    Logs = "logs",
    Menu = "menu",
    Monitor = "monitor",
    Moon = "moon",
    Play = "play",
    Queues = "queues",
    Repositories = "repositories",
    Schedules = "schedules",
    Sessions = "sessions",
    Settings = "settings",
    Sun = "sun",
}

/// The icon. Screen readers skip it, because the words beside it say the same.
pub(super) fn icon(icon: Icon) -> Markup {
    // The markup is a file of the embedded package, never data.
    html! { span.icon-box aria-hidden="true" { (PreEscaped(icon.svg())) } }
}
