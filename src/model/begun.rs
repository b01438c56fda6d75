//! A struct of which each member has its document, its type and the value that it begins with in one place.

macro_rules! begun {
    (
        $(#[$of_it:meta])*
        pub struct $name:ident;
        $(#[$of_new:meta])*
        $seen:vis fn $new:ident($($given:ident: $its:ty)?);
        $($(#[$of_member:meta])* $member_seen:vis $member:ident: $type:ty = $value:expr;)*
    ) => {
        $(#[$of_it])*
        pub struct $name {
            $($(#[$of_member])* $member_seen $member: $type,)*
        }

        impl $name {
            $(#[$of_new])*
            $seen fn $new($($given: $its)?) -> Self {
                Self { $($member: $value,)* }
            }
        }
    };
}

pub(super) use begun;
