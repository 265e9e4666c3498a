//! Regular expressions as readers meet them: Perl's syntax (PCRE), turned into the `regex` crate's with the same
//! meaning, or refused with the reason.

use std::collections::BTreeSet;

use crate::logic::expression::{LARGEST, Unusable, is_usable};

/// Whose Perl syntax it is, where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::language) enum Flavor {
    /// PCRE as it comes: `$` also stands before a last newline, `\d`, `\w`, `\s` and `\b` know ASCII alone.
    Pcre,
    /// Sigma's `|re`, which names no engine: what engines disagree on is read as the `regex` crate reads it, `$` as the
    /// end of the value. Nothing that all of them know says that and excludes a last newline (`\z` is not Python's, `\Z`
    /// not RE2's and another thing in PCRE), so that it is taken for granted, as the README says.
    Sigma,
}

/// How deeply groups may nest.
const DEPTH: usize = 60;

/// The most repetitions that PCRE counts.
const REPETITIONS: u32 = 65_535;

/// The longest name of a group in PCRE.
const NAME: usize = 32;

/// The general categories of characters that PCRE knows, beside scripts.
const CATEGORIES: [&str; 39] = [
    "Any", "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "L&", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N",
    "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp",
    "Zs",
];

/// The named classes inside brackets.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// The longest expression that is read.
const LENGTH: usize = 16 << 10;

const OPEN_CLASS: &str = "a class of the regular expression is not closed";

enum Token {
    Open,
    Close,
    Alternative,
    Quantifier,
    Dollar,
    Atom,
}

struct Translator<'t> {
    text: &'t str,
    at: usize,
    flavor: Flavor,
    out: String,
    /// What was written and where it begins in `out`.
    tokens: Vec<(Token, usize)>,
    depth: usize,
    /// The names of groups so far.
    names: BTreeSet<String>,
}

/// `source` in the syntax of the `regex` crate, *found* in a value like itself.
pub(in crate::language) fn translate(source: &str, flavor: Flavor) -> Result<String, String> {
    if source.len() > LENGTH {
        return Err(format!("the regular expression is longer than {LENGTH} bytes"));
    }
    let mut translator = Translator {
        text: source,
        at: 0,
        flavor,
        out: String::new(),
        tokens: Vec::new(),
        depth: 0,
        names: BTreeSet::new(),
    };
    while let Some(c) = translator.next() {
        translator.step(c)?;
    }
    let out = translator.with_dollars()?;
    match is_usable(&out, LARGEST) {
        Ok(()) => Ok(out),
        Err(Unusable::TooLarge) => Err("the regular expression is too big".to_owned()),
        Err(Unusable::Faulty(reason)) => Err(format!("the regular expression `{source}` is faulty: {reason}")),
    }
}

