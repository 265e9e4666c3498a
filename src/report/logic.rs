//! A condition as a tree for readers, in HTML.

use std::fmt::Write as _;

use super::text::escape;
use crate::logic::{
    Case, Command, Formula, OptionTest, OptionValue, Predicate, Subject, Test, TextSet, ValueForm, ValueTest,
};

/// How many values are shown before the rest is folded away.
const MOST: usize = 8;

/// The tree of a condition.
pub fn tree(formula: &Formula) -> String {
    let mut out = String::from("<ul class=\"tree\">");
    write(formula, &mut out);
    out.push_str("</ul>");
    out
}

fn write(formula: &Formula, out: &mut String) {
    let group = |label: &str, parts: &[Formula], out: &mut String| {
        _ = write!(out, "<li><span class=\"join\">{label}</span><ul>");
        parts.iter().for_each(|part| write(part, out));
        out.push_str("</ul></li>");
    };
    match formula {
        Formula::And(parts) if parts.is_empty() => out.push_str("<li><span class=\"join\">always</span></li>"),
        Formula::Or(parts) if parts.is_empty() => out.push_str("<li><span class=\"join\">never</span></li>"),
        Formula::And(parts) => group("all of", parts, out),
        Formula::Or(parts) => group("one of", parts, out),
        Formula::Not(part) => group("not", std::slice::from_ref(part), out),
        Formula::AtLeast { count, of } => group(&format!("at least {count} of"), of, out),
        Formula::Element { path, body } => {
            let label = format!("one and the same of <code>{}</code>", escape(&path.to_string()));
            group(&label, std::slice::from_ref(body), out);
        }
        Formula::Test(test) => {
            out.push_str("<li>");
            write_test(test, out);
            out.push_str("</li>");
        }
    }
}

fn write_test(test: &Test, out: &mut String) {
    let subject = match &test.subject {
        Subject::Field(path) => format!("<code class=\"field\">{}</code>", escape(&path.to_string())),
        Subject::Anywhere => "any field".to_owned(),
    };
    _ = write!(out, "{subject} ");
    match &test.predicate {
        Predicate::Text(set) => texts(set, out),
        Predicate::Encoded(encoding, set) => {
            _ = write!(out, "in {} encoding ", encoding.name());
            texts(set, out);
        }
        Predicate::Number { op, value } => _ = write!(out, "{} {}", escape(op.sign()), code(&value.to_string())),
        Predicate::Network(network) => _ = write!(out, "is an address in {}", code(&network.to_string())),
        Predicate::Boolean(value) => _ = write!(out, "is {}", code(&value.to_string())),
        Predicate::Exists => out.push_str("has a value"),
        Predicate::Field { op, other } => {
            _ = write!(out, "{} the field {}", escape(op.sign()), code(&other.to_string()));
        }
        Predicate::Option(option) => write_option(option, out),
    }
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escape(text))
}

/// What a text may be.
fn texts(set: &TextSet, out: &mut String) {
    let values: Vec<String> = set.any.iter().map(ToString::to_string).collect();
    out.push_str(if values.len() == 1 { "is " } else { "is one of " });
    list(&values, out);
    if set.case == Case::Insensitive {
        out.push_str(" <span class=\"note\">in any case of letters</span>");
    }
}

fn list(values: &[String], out: &mut String) {
    let shown = |values: &[String]| values.iter().map(|value| code(value)).collect::<Vec<_>>().join(" ");
    match values.split_at_checked(MOST) {
        Some((first, rest)) if rest.len() > 1 => {
            _ = write!(
                out,
                "{} <details class=\"more\"><summary>{} more</summary>{}</details>",
                shown(first),
                rest.len(),
                shown(rest)
            );
        }
        _ => out.push_str(&shown(values)),
    }
}

fn write_option(option: &OptionTest, out: &mut String) {
    let commands: Vec<String> = option.commands.iter().map(command).collect();
    if commands.is_empty() {
        out.push_str("is any command");
    } else {
        out.push_str("runs ");
        list(&commands, out);
    }
    if !option.names.is_empty() {
        out.push_str(" with the option ");
        list(&option.names, out);
    }
    match &option.value {
        OptionValue::Switch => out.push_str(if option.names.is_empty() { "" } else { " switched on" }),
        OptionValue::Given { form, tests } => {
            for (at, test) in tests.iter().enumerate() {
                out.push_str(if at == 0 { ", whose " } else { " and " });
                match test {
                    ValueTest::Whole(set) => {
                        out.push_str("value ");
                        texts(set, out);
                    }
                    ValueTest::Key(names, set) => {
                        let what = if *form == ValueForm::Volume { "" } else { "key " };
                        _ = write!(
                            out,
                            "{what}{} ",
                            names.iter().map(|name| code(name)).collect::<Vec<_>>().join(" or ")
                        );
                        texts(set, out);
                    }
                    ValueTest::ReadOnly(true) => out.push_str("mount is read-only"),
                    ValueTest::ReadOnly(false) => out.push_str("mount is writable"),
                }
            }
        }
    }
}

fn command(command: &Command) -> String {
    let program = command.program.as_deref().unwrap_or("…");
    let words = std::iter::once(program).chain(command.words.iter().map(String::as_str));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_says_everything_and_escapes_it() {
        let set = TextSet::equals("<b>", Case::Insensitive);
        let path: crate::logic::Path = "a.b".parse().expect("a path");
        let test = Formula::test(&path, Predicate::Text(set));
        let formula = Formula::and([Formula::not(test), Formula::test(&path, Predicate::Exists)]);
        assert_eq!(
            tree(&formula),
            "<ul class=\"tree\"><li><span class=\"join\">all of</span><ul><li><span class=\"join\">not</span><ul><li>\
             <code class=\"field\">a.b</code> is <code>&lt;b&gt;</code> <span class=\"note\">in any case of letters\
             </span></li></ul></li><li><code class=\"field\">a.b</code> has a value</li></ul></li></ul>"
        );
    }

    #[test]
    fn many_values_are_folded() {
        let values: Vec<String> = (0..12).map(|at| format!("v{at}")).collect();
        let mut out = String::new();
        list(&values, &mut out);
        assert!(out.contains("<summary>4 more</summary>") && out.contains("v11"), "{out}");
    }
}
