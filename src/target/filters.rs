//! The filters that templates put text in its place with. Text from a detection is data: whatever it holds, it stays
//! within the value it was written into.

use serde_json::Value as Json;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use sha2::{Digest, Sha256};
use tera::{Error, Kwargs, State, StringInput, Tera, TeraResult, Value};

use super::{falco_lists, stream, yaml};

/// Registers the filters, and refuses every value that goes into a file without one of them.
pub fn register(tera: &mut Tera) {
    tera.autoescape_on([".tera"]);
    tera.set_escape_fn(refuse_unescaped);
    tera.register_filter("json", |value: &Value, _: Kwargs, _: &State| -> TeraResult<Value> {
        Ok(Value::safe_string(&serde_json::to_string(defined(value)?).map_err(Error::message)?))
    });
    tera.register_filter("json_line", |text: StringInput<'_>, _: Kwargs, _: &State| -> TeraResult<Value> {
        Ok(Value::safe_string(&rewritten(text.as_str(), CompactFormatter)?))
    });
    tera.register_filter("json_pretty", |text: StringInput<'_>, _: Kwargs, _: &State| -> TeraResult<Value> {
        Ok(Value::safe_string(&rewritten(text.as_str(), PrettyFormatter::new())?))
    });
    tera.register_filter("yaml", |value: &Value, options: Kwargs, _: &State| -> TeraResult<Value> {
        let indent = options.get::<usize>("indent")?.unwrap_or(4).min(64);
        Ok(Value::safe_string(&yaml::after_key(&to_json(value)?, indent)))
    });
    tera.register_filter("conf", |text: &str, _: Kwargs, _: &State| Value::safe_string(&conf(text)));
    tera.register_filter("no_tokens", |text: &str, _: Kwargs, _: &State| text.replace('$', "$$"));
    tera.register_filter("spl_string", |text: &str, _: Kwargs, _: &State| {
        Value::safe_string(&format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\"")))
    });
    tera.register_filter("spl_field", |name: &str, _: Kwargs, _: &State| {
        let bare = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.@".contains(&b));
        let quoted = || format!("\"{}\"", one_line(name).replace('\\', "\\\\").replace('"', "\\\""));
        Value::safe_string(&if bare { name.to_owned() } else { quoted() })
    });
    tera.register_filter("markdown", |text: &str, _: Kwargs, _: &State| Value::safe_string(&markdown(text)));
    tera.register_filter("falco_output", |text: &str, options: Kwargs, _: &State| -> TeraResult<String> {
        let fields = options.must_get::<Vec<String>>("fields")?;
        let shown: Vec<String> = fields.iter().map(|field| format!("{field}=%{field}")).collect();
        // A percent sign of the text itself would begin a field.
        Ok(format!("{} ({})", one_line(text).replace('%', " percent"), shown.join(" ")))
    });
    tera.register_filter("falco_lists", |text: &str, options: Kwargs, _: &State| -> TeraResult<Value> {
        let named = falco_lists::take_out(text, &options.must_get::<String>("prefix")?);
        let lists = named.lists.iter().map(|(name, items)| serde_json::json!({ "name": name, "items": items }));
        let whole = serde_json::json!({ "condition": named.condition, "lists": lists.collect::<Vec<_>>() });
        Ok(Value::from_serializable(&whole))
    });
    tera.register_filter("line", |text: &str, _: Kwargs, _: &State| one_line(text));
    tera.register_filter("slug", |text: &str, _: Kwargs, _: &State| slug(text));
    tera.register_filter("fit", |text: &str, options: Kwargs, _: &State| -> TeraResult<String> {
        Ok(fit(text, options.must_get::<usize>("length")?))
    });
    tera.register_filter("comment", |text: &str, _: Kwargs, _: &State| {
        let text: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
        let lines = text.trim_end().split('\n').map(|line| format!("# {line}").trim_end().to_owned());
        Value::safe_string(&lines.collect::<Vec<_>>().join("\n"))
    });
}

/// Lets words and numbers through and nothing that could change a file's structure.
fn refuse_unescaped(text: &str, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
        return out.write_all(text.as_bytes());
    }
    let shown: String = text.chars().take(40).collect();
    Err(std::io::Error::other(format!(
        "{shown:?} is written without a filter that makes it safe: use json, yaml, conf, spl_string, markdown or comment"
    )))
}

fn defined(value: &Value) -> TeraResult<&Value> {
    if value.is_undefined() { Err(Error::message("the value is not defined")) } else { Ok(value) }
}

fn to_json(value: &Value) -> TeraResult<Json> {
    serde_json::to_value(defined(value)?).map_err(Error::message)
}

