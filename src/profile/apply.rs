//! A profile put to use: targets and detections as they are for one organisation.

use std::collections::BTreeSet;

use super::{Profile, Selector};
use crate::detection::{Detection, Schedule};
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{self, Code, Diagnostic};
use crate::target::Target;

impl Selector {
    /// Whether a detection is meant.
    pub fn is_meant(&self, detection: &Detection) -> bool {
        match self.text.strip_prefix("tag:") {
            Some(tag) => detection.has_tag(tag.trim()),
            None => detection.is_called(&self.text),
        }
    }

    /// That no detection is meant, with what probably was.
    pub fn dangling(&self, detections: &[Detection]) -> Option<Diagnostic> {
        if detections.iter().any(|detection| self.is_meant(detection)) {
            return None;
        }
        let (message, near) = match self.text.strip_prefix("tag:") {
            Some(tag) => {
                let tags: BTreeSet<&str> = detections.iter().flat_map(Detection::all_tags).collect();
                (
                    format!("no detection has the tag `{}`", tag.trim()),
                    nearest(tag.trim(), tags).map(|tag| format!("tag:{tag}")),
                )
            }
            None => {
                let names = detections.iter().map(|detection| detection.name.as_str());
                (format!("there is no detection `{}`", self.text), nearest(&self.text, names).map(str::to_owned))
            }
        };
        let problem = Diagnostic::new(Code::UnknownDetection, self.place.clone(), message).suggestion(near.as_deref());
        Some(if near.is_some() {
            problem
        } else {
            problem.help("name a detection by its file's name without the extension, by its id, or several by `tag:…`")
        })
    }
}

impl Profile {
    /// The targets as they are there; those that are not in use go.
    pub fn apply_to_targets(&self, targets: &mut Vec<Target>) {
        targets.retain(|target| self.targets.get(target.name()).is_none_or(|profile| profile.enabled != Some(false)));
        for target in targets.iter_mut() {
            target.settings.tags.clone_from(&self.tags);
            let name = target.name().to_owned();
            let Some(profile) = self.targets.get(&name) else { continue };
            target.settings.vars.extend(profile.vars.clone());
            for (source, settings) in &profile.sources {
                target.settings.sources.insert(source.clone(), settings.clone());
            }
            target.settings.place_artefacts();
        }
    }

    /// What the profile says of lists and detections that there are not. `detections` are all that there are, `lists`
    /// the names of all lists.
    pub fn dangling(&self, detections: &[Detection], lists: &BTreeSet<String>) -> Vec<Diagnostic> {
        let selectors = self.used.iter().flatten().chain(&self.left_out);
        let selectors = selectors.chain(self.overrides.iter().flat_map(|change| &change.detections));
        let mut problems: Vec<Diagnostic> = selectors.filter_map(|selector| selector.dangling(detections)).collect();
        for (name, change) in self.lists.iter().filter(|(name, _)| !lists.contains(*name)) {
            let problem =
                Diagnostic::new(Code::UnknownList, change.place.clone(), format!("there is no list `{name}`"))
                    .suggestion(nearest(name, lists.iter().map(String::as_str)));
            problems.push(problem.help("a profile changes lists that detections use; it does not make new ones"));
        }
        diagnostic::sort(&mut problems);
        problems
    }

    /// The detections as they are there; those that are not in use go.
    pub fn apply_to_detections(&self, detections: &mut Vec<Detection>) {
        let meant = |selectors: &[Selector], detection: &Detection| selectors.iter().any(|s| s.is_meant(detection));
        detections.retain(|detection| {
            self.used.as_ref().is_none_or(|used| meant(used, detection)) && !meant(&self.left_out, detection)
        });
        for detection in detections.iter_mut() {
            if let Some(schedule) = self.schedule.filter(|_| detection.schedule == Schedule::default()) {
                detection.schedule = schedule;
            }
            for change in &self.overrides {
                if !meant(&change.detections, detection) {
                    continue;
                }
                if let Some(severity) = change.severity {
                    // A risk that only followed from the severity follows the new one.
                    if detection.risk == detection.severity.risk() {
                        detection.risk = severity.risk();
                    }
                    detection.severity = severity;
                    detection.targets.values_mut().for_each(|settings| settings.severity = None);
                }
                detection.risk = change.risk.unwrap_or(detection.risk);
                detection.schedule = change.schedule.unwrap_or(detection.schedule);
            }
            if let Some(sources) = &self.sources {
                detection.observations.retain(|observation| sources.contains(&observation.source));
            }
            for (target, profile) in &self.targets {
                for (source, accept) in &profile.accept {
                    let settings = detection.targets.entry(target.clone()).or_default();
                    settings.accept.entry(source.clone()).or_insert_with(|| accept.clone());
                }
            }
            if !self.prefix.is_empty() {
                detection.title = format!("{} {}", self.prefix, detection.title);
            }
            let new = self.tags.iter().filter(|tag| !detection.tags.contains(tag)).cloned();
            let new: Vec<String> = new.collect();
            detection.tags.extend(new);
        }
        detections.retain(|detection| !detection.observations.is_empty());
    }
}
