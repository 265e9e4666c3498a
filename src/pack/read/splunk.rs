//! Splunk saved searches in a pack, with the macros of the app.

use std::sync::Arc;

use serde_json::Value;

use super::throttle::{self, Held};
use super::{Condition, Fault, Found, Grade, Overlay, RuleText, identity, schedule};
use crate::language::{FieldTable, spl};
use crate::logic::{Case, Formula, Path, Predicate, TextSet};
use crate::target::context::ThrottleContext;
use crate::target::node::field_names;
use crate::target::settings::SourceSettings;

/// The field that stands for "comes from this macro's data" while a search is read.
const MARK: &str = "cresset_source";

/// Fields by which Splunk finds where data is. What else a macro for a log source asks is the same for every rule.
const PLACE: [&str; 9] = [
    "index",
    "_index",
    "sourcetype",
    "_sourcetype",
    "source",
    "tag",
    "eventtype",
    "splunk_server",
    "splunk_server_group",
];

/// The macros of an app, from all of its files.
#[derive(Clone, Debug, Default)]
pub struct Macros {
    conf: spl::read::Conf,
    known: Arc<spl::read::Macros>,
    fault: Option<String>,
}

impl Macros {
    /// Adds those of a `macros.conf`, over those that are there.
    pub(super) fn add(&mut self, path: &str, text: &Result<&str, String>) {
        let read = text.clone().and_then(|text| {
            self.conf.lay_over(spl::read::Conf::read(text).map_err(|error| error.to_string())?);
            spl::read::Macros::from_conf(&self.conf).map_err(|error| error.to_string())
        });
        match read {
            Ok(known) => self.known = Arc::new(known),
            Err(fault) => self.fault = self.fault.take().or(Some(format!("{path}: {fault}"))),
        }
    }

    /// Whether one of them holds this text.
    fn mention(&self, text: &str) -> bool {
        self.conf.stanzas.iter().flat_map(|known| &known.entries).any(|(_, value)| value.contains(text))
    }

    fn has(&self, name: &str) -> bool {
        self.conf.stanzas.iter().any(|known| known.name == name)
    }
}

struct Search {
    stanza: spl::read::Stanza,
    macros: Macros,
}

