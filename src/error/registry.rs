//! `codes!` makes [`Code`](super::Code) of the table in `code.rs`: each code with its class and its three texts.

macro_rules! codes {
    ($($variant:ident: $class:ident = $text:literal, $title:literal, $cause:literal, $remedy:literal;)*) => {
        /// A registered error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!($title, ". ", $cause)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the registry.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as it is written: `AREA-TOPIC-NNN`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// What kind of failure it is: HTTP status, exit code and log level follow from it.
            pub const fn class(self) -> Class {
                match self { $(Code::$variant => Class::$class,)* }
            }

            /// What went wrong, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// What usually leads to it.
            pub const fn cause(self) -> &'static str {
                match self { $(Code::$variant => $cause,)* }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)* }
            }
        }
    };
}

pub(super) use codes;