/// JSON as `formatter` writes it.
fn rewritten(text: &str, formatter: impl Formatter) -> TeraResult<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut writer = serde_json::Serializer::with_formatter(&mut out, formatter);
    let mut reader = serde_json::Deserializer::from_str(text);
    stream::copy(&mut reader, &mut writer)
        .and_then(|()| reader.end())
        .map_err(|error| Error::message(format!("the template makes no JSON: {error}")))?;
    String::from_utf8(out).map_err(Error::message)
}

/// A text in one line, with single blanks, without control characters and without those that turn the direction of
/// writing, so that it reads as it is.
pub fn one_line(text: &str) -> String {
    let turns =
        |c: &char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let kept = text.chars().filter(|c| !turns(c));
    let text: String = kept.map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c }).collect();
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A value of a Splunk `.conf` file: line breaks become continuations. A line of the text that itself ends in a
/// backslash gets a full stop, because there it would be a continuation.
fn conf(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.trim().split('\n').map(|line| {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.trim_end();
        if line.ends_with('\\') { format!("{line}.") } else { line.to_owned() }
    });
    // A continued line begins with a blank, so that it can never be read as a stanza or a comment.
    lines.collect::<Vec<_>>().join("\\\n ")
}

/// A text as Markdown that shows it as it is, in one line, and reads as it is where nobody renders it: only what would
/// mean something is escaped.
fn markdown(text: &str) -> String {
    let mut out = String::new();
    let line = one_line(text);
    let mut letters = line.chars().peekable();
    let mut before = None;
    while let Some(c) = letters.next() {
        let is_in_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let means_something = match c {
            '_' => !(is_in_word(before.as_ref()) && is_in_word(letters.peek())),
            // A list, at the beginning of a line.
            '+' | '-' => before.is_none(),
            '.' | ')' => !out.is_empty() && out.bytes().all(|b| b.is_ascii_digit()),
            c => "\\`*[]<>#|~$&".contains(c),
        };
        if means_something {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

/// A text as a name: small letters, digits and single underscores.
pub fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// A text of at most `length` characters. One that is cut ends in a mark of what it was, so that two stay apart.
fn fit(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let mark: String = Sha256::digest(text.as_bytes()).iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = text.chars().take(length.saturating_sub(mark.len() + 1)).collect();
    format!("{} {mark}", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conf_values_stay_one_value() {
        for hostile in
            ["a\n[stanza]\nkey = x", "ends in \\", "a\\\nb", "a\r\nb\r[c]", "a\u{0}\u{1b}[2Jb", "\n\n#x\n", "a\\ \nb"]
        {
            let value = conf(hostile);
            let mut lines = value.split('\n').peekable();
            while let Some(line) = lines.next() {
                assert_eq!(line.ends_with('\\'), lines.peek().is_some(), "{hostile:?}: {value:?}");
                assert!(!line.chars().any(char::is_control), "{value:?}");
            }
            assert!(value.split('\n').skip(1).all(|line| line.starts_with(' ')), "{value:?}");
        }
    }

    #[test]
    fn markdown_shows_what_was_written_and_nothing_else() {
        use pulldown_cmark::{Event, Parser, Tag, TagEnd};
        for text in [
            "sourcetype=\"cresset:docker_inspect\" (tag=x)",
            "a_b _c_ __d__ e_ _f",
            "*a* **b** `c` ~~d~~ $e$ | f",
            "[a](https://e.org) ![b](x.png) [c] <b>d</b> <https://e.org> &amp;",
            "# a",
            "a # b #",
            "- a",
            "+ a",
            "1. a",
            "12) a",
            "---",
            "> a",
            "ends in \\",
        ] {
            let escaped = markdown(text);
            let mut shown = String::new();
            for event in Parser::new(&escaped) {
                match event {
                    Event::Text(part) => shown.push_str(&part),
                    Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => {}
                    other => panic!("{text:?} as {escaped:?} holds {other:?}"),
                }
            }
            assert_eq!(shown, text, "{escaped:?}");
        }
        assert_eq!(markdown("sourcetype=cresset:docker_inspect (x)"), "sourcetype=cresset:docker_inspect (x)");
    }

    #[test]
    fn unfiltered_text_is_refused() {
        let mut tera = Tera::default();
        register(&mut tera);
        tera.add_raw_template("x.tera", "a: {{ text }}").expect("a template");
        let render = |text: &str| {
            let mut context = tera::Context::new();
            context.insert("text", text);
            tera.render("x.tera", &context)
        };
        assert_eq!(render("plain-word_1.0").expect("text"), "a: plain-word_1.0");
        for hostile in ["a b", "a\nb", "{{ x }}", "a: b", "$x$"] {
            assert!(render(hostile).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn cut_texts_stay_apart() {
        let long = "x".repeat(200);
        assert_eq!(fit("short", 99), "short");
        assert_eq!(fit(&long, 99).chars().count(), 99);
        assert_ne!(fit(&format!("{long}a"), 99), fit(&format!("{long}b"), 99));
    }
}
