//! Hunting: all detections over the events of raw logs.
//!
//! One thread reads, the others match; hits come out in the order of the logs, whatever thread found them. What is
//! under way at any time is bounded, so memory does not grow with the logs. Lines of JSON are matched on a tape by the
//! threads that match, and parsed only where something matches or more has to be known; other logs are parsed by the
//! thread that reads them.

mod hit;
mod logs;
mod run;

pub use hit::{Hit, values};
pub use logs::{Log, find};
pub use run::{Outcome, Settings, Totals, run};

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::detection::{Detection, Observation};
use crate::logic::{Formula, Matcher, Reading, Scratch, Tape, evaluate};
use crate::source::reader::{Glance, Record, glance};
use crate::source::{Catalogue, Field, Source};

/// Detections made ready for hunting, by the log source that they observe.
#[derive(Debug)]
pub struct Hunter<'d> {
    sources: BTreeMap<&'d str, Observed<'d>>,
}

/// When events happened that are looked at. Events that do not say when they happened are always looked at: nothing
/// shows that they are out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl Period {
    /// Whether an event of this time is to be looked at.
    pub fn holds(&self, time: Option<Timestamp>) -> bool {
        time.is_none_or(|time| {
            self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
        })
    }
}

/// What a first look at a line gives.
enum First {
    /// An event in which nothing is found.
    Nothing,
    /// An event of a log source that no detection observes.
    Unobserved,
    /// An event out of the period.
    OutOfPeriod,
    /// It has to be parsed.
    Unclear,
}

/// What is looked for in one log source.
#[derive(Debug)]
struct Observed<'d> {
    matcher: Matcher,
    observations: Vec<Looked<'d>>,
    catalogued: Option<&'d Source>,
}

/// What a detection looks for in a log source, and which fields of its hits somebody asks for.
#[derive(Debug)]
struct Looked<'d> {
    detection: &'d Detection,
    observation: &'d Observation,
    asked: Vec<Field>,
}

