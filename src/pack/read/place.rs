//! Where in its file a rule stands.

use saphyr_parser::{Event, Parser};
use serde_json::Value;
use uuid::Uuid;

use super::identity;
use crate::language::{falco, spl};
use crate::target::settings::Format;

/// The line in which a rule begins, counted from 1: by its identity, in formats in which rules have one, else by its
/// name.
pub fn line(format: Format, text: &str, id: Uuid, name: &str) -> Option<usize> {
    match format {
        Format::SavedSearches => {
            let conf = spl::read::Conf::read(text).ok()?;
            Some(conf.stanzas.iter().find(|stanza| stanza.name == name)?.line)
        }
        Format::Elastic => {
            let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            loop {
                let begin = documents.byte_offset();
                let rule = documents.next()?.ok()?;
                if identity(rule.get("rule_id").and_then(Value::as_str)) == id {
                    let rest = text.get(begin..)?;
                    let begin = begin + rest.len() - rest.trim_start().len();
                    return Some(1 + text.get(..begin)?.matches('\n').count());
                }
            }
        }
        Format::Falco => {
            let entries = falco::read::entries(text).ok()?;
            let is_meant =
                |entry: &serde_yaml::Value| entry.get("rule").and_then(serde_yaml::Value::as_str) == Some(name);
            lines_at(text, 1).get(entries.iter().position(is_meant)?).copied()
        }
        Format::Sigma => {
            let documents = super::sigma::documents(text).ok()?;
            let is_meant =
                |document: &serde_yaml::Value| identity(document.get("id").and_then(serde_yaml::Value::as_str)) == id;
            lines_at(text, 0).get(documents.iter().position(is_meant)?).copied()
        }
        Format::Macros | Format::SigmaFilter => None,
    }
}

/// The lines in which the values at a depth of YAML documents begin: 0 for the documents, 1 for the items of a list.
fn lines_at(text: &str, wanted: usize) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut depth = 0;
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let is_value =
            matches!(event, Event::Scalar(..) | Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..));
        if is_value && depth == wanted {
            lines.push(span.start.line());
        }
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth -= 1,
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "96df587b-8002-5aa2-8308-3640931dc235";

    fn place(format: Format, text: &str) -> Option<usize> {
        line(format, text, identity(Some(ID)), "Mine")
    }

    #[test]
    fn every_format_says_where_a_rule_begins() {
        let sigma = format!("# x\ntitle: Other\nid: {}\n---\n\n# y\ntitle: Mine\nid: {ID}\n", Uuid::max());
        assert_eq!(place(Format::Sigma, &sigma), Some(7));
        let falco = "# x\n- list: Mine\n  items: [a]\n\n- macro: m\n  condition: a = b\n- rule: Mine\n  desc: |\n    - rule: Mine\n";
        assert_eq!(place(Format::Falco, falco), Some(7));
        let conf = "[a]\nx = [Mine]\\\n[Mine]\n\n[Mine]\ny = 1\n";
        assert_eq!(place(Format::SavedSearches, conf), Some(5));
        let elastic = format!("{{\"rule_id\": \"x\"}}\n{{\n\"rule_id\": \"y\"}}\n\n{{\"rule_id\": \"{ID}\"}}\n");
        assert_eq!(place(Format::Elastic, &elastic), Some(5));
        assert_eq!(place(Format::Elastic, "{}"), None);
        assert_eq!(place(Format::Falco, "- rule: ["), None);
    }
}
