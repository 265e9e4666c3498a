//! Coverage (the list, and the layer for ATT&CK Navigator, held to the layer format's own fields) and the site, with
//! hostile text in every place.

mod report_project;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use cresset::detection::attack;
use cresset::pack;
use cresset::report::{Input, navigator, site};
use cresset::target;
use report_project::Made;
use serde_json::Value;

/// The properties of layer format 4.5 by object, with the type of each; `!` marks those that must be there.
const LAYER: &[(&str, &str)] = &[
    ("versions", "object"),
    ("name", "string!"),
    ("description", "string"),
    ("domain", "string!"),
    ("customDataURL", "string"),
    ("filters", "object"),
    ("sorting", "number"),
    ("layout", "object"),
    ("hideDisabled", "boolean"),
    ("techniques", "array"),
    ("gradient", "object"),
    ("legendItems", "array"),
    ("showTacticRowBackground", "boolean"),
    ("tacticRowBackground", "string"),
    ("selectTechniquesAcrossTactics", "boolean"),
    ("selectSubtechniquesWithParent", "boolean"),
    ("selectVisibleTechniques", "boolean"),
    ("metadata", "array"),
    ("links", "array"),
];
const VERSIONS: &[(&str, &str)] = &[("attack", "string"), ("navigator", "string!"), ("layer", "string!")];
const TECHNIQUE: &[(&str, &str)] = &[
    ("techniqueID", "string!"),
    ("tactic", "string"),
    ("comment", "string"),
    ("enabled", "boolean"),
    ("score", "number"),
    ("color", "string"),
    ("metadata", "array"),
    ("links", "array"),
    ("showSubtechniques", "boolean"),
];
const GRADIENT: &[(&str, &str)] = &[("colors", "array!"), ("minValue", "number!"), ("maxValue", "number!")];
const LEGEND: &[(&str, &str)] = &[("label", "string!"), ("color", "string!")];
const METADATA: &[(&str, &str)] = &[("name", "string!"), ("value", "string!")];
const LAYOUT: &[(&str, &str)] = &[
    ("layout", "string"),
    ("showID", "boolean"),
    ("showName", "boolean"),
    ("showAggregateScores", "boolean"),
    ("countUnscored", "boolean"),
    ("aggregateFunction", "string"),
    ("expandedSubtechniques", "string"),
];

/// What `value` has that its format does not know, or lacks, or has in another type.
fn faults(value: &Value, fields: &[(&str, &str)]) -> Vec<String> {
    let object = value.as_object().expect("an object");
    let kind = |value: &Value| match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
    };
    let mut faults = Vec::new();
    for (name, value) in object {
        match fields.iter().find(|(field, _)| field == name) {
            None => faults.push(format!("{name} is unknown")),
            Some((_, wanted)) if wanted.trim_end_matches('!') != kind(value) => faults.push(format!("{name}: {value}")),
            Some(_) => {}
        }
    }
    let required = fields.iter().filter(|(_, kind)| kind.ends_with('!'));
    faults.extend(required.filter(|(name, _)| !object.contains_key(*name)).map(|(name, _)| format!("no {name}")));
    faults
}

fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().expect("an array")
}

#[test]
fn the_layer_has_the_fields_of_its_format_and_no_others() {
    let made = Made::new(&[("first", "attack: [T1611, T1059.004]"), ("second", "attack: [T1611]")]);
    let layer = navigator::layer(&made.coverage(), "a name");
    assert_eq!(faults(&layer, LAYER), [""; 0]);
    assert_eq!(faults(&layer["versions"], VERSIONS), [""; 0]);
    assert_eq!(layer["versions"], serde_json::json!({ "attack": "18", "navigator": "5.1.0", "layer": "4.5" }));
    assert_eq!(layer["domain"], "enterprise-attack");
    assert_eq!(faults(&layer["gradient"], GRADIENT), [""; 0]);
    assert!(layer["gradient"]["maxValue"].as_u64() > layer["gradient"]["minValue"].as_u64());
    assert!(items(&layer["gradient"], "colors").len() >= 2);
    assert_eq!(faults(&layer["layout"], LAYOUT), [""; 0]);
    items(&layer, "legendItems").iter().for_each(|item| assert_eq!(faults(item, LEGEND), [""; 0]));
    let mut ids = BTreeSet::new();
    for technique in items(&layer, "techniques") {
        assert_eq!(faults(technique, TECHNIQUE), [""; 0]);
        let id = technique["techniqueID"].as_str().expect("an id");
        assert!(attack::technique(id).is_some(), "{id}");
        assert!(ids.insert(id.to_owned()), "{id} twice");
        if let Some(metadata) = technique.get("metadata") {
            metadata.as_array().expect("an array").iter().for_each(|one| assert_eq!(faults(one, METADATA), [""; 0]));
        }
    }
    // The technique of a sub-technique is there to show it, and has no score of its own.
    assert_eq!(Vec::from_iter(&ids), ["T1059", "T1059.004", "T1611"]);
    let of = |id: &str| items(&layer, "techniques").iter().find(|one| one["techniqueID"] == id).expect("a technique");
    assert_eq!(of("T1611")["score"], 2);
    assert_eq!(of("T1059.004")["score"], 1);
    assert_eq!(of("T1059"), &serde_json::json!({ "techniqueID": "T1059", "showSubtechniques": true }));
    let comment = of("T1611")["comment"].as_str().expect("a comment");
    assert_eq!(comment.lines().count(), 2, "{comment}");
    assert!(comment.contains("Title of second [high]: compose | elastic, sigma, splunk"), "{comment}");
}

