//! Enumerations whose cases have one fixed word, on the wire and in the database alike.

/// Declares an enumeration with a word for each case, `as_str`, `ALL` and `FromStr`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$case_doc])* $case,)*
        }

        impl $name {
            /// Every case, in order.
            pub const ALL: &'static [Self] = &[$(Self::$case,)*];

            /// The word for this case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$case => $word,)* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::word::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$case),)*
                    _ => Err($crate::domain::word::UnknownWord { expected: &[$($word,)*] }),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

/// A text that is none of an enumeration's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {}", expected.join(", "))]
pub struct UnknownWord {
    /// The words there are.
    pub expected: &'static [&'static str],
}
