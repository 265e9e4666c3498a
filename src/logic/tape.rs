//! A tape: the text of one JSON value taken apart without building it. One flat list of what stands where, kept from
//! line to line for its allocation; texts stay where they are, only those with escapes are written out.
//!
//! It reads less than serde_json, never more or otherwise: what [`Tape::read`] accepts, serde_json reads as the same
//! value. What it refuses may be damaged or merely unusual (deep nesting, half a surrogate pair); then serde_json
//! decides.

use std::collections::HashMap;

use serde_json::Number;

use super::tree::{Kind, Scalar, Tree};

/// Deeper than this is left to serde_json, which allows twice that.
const MAX_DEPTH: u32 = 64;
/// Objects with more members than this look for names that occur twice in a table.
const FEW: usize = 16;

/// The parts of one JSON value. Empty until it has read something.
#[derive(Debug, Default)]
pub struct Tape {
    parts: Vec<Part>,
    /// Texts that hold escapes, written out.
    unescaped: String,
    has_dotted_key: bool,
}

/// A value or a key. The keys of an object are followed by their values, a container by what is in it.
#[derive(Clone, Copy, Debug)]
struct Part {
    what: What,
    /// Where its text is; of containers nothing.
    start: u32,
    end: u32,
    /// The part after everything in it.
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Null,
    True,
    False,
    Number,
    Text,
    /// Its text is in `unescaped`.
    Unescaped,
    Array,
    Object,
}

/// A value on a tape.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    tape: &'t Tape,
    line: &'t str,
    at: u32,
}

impl Tape {
    /// Takes `line` apart. `None` if it is no JSON, or none that a tape reads; serde_json knows which.
    pub fn read<'t>(&'t mut self, line: &'t [u8]) -> Option<Node<'t>> {
        let line = std::str::from_utf8(line).ok()?;
        // Places are counted in 32 bits.
        u32::try_from(line.len()).ok().filter(|len| *len < u32::MAX)?;
        self.parts.clear();
        self.unescaped.clear();
        self.has_dotted_key = false;
        let mut reader = Reader { tape: self, bytes: line.as_bytes(), line };
        let start = reader.blanks(0);
        let end = reader.value(start, MAX_DEPTH)?;
        if reader.blanks(end) != line.len() {
            return None;
        }
        Some(Node { tape: self, line, at: 0 })
    }

    fn part(&self, at: u32) -> Option<&Part> {
        self.parts.get(at as usize)
    }
}

struct Reader<'t, 'l> {
    tape: &'t mut Tape,
    bytes: &'l [u8],
    line: &'l str,
}