impl<'d> Hunter<'d> {
    /// Compiles the detections; `with_may` also finds events that a detection may match but need not.
    pub fn new(detections: &[&'d Detection], catalogue: &'d Catalogue, with_may: bool) -> Self {
        let mut by_source: BTreeMap<&'d str, Vec<(&'d Detection, &'d Observation)>> = BTreeMap::new();
        for detection in detections {
            for observation in &detection.observations {
                by_source.entry(&observation.source).or_default().push((detection, observation));
            }
        }
        let sources = by_source
            .into_iter()
            .map(|(source, observations)| {
                let meanings: Vec<Formula> =
                    observations.iter().map(|(_, observation)| observation.meaning()).collect();
                let formulas: Vec<(usize, &Formula)> = meanings.iter().enumerate().collect();
                let matcher = if with_may { Matcher::with_may(&formulas) } else { Matcher::new(&formulas) };
                let observations = observations
                    .into_iter()
                    .map(|(detection, observation)| Looked { detection, observation, asked: Vec::new() })
                    .collect();
                (source, Observed { matcher, observations, catalogued: catalogue.source(source) })
            })
            .collect();
        Self { sources }
    }

    /// Hits also tell the values of fields: of those that `asked` names for a detection and a log source.
    #[must_use]
    pub fn asking(mut self, asked: impl Fn(&Detection, &Observation) -> Vec<Field>) -> Self {
        for looked in self.sources.values_mut().flat_map(|observed| &mut observed.observations) {
            looked.asked = asked(looked.detection, looked.observation);
        }
        self
    }

    /// True if some detection observes this log source.
    pub fn observes(&self, source: &str) -> bool {
        self.sources.contains_key(source)
    }

    /// Looks at a line of JSON without parsing it; `asked` is the log source that was asked for.
    fn look_first(
        &self,
        line: &[u8],
        asked: Option<&str>,
        period: &Period,
        tape: &mut Tape,
        scratch: &mut Scratch,
    ) -> First {
        let matcher = |source: &str| self.sources.get(source).map(|observed| &observed.matcher);
        let looks_at = |source: &str, key: &str| matcher(source).is_some_and(|matcher| matcher.asks_for(key));
        let Glance::Event { source, event, time } = glance(line, tape, asked, looks_at) else { return First::Unclear };
        if !period.holds(time) {
            return First::OutOfPeriod;
        }
        match matcher(source) {
            None => First::Unobserved,
            Some(matcher) if matcher.readings_on_tape(event, scratch).is_empty() => First::Nothing,
            Some(_) => First::Unclear,
        }
    }

    /// The hits on one event, in the order of the detections.
    pub fn look(&self, record: &Record, scratch: &mut Scratch, hits: &mut Vec<Hit<'d>>) {
        let Some(observed) = self.sources.get(&*record.source) else { return };
        let matches = observed.matcher.readings(&record.event, scratch);
        let must = matches.must.iter().map(|id| (*id, Reading::Must));
        let may = matches.may.iter().map(|id| (*id, Reading::May));
        let mut found: Vec<(usize, Reading)> = must.chain(may).collect();
        found.sort_by_key(|(id, _)| *id);
        for (id, reading) in found {
            let Some(Looked { detection, observation, asked }) = observed.observations.get(id) else { continue };
            let selections = observation
                .selections
                .iter()
                .filter(|(_, formula)| evaluate(formula, &record.event, reading))
                .map(|(name, _)| name.as_str())
                .collect();
            let mut hit = Hit::new(detection, record, reading, selections, observed.catalogued);
            hit.asked = asked.iter().map(|field| hit::values(&record.event, field)).collect();
            hits.push(hit);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::detection::load;
    use crate::logic::{Comparison, Number, Origin, Predicate, Subject, Test};
    use crate::project::Project;
    use crate::source::reader::{Choice, Damage, Format, read};

    /// Detections that look at what a reader adds to events, or takes from them.
    fn detections() -> Vec<Detection> {
        let one = load(&Project::built_in(), Catalogue::builtin()).detections.remove(0);
        let exists = |path: &str| Formula::test(&path.parse().expect("a path"), Predicate::Exists);
        let above = |path: &str, value: f64| {
            let value = Number::new(value).expect("finite");
            Formula::test(&path.parse().expect("a path"), Predicate::Number { op: Comparison::Greater, value })
        };
        let anywhere = Formula::Test(Test {
            subject: Subject::Anywhere,
            predicate: Predicate::Number { op: Comparison::Equal, value: Number::new(2.0).expect("finite") },
            origin: Origin::default(),
        });
        let asked = [
            ("process", vec![exists("process.name")]),
            ("process", vec![exists("process.command_line"), above("process.args_count", 1.0)]),
            ("process", vec![exists("process.ppid"), above("process.parent.pid", 1.0), exists("process.parent.name")]),
            ("process", vec![anywhere]),
            ("container_start", vec![exists("container.privileged"), exists("container.id")]),
            ("daemon_config", vec![exists("file.path"), exists("hosts")]),
            ("kubernetes_audit", vec![exists("verb"), exists("user.name")]),
            ("compose", vec![exists("service.name")]),
            ("kubernetes_manifest", vec![exists("kind")]),
        ];
        asked
            .into_iter()
            .flat_map(|(source, formulas)| formulas.into_iter().map(move |formula| (source, formula)))
            .map(|(source, formula)| {
                let mut detection = one.clone();
                let mut observation = detection.observations.remove(0);
                observation.source = source.to_owned();
                observation.selections = [("it".to_owned(), formula.clone())].into_iter().collect();
                observation.formula = formula;
                detection.observations = vec![observation];
                detection
            })
            .collect()
    }

    fn member() -> impl Strategy<Value = (String, Value)> {
        let keys = [
            "process",
            "process.args",
            "process.ppid",
            "process.parent",
            "args",
            "ppid",
            "pid",
            "parent",
            "name",
            "kind",
            "command_line",
            "args_count",
            "container",
            "container.id",
            "privileged",
            "id",
            "auditID",
            "verb",
            "user",
            "apiVersion",
            "services",
            "service",
            "hosts",
            "_source",
            "_index",
            "result",
            "preview",
            "@timestamp",
            "items",
            "ID",
            "HostConfig",
            "Id",
            "k\"",
        ];
        let values = vec![
            json!(1),
            json!(2),
            json!("x"),
            json!(null),
            json!(["ls", "-l"]),
            json!([]),
            json!({}),
            json!({"pid": 2}),
            json!({"args": ["ls", "a b"], "ppid": 2}),
            json!({"args": ["ls"], "ppid": 2, "parent": {"name": "sh"}}),
            json!({"args": [1], "args_count": 2, "command_line": "ls -l", "pid": 2}),
            json!({"name": "x"}),
            json!({"process": {"args": ["ls", "-l"]}}),
            json!({"process": {"name": "ls"}}),
            json!("EventList"),
            json!("audit.k8s.io/v1"),
            json!("2026-11-23T17:10:30Z"),
            json!("2020-01-01T00:00:00Z"),
            json!([{"auditID": "a"}]),
            json!({"privileged": true}),
            json!({"web": {"image": "x"}}),
        ];
        (prop::sample::select(keys.to_vec()).prop_map(str::to_owned), prop::sample::select(values))
    }

    /// What a hunt finds in a record, or in the damage in its place.
    type Seen = (u64, Vec<(Vec<String>, Value)>, u64);

    fn add<'d>(hunter: &Hunter<'d>, period: &Period, record: Result<Record, Damage>, seen: &mut Seen) {
        let Ok(record) = record else {
            seen.2 += 1;
            return;
        };
        if !period.holds(record.time) {
            return;
        }
        seen.0 += 1;
        let mut hits = Vec::new();
        hunter.look(&record, &mut Scratch::default(), &mut hits);
        seen.1.extend(hits.iter().map(|hit| {
            (hit.selections.iter().map(|name| (*name).to_owned()).collect(), serde_json::to_value(hit).expect("a hit"))
        }));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// A first look at a line leaves nothing out that reading it would find, and counts what reading it would count.
        #[test]
        fn a_first_look_and_reading_agree(
            lines in prop::collection::vec(prop::collection::vec(member(), 1..4), 1..20),
            cut in prop::option::of(0..200_usize),
            asked in prop::sample::select(vec![None, Some("process"), Some("container_start")]),
            since in any::<bool>(),
        ) {
            static DETECTIONS: std::sync::LazyLock<Vec<Detection>> = std::sync::LazyLock::new(detections);
            let detections: Vec<&Detection> = DETECTIONS.iter().collect();
            let hunter = Hunter::new(&detections, Catalogue::builtin(), false);
            let since = since.then(|| "2026-01-01T00:00:00Z".parse().expect("a time"));
            let period = Period { since, until: None };
            // Put together as text, so that names may come twice.
            let mut lines: Vec<String> = lines
                .iter()
                .map(|members| {
                    let members: Vec<String> = members.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
                    format!("{{{}}}", members.join(","))
                })
                .collect();
            if let (Some(cut), Some(line)) = (cut, lines.last_mut()) {
                line.truncate(cut);
            }
            for line in lines.iter().filter(|line| !line.is_empty()) {
                let choice = Choice {
                    source: asked.map(Into::into),
                    format: Some(Format::JsonLines),
                };
                let text = std::io::Cursor::new(line.clone());
                let mut expected = Seen::default();
                for record in read(Box::new(text), "test", &choice).expect("memory") {
                    add(&hunter, &period, record, &mut expected);
                }
                let first =
                    hunter.look_first(line.as_bytes(), asked, &period, &mut Tape::default(), &mut Scratch::default());
                match first {
                    First::Unclear => {}
                    First::OutOfPeriod => prop_assert_eq!(&expected, &Seen::default(), "{}", line),
                    First::Nothing | First::Unobserved => prop_assert_eq!(&expected, &(1, Vec::new(), 0), "{}", line),
                }
            }
        }
    }

    #[test]
    fn usual_lines_are_not_parsed() {
        let owned = detections();
        let only: Vec<&Detection> = owned.get(1..2).expect("detections").iter().collect();
        let hunter = Hunter::new(&only, Catalogue::builtin(), false);
        let look = |line: &str| {
            hunter.look_first(line.as_bytes(), None, &Period::default(), &mut Tape::default(), &mut Scratch::default())
        };
        assert!(matches!(look(r#"{"process":{"pid":3,"ppid":3}}"#), First::Nothing));
        assert!(matches!(look(r#"{"_index":"x","_source":{"process":{"pid":3}}}"#), First::Nothing));
        assert!(matches!(look(r#"{"auditID":"x"}"#), First::Unobserved));
        assert!(matches!(look(r#"{"process":{"pid":3}"#), First::Unclear));
        assert!(matches!(look(r#"{"process":{"args":["ls"]}}"#), First::Unclear));
    }
}
