//! How a source spells texts, where it does not write them as they are.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A spelling of texts, character by character. No two texts are spelled alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// laurel's: the bytes of `%`, `+`, control characters of ASCII and byte order marks are each a `%` and two
    /// hexadecimal digits, small ones.
    Percent,
}

impl Encoding {
    /// Its name where it is written down.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Percent => "percent",
        }
    }

    /// Whether a character is spelled in another way.
    pub fn changes(self, c: char) -> bool {
        matches!(c, '%' | '+' | '\u{feff}') || c.is_ascii_control()
    }

    /// The characters that are spelled in another way, in the order of their numbers.
    pub fn changed(self) -> impl Iterator<Item = char> {
        ('\0'..='\x7f').chain(['\u{feff}']).filter(move |c| self.changes(*c))
    }

    /// What one character is spelled as, if in another way.
    pub fn code(self, c: char) -> Option<String> {
        let bytes = |c: char| c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02x}")).collect();
        self.changes(c).then(|| bytes(c))
    }

    /// A text as it is spelled.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        if !text.contains(|c| self.changes(c)) {
            return Cow::Borrowed(text);
        }
        let mut encoded = String::with_capacity(text.len());
        for c in text.chars() {
            match self.code(c) {
                Some(code) => encoded.push_str(&code),
                None => encoded.push(c),
            }
        }
        Cow::Owned(encoded)
    }
}
