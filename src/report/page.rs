//! What the templates get to see: everything about a detection and its rules, in words.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::coverage::{Coverage, Row, Standing, current, source_title};
use super::events::{TestPage, laid_out};
use super::text::web_address;
use super::{logic, rule};
use crate::detection::{Detection, attack};
use crate::pack::Proved;
use crate::target::{Compiled, Target, Verdict};
use crate::words::{MINUTE, Seconds, each, time};

/// A detection.
#[derive(Clone, Debug, Serialize)]
pub struct DetectionPage {
    /// The name of the page's file, without the ending: the short name, unless an address cannot hold it.
    pub page: String,
    name: String,
    file: String,
    id: String,
    title: String,
    version: u32,
    status: &'static str,
    severity: &'static str,
    /// For sorting: the worst has the greatest.
    pub rank: usize,
    confidence: &'static str,
    description: String,
    /// The first sentence of the description.
    summary: String,
    author: String,
    owner: Option<String>,
    created: String,
    modified: Option<String>,
    techniques: Vec<Technique>,
    tactics: Vec<Named>,
    references: Vec<Reference>,
    false_positives: Vec<String>,
    triage: String,
    tags: Vec<String>,
    risk: u8,
    schedule: String,
    throttle: Option<String>,
    sources: Vec<SourcePage>,
    /// What each target has, over all log sources.
    standings: Vec<TargetStanding>,
    tests: Vec<TestPage>,
    /// What a search looks through.
    haystack: String,
}

/// A name for programs and one for people.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub name: String,
    pub title: String,
}

#[derive(Clone, Debug, Serialize)]
struct Technique {
    id: String,
    title: String,
    address: String,
}