#[test]
fn a_rule_that_must_not_be_deployed_covers_nothing() {
    let mut made = Made::new(&[("first", "attack: [T1611]")]);
    for finding in &mut made.proved.report.findings {
        finding.verdict = cresset::target::Verdict::Differs;
    }
    let coverage = made.coverage();
    assert_eq!(coverage.techniques().len(), 0);
    assert_eq!(coverage.rows[0].targets["sigma"].state, "differs");
    let layer = navigator::layer(&coverage, "a name");
    assert_eq!(items(&layer, "techniques").len(), 0);
    assert_eq!(faults(&layer, LAYER), [""; 0]);
}

#[test]
fn the_list_has_a_line_for_every_target() {
    let made = Made::new(&[("first", "attack: [T1611, T1610]")]);
    let csv = made.coverage().csv();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(
        lines,
        [
            "detection,severity,techniques,source,target,state,language,reason",
            "first,high,T1611 T1610,compose,elastic,proved,kql,",
            "first,high,T1611 T1610,compose,falco,not applicable,,",
            "first,high,T1611 T1610,compose,sigma,proved,sigma,",
            "first,high,T1611 T1610,compose,splunk,proved,where,",
        ]
    );
}

/// The pages of a project.
fn pages(made: &Made) -> BTreeMap<String, String> {
    let catalogue = cresset::source::Catalogue::builtin();
    let compiled = target::compile_all(&made.targets, &made.detections, catalogue, &|| ()).expect("compiled");
    let tests = made.folder.path().join("tests");
    let input = Input {
        title: "A \"pack\" <of> rules",
        targets: &made.targets,
        detections: &made.detections,
        compiled: &compiled,
        proved: &made.proved,
        tests: Some(&tests),
    };
    let pages = site(&input).expect("pages");
    pages.into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).expect("text"))).collect()
}

/// Text that wants to be more than text.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}{% raw %}&amp;\u{202e}";

/// A detection with such text wherever somebody may write.
fn hostile() -> String {
    let json = |text: &str| serde_json::to_string(text).expect("JSON").replace('\u{202e}', "\\u202e");
    let quoted = json(HOSTILE);
    let markdown = json(&format!("{HOSTILE}\n\n[a](javascript:alert(3)) ![b](https://e.org/x.png)\n\n<b>c</b>\n"));
    format!(
        "title: {quoted}\ndescription: {quoted}\nauthor: {quoted}\nowner: {quoted}\ntriage: {markdown}\n\
         references: ['https://e.org/?a=1&b=\"><script>']\nfalse_positives: [{quoted}]\n\
         observe:\n  compose:\n    named:\n      service.image: {quoted}\n    condition: named\n\
         tests:\n  - name: {quoted}\n    source: compose\n    matches: [{{ service: {{ image: {quoted} }} }}]\n    \
         misses: [{{ service: {{ image: other }} }}]"
    )
}

#[test]
fn hostile_text_stays_text() {
    let made = Made::new(&[("hostile", &hostile())]);
    let pages = pages(&made);
    assert_eq!(Vec::from_iter(pages.keys()), ["detections/hostile.html", "index.html", "matrix.html"]);
    for (path, page) in &pages {
        // The two scripts of every page, which its policy allows by their hashes, and no other.
        assert_eq!(page.matches("<script").count(), 2, "{path}");
        assert_eq!(page.matches("</script>").count(), 2, "{path}");
        assert_eq!(page.matches("<style").count(), 1, "{path}");
        for element in ["<img", "<b>c", "<iframe", "<link", "<object", "<base"] {
            assert!(!page.contains(element), "{element} in {path}");
        }
        assert!(!page.to_lowercase().contains("href=\"javascript"), "{path}");
        assert!(page.contains("default-src 'none'"), "{path}");
        assert!(page.contains("A &quot;pack&quot; &lt;of&gt; rules"), "{path}");
    }
    let page = &pages["detections/hostile.html"];
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("{{ 7 * 7 }}"));
    // What reorders text is shown by its number, and kept only where text is copied.
    assert!(page.contains("⟨U+202E⟩"));
    let kept: Vec<usize> = page.match_indices('\u{202e}').map(|(at, _)| at).collect();
    let wrapped = "<span class=\"hidden-char\" data-code=\"U+202E\">";
    assert!(!kept.is_empty());
    kept.iter().for_each(|at| assert!(page[..*at].ends_with(wrapped), "at {at}"));
}