/// A place in the line, or in a list of parts; [`Tape::read`] has seen that it fits.
fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Reader<'_, '_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn blanks(&self, mut at: usize) -> usize {
        while matches!(self.byte(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        at
    }

    fn push(&mut self, what: What, start: usize, end: usize) {
        let next = short(self.tape.parts.len() + 1);
        self.tape.parts.push(Part { what, start: short(start), end: short(end), next });
    }

    /// Reads the value that begins at `at`; gives the place after it.
    fn value(&mut self, at: usize, depth: u32) -> Option<usize> {
        let depth = depth.checked_sub(1)?;
        match self.byte(at)? {
            b'"' => self.text(at + 1),
            b'{' => self.object(at + 1, depth),
            b'[' => self.array(at + 1, depth),
            b't' => self.word(at, b"true", What::True),
            b'f' => self.word(at, b"false", What::False),
            b'n' => self.word(at, b"null", What::Null),
            b'-' | b'0'..=b'9' => self.number(at),
            _ => None,
        }
    }

    fn word(&mut self, at: usize, word: &[u8], what: What) -> Option<usize> {
        let end = at + word.len();
        (self.bytes.get(at..end)? == word).then(|| self.push(what, at, end))?;
        Some(end)
    }

    fn number(&mut self, at: usize) -> Option<usize> {
        let digits = at + usize::from(self.byte(at) == Some(b'-'));
        let mut end = digits;
        while self.byte(end).is_some_and(|byte| byte.is_ascii_digit()) {
            end += 1;
        }
        let is_plain = match end - digits {
            0 => false,
            1 => true,
            2..=18 => self.byte(digits) != Some(b'0'),
            _ => false,
        };
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        if !is_plain || self.byte(end).is_some_and(is_part) {
            while self.byte(end).is_some_and(is_part) {
                end += 1;
            }
            serde_json::from_str::<Number>(self.line.get(at..end)?).ok()?;
        }
        self.push(What::Number, at, end);
        Some(end)
    }

    fn array(&mut self, at: usize, depth: u32) -> Option<usize> {
        let this = self.tape.parts.len();
        self.push(What::Array, at, at);
        let mut at = self.blanks(at);
        if self.byte(at)? == b']' {
            return Some(at + 1);
        }
        loop {
            at = self.value(at, depth)?;
            at = self.blanks(at);
            match self.byte(at)? {
                b',' => at = self.blanks(at + 1),
                b']' => break,
                _ => return None,
            }
        }
        self.close(this);
        Some(at + 1)
    }

    fn object(&mut self, at: usize, depth: u32) -> Option<usize> {
        let this = self.tape.parts.len();
        self.push(What::Object, at, at);
        let mut at = self.blanks(at);
        if self.byte(at)? == b'}' {
            return Some(at + 1);
        }
        loop {
            if self.byte(at)? != b'"' {
                return None;
            }
            let end = self.text(at + 1)?;
            self.tape.has_dotted_key |= self.bytes.get(at..end)?.contains(&b'.')
                || self.tape.parts.last().is_some_and(|key| key.what == What::Unescaped);
            at = self.blanks(end);
            if self.byte(at)? != b':' {
                return None;
            }
            at = self.blanks(at + 1);
            at = self.value(at, depth)?;
            at = self.blanks(at);
            match self.byte(at)? {
                b',' => at = self.blanks(at + 1),
                b'}' => break,
                _ => return None,
            }
        }
        self.close(this);
        Some(at + 1)
    }

    fn close(&mut self, container: usize) {
        let next = short(self.tape.parts.len());
        if let Some(part) = self.tape.parts.get_mut(container) {
            part.next = next;
        }
    }

    /// Reads the text whose first character is at `start`.
    fn text(&mut self, start: usize) -> Option<usize> {
        let end = self.special(start);
        match self.byte(end)? {
            b'"' => {
                self.push(What::Text, start, end);
                Some(end + 1)
            }
            b'\\' => self.escaped(start, end),
            _ => None,
        }
    }

    /// The first quote, backslash or control character from `at` on, or the end.
    fn special(&self, mut at: usize) -> usize {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        // Eight bytes at a time. The lowest byte that is marked is right; those above it need not be.
        while let Some(eight) = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*eight);
            let zero = |word: u64| word.wrapping_sub(ONES) & !word;
            let control = word.wrapping_sub(0x2020_2020_2020_2020) & !word;
            let found = (zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c)) | control) & HIGHS;
            if found != 0 {
                return at + (found.trailing_zeros() / 8) as usize;
            }
            at += 8;
        }
        while self.byte(at).is_some_and(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            at += 1;
        }
        at
    }

    /// Reads on from the first backslash of a text.
    fn escaped(&mut self, start: usize, backslash: usize) -> Option<usize> {
        let begin = self.tape.unescaped.len();
        let (mut plain, mut at) = (start, backslash);
        loop {
            let run = self.line.get(plain..at)?;
            self.tape.unescaped.push_str(run);
            match self.byte(at)? {
                b'"' => break,
                b'\\' => {}
                _ => return None,
            }
            let (escaped, length) = match self.byte(at + 1)? {
                b'b' => ('\u{8}', 2),
                b'f' => ('\u{c}', 2),
                b'n' => ('\n', 2),
                b'r' => ('\r', 2),
                b't' => ('\t', 2),
                b'u' => self.unicode(at)?,
                same @ (b'"' | b'\\' | b'/') => (char::from(same), 2),
                _ => return None,
            };
            self.tape.unescaped.push(escaped);
            plain = at + length;
            at = self.special(plain);
        }
        let end = self.tape.unescaped.len();
        self.push(What::Unescaped, begin, end);
        Some(at + 1)
    }

    /// The character of the `\uXXXX` at `at`, or of the two that make one, and their length.
    fn unicode(&self, at: usize) -> Option<(char, usize)> {
        let high = self.unit(at)?;
        if !(0xd800..0xe000).contains(&high) {
            return Some((char::from_u32(u32::from(high))?, 6));
        }
        let pair = [high, self.unit(at + 6)?];
        Some((char::decode_utf16(pair).next()?.ok()?, 12))
    }

    /// The number in the `\uXXXX` at `at`.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.line.get(at..at + 6)?.strip_prefix("\\u")?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u16::from_str_radix(digits, 16).ok()
    }
}