impl Translator<'_> {
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    fn put(&mut self, token: Token, text: &str) {
        self.tokens.push((token, self.out.len()));
        self.out.push_str(text);
    }

    fn step(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => {
                if self.eat("Q") {
                    let rest = self.rest();
                    let end = rest.find("\\E").unwrap_or(rest.len());
                    let literal = regex_syntax::escape(rest.get(..end).unwrap_or(""));
                    self.at = (self.at + end + 2).min(self.text.len());
                    self.put(Token::Atom, &literal);
                } else if self.eat("Z") || (self.flavor == Flavor::Sigma && self.eat("z")) {
                    let token = if self.flavor == Flavor::Pcre { Token::Dollar } else { Token::Atom };
                    self.put(token, r"\z");
                } else {
                    let escape = self.escape(false)?;
                    self.put(Token::Atom, &escape);
                }
            }
            '[' => {
                let class = self.class()?;
                self.put(Token::Atom, &class);
            }
            '(' => self.group()?,
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                self.put(Token::Close, ")");
            }
            '|' => self.put(Token::Alternative, "|"),
            '*' | '+' | '?' => self.quantifier(c.to_string())?,
            '{' => match self.counted()? {
                Some(counts) => self.quantifier(counts)?,
                None => self.put(Token::Atom, r"\{"),
            },
            '$' if self.flavor == Flavor::Pcre => self.put(Token::Dollar, "$"),
            '}' => self.put(Token::Atom, r"\}"),
            ']' => self.put(Token::Atom, r"\]"),
            c => self.put(Token::Atom, c.encode_utf8(&mut [0; 4])),
        }
        Ok(())
    }

    fn quantifier(&mut self, mut text: String) -> Result<(), String> {
        if matches!(self.tokens.last(), Some((Token::Quantifier, _))) {
            return Err(format!("the quantifier `{text}` has nothing to repeat: another stands before it"));
        }
        if self.eat("+") {
            return Err("possessive quantifiers (`a++`) are not read".to_owned());
        }
        if self.eat("?") {
            text.push('?');
        }
        self.put(Token::Quantifier, &text);
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,3}`; in Perl, any other brace is itself.
    fn counted(&mut self) -> Result<Option<String>, String> {
        let Some((inner, _)) = self.rest().split_once('}') else { return Ok(None) };
        let (low, high) = inner.split_once(',').unwrap_or((inner, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if low.is_empty() || !digits(low) || !digits(high) {
            return Ok(None);
        }
        let is_countable = |text: &str| text.is_empty() || text.parse::<u32>().is_ok_and(|count| count <= REPETITIONS);
        if !is_countable(low) || !is_countable(high) {
            return Err(format!("`{{{inner}}}` asks for more than {REPETITIONS} repetitions, which PCRE refuses"));
        }
        let counts = format!("{{{inner}}}");
        self.at += inner.len() + 1;
        Ok(Some(counts))
    }

    fn group(&mut self) -> Result<(), String> {
        if self.eat("*") {
            return Err("verbs such as `(*UCP)` are not read".to_owned());
        }
        if !self.eat("?") {
            return self.open("(");
        }
        for (start, what) in [
            ("=", "look-ahead"),
            ("!", "look-ahead"),
            ("<=", "look-behind"),
            ("<!", "look-behind"),
            (">", "an atomic group"),
            ("|", "a branch reset group"),
            ("(", "a conditional group"),
            ("R", "recursion"),
            ("&", "recursion"),
            ("P>", "recursion"),
            ("P=", "a back-reference"),
            ("C", "a callout"),
            ("^", "a reset of flags"),
        ] {
            if self.rest().starts_with(start) {
                return Err(format!("the regular expression uses {what}, which is no regular language's notation"));
            }
        }
        if self.eat("#") {
            let end = self.rest().find(')').ok_or("a comment in the regular expression is not closed")?;
            self.at += end + 1;
            return Ok(());
        }
        for (start, end) in [("P<", '>'), ("<", '>'), ("'", '\'')] {
            if self.eat(start) {
                self.name(end)?;
                return self.open("(?:");
            }
        }
        let end = self.rest().find([':', ')']).ok_or("a group of the regular expression is not closed")?;
        let flags = self.rest().get(..end).unwrap_or("").to_owned();
        let is_scoped = self.rest().get(end..).is_some_and(|rest| rest.starts_with(':'));
        self.at += end + 1;
        for flag in flags.chars() {
            match flag {
                'i' | 's' | 'U' | '-' => {}
                'm' if self.flavor == Flavor::Sigma => {}
                'm' => return Err("the flag `m` of a regular expression is not read".to_owned()),
                'x' => return Err("the flag `x` of a regular expression is not read".to_owned()),
                other => return Err(format!("`(?{other}` in a regular expression is not read")),
            }
        }
        match (flags.trim_end_matches('-'), is_scoped) {
            ("", true) => self.open("(?:"),
            ("", false) => Ok(()),
            (flags, true) => self.open(&format!("(?{flags}:")),
            (flags, false) => {
                self.put(Token::Atom, &format!("(?{flags})"));
                Ok(())
            }
        }
    }

    /// The name of a group, which ends with `end`.
    fn name(&mut self, end: char) -> Result<(), String> {
        let (name, _) = self.rest().split_once(end).ok_or("a group's name is not closed")?;
        let name = name.to_owned();
        let is_word = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if name.is_empty() || name.len() > NAME || !is_word || name.starts_with(|c: char| c.is_numeric()) {
            return Err(format!("`{name}` cannot name a group"));
        }
        self.at += name.len() + 1;
        match self.names.insert(name.clone()) {
            true => Ok(()),
            false => Err(format!("two groups are called `{name}`")),
        }
    }

    fn open(&mut self, text: &str) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("the regular expression nests too deeply".to_owned());
        }
        self.put(Token::Open, text);
        Ok(())
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<String, String> {
        let Some(c) = self.next() else { return Err("the regular expression ends in a lone backslash".to_owned()) };
        let pcre = self.flavor == Flavor::Pcre;
        Ok(match c {
            'd' if pcre => if in_class { "0-9" } else { "[0-9]" }.to_owned(),
            'w' if pcre => if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }.to_owned(),
            's' if pcre => if in_class { r"\t-\r " } else { r"[\t-\r ]" }.to_owned(),
            'D' if pcre => "[^0-9]".to_owned(),
            'W' if pcre => "[^0-9A-Za-z_]".to_owned(),
            'S' if pcre => r"[^\t-\r ]".to_owned(),
            'h' => if in_class { r"\t \x{A0}" } else { r"[\t \x{A0}]" }.to_owned(),
            'v' => if in_class { r"\n-\r\x{85}\x{2028}\x{2029}" } else { r"[\n-\r\x{85}\x{2028}\x{2029}]" }.to_owned(),
            'b' if in_class => r"\x08".to_owned(),
            'b' if pcre => r"(?-u:\b)".to_owned(),
            'B' if pcre => return Err("`\\B` in a regular expression is not read".to_owned()),
            'd' | 'w' | 's' | 'D' | 'W' | 'S' | 'b' | 'B' | 't' | 'n' | 'r' | 'f' | 'a' => format!("\\{c}"),
            'A' | 'z' if !in_class => format!("\\{c}"),
            'e' => r"\x1B".to_owned(),
            'x' => self.hexadecimal()?,
            'u' if !pcre => self.fixed(4)?,
            'p' | 'P' => self.property(c)?,
            '0' => {
                let mut value = 0;
                for _ in 0..2 {
                    match self.peek().and_then(|c| c.to_digit(8)) {
                        Some(digit) => {
                            value = value * 8 + digit;
                            self.at += 1;
                        }
                        None => break,
                    }
                }
                format!("\\x{{{value:X}}}")
            }
            '1'..='9' | 'g' | 'k' => {
                return Err(
                    "the regular expression uses a back-reference, which is no regular language's notation".to_owned()
                );
            }
            c if c.is_ascii_alphanumeric() => return Err(format!("`\\{c}` in a regular expression is not read")),
            c => literal(c),
        })
    }

    fn hexadecimal(&mut self) -> Result<String, String> {
        if self.eat("{") {
            let (digits, _) = self.rest().split_once('}').ok_or("`\\x{` is not closed")?;
            let value = u32::from_str_radix(digits, 16).map_err(|_| "`\\x{…}` takes hexadecimal digits")?;
            self.at += digits.len() + 1;
            return Ok(format!("\\x{{{value:X}}}"));
        }
        let mut value = 0;
        for _ in 0..2 {
            match self.peek().and_then(|c| c.to_digit(16)) {
                Some(digit) => {
                    value = value * 16 + digit;
                    self.at += 1;
                }
                None => break,
            }
        }
        Ok(format!("\\x{{{value:X}}}"))
    }

    fn fixed(&mut self, count: usize) -> Result<String, String> {
        let digits = self.rest().get(..count).unwrap_or("").to_owned();
        let value = u32::from_str_radix(&digits, 16).map_err(|_| "`\\u` takes four hexadecimal digits")?;
        self.at += count;
        Ok(format!("\\x{{{value:X}}}"))
    }

    fn property(&mut self, kind: char) -> Result<String, String> {
        let name = match self.next() {
            Some('{') => {
                let (name, _) = self.rest().split_once('}').ok_or("`\\p{` is not closed")?;
                let name = name.to_owned();
                self.at += name.len() + 1;
                name
            }
            Some(c) => c.to_string(),
            None => return Err("`\\p` without a name".to_owned()),
        };
        let plain = name.strip_prefix('^').unwrap_or(&name);
        let is_script = || {
            plain.starts_with(|c: char| c.is_ascii_uppercase())
                && plain.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
                && regex::Regex::new(&format!(r"\p{{sc={plain}}}")).is_ok()
        };
        if self.flavor == Flavor::Pcre && !CATEGORIES.contains(&plain) && !is_script() {
            return Err(format!("PCRE knows no characters `\\{kind}{{{name}}}`"));
        }
        let kind = match (kind, plain == name) {
            (kind, true) => kind,
            ('p', false) => 'P',
            (_, false) => 'p',
        };
        // Letters that have a case.
        let plain = if plain == "L&" { "LC" } else { plain };
        Ok(format!("\\{kind}{{{plain}}}"))
    }

    /// A bracketed class. Perl knows no classes inside classes and no operators on them.
    fn class(&mut self) -> Result<String, String> {
        let mut out = String::from("[");
        if self.eat("^") {
            out.push('^');
        }
        let mut first = true;
        loop {
            let Some(c) = self.next() else { return Err(OPEN_CLASS.to_owned()) };
            if c == ']' && !first {
                break;
            }
            first = false;
            let (member, is_character) = self.member(c)?;
            out.push_str(&member);
            // A dash stands for itself where a range has ended or the class does.
            if self.rest().starts_with('-') && !self.rest().starts_with("-]") {
                self.at += 1;
                let Some(c) = self.next() else { return Err(OPEN_CLASS.to_owned()) };
                let (last, ends_in_character) = self.member(c)?;
                if !is_character || !ends_in_character {
                    return Err("a range of the regular expression begins or ends with a class".to_owned());
                }
                out.push('-');
                out.push_str(&last);
            }
        }
        out.push(']');
        Ok(out)
    }

    /// What a bracketed class has from `c` on: one character or a class, and whether it is the former.
    fn member(&mut self, c: char) -> Result<(String, bool), String> {
        match c {
            '[' if self.rest().starts_with(':') && self.rest().contains(":]") => {
                let (name, _) = self.rest().split_once(":]").unwrap_or_default();
                let name = name.to_owned();
                let plain = name.strip_prefix(':').unwrap_or_default();
                if !POSIX.contains(&plain.strip_prefix('^').unwrap_or(plain)) {
                    return Err(format!("the class `[{name}:]` is not read"));
                }
                self.at += name.len() + 2;
                Ok((format!("[{name}:]"), false))
            }
            '[' if self.rest().starts_with(['.', '=']) => {
                Err("collating elements in a regular expression are not read".to_owned())
            }
            '\\' if self.eat("Q") || self.eat("E") => Err("`\\Q` in a class is not read".to_owned()),
            '\\' => {
                let is_class = self.peek().is_some_and(|c| "dDwWsShvpP".contains(c));
                Ok((self.escape(true)?, !is_class))
            }
            c => Ok((literal(c), true)),
        }
    }

    /// The expression with every `$` of PCRE said exactly: the end, or a last newline and the end. That can be said
    /// where nothing follows it.
    fn with_dollars(self) -> Result<String, String> {
        let mut last = true;
        let mut ends: Vec<bool> = Vec::new();
        let mut repeated = false;
        let mut dollars = Vec::new();
        for (token, place) in self.tokens.iter().rev() {
            let was_repeated = std::mem::take(&mut repeated);
            match token {
                Token::Close => {
                    last = last && !was_repeated;
                    ends.push(last);
                }
                Token::Alternative => last = ends.last().copied().unwrap_or(true),
                Token::Open => {
                    ends.pop();
                    last = false;
                }
                Token::Quantifier => repeated = true,
                Token::Dollar => {
                    if !last || was_repeated {
                        return Err("`$` in the middle of a regular expression is not read".to_owned());
                    }
                    dollars.push(*place);
                    last = false;
                }
                Token::Atom => last = false,
            }
        }
        let mut out = self.out;
        for place in dollars {
            let width = if out.get(place..).is_some_and(|rest| rest.starts_with('$')) { 1 } else { 2 };
            out.replace_range(place..place + width, r"(?:\n?\z)");
        }
        Ok(out)
    }
}

fn literal(c: char) -> String {
    let mut out = String::new();
    if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
        out.push('\\');
    }
    out.push(c);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(source: &str, text: &str) -> bool {
        regex::Regex::new(&translate(source, Flavor::Pcre).unwrap()).unwrap().is_match(text)
    }

    #[test]
    fn the_meaning_of_perl_is_kept() {
        for (source, yes, no) in [
            ("a$", "xa\n", "a\nb"),
            (r"a\z", "a", "a\n"),
            ("(^|/)docker( |$)", "/bin/docker", "dockerd"),
            ("[[a]", "[", "b"),
            ("[a&&b]", "&", "c"),
            ("[a-z--0]", ".", "1"),
            ("[--0]", "/", "a"),
            ("[+--x]", ",", "."),
            ("[a-c-e]", "-", "d"),
            (r"[\x41-\x43-]", "-", "D"),
            ("[^-a-]b", "cb", "-b"),
            ("[]a]", "]", "b"),
            (r"\p{Lu}\P{Greek}\p{^L}\p{L&}", "Ax1b", "Ax1-"),
            ("[[:^digit:][:space:]]a", "xa", "1a"),
            ("a{2,65535}", "aa", "a"),
            ("a{,3}", "a{,3}", "aaa"),
            (r"\<a\>", "<a>", "a"),
            (r"\/etc\/", "/etc/", "etc"),
            (r"\Qa.b\Ec", "a.bc", "axbc"),
            (r"\d", "1", "\u{663}"),
            (r"[\w-]+\s", "a- ", "-\u{a0}"),
            (r"\bsh\b", "/sh ", "ssh"),
            (r"x\v", "x\u{2028}", "xy"),
            (r"(?i)AB(?#c)c", "abC", "ac"),
            ("(?<n>ab)(?:c)", "abc", "ab"),
            (r"\0a\x41", "\0aA", "aA"),
        ] {
            assert!(found(source, yes), "{source} in {yes:?}");
            assert!(!found(source, no), "{source} not in {no:?}");
        }
    }

    #[test]
    fn what_is_no_regular_language_is_refused() {
        for source in
            ["(?=a)b", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "a++", "(?>a)", "a$b", "${x}", "(?m)^a", "(a", "a\\"]
        {
            assert!(translate(source, Flavor::Pcre).is_err(), "{source}");
        }
    }

    #[test]
    fn what_pcre_refuses_is_refused() {
        for source in [
            "a**",
            "*a",
            "a|+b",
            "a{3,2}",
            "a{65536}",
            "a{1,99999999999}",
            "a)",
            "[b-a]",
            r"[a-\d]",
            r"[\w-z]",
            "[a-[:digit:]]",
            "[0----V]",
            "[[:name:]]",
            "(?<n>a)(?<n>b)",
            "(?<1n>a)",
            "(?<>a)",
            "(?<a-b>a)",
            "(?'n>a)",
            r"\p{Emoji}",
            r"\p{Lowercase}",
            r"\p{greek}",
            r"\p{sc=Greek}",
            r"\p{Lx}",
        ] {
            assert!(translate(source, Flavor::Pcre).is_err(), "{source}");
        }
        assert!(translate(r"\p{Lowercase}", Flavor::Sigma).is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_text_gives_an_expression_or_a_reason(source in "[\\\\()\\[\\]{}$^|*+?a-f0-9:<>=!,.-]{0,40}|.{0,30}") {
            for flavor in [Flavor::Pcre, Flavor::Sigma] {
                if let Ok(out) = translate(&source, flavor) {
                    prop_assert!(regex::Regex::new(&out).is_ok());
                }
            }
        }
    }
}