/// The searches of a file, with what is laid over it.
pub(super) fn read(text: &str, overlays: &[Overlay<'_>], macros: &Macros) -> Result<Vec<Found>, String> {
    let read = |text: &str| spl::read::Conf::read(text).map_err(|error| error.to_string());
    let mut conf = read(text)?;
    for (path, overlay) in overlays {
        let overlay = overlay.clone().and_then(read);
        conf.lay_over(overlay.map_err(|reason| format!("{path}, which is laid over it: {reason}"))?);
    }
    let (defaults, searches): (Vec<_>, Vec<_>) = conf.stanzas.into_iter().partition(|stanza| stanza.name == "default");
    let found = searches.into_iter().map(|mut stanza| {
        // What a search does not say itself is what `[default]` says.
        for (key, value) in defaults.iter().flat_map(|defaults| &defaults.entries) {
            if stanza.get(key).is_none() {
                stanza.entries.push((key.clone(), value.clone()));
            }
        }
        let id = stanza.get("action.correlationsearch.annotations").and_then(id);
        Found {
            name: stanza.name.clone(),
            id: Some(identity(id.as_deref())),
            is_off: stanza.get("disabled").is_some_and(is_true),
            muted: muted(&stanza),
            text: Box::new(Search { stanza, macros: macros.clone() }),
        }
    });
    Ok(found.collect())
}

/// The actions that a search names, `notable` for `action.notable`, and whether they are on.
fn actions(stanza: &spl::read::Stanza) -> impl Iterator<Item = (&str, bool)> {
    let named = stanza.entries.iter().filter_map(|(key, value)| Some((key.strip_prefix("action.")?, value)));
    named.filter(|(name, _)| !name.contains('.')).map(|(name, value)| (name, is_true(value)))
}

/// The actions that are set up and off, of a search that has others.
fn muted(stanza: &spl::read::Stanza) -> Vec<String> {
    let is_set_up =
        |name: &str| stanza.entries.iter().any(|(key, _)| key.starts_with(&format!("action.{name}.param.")));
    let off = actions(stanza).filter(|(name, is_on)| !is_on && is_set_up(name));
    match actions(stanza).any(|(_, is_on)| is_on) {
        true => off.map(|(name, _)| format!("action.{name}")).collect(),
        false => Vec::new(),
    }
}

/// The results that Splunk takes of one run where nothing is said.
const MOST_RESULTS: u64 = 500_000;

/// What Splunk takes for false.
fn is_false(value: &str) -> bool {
    ["0", "f", "false", "n", "no"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// What Splunk takes for true.
fn is_true(value: &str) -> bool {
    ["1", "t", "true", "y", "yes"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

impl Search {
    fn value(&self, key: &str) -> Option<&str> {
        self.stanza.get(key)
    }

    /// When the search does not run, or leaves time out.
    fn untimely(&self) -> Option<String> {
        if !self.value("enableSched").is_some_and(is_true) {
            let shown = self.value("enableSched").map_or("is missing".to_owned(), |value| format!("is `{value}`"));
            return Some(format!("`enableSched` {shown}: nothing starts the search, so that it finds nothing"));
        }
        let Some(cron) = self.value("cron_schedule").filter(|cron| !cron.is_empty()) else {
            return Some("it has no `cron_schedule`: nothing starts the search, so that it finds nothing".to_owned());
        };
        let own = self.own_times();
        if let Some(time) = [&own.earliest, &own.latest].into_iter().flatten().find(|time| !schedule::is_read(time)) {
            return Some(format!("the search asks for a time of its own, `{time}`, which is not read"));
        }
        // Without an earliest time, each run searches all that there is.
        let said = |key: &str| self.value(key).filter(|time| !time.is_empty());
        let earliest = own.earliest.as_deref().or(said("dispatch.earliest_time")).unwrap_or("0");
        let latest = own.latest.as_deref().or(said("dispatch.latest_time")).unwrap_or("now");
        if let Some(time) = [earliest, latest].into_iter().find(|time| !schedule::is_read(time)) {
            return Some(format!("it looks at events from or to `{time}`, which is not read"));
        }
        schedule::never_searched(cron, earliest, latest)
    }

    /// What a run leaves out of what it finds.
    fn cut_short(&self) -> Vec<String> {
        let said = |key: &'static str| self.value(key).filter(|value| !value.is_empty()).map(|value| (key, value));
        let number = |value: &str| value.trim().parse::<u64>().ok();
        let indexed = ["dispatch.index_earliest", "dispatch.index_latest"].into_iter().filter_map(said);
        let indexed = indexed.map(|(key, value)| {
            format!("`{key} = {value}` leaves out what was indexed at another time, and is not read")
        });
        let most = said("dispatch.max_count").filter(|(_, value)| number(value).is_none_or(|most| most < MOST_RESULTS));
        let most = most.map(|(key, value)| format!("`{key} = {value}`: what one run finds beyond is told to nobody"));
        let longest = said("dispatch.max_time").filter(|(_, value)| number(value) != Some(0));
        let longest = longest.map(|(key, value)| format!("`{key} = {value}`: a run that takes longer finds no more"));
        let idle = said("dispatch.auto_cancel").filter(|(_, value)| number(value) != Some(0));
        let idle = idle.map(|(key, value)| format!("`{key} = {value}`: a run that nobody looks at is cancelled"));
        let sampled = said("dispatch.sample_ratio").filter(|(_, value)| number(value) != Some(1));
        let sampled = sampled.map(|(key, value)| format!("`{key} = {value}`: one event of so many is searched"));
        indexed.chain(most).chain(longest).chain(idle).chain(sampled).collect()
    }

    /// The time that the search itself asks for.
    fn own_times(&self) -> spl::read::Times {
        let text = self.value("search").unwrap_or_default();
        let asks = ["earliest", "latest"].iter().any(|name| text.contains(name) || self.macros.mention(name));
        match asks {
            true => spl::read::read_times(text, &self.macros.known).unwrap_or_default(),
            false => spl::read::Times::default(),
        }
    }

    /// Why one event that the search finds is not enough for it to tell somebody, if it is not.
    fn silence(&self) -> Option<String> {
        if self.value("alert_condition").is_some_and(|condition| !condition.is_empty()) {
            return Some(
                "`alert_condition` decides which of the events found are told, and is not read: none of them, for all \
                 that is known"
                    .to_owned(),
            );
        }
        let (kind, relation) = (self.value("counttype").unwrap_or("always"), self.value("relation"));
        let quantity = self.value("quantity").map(|quantity| quantity.trim().parse::<f64>());
        let is_any = match (kind.to_ascii_lowercase().as_str(), relation.map(str::to_ascii_lowercase).as_deref()) {
            ("always", _) => true,
            ("number of events", Some("greater than" | "not equal to")) => {
                matches!(quantity, Some(Ok(most)) if most < 1.0)
            }
            _ => false,
        };
        let shown = || {
            let keys = ["counttype", "relation", "quantity"].iter();
            keys.filter_map(|key| Some(format!("`{key} = {}`", self.value(key)?))).collect::<Vec<_>>().join(", ")
        };
        (!is_any).then(|| format!("one event that it finds is told to nobody, {} asks for more", shown()))
    }

    /// What the search holds back although the detection does not ask for it.
    fn held_back(&self, wanted: Option<&ThrottleContext>) -> Option<String> {
        if !self.value("alert.suppress").is_some_and(is_true) {
            return None;
        }
        let period = self.value("alert.suppress.period").unwrap_or_default();
        // A number alone is one of seconds.
        let seconds = period.parse().ok().or_else(|| schedule::length(period)).filter(|seconds| *seconds > 0)?;
        if let Some(group) = self.value("alert.suppress.group_name").filter(|group| !group.is_empty()) {
            return Some(format!("`alert.suppress.group_name = {group}`: hits of other searches hold its own back"));
        }
        // As long as it is not said otherwise, all that a run finds is one alert, of no field's values.
        let is_each = self.value("alert.digest_mode").is_some_and(is_false);
        let fields = self.value("alert.suppress.fields").filter(|_| is_each).unwrap_or_default();
        let by = fields.split([',', ' ']).map(|field| field.trim_matches('"')).filter(|field| !field.is_empty());
        // A field that the search does not keep tells no two hits apart.
        let text = self.value("search").unwrap_or_default();
        let (by, gone): (Vec<&str>, Vec<&str>) =
            by.partition(|field| spl::read::keeps(text, &self.macros.known, field));
        let lost = throttle::lost(
            "alert.suppress",
            &Held { seconds, by: by.into_iter().map(str::to_owned).collect() },
            wanted,
        )?;
        let why = match gone.as_slice() {
            _ if !is_each => ": without `alert.digest_mode = 0`, `alert.suppress.fields` counts for nothing",
            [] => "",
            _ => ": the search keeps no other of these fields",
        };
        Some(format!("{lost}{why}"))
    }

    /// That Enterprise Security does not know the search for one of its own, although it is made to be one.
    fn uncorrelated(&self) -> Option<String> {
        const ENABLED: &str = "action.correlationsearch.enabled";
        let is_made = self.stanza.entries.iter().any(|(key, _)| key.starts_with("action.correlationsearch."));
        let is_known = self.value(ENABLED).is_some_and(is_true);
        let shown = self.value(ENABLED).map_or("is missing".to_owned(), |value| format!("is `{value}`"));
        (is_made && !is_known)
            .then(|| format!("`{ENABLED}` {shown}: Enterprise Security does not take it for a correlation search"))
    }

    /// That nothing is done with what the search finds.
    fn idle(&self) -> Option<String> {
        let acts = actions(&self.stanza).any(|(_, is_on)| is_on) || self.value("alert.track").is_some_and(is_true);
        (!acts).then(|| "no action is on (`action.…`, `alert.track`): what it finds is told to nobody".to_owned())
    }

    /// What the macro of a log source asks beside where the data is: nothing, unless somebody has changed it.
    fn beside_the_place(&self, name: &str, fields: &FieldTable) -> Result<Formula, String> {
        let fault = |reason: String| format!("the macro `{name}` says more than where the data is: {reason}");
        let text = self.macros.known.expand(&format!("`{name}`")).map_err(|error| fault(error.reason))?;
        let terms = spl::read::read_condition(&text, fields).map_err(|error| fault(error.to_string()))?;
        Ok(Formula::and(asking_events(terms, fields)))
    }
}

/// Those of the terms that ask a field which events of the log source have.
fn asking_events(terms: Formula, fields: &FieldTable) -> Vec<Formula> {
    let is_place = |name: &str| PLACE.contains(&name) || (name == "host" && !fields.has(name));
    let asks = |term: &Formula| field_names(term).iter().any(|name| !is_place(name) && fields.get(name).is_some());
    let mut terms = match terms {
        Formula::And(parts) => parts,
        term => vec![term],
    };
    terms.retain(asks);
    terms
}

/// The identity that the annotations of a correlation search carry.
fn id(annotations: &str) -> Option<String> {
    let annotations: Value = serde_json::from_str(annotations).ok()?;
    annotations.get("cresset")?.get(0)?.as_str().map(str::to_owned)
}

fn source_macro(settings: &SourceSettings) -> Option<&str> {
    settings.binding.get("macro").and_then(Value::as_str)
}

impl RuleText for Search {
    fn condition(&self, settings: &SourceSettings, fields: &FieldTable) -> Result<Condition, Fault> {
        if let Some(fault) = &self.macros.fault {
            return Err(Fault::Unreadable(format!("the macros cannot be read: {fault}")));
        }
        let mut macros = self.macros.known.as_ref().clone();
        let mut beside = None;
        // Where the data is may be changed on the spot; that the search asks there may not.
        if let Some(name) = source_macro(settings).filter(|name| self.macros.has(name)) {
            beside = Some(self.beside_the_place(name, fields).map_err(Fault::Unreadable)?);
            macros.insert(name, Vec::new(), &format!("{MARK}={name}"));
        }
        let text = self.value("search").unwrap_or_default();
        let read =
            spl::read::read_extent(text, &macros, fields).map_err(|error| Fault::Unreadable(error.to_string()))?;
        let whole = |formula: Formula| Formula::and([formula].into_iter().chain(beside.clone()));
        let most = read.doubt.map(|doubt| (whole(read.most), doubt.to_string()));
        Ok(Condition { least: whole(read.least), most })
    }

    fn losses(&self, throttle: Option<&ThrottleContext>) -> Vec<String> {
        let more = [self.silence(), self.held_back(throttle), self.idle()];
        self.untimely().into_iter().chain(self.cut_short()).chain(more.into_iter().flatten()).collect()
    }

    fn remarks(&self, grade: &Grade) -> Vec<String> {
        const SEVERITIES: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
        const SEVERITY: &str = "action.notable.param.severity";
        const RISK: &str = "action.risk.param._risk";
        let severity = self.value(SEVERITY).and_then(|has| grade.lowered(SEVERITY, Some(has), &SEVERITIES));
        let scores = self.value(RISK).and_then(|risk| serde_json::from_str::<Value>(risk).ok());
        let scores = scores.as_ref().and_then(Value::as_array).into_iter().flatten();
        let scores = scores.filter_map(|score| score.get("risk_score")?.as_f64());
        let most = scores.reduce(f64::max);
        let has_risk = actions(&self.stanza).any(|(name, is_on)| name == "risk" && is_on);
        let none = (has_risk && most.is_none()).then(|| format!("`{RISK}` has no score: `action.risk` adds none"));
        let risk = none.or_else(|| grade.risk_lowered("risk_score", most));
        severity.into_iter().chain(risk).chain(self.uncorrelated()).collect()
    }

    fn assumed(&self, settings: &SourceSettings, fields: &FieldTable) -> Option<Formula> {
        let name = source_macro(settings)?;
        let mark = TextSet::equals(name, Case::Either);
        let mark = Formula::test(&Path::from_segments([MARK]), Predicate::Text(mark));
        // What the binding itself asks is true of all events of the log source.
        let binding = settings.binding.get("search").and_then(Value::as_str).unwrap_or_default();
        let terms = spl::read::read_condition(binding, fields).ok();
        let asking = terms.into_iter().flat_map(|terms| asking_events(terms, fields));
        Some(Formula::and([mark].into_iter().chain(asking)))
    }
}