/// The attributes of a kind in a page.
fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let begin = format!(" {name}=\"");
    page.match_indices(&begin).filter_map(|(at, _)| page[at + begin.len()..].split('"').next()).collect()
}

#[test]
fn pages_are_whole_and_their_links_lead_somewhere() {
    let made = Made::new(&[("first", "references: ['https://e.org/a', 'a book']"), ("second", "severity: critical")]);
    let pages = pages(&made);
    for (path, page) in &pages {
        assert!(attributes(page, "src").is_empty(), "{path}");
        for handler in ["onclick", "onload", "onerror", "style"] {
            assert!(attributes(page, handler).is_empty(), "{handler} in {path}");
        }
        let ids: Vec<&str> = attributes(page, "id");
        assert_eq!(ids.len(), BTreeSet::from_iter(&ids).len(), "an id twice in {path}");
        for reference in attributes(page, "aria-labelledby").into_iter().chain(attributes(page, "data-copy")) {
            assert!(ids.contains(&reference), "{reference} in {path}");
        }
        for link in attributes(page, "href") {
            if link.starts_with("https://") {
                continue;
            }
            if let Some(anchor) = link.strip_prefix('#') {
                assert!(ids.contains(&anchor), "{link} in {path}");
                continue;
            }
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let to = link.split('?').next().expect("a path");
            let to = match to.strip_prefix("../") {
                Some(rest) => rest.to_owned(),
                None if folder.is_empty() => to.to_owned(),
                None => format!("{folder}/{to}"),
            };
            assert!(pages.contains_key(&to), "{link} in {path}");
        }
    }
    let index = &pages["index.html"];
    // The worst first.
    assert!(index.find("Title of second") < index.find("Title of first"));
    assert_eq!(attributes(index, "data-severity"), ["critical", "high"]);
    assert_eq!(attributes(index, "data-target"), ["elastic sigma splunk "; 2]);
    let page = &pages["detections/first.html"];
    for part in [
        "<code class=\"field\">service.image</code> is <code>first:1</code>",
        "<a href=\"https://e.org/a\" rel=\"noreferrer\">https://e.org/a</a>",
        "<li>a book</li>",
        "1 of 2 events match",
        "<span class=\"verdict proved\">passed</span>",
        "service.image: &quot;first:1&quot;",
        "[Title of first]",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(pages["matrix.html"].contains("href=\"index.html?q=T1611\" title=\"Title of first; Title of second\""));
}

#[test]
fn a_site_is_the_same_every_time_and_replaces_its_own_pages_only() {
    let made = Made::new(&[("first", ""), ("second", "")]);
    let once: BTreeMap<String, Vec<u8>> =
        pages(&made).into_iter().map(|(path, page)| (path, page.into_bytes())).collect();
    let again: BTreeMap<String, Vec<u8>> =
        pages(&made).into_iter().map(|(path, page)| (path, page.into_bytes())).collect();
    assert!(once == again);
    let out = made.folder.path().join("site");
    pack::write_site(&out, &once).expect("written");
    fs::write(out.join("mine.html"), "mine").expect("written");
    let mut fewer = once.clone();
    fewer.remove("detections/second.html");
    pack::write_site(&out, &fewer).expect("written");
    assert!(out.join("mine.html").exists() && out.join("detections/first.html").exists());
    assert!(!out.join("detections/second.html").exists());
    // A pack is never taken for a site.
    let rules = made.folder.path().join("out");
    pack::write(&rules, &made.proved.built, &target::PackInfo::default(), None).expect("written");
    assert!(pack::write_site(&rules, &once).is_err());
    assert!(rules.join("sigma/first.compose.yml").exists() && !rules.join("index.html").exists());
}

#[test]
fn a_rule_that_differs_is_shown_with_its_event() {
    use cresset::logic::Formula;
    let mut made = Made::new(&[("first", "")]);
    let finding = made.proved.report.findings.iter_mut().find(|finding| finding.target == "sigma").expect("a finding");
    finding.verdict = target::Verdict::Wider;
    finding.reason = Some("Sigma cannot say `x` <here>".to_owned());
    finding.example = Some(Arc::new(cresset::pack::verify::Example {
        event: serde_json::json!({ "service": { "image": "<other>" } }),
        matched: true,
        condition: Formula::TRUE,
        rule: Formula::TRUE,
    }));
    let page = &pages(&made)["detections/first.html"];
    for part in [
        "<strong>wider:</strong> Sigma cannot say <code>x</code> &lt;here&gt;",
        "the rule matches and the detection may not",
        "&lt;other&gt;",
        "<a class=\"verdict wider\" href=\"#compose-sigma\">wider</a>",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
