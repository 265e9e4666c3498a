//! How a source spells texts, where it does not write them as they are.

use std::ops::Range;

use regex_syntax::ast::{Ast, ClassBracketed, ClassSet, ClassSetItem};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};
use serde::{Deserialize, Serialize};

use crate::logic::{Case, Glob, Pattern, Piece, TextSet};

/// How the values of a field are spelled in the target.
///
/// What is encoded may look like a text of its own, the digits of `%25` like the text `25`, and `?`, `.` or `\s` may stand
/// for one sign and not for its code: neither is modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// laurel's: the bytes of `%`, `+`, control characters of ASCII and byte order marks are each a `%` and two
    /// hexadecimal digits, small ones.
    Percent,
}

impl Encoding {
    /// Whether a character is spelled in another way.
    fn changes(self, c: char) -> bool {
        matches!(c, '%' | '+' | '\u{feff}') || c.is_ascii_control()
    }

    /// A text as the target has it.
    pub fn text(self, text: &str) -> String {
        let mut encoded = String::with_capacity(text.len());
        for c in text.chars() {
            if self.changes(c) {
                encoded.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02x}")));
            } else {
                encoded.push(c);
            }
        }
        encoded
    }

    /// What finds, among encoded texts, those that `set` matches. An expression stays as it was written, save for signs
    /// that are spelled in another way.
    pub fn encode(self, set: &TextSet) -> TextSet {
        let any = set.any.iter().map(|pattern| match pattern {
            Pattern::Regex(source) => Pattern::Regex(self.expression(source)),
            plain => self.changed(plain, &mut |text| Some(self.text(text))).unwrap_or_else(|| plain.clone()),
        });
        TextSet::new(any.collect(), set.case)
    }

    fn expression(self, source: &str) -> String {
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        if let Ok(tree) = regex_syntax::ast::parse::Parser::new().parse(source) {
            self.edits(source, &tree, &mut edits);
        }
        let mut encoded = source.to_owned();
        for (span, text) in edits.into_iter().rev() {
            encoded.replace_range(span, &text);
        }
        encoded
    }

    /// What has to stand elsewhere in an expression, in the order of the text.
    fn edits(self, source: &str, tree: &Ast, edits: &mut Vec<(Range<usize>, String)>) {
        match tree {
            Ast::Literal(literal) if self.changes(literal.c) => {
                let code = self.text(&literal.c.to_string());
                edits.push((literal.span.start.offset..literal.span.end.offset, format!("(?:{code})")));
            }
            Ast::ClassBracketed(class) if !class.negated => edits.extend(self.class(source, class)),
            Ast::Repetition(repetition) => self.edits(source, &repetition.ast, edits),
            Ast::Group(group) => self.edits(source, &group.ast, edits),
            Ast::Concat(parts) => parts.asts.iter().for_each(|part| self.edits(source, part, edits)),
            Ast::Alternation(parts) => parts.asts.iter().for_each(|part| self.edits(source, part, edits)),
            _ => {}
        }
    }

    /// A class of single characters, without those that are spelled in another way and their codes beside it. One that
    /// has a `%` finds the beginning of every code.
    fn class(self, source: &str, class: &ClassBracketed) -> Option<(Range<usize>, String)> {
        let ClassSet::Item(item) = &class.kind else { return None };
        let items = match item {
            ClassSetItem::Union(union) => union.items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let sign = |item: &ClassSetItem| match item {
            ClassSetItem::Literal(literal) => Some(literal.c).filter(|c| self.changes(*c)),
            _ => None,
        };
        let signs: Vec<char> = items.iter().filter_map(sign).collect();
        if signs.is_empty() || signs.contains(&'%') {
            return None;
        }
        let kept = items.iter().filter(|item| sign(item).is_none());
        let kept: String =
            kept.filter_map(|item| source.get(item.span().start.offset..item.span().end.offset)).collect();
        let escape = if kept.starts_with('^') { "\\" } else { "" };
        let rest = Some(format!("[{escape}{kept}]")).filter(|_| !kept.is_empty());
        let codes = signs.iter().map(|sign| self.text(&sign.to_string()));
        let all: Vec<String> = rest.into_iter().chain(codes).collect();
        Some((class.span.start.offset..class.span.end.offset, format!("(?:{})", all.join("|"))))
    }

    /// What the texts are that are found if `set` is asked of what they are encoded to; `None` if that is not known. No
    /// pattern is left if no text is.
    pub fn decode(self, set: &TextSet) -> Option<TextSet> {
        let mut any = Vec::new();
        for pattern in set.any.iter() {
            // What is never written so is in no encoded text.
            let mut is_written = true;
            let text = &mut |text: &str| {
                is_written &= !text.contains(|c| c != '%' && self.changes(c));
                self.decoded(text, set.case)
            };
            let decoded = self.changed(pattern, text)?;
            match pattern {
                _ if is_written => any.push(decoded),
                // It may have another alternative.
                Pattern::Regex(_) => return None,
                Pattern::Glob(_) | Pattern::Path { .. } => {}
            }
        }
        Some(TextSet::new(any, set.case))
    }

    fn decoded(self, text: &str, case: Case) -> Option<String> {
        let mut decoded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            decoded.push_str(before);
            let digits = after.get(..2).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            let is_written = case == Case::Insensitive || !digits.contains(|c: char| c.is_ascii_uppercase());
            let c = char::from(u8::from_str_radix(digits, 16).ok()?);
            if !is_written || !self.changes(c) {
                return None;
            }
            decoded.push(c);
            rest = after.get(2..)?;
        }
        decoded.push_str(rest);
        Some(decoded)
    }

    /// The pattern with its literal texts changed; none if one of them cannot be. Classes of an expression lose what is
    /// spelled in another way, save for those that have a `%`.
    fn changed(self, pattern: &Pattern, text: &mut dyn FnMut(&str) -> Option<String>) -> Option<Pattern> {
        Some(match pattern {
            Pattern::Glob(glob) => {
                let pieces = glob.pieces().iter().map(|piece| match piece {
                    Piece::Literal(literal) => Some(Piece::Literal(text(literal)?)),
                    wildcard => Some(wildcard.clone()),
                });
                Pattern::Glob(Glob::new(pieces.collect::<Option<Vec<_>>>()?))
            }
            Pattern::Path { path, below } => Pattern::Path { path: text(path)?, below: *below },
            Pattern::Regex(source) => {
                let tree = regex_syntax::parse(source).ok()?;
                let changed = self.in_tree(tree.clone(), text)?;
                Pattern::Regex(if changed == tree { source.clone() } else { changed.to_string() })
            }
        })
    }

    fn in_tree(self, tree: Hir, text: &mut dyn FnMut(&str) -> Option<String>) -> Option<Hir> {
        let mut each =
            |parts: Vec<Hir>| -> Option<Vec<Hir>> { parts.into_iter().map(|part| self.in_tree(part, text)).collect() };
        Some(match tree.into_kind() {
            HirKind::Concat(parts) => Hir::concat(each(parts)?),
            HirKind::Alternation(parts) => Hir::alternation(each(parts)?),
            HirKind::Repetition(repetition) => {
                let sub = Box::new(self.in_tree(*repetition.sub, text)?);
                Hir::repetition(Repetition { sub, ..repetition })
            }
            HirKind::Capture(capture) => {
                let sub = Box::new(self.in_tree(*capture.sub, text)?);
                Hir::capture(Capture { sub, ..capture })
            }
            HirKind::Literal(literal) => Hir::literal(text(std::str::from_utf8(&literal.0).ok()?)?.into_bytes()),
            HirKind::Class(Class::Unicode(mut set)) => {
                let has = |c: char| set.iter().any(|range| (range.start()..=range.end()).contains(&c));
                // Named classes have the control characters that are blanks.
                let signs: Vec<char> = ['+', '\n', '\t', '\r'].into_iter().filter(|c| has(*c)).collect();
                if !has('%') && !has('\u{b}') {
                    set.difference(&ClassUnicode::new(signs.iter().map(|sign| ClassUnicodeRange::new(*sign, *sign))));
                }
                Hir::class(Class::Unicode(set))
            }
            HirKind::Class(set) => Hir::class(set),
            HirKind::Look(look) => Hir::look(look),
            HirKind::Empty => Hir::empty(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pattern: Pattern) -> TextSet {
        TextSet::new(vec![pattern], Case::Either)
    }

    #[test]
    fn what_is_encoded_is_found_where_the_text_is() {
        let asked = set(Pattern::Glob(Glob::contains("chmod +s 100%\t")));
        let encoded = Encoding::Percent.encode(&asked);
        assert!(encoded.is_match("sh -c chmod %2bs 100%25%09", false) && !encoded.is_match("chmod +s 100%\t", true));
        assert_eq!(Encoding::Percent.decode(&encoded).map(|set| set.any), Some(asked.any));
        let decode = |text: &str| Encoding::Percent.decode(&set(Pattern::Glob(Glob::contains(text))));
        // No encoded text has a plus; what begins or ends within a sign's code is not known.
        assert!(decode("chmod +s").is_some_and(|set| set.any.is_empty()));
        assert!(["100%", "%2", "%2B", "%41", "%ff"].into_iter().all(|text| decode(text).is_none()));
    }

    #[test]
    fn the_signs_in_an_expression_are_encoded() {
        for source in [
            r"^(?:docker(?: [^ ]+)* --privileged(?: (?s:.)*)?)$",
            r"[;\n ]a\s+b",
            r"(chmod|x) \+s(?:100%)*",
            "chmod [ugo]*[+=]w",
        ] {
            let asked = set(Pattern::Regex(source.to_owned()));
            let found = Encoding::Percent.encode(&asked);
            let again = Encoding::Percent.decode(&found).expect("it is known");
            let texts = [
                "docker run --privileged",
                "chmod +s",
                "x +s100%100%",
                ";a  b",
                "\na b",
                "chmod s",
                "chmod u+w",
                "chmod =w",
            ];
            for text in texts {
                let is_asked = asked.is_match(text, false);
                assert_eq!(found.is_match(&Encoding::Percent.text(text), false), is_asked, "{source}: {text}");
                assert_eq!(again.is_match(text, false), is_asked, "{source}: {text}");
            }
        }
        let written = Encoding::Percent.expression(r"a\+*[+^]?[;\n ]x(?s:.)[^+]");
        assert_eq!(written, r"a(?:%2b)*(?:[\^]|%2b)?(?:[; ]|%0a)x(?s:.)[^+]");
        // A raw sign is in no encoded text: what asks for one finds what the rest of it finds.
        let raw = |source: &str| Encoding::Percent.decode(&set(Pattern::Regex(source.to_owned())));
        assert!(raw(r"chmod \+s").is_none());
        assert!(
            raw("chmod [+=]w").is_some_and(|set| set.is_match("chmod =w", false) && !set.is_match("chmod +w", true))
        );
    }
}
