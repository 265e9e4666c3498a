//! The text of a proposal: an exception's file, with what was seen in comments.
//!
//! What stands in it comes from logs, and logs hold what attackers write: values are quoted, wildcards in them escaped,
//! and what is shown in comments stays on its line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::column::Role;
use super::condition::quoted;
use super::table::{Example, Few, Seen};
use super::{Asked, Differ, Draft, Explained, Header, Part, Proposal};
use crate::printable::one_line;

/// A name is so long at most.
const MAX_NAME: usize = 60;

/// The proposal of a draft. Its name is none of `names`, and becomes one of them.
pub fn proposal(
    draft: &Draft<'_>,
    explained: &[Explained<'_>],
    header: &Header,
    names: &mut BTreeSet<String>,
) -> Proposal {
    let mut seen = Seen::default();
    let mut parts = Vec::new();
    let mut differ: BTreeMap<String, usize> = BTreeMap::new();
    let mut unseen: BTreeSet<&str> = BTreeSet::new();
    for (at, rows) in &draft.parts {
        let Some(one) = explained.get(*at) else { continue };
        let (hits, of) = (one.sheet.hits(rows), one.sheet.hits(&one.sheet.all()));
        seen.join(&one.sheet.seen(rows));
        unseen.extend(one.sheet.dropped.iter().map(|column| column.field.name.as_str()));
        parts.push(Part { detection: one.detection.name.clone(), hits, of });
        for (column, known) in one.sheet.columns.iter().enumerate() {
            let values: BTreeSet<_> = rows.iter().filter_map(|row| one.sheet.cell(*row, column)).collect();
            let is_asked = draft.asked.iter().any(|(field, _)| field.name == known.field.name);
            // A field of which the hits hold nothing, or one value, is no difference.
            if !is_asked && values.len() > 1 {
                let most = differ.entry(known.field.name.clone()).or_default();
                *most = values.len().max(*most);
            }
        }
    }
    let name = name(draft, explained, &parts, names);
    let conditions =
        draft.asked.iter().map(|(field, is)| Asked { field: field.name.clone(), is: is.clone() }).collect();
    let mut proposal = Proposal {
        name,
        detections: parts,
        source: draft.source.name.clone(),
        conditions,
        seen,
        differ: differ.into_iter().map(|(field, values)| Differ { field, values }).collect(),
        unseen: unseen.into_iter().map(str::to_owned).collect(),
        yaml: String::new(),
    };
    proposal.yaml = yaml(&proposal, header);
    proposal
}

/// A name that says what is excepted: the detection, if it is one, and the first of who acts.
fn name(draft: &Draft<'_>, explained: &[Explained<'_>], parts: &[Part], names: &mut BTreeSet<String>) -> String {
    let columns = draft.parts.first().and_then(|(at, _)| explained.get(*at)).map(|one| one.sheet.columns.as_slice());
    let rank = |name: &str| {
        let column = columns.unwrap_or_default().iter().find(|column| column.field.name == name);
        column.map_or(Role::Line, |column| column.role)
    };
    let lead = draft.asked.iter().min_by_key(|(field, _)| rank(&field.name));
    let value = lead.map(|(_, is)| match is {
        super::Form::OneOf(values) | super::Form::All(values) => values.first().map_or("", |value| value),
        super::Form::Under(path) => path.as_str(),
    });
    let value = value.map(|value| value.rsplit('/').next().unwrap_or(value)).unwrap_or_default();
    let words = value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let who = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_");
    let mut name = match parts {
        [one] => format!("{}_{who}", one.detection),
        several => format!("{who}_in_{}_detections", several.len()),
    };
    name = name.chars().take(MAX_NAME).collect();
    let name = name.trim_matches('_').to_owned();
    let mut unique = name.clone();
    for count in 2_u32.. {
        if names.insert(unique.clone()) {
            break;
        }
        unique = format!("{name}_{count}");
    }
    unique
}

fn yaml(proposal: &Proposal, header: &Header) -> String {
    let seen = &proposal.seen;
    let mut text = format!("# Proposed by `cresset baseline` from {}.\n", counted(seen));
    text.push_str("# An exception hides who copies it: approve it only if nobody else can be what it asks for.\n#\n");
    for part in &proposal.detections {
        _ = writeln!(text, "#   {}: {} of {} hits", part.detection, part.hits, part.of);
    }
    if !proposal.differ.is_empty() {
        let words: Vec<String> =
            proposal.differ.iter().map(|differ| format!("{} ({} values)", differ.field, differ.values)).collect();
        _ = writeln!(text, "#\n# The hits differ in {}.", words.join(", "));
    }
    if !proposal.unseen.is_empty() {
        let names = proposal.unseen.join(", ");
        _ = writeln!(text, "#\n# Not looked at, because there were too many different values: {names}.");
    }
    text.push_str("#\n# The first and the last:\n");
    for example in seen.examples() {
        _ = writeln!(text, "#   {}", shown(example));
    }
    text.push('\n');
    let names: Vec<&str> = proposal.detections.iter().map(|part| part.detection.as_str()).collect();
    _ = writeln!(text, "detections: [{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "));
    if let Some(profile) = &header.profile {
        _ = writeln!(text, "profiles: [{}]", quoted(profile));
    }
    text.push_str("reason: TODO why these events are all right\n");
    _ = writeln!(text, "owner: {}", quoted(&header.owner));
    _ = writeln!(text, "expires: {}", header.expires);
    if let Some(ticket) = &header.ticket {
        _ = writeln!(text, "ticket: {}", quoted(ticket));
    }
    _ = write!(text, "status: proposed\n\nobserve:\n  {}:\n    known:\n", proposal.source);
    for asked in &proposal.conditions {
        _ = writeln!(text, "      {}", asked.is.yaml(&asked.field));
    }
    text.push_str("    condition: known\n");
    text
}

/// How much was seen, in words.
pub fn counted(seen: &Seen) -> String {
    let mut text = match seen.hits {
        1 => "1 hit".to_owned(),
        hits => format!("{hits} hits"),
    };
    let many = |count: usize, more: bool, one: &str, many: &str| match (count, more) {
        (1, false) => format!("1 {one}"),
        (count, false) => format!("{count} {many}"),
        (count, true) => format!("more than {count} {many}"),
    };
    let Few { more, .. } = seen.hosts;
    if !seen.hosts.is_empty() {
        _ = write!(text, " on {}", many(seen.hosts.len(), more, "host", "hosts"));
    }
    if !seen.days.is_empty() {
        _ = write!(text, ", {}", many(seen.days.len(), seen.days.more, "day", "days"));
    }
    let date = |example: &Option<Example>| {
        example.as_ref().and_then(|example| example.time).map(|time| time.strftime("%Y-%m-%d").to_string())
    };
    if let (Some(first), Some(last)) = (date(&seen.first), date(&seen.last)) {
        _ = if first == last { write!(text, ", {first}") } else { write!(text, " from {first} to {last}") };
    }
    text
}

/// One hit, in one line.
pub fn shown(example: &Example) -> String {
    let time = example.time.map(|time| format!("{} ", time.strftime("%Y-%m-%dT%H:%M:%SZ"))).unwrap_or_default();
    let at = match (&example.user, &example.host) {
        (Some(user), Some(host)) => format!("{user}@{host}: "),
        (Some(one), None) | (None, Some(one)) => format!("{one}: "),
        (None, None) => String::new(),
    };
    one_line(&format!("{time}{at}{} (event {})", example.what, example.event))
}
