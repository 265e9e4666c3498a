//! Case that is ignored in ASCII letters alone, as Falco and Elasticsearch do it, for the readers of their languages.
//!
//! The logic ignores case by Unicode's simple folding. For text without other letters the two are taken for one: the
//! Kelvin sign and the long s, which Unicode folds to `k` and `s`, are no letters that anybody looks for.

use crate::logic::{Case, Glob, Pattern, Piece, TextSet};

/// Globs whose ASCII letters stand for both cases, and whose other letters do not.
pub(crate) fn folded(globs: Vec<Glob>) -> TextSet {
    let has_foreign_letter = |piece: &Piece| match piece {
        Piece::Literal(text) => text.chars().any(|c| !c.is_ascii() && c.is_alphabetic()),
        Piece::Any | Piece::One => false,
    };
    if !globs.iter().flat_map(Glob::pieces).any(has_foreign_letter) {
        return TextSet::new(globs.into_iter().map(Pattern::Glob).collect(), Case::Insensitive);
    }
    TextSet::new(globs.iter().map(|glob| Pattern::Regex(spelt_out(glob))).collect(), Case::Sensitive)
}

/// What is equal to an ASCII letter where case is ignored, to stand in a bracketed class; other characters have nothing.
pub(in crate::language) fn equals_of(c: char) -> Option<&'static str> {
    const ALL: [&str; 26] = [
        "aA",
        "bB",
        "cC",
        "dD",
        "eE",
        "fF",
        "gG",
        "hH",
        "iI",
        "jJ",
        "kK\u{212a}",
        "lL",
        "mM",
        "nN",
        "oO",
        "pP",
        "qQ",
        "rR",
        "sS\u{17f}",
        "tT",
        "uU",
        "vV",
        "wW",
        "xX",
        "yY",
        "zZ",
    ];
    ALL.into_iter().find(|equals| equals.starts_with(c.to_ascii_lowercase()))
}

/// A glob as an expression that says of every letter which others will do.
fn spelt_out(glob: &Glob) -> String {
    let mut regex = String::from("^(?s:");
    for piece in glob.pieces() {
        match piece {
            Piece::Any => regex.push_str(".*"),
            Piece::One => regex.push('.'),
            Piece::Literal(text) => text.chars().for_each(|c| match equals_of(c) {
                Some(equals) => regex.extend(["[", equals, "]"]),
                None => regex_syntax::escape_into(c.encode_utf8(&mut [0; 4]), &mut regex),
            }),
        }
    }
    regex.push_str(")$");
    regex
}
