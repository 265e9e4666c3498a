//! What a change means: pairs of small projects, compared through the library.

mod detections;
mod meaning;
mod output;
mod packs;
mod risks;
mod views;

use std::fs;
use std::path::Path;

use cresset::diff::edits::EditKind;
use cresset::diff::gate::{Gate, stopped};
use cresset::diff::meaning::{Change, Moved};
use cresset::diff::risk::RiskKind;
use cresset::diff::rules::{Follows, RuleState};
use cresset::diff::side::{ProfileChoice, Side};
use cresset::diff::{self, Cause, DetectionChange, Diff, Options, SourceState, State, show};
use cresset::logic::decide::Budget;
use cresset::logic::{Reading, evaluate};
use cresset::pack;
use cresset::source::Catalogue;
use cresset::target::{self, PackInfo};
use tempfile::TempDir;

/// A detection that all tests start from.
const BASE: &str = r#"id: 3f1c7f7e-5a5e-4b39-9a41-6f0d0a1d2c01
title: Network tool started by a shell
version: 1
status: test
severity: high
confidence: medium
description: A shell starts a tool that opens connections.
author: Somebody
created: 2026-11-01
attack: [T1059]
triage: Who started it?
tags: [network]
observe:
  process:
    tool:
      process.name: [nc, ncat]
    shell:
      process.parent.name: [bash, sh]
    known:
      user.name: backup
    condition: tool and shell and not known
tests:
  - source: process
    matches:
      - { process: { name: nc, parent: { name: bash } }, user: { name: dev } }
    misses:
      - { process: { name: nc, parent: { name: bash } }, user: { name: backup } }
"#;

struct Project(TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Self(folder);
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn side(&self) -> Side {
        Side::read("side", self.0.path(), Path::new(""), &ProfileChoice::Own, Catalogue::builtin())
    }

    /// Builds the pack into `out/`, as `cresset build` does.
    fn build(&self) {
        let side = self.side();
        assert!(side.is_sound(), "{:?}", side.broken);
        let targets = target::load_all(None).expect("targets");
        let pack = PackInfo::default();
        let built = target::build(&targets, &side.detections, Catalogue::builtin(), &pack, &|| ()).expect("a build");
        pack::write(&self.0.path().join("out"), &built, &pack, None).expect("written");
    }
}

fn one(text: &str) -> Project {
    Project::new(&[("detections/tool.yml", text)])
}

fn compared(before: &Project, after: &Project) -> Diff {
    diff::compare(&before.side(), &after.side(), Catalogue::builtin(), &Options { rules: true, ..Options::default() })
}

/// What became of [`BASE`] when texts in it are replaced.
fn changed(edits: &[(&str, &str)]) -> Diff {
    compared(&one(BASE), &one(&edited(edits)))
}

fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BASE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn only(diff: &Diff) -> &DetectionChange {
    assert_eq!(diff.detections.len(), 1, "{:?} {:?}", diff.base.broken, diff.head.broken);
    diff.detections.first().expect("a change")
}

fn risks(diff: &Diff) -> Vec<RiskKind> {
    diff.detections.iter().flat_map(|change| &change.risks).map(|risk| risk.kind).collect()
}

fn change_of(diff: &Diff) -> Change {
    only(diff).sources.first().and_then(|source| source.change).expect("a change of logic")
}
