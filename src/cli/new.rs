//! `cresset new`: a scaffold of a detection.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::Exit;
use crate::diagnostic::suggest::{all_of, nearest};
use crate::project::Project;
use crate::source::{Catalogue, FieldKind, Source};

/// Write the scaffold of a new detection, with a fresh id.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset new docker_socket_mounted                              observes processes
  cresset new host_namespaces --source kubernetes_audit --source compose
  cresset new container/nsenter                                  in a folder below `detections/`

`cresset check` says what is still to be filled in.")]
pub struct Args {
    /// Its name: small letters, digits, `_` and `-`; a path below `detections/`, without `.yml`.
    name: String,
    /// A log source that it observes; may be repeated.
    #[arg(long, default_value = "process")]
    source: Vec<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let catalogue = Catalogue::builtin();
    let sources = args.source.iter().map(|name| source(catalogue, name)).collect::<anyhow::Result<Vec<_>>>()?;
    let name = args.name.strip_suffix(".yml").unwrap_or(&args.name);
    let sound = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
    };
    if !name.split('/').all(sound) {
        bail!("`{name}` cannot name a detection: use small letters, digits, `_` and `-`, with `/` between folders");
    }
    let folder =
        Project::find(None).and_then(|project| project.detections()).unwrap_or_else(|| PathBuf::from("detections"));
    let path = folder.join(format!("{name}.yml"));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot make the folder `{}`", parent.display()))?;
    }
    // Never over an existing file.
    let mut file = std::fs::File::create_new(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    let today = jiff::ZonedDateTime::now().date();
    file.write_all(scaffold(name, &fresh_id()?.to_string(), today, &sources).as_bytes())?;
    writeln!(anstream::stdout(), "{}", path.display())?;
    Ok(Exit::Clean)
}

fn source<'c>(catalogue: &'c Catalogue, name: &str) -> anyhow::Result<&'c Source> {
    if let Some(source) = catalogue.source(name) {
        return Ok(source);
    }
    let known = || catalogue.sources.keys().map(String::as_str);
    match nearest(name, known()) {
        Some(near) => bail!("there is no log source `{name}`; did you mean `{near}`?"),
        None => bail!("there is no log source `{name}`; there are {}", all_of(known())),
    }
}

/// A random UUID (version 4).
pub(super) fn fresh_id() -> anyhow::Result<uuid::Uuid> {
    // Keys of hash maps are the system's randomness that the standard library gives access to; an id needs to be
    // unique, not secret.
    use sha2::{Digest as _, Sha256};
    use std::hash::{BuildHasher as _, RandomState};
    let mut hash = Sha256::new();
    for _ in 0..8 {
        hash.update(RandomState::new().hash_one(0).to_le_bytes());
    }
    hash.update(jiff::Timestamp::now().as_nanosecond().to_le_bytes());
    hash.update(std::process::id().to_le_bytes());
    let digest = hash.finalize();
    let bytes: [u8; 16] = digest.get(..16).and_then(|bytes| bytes.try_into().ok()).context("cannot make an id")?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// The text of a scaffold. Blanks are `TODO`; everything else is sound.
fn scaffold(name: &str, id: &str, today: jiff::civil::Date, sources: &[&Source]) -> String {
    let title = name.rsplit('/').next().unwrap_or(name).replace(['_', '-'], " ");
    let mut letters = title.chars();
    let title: String = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    let mut text = format!(
        "id: {id}
title: {title}
version: 1
status: experimental
severity: medium
confidence: medium
description: >-
  TODO what it finds, and why that matters.
author: TODO
created: {today}
attack: []                  # technique ids: T1611
references: []
false_positives: []
triage: |
  1. TODO what an analyst looks at first.
tags: []

observe:
"
    );
    for source in sources {
        let (field, value) = example(source);
        _ = write!(text, "  {}:\n    selection:\n      {field}: {value}\n    condition: selection\n", source.name);
    }
    text.push_str("\ntests:\n");
    for source in sources {
        let (field, value) = example(source);
        let event = nested(source, &field, &value);
        _ = write!(text, "  - source: {}\n    matches:\n      - {event}\n    misses:\n      - {{}}\n", source.name);
    }
    text
}

/// A field to begin with, with a value: the last column that is text. The first ones say when and where.
fn example(source: &Source) -> (String, String) {
    let by_column = source.columns.iter().rev().filter_map(|name| source.field(name));
    let field = by_column
        .chain(source.fields.iter().cloned())
        .find(|field| field.kind == FieldKind::Text && !field.name.starts_with('@'));
    (field.map_or_else(String::new, |field| field.name), "TODO".to_owned())
}

/// An event with one value.
fn nested(source: &Source, field: &str, value: &str) -> String {
    let Some(path) = source.field(field).and_then(|field| field.paths.first().cloned()) else { return "{}".to_owned() };
    let mut event = value.to_owned();
    for segment in path.segments().iter().rev() {
        event = format!(
            "{{ {}: {event} }}",
            if segment.contains('.') { format!("\"{segment}\"") } else { segment.to_string() }
        );
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detection::load::load_text;
    use crate::diagnostic::SourceFile;

    #[test]
    fn a_scaffold_of_every_source_is_sound_once_it_is_filled_in() {
        let catalogue = Catalogue::builtin();
        let sources: Vec<&Source> = catalogue.sources.values().collect();
        let id = fresh_id().expect("an id").to_string();
        let scaffold = scaffold("x/a_b", &id, jiff::civil::date(2026, 11, 24), &sources);
        let open = load_text(&SourceFile::new("a_b.yml", scaffold.clone()), "a_b", catalogue);
        assert!(open.detections.is_empty());
        assert!(open.problems.iter().all(|problem| problem.message == "this is still to be filled in"));
        assert_eq!(open.problems.len(), scaffold.matches("TODO").count());
        let text = scaffold.replace("TODO", "word");
        let loaded = load_text(&SourceFile::new("a_b.yml", text), "a_b", catalogue);
        assert!(loaded.problems.is_empty(), "{}", crate::diagnostic::render::human(&loaded.problems, false));
        let detection = loaded.detections.first().expect("a detection");
        assert_eq!((detection.title.as_str(), detection.observations.len()), ("A b", sources.len()));
        for test in &detection.tests {
            let observation = detection.observation(test.source.as_deref().unwrap_or_default()).expect("observed");
            let crate::detection::TestEvents::Inline { matches, misses } = &test.events else { panic!("inline") };
            let holds = |event| crate::logic::evaluate(&observation.formula, event, crate::logic::Reading::Must);
            assert!(matches.iter().all(holds) && !misses.iter().any(holds), "{}", observation.source);
        }
    }

    #[test]
    fn ids_are_fresh() {
        assert_ne!(fresh_id().expect("an id"), fresh_id().expect("an id"));
    }
}