#[derive(Clone, Debug, Serialize)]
struct Reference {
    text: String,
    /// Where it leads, if that is somewhere on the web.
    address: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct TargetStanding {
    target: String,
    title: String,
    state: &'static str,
    rules: usize,
}

#[derive(Clone, Debug, Serialize)]
struct SourcePage {
    name: String,
    title: String,
    condition: String,
    selections: Vec<Selection>,
    rules: Vec<RulePage>,
}

#[derive(Clone, Debug, Serialize)]
struct Selection {
    name: String,
    tree: String,
}

#[derive(Clone, Debug, Serialize)]
struct RulePage {
    target: String,
    title: String,
    state: String,
    has_rule: bool,
    language: &'static str,
    reason: Option<String>,
    file: String,
    query: String,
    whole: Option<String>,
    losses: Vec<String>,
    example: Option<ExamplePage>,
}

#[derive(Clone, Debug, Serialize)]
struct ExamplePage {
    matched: bool,
    text: String,
}

/// A detection's page.
pub fn detection(
    detection: &Detection,
    compiled: &[Compiled<'_>],
    targets: &[Target],
    coverage: &Coverage,
    proved: &Proved,
    tests: Vec<TestPage>,
) -> DetectionPage {
    let rows: Vec<&Row> = coverage.rows.iter().filter(|row| row.detection == detection.name).collect();
    let one_of = |source: &str, target: &Target| {
        compiled.iter().find(|one| {
            one.detection.name == detection.name
                && one.observation.source == source
                && one.target.name() == target.name()
        })
    };
    let sources: Vec<SourcePage> = detection
        .observations
        .iter()
        .map(|observation| {
            let row = rows.iter().find(|row| row.source == observation.source);
            let rules = targets.iter().filter_map(|target| {
                let standing = row?.targets.get(target.name())?;
                Some(rule_page(one_of(&observation.source, target)?, standing, proved))
            });
            let excepted = observation.exceptions.iter().map(|excepted| (&excepted.name, &excepted.formula));
            let selections = observation
                .selections
                .iter()
                .chain(excepted)
                .map(|(name, formula)| Selection { name: name.clone(), tree: logic::tree(formula) });
            SourcePage {
                name: observation.source.clone(),
                title: source_title(&observation.source),
                condition: observation.written(),
                selections: selections.collect(),
                rules: rules.collect(),
            }
        })
        .collect();
    let standings = targets.iter().map(|target| {
        let verdicts = rows.iter().filter_map(|row| row.targets.get(target.name())?.verdict);
        let worst = verdicts.clone().max();
        TargetStanding {
            target: target.name().to_owned(),
            title: target.settings.title.clone(),
            state: worst.map_or("none", Verdict::word),
            rules: verdicts.count(),
        }
    });
    let techniques: Vec<Technique> = detection.attack.iter().map(|id| technique(id)).collect();
    let tactics: BTreeSet<&str> =
        detection.attack.iter().filter_map(|id| current(id)).flat_map(|technique| technique.tactics.clone()).collect();
    let tactics = tactic_order().into_iter().filter(|tactic| tactics.contains(tactic.shortname));
    let mut haystack = vec![detection.title.clone(), detection.name.clone(), detection.id.to_string()];
    haystack.push(detection.description.clone());
    haystack.extend(techniques.iter().flat_map(|technique| [technique.id.clone(), technique.title.clone()]));
    haystack.extend(detection.tags.iter().cloned());
    haystack.extend(sources.iter().flat_map(|source| [source.name.clone(), source.title.clone()]));
    let severity = detection.severity;
    let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let page = if is_plain(&detection.name) { detection.name.clone() } else { detection.id.to_string() };
    DetectionPage {
        page,
        name: detection.name.clone(),
        file: detection.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        id: detection.id.to_string(),
        title: detection.title.clone(),
        version: detection.version,
        status: detection.status.name(),
        severity: severity.name(),
        rank: severity as usize,
        confidence: detection.confidence.name(),
        description: detection.description.trim().to_owned(),
        summary: first_sentence(detection.description.trim()),
        author: detection.author.clone(),
        owner: detection.owner.clone(),
        created: detection.created.to_string(),
        modified: detection.modified.map(|date| date.to_string()),
        techniques,
        tactics: tactics.map(|tactic| Named { name: tactic.shortname.into(), title: tactic.name.into() }).collect(),
        references: detection
            .references
            .iter()
            .map(|text| Reference { text: text.clone(), address: web_address(text).map(str::to_owned) })
            .collect(),
        false_positives: detection.false_positives.clone(),
        triage: super::text::markdown(&detection.triage),
        tags: detection.tags.clone(),
        risk: detection.risk,
        schedule: format!(
            "every {}, over the last {}",
            each(minutes(detection.schedule.every)),
            each(minutes(detection.schedule.look_back))
        ),
        throttle: detection.throttle.as_ref().map(|throttle| {
            let by = if throttle.by.is_empty() { String::new() } else { format!(" by {}", throttle.by.join(", ")) };
            format!("{}{by}", time(minutes(throttle.minutes)))
        }),
        sources,
        standings: standings.collect(),
        tests,
        haystack: haystack.join(" ").to_lowercase(),
    }
}

fn rule_page(one: &Compiled<'_>, standing: &Standing, proved: &Proved) -> RulePage {
    let texts = one.rule().map(|rule| rule::texts(one, rule, &proved.built.files)).unwrap_or_default();
    let finding = proved.report.findings.iter().find(|finding| {
        finding.detection == one.detection.name
            && finding.source == one.observation.source
            && finding.target == one.target.name()
            && Some(finding.verdict) == standing.verdict
    });
    let example = finding.and_then(|finding| finding.example.as_ref());
    let losses = one.rule().into_iter().flat_map(|rule| &rule.losses);
    RulePage {
        target: one.target.name().to_owned(),
        title: one.target.settings.title.clone(),
        state: standing.state.to_owned(),
        has_rule: standing.verdict.is_some(),
        language: standing.language.unwrap_or_default(),
        reason: standing.reason.clone(),
        file: texts.file,
        query: texts.query.trim_end().to_owned(),
        whole: texts.whole.map(|whole| whole.trim_end().to_owned()),
        losses: losses.map(|loss| format!("{}: {}", loss.part, loss.reason)).collect(),
        example: example.map(|example| ExamplePage { matched: example.matched, text: laid_out(&example.event) }),
    }
}

fn technique(id: &str) -> Technique {
    let found = attack::technique(id);
    let parent = id.split_once('.').and_then(|(parent, _)| attack::technique(parent));
    let title = match (found, parent) {
        (Some(found), Some(parent)) => format!("{}: {}", parent.name, found.name),
        (Some(found), None) => found.name.to_owned(),
        (None, _) => String::new(),
    };
    Technique {
        id: id.to_owned(),
        title,
        address: format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/")),
    }
}

/// All tactics in the order in which an attack goes on, which is that of ATT&CK's own matrix.
pub fn tactic_order() -> Vec<&'static attack::Tactic> {
    const FIRST: [&str; 2] = ["TA0043", "TA0042"];
    // Control comes before what is carried away over it.
    let place = |id: &str| match id {
        "TA0011" => "TA0009x".to_owned(),
        id => id.to_owned(),
    };
    let mut tactics: Vec<&attack::Tactic> = attack::tactics().iter().collect();
    tactics
        .sort_by_key(|tactic| (FIRST.iter().position(|id| *id == tactic.id).unwrap_or(FIRST.len()), place(tactic.id)));
    tactics
}

fn minutes(count: u32) -> Seconds {
    Seconds::from(count) * MINUTE
}

fn first_sentence(text: &str) -> String {
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text.get(..end).unwrap_or(text).to_owned()
}

/// A column of the matrix.
#[derive(Clone, Debug, Serialize)]
pub struct Column {
    id: &'static str,
    title: &'static str,
    address: String,
    pub covered: usize,
    total: usize,
    cells: Vec<Cell>,
}

#[derive(Clone, Debug, Serialize)]
struct Cell {
    id: &'static str,
    title: &'static str,
    count: usize,
    /// 0 for nothing, 1 to 4.
    heat: usize,
    detections: String,
    below: Vec<Cell>,
}

/// The matrix of all tactics.
pub fn matrix(coverage: &Coverage) -> Vec<Column> {
    let covered = coverage.techniques();
    let most = covered.values().map(BTreeSet::len).max().unwrap_or(1).max(1);
    let cell = |technique: &'static attack::Technique| {
        let detections = covered.get(technique.id);
        let count = detections.map_or(0, BTreeSet::len);
        let names: Vec<&str> = detections.into_iter().flatten().map(|name| coverage.title(name)).collect();
        Cell {
            id: technique.id,
            title: technique.name,
            count,
            heat: (count * 4).div_ceil(most),
            detections: names.join("; "),
            below: Vec::new(),
        }
    };
    let mut below: BTreeMap<&str, Vec<&'static attack::Technique>> = BTreeMap::new();
    for technique in attack::techniques().values().filter(|technique| covered.contains_key(technique.id)) {
        if let Some((parent, _)) = technique.id.split_once('.') {
            below.entry(parent).or_default().push(technique);
        }
    }
    let mut columns = Vec::new();
    for tactic in tactic_order() {
        let here = |technique: &&'static attack::Technique| {
            technique.status == attack::TechniqueStatus::Current && technique.tactics.contains(&tactic.shortname)
        };
        let mut cells: Vec<Cell> = attack::techniques()
            .values()
            .filter(|technique| !technique.id.contains('.'))
            .filter(here)
            .map(|technique| {
                let mut one = cell(technique);
                let subs = below.get(technique.id).into_iter().flatten().copied().filter(here);
                one.below = subs.map(cell).collect();
                one
            })
            .collect();
        cells.sort_by(|a, b| a.title.cmp(b.title));
        columns.push(Column {
            id: tactic.id,
            title: tactic.name,
            address: format!("https://attack.mitre.org/tactics/{}/", tactic.id),
            covered: cells.iter().filter(|cell| cell.count > 0 || !cell.below.is_empty()).count(),
            total: cells.len(),
            cells,
        });
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tactics_stand_as_in_the_matrix() {
        let names: Vec<&str> = tactic_order().iter().map(|tactic| tactic.shortname).collect();
        assert_eq!(names.first(), Some(&"reconnaissance"));
        assert_eq!(names.get(10..), Some(["collection", "command-and-control", "exfiltration", "impact"].as_slice()));
    }

    #[test]
    fn a_summary_is_the_first_sentence() {
        assert_eq!(first_sentence("One e.g. two. Three."), "One e.g.");
        assert_eq!(first_sentence("One"), "One");
    }
}