impl<'t> Node<'t> {
    /// True if some key of an object on the tape holds a dot, or an escape that may hide one.
    pub fn has_dotted_key(self) -> bool {
        self.tape.has_dotted_key
    }

    fn part(self) -> Option<&'t Part> {
        self.tape.part(self.at)
    }

    fn there(self, at: u32) -> Self {
        Self { at, ..self }
    }

    /// The text of a part, as it was meant.
    fn text_of(self, part: &Part) -> &'t str {
        let from = if part.what == What::Unescaped { self.tape.unescaped.as_str() } else { self.line };
        from.get(part.start as usize..part.end as usize).unwrap_or_default()
    }

    /// The members of an object with their names, also those that later ones of the same name replace.
    fn members(self) -> impl Iterator<Item = (&'t str, Self)> {
        let (mut at, end) = match self.part() {
            Some(part) if part.what == What::Object => (self.at + 1, part.next),
            _ => (0, 0),
        };
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let key = self.text_of(self.tape.part(at)?);
            let value = at + 1;
            at = self.tape.part(value)?.next;
            Some((key, self.there(value)))
        })
    }
}

impl<'t> Tree<'t> for Node<'t> {
    fn kind(self) -> Kind {
        match self.part().map(|part| part.what) {
            Some(What::Object) => Kind::Object,
            Some(What::Array) => Kind::Array,
            Some(What::Null) | None => Kind::Null,
            Some(_) => Kind::Scalar,
        }
    }

    fn scalar(self) -> Option<Scalar<'t>> {
        let part = self.part()?;
        match part.what {
            What::Text | What::Unescaped => Some(Scalar::Text(self.text_of(part))),
            What::Number => serde_json::from_str(self.text_of(part)).ok().map(Scalar::Number),
            What::True => Some(Scalar::Boolean(true)),
            What::False => Some(Scalar::Boolean(false)),
            What::Null | What::Array | What::Object => None,
        }
    }

    fn get(self, key: &str) -> Option<Self> {
        self.members().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
    }

    fn any_child(self, visit: &mut impl FnMut(Option<&'t str>, Self) -> bool) -> bool {
        match self.part() {
            Some(part) if part.what == What::Array => {
                let mut at = self.at + 1;
                while at < part.next {
                    if visit(None, self.there(at)) {
                        return true;
                    }
                    let Some(item) = self.tape.part(at) else { return false };
                    at = item.next;
                }
                false
            }
            Some(part) if part.what == What::Object => {
                if self.members().nth(FEW).is_none() {
                    let replaced = |at: u32, key: &str| self.members().any(|(name, node)| node.at > at && name == key);
                    return self.members().any(|(key, node)| !replaced(node.at, key) && visit(Some(key), node));
                }
                let last: HashMap<&str, u32> = self.members().map(|(key, node)| (key, node.at)).collect();
                self.members().any(|(key, node)| last.get(key) == Some(&node.at) && visit(Some(key), node))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    /// The value on the tape, as serde_json holds values.
    fn value(node: Node<'_>) -> Value {
        match (node.kind(), node.scalar()) {
            (Kind::Null, _) => Value::Null,
            (Kind::Array, _) => {
                let mut items = Vec::new();
                node.any_child(&mut |_, item| {
                    items.push(value(item));
                    false
                });
                Value::Array(items)
            }
            (Kind::Object, _) => {
                let mut map = Map::new();
                node.any_child(&mut |key, member| {
                    let key = key.expect("members have names").to_owned();
                    assert_eq!(node.get(&key).map(value), Some(value(member)), "a member is found by its name");
                    assert!(map.insert(key, value(member)).is_none(), "a name comes once");
                    false
                });
                Value::Object(map)
            }
            (Kind::Scalar, Some(Scalar::Text(text))) => text.into(),
            (Kind::Scalar, Some(Scalar::Number(number))) => number.into(),
            (Kind::Scalar, Some(Scalar::Boolean(truth))) => truth.into(),
            (Kind::Scalar, None) => panic!("a scalar has a value"),
        }
    }

    /// What the tape reads, serde_json reads as the same. Whether it was read.
    fn agrees(text: &[u8]) -> bool {
        let mut tape = Tape::default();
        let Some(node) = tape.read(text) else { return false };
        let expected: Value = serde_json::from_slice(text).expect("what the tape reads is JSON");
        assert_eq!(value(node), expected, "{}", String::from_utf8_lossy(text));
        true
    }

    #[test]
    fn usual_values_are_read() {
        let many: Vec<String> = (0..40).map(|n| format!("\"k{}\":{n}", n % 30)).collect();
        let texts = [
            "null",
            " true ",
            "false",
            "0",
            "-0",
            "12",
            "-1.5e3",
            "123456789012345678901",
            "\"\"",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            r#"{"a":1,"a":2,"b":{"a":[1,"x",null,{"c":"\u00e9\ud83d\ude00\/\"\\\b\f\n\r\t"}]}}"#,
            "{\"k:{\\\"type\\\":1}\":2, \"a.b\" : [ 1 , 2 ] }",
            "\"eight by\u{e9}tes and more, with \u{1f600} in them\"",
            &format!("{{{}}}", many.join(",")),
        ];
        for text in texts {
            assert!(agrees(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_not_read() {
        let texts = [
            "",
            " ",
            "nul",
            "truex",
            "01",
            "-",
            "1.",
            "1e",
            "1e999",
            "+1",
            "\"",
            "\"\n\"",
            "\"\\q\"",
            "\"\\u12g4\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "[1,]",
            "[1 2]",
            "[",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "[1]]",
            "1 2",
            "\"a\\",
        ];
        for text in texts {
            assert!(!agrees(text.as_bytes()), "{text}");
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
        assert!(!agrees(b"\"\xff\""));
        assert!(!agrees("[".repeat(100_000).as_bytes()), "depth is bounded");
    }

    #[test]
    fn keys_with_dots_are_noticed() {
        for (text, expected) in [
            (r#"{"a":{"b.c":1}}"#, true),
            (r#"{"a":"b.c","d":[1.5]}"#, false),
            (r#"{"a\u002eb":1}"#, true),
            (r#"[{"":{"x":"."}}]"#, false),
        ] {
            let mut tape = Tape::default();
            assert_eq!(tape.read(text.as_bytes()).map(Node::has_dotted_key), Some(expected), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Pieces of JSON in any order: mostly damaged, sometimes not.
        #[test]
        fn tape_and_serde_agree_on_pieces(pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "\\", "\\u", "d83d", "\\ude00", "0041", "\\n", "1", "0", "-",
            ".5", "e3", "E+", "true", "null", " ", "\t", "\n", "\u{1}", "\u{7f}", "\u{e9}", "\u{1f600}", "text", "x",
        ]), 0..12)) {
            agrees(pieces.concat().as_bytes());
        }

        /// JSON with one byte changed.
        #[test]
        fn tape_and_serde_agree_on_damage(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let text = r#"{"a": [1, -2.5e3, "te\"xt\u00e9", "\ud83d\ude00 and some more text"], "bb":{"c":null,"a":true}}"#;
            let mut bytes = text.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            agrees(&bytes);
        }
    }
}
