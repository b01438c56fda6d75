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
    ActivityHeartbeat = "activity-heartbeat",
    AlertCircle = "alert-circle",
    AlertTriangle = "alert-triangle",
    Ban = "ban",
    CalendarClock = "calendar-clock",
    Check = "check",
    CircleCheck = "circle-check",
    CircleDotted = "circle-dotted",
    CircleHalf2 = "circle-half-2",
    CircleX = "circle-x",
    Clock = "clock",
    Copy = "copy",
    FileText = "file-text",
    Filter = "filter",
    GitBranch = "git-branch",
    GitPullRequest = "git-pull-request",
    InfoCircle = "info-circle",
    Inbox = "inbox",
    Keyboard = "keyboard",
    LayoutDashboard = "layout-dashboard",
    ListDetails = "list-details",
    Lock = "lock",
    Logout = "logout",
    Menu2 = "menu-2",
    PlayerPause = "player-pause",
    PlayerPlay = "player-play",
    Plus = "plus",
    Robot = "robot",
    Search = "search",
    SearchOff = "search-off",
    Settings = "settings",
    Stack2 = "stack-2",
    SunMoon = "sun-moon",
    X = "x",
}

/// The icon. Screen readers skip it, because the words beside it say the same.
pub(super) fn icon(icon: Icon) -> Markup {
    // The lines are of a file of the embedded package, never data. Its outer element is ours: its look is in the style sheet.
    let lines = icon.svg().split_once("<path").map_or("", |(_, rest)| rest);
    let lines: String =
        lines.trim_end().trim_end_matches("</svg>").lines().map(str::trim).collect();
    html! { svg.i viewBox="0 0 24 24" aria-hidden="true" { (PreEscaped("<path")) (PreEscaped(lines)) } }
}

/// The product's sign.
pub(super) fn lamp() -> Markup {
    html! {
        svg.lamp viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" {
            circle.glow cx="12" cy="9" r="8" {}
            path.flame d="M12 4.2c2.1 2.3 2.9 3.9 2.9 5.4a2.9 2.9 0 0 1-5.8 0c0-1.5.8-3.1 2.9-5.4z" {}
            path.body d="M8.2 14.6h7.6l-.8 2.4H9zM11 17h2v3.4h2.4V22H8.6v-1.6H11z" {}
        }
    }
}
