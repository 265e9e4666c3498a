//! The site: one page for all detections, one for each, and the matrix. Every page is whole in itself: style and script
//! stand in it, allowed by their hashes, and nothing is loaded from anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tera::{Context, Kwargs, State, Tera, TeraResult, Value as Shown};

use super::coverage::{Coverage, source_title};
use super::page::{self, DetectionPage, Named};
use super::{events, text};
use crate::detection::{Detection, SEVERITIES};
use crate::pack::Proved;
use crate::target::{Compiled, Target, Verdict};

const STYLE: &str = include_str!("site/style.css");
const SCRIPT: &str = include_str!("site/script.js");
const EARLY: &str = include_str!("site/early.js");
const TEMPLATES: [(&str, &str); 4] = [
    ("base.html", include_str!("site/base.html.tera")),
    ("index.html", include_str!("site/index.html.tera")),
    ("detection.html", include_str!("site/detection.html.tera")),
    ("matrix.html", include_str!("site/matrix.html.tera")),
];

/// What a site is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'i> {
    /// What the pack is called.
    pub title: &'i str,
    /// The targets.
    pub targets: &'i [Target],
    /// The detections.
    pub detections: &'i [Detection],
    /// All detections for all targets.
    pub compiled: &'i [Compiled<'i>],
    /// The pack and what is known of its rules.
    pub proved: &'i Proved,
    /// Where recorded logs are.
    pub tests: Option<&'i Path>,
}

/// All pages by their paths below the site's folder. The same input gives the same pages.
///
/// # Errors
/// If a template is wrong.
pub fn site(input: &Input<'_>) -> TeraResult<BTreeMap<String, Vec<u8>>> {
    let tera = engine()?;
    let coverage = Coverage::of(input.targets, input.detections, input.proved);
    let mut tests = events::pages(input.detections, input.tests);
    let mut pages: Vec<DetectionPage> = input
        .detections
        .iter()
        .map(|detection| {
            let tests = tests.remove(&detection.name).unwrap_or_default();
            page::detection(detection, input.compiled, input.targets, &coverage, input.proved, tests)
        })
        .collect();
    // The worst first, as a reader wants them; else in the order of the files.
    pages.sort_by_key(|page| std::cmp::Reverse(page.rank));
    let columns = page::matrix(&coverage);
    let mut base = Context::new();
    base.insert("pack", input.title);
    base.insert("style", STYLE);
    base.insert("script", SCRIPT);
    base.insert("early", EARLY);
    base.insert("policy", &policy());
    let mut files = BTreeMap::new();
    let mut add = |path: String, template: &str, values: Value| -> TeraResult<()> {
        let mut context = base.clone();
        context.insert("root", if path.contains('/') { "../" } else { "" });
        if let Value::Object(values) = values {
            for (name, value) in values {
                context.insert(name, &value);
            }
        }
        files.insert(path, tera.render(template, &context)?.into_bytes());
        Ok(())
    };
    let summary = summary(&coverage, input, &columns);
    add(
        "index.html".to_owned(),
        "index.html",
        json!({ "detections": pages, "summary": summary, "choices": choices(input, &coverage) }),
    )?;
    add("matrix.html".to_owned(), "matrix.html", json!({ "columns": columns, "summary": summary }))?;
    for page in &pages {
        add(format!("detections/{}.html", page.page), "detection.html", json!({ "detection": page }))?;
    }
    Ok(files)
}

/// The templates, with everything escaped that does not say otherwise.
fn engine() -> TeraResult<Tera> {
    let mut tera = Tera::new();
    tera.set_escape_fn(text::escape_to);
    tera.register_filter("exact", |text: &str, _: Kwargs, _: &State| Shown::safe_string(&text::exact(text)));
    tera.register_filter("with_code", |text: &str, _: Kwargs, _: &State| Shown::safe_string(&text::with_code(text)));
    tera.add_raw_templates(TEMPLATES)?;
    Ok(tera)
}

/// What a page may do: use its own style and script, and nothing else.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {} {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(EARLY),
        hash(SCRIPT)
    )
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain([0, 0].iter()).take(3).fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
        for at in 0..4_usize {
            let digit = DIGITS.get((bits >> (18 - 6 * at)) as usize & 63).copied().unwrap_or(b'=');
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn summary(coverage: &Coverage, input: &Input<'_>, columns: &[page::Column]) -> Value {
    let mut verdicts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for standing in coverage.rows.iter().flat_map(|row| row.targets.values()) {
        if let Some(verdict) = standing.verdict {
            *verdicts.entry(verdict).or_default() += 1;
        }
    }
    let rules: usize = verdicts.values().sum();
    let sources: BTreeSet<&str> = coverage.rows.iter().map(|row| row.source.as_str()).collect();
    let severities = SEVERITIES.iter().rev().map(|(word, severity)| {
        json!({ "name": word, "count": input.detections.iter().filter(|one| one.severity == *severity).count() })
    });
    let verdicts: Vec<Value> =
        verdicts.iter().map(|(verdict, count)| json!({ "name": verdict.word(), "count": count })).collect();
    json!({
        "detections": input.detections.len(),
        "rules": rules,
        "sources": sources.len(),
        "targets": input.targets.len(),
        "techniques": coverage.techniques().len(),
        "tactics": columns.iter().filter(|column| column.covered > 0).count(),
        "verdicts": verdicts,
        "severities": severities.collect::<Vec<_>>(),
    })
}

/// What the catalogue can be narrowed down to.
fn choices(input: &Input<'_>, coverage: &Coverage) -> Value {
    let sources: BTreeSet<&str> = coverage.rows.iter().map(|row| row.source.as_str()).collect();
    let sources = sources.into_iter().map(|name| Named { name: name.to_owned(), title: source_title(name) });
    let targets = input
        .targets
        .iter()
        .map(|target| Named { name: target.name().to_owned(), title: target.settings.title.clone() });
    let served: BTreeSet<&str> = coverage
        .rows
        .iter()
        .flat_map(|row| &row.techniques)
        .filter_map(|id| super::coverage::current(id))
        .flat_map(|technique| technique.tactics.iter().copied())
        .collect();
    let tactics = page::tactic_order().into_iter().filter(|tactic| served.contains(tactic.shortname));
    let tactics = tactics.map(|tactic| Named { name: tactic.shortname.to_owned(), title: tactic.name.to_owned() });
    let severities = SEVERITIES
        .iter()
        .rev()
        .filter(|(_, severity)| input.detections.iter().any(|detection| detection.severity == *severity));
    json!({
        "severities": severities.map(|(word, _)| *word).collect::<Vec<_>>(),
        "sources": sources.collect::<Vec<_>>(),
        "targets": targets.collect::<Vec<_>>(),
        "tactics": tactics.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_as_policies_have_them() {
        let written = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(written, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn style_and_script_stay_in_their_elements() {
        for text in [STYLE, SCRIPT, EARLY] {
            assert!(!text.to_lowercase().contains("</s") && !text.contains("<!--"));
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("url("));
        }
    }
}
