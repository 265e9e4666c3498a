//! `cresset coverage`: what the pack covers.

use std::io::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;

use super::Exit;
use super::verify::failed;
use super::workshop::{Chosen, Workshop};
use crate::project::Project;
use crate::report::{Coverage, navigator};
use crate::target::PackInfo;

/// Show which detections have rules in which log sources and targets, and which ATT&CK techniques that covers
///
/// The rules are those that a build would write, each with its verdict: `proved`, `tested`, `wider`, `narrower` or
/// `unverified`. A dash stands where the target does not have the log source.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset coverage                                        a table
  cresset coverage --format csv > coverage.csv            for a spreadsheet
  cresset coverage --format navigator > layer.json        a layer for ATT&CK Navigator (\"Open Existing Layer\")
  cresset coverage detections/container --target splunk --format navigator

Exit status: 0 all rules can be deployed, 1 one differs from its detection, 2 could not run.")]
pub struct Args {
    /// A folder with detections, or a project [default: the project here]
    path: Option<PathBuf>,

    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// The layer's name
    #[arg(long, value_name = "TEXT", default_value = "Cresset coverage")]
    name: String,

    #[command(flatten)]
    chosen: Chosen,
}

/// How coverage is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Detections and log sources down, targets across
    #[default]
    Table,
    /// One JSON document
    Json,
    /// A line for each detection, log source and target
    Csv,
    /// A layer for ATT&CK Navigator (layer format 4.5)
    Navigator,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(args.path.as_deref());
    let workshop = match Workshop::open(&project, args.path.as_deref(), &args.chosen)? {
        Ok(workshop) => workshop,
        Err(problems) => return failed(&problems),
    };
    let proved = match workshop.build(&PackInfo::default()) {
        Ok(proved) => proved,
        Err(problems) => return failed(&problems),
    };
    let coverage = Coverage::of(&workshop.targets, &workshop.detections, &proved);
    let mut out = anstream::stdout();
    match args.format {
        Format::Table => {
            writeln!(out, "{}", table(&coverage))?;
            writeln!(anstream::stderr(), "{}", summary(&coverage))?;
        }
        Format::Json => {
            let mut document = serde_json::to_value(&coverage)?;
            if let Some(document) = document.as_object_mut() {
                document.insert("techniques".to_owned(), serde_json::to_value(coverage.techniques())?);
            }
            writeln!(out, "{document:#}")?;
        }
        Format::Csv => write!(out, "{}", coverage.csv())?,
        Format::Navigator => writeln!(out, "{:#}", navigator::layer(&coverage, &args.name))?,
    }
    Ok(if proved.report.is_wrong() { Exit::Findings } else { Exit::Clean })
}

fn table(coverage: &Coverage) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    let targets = coverage.targets.iter().map(String::as_str);
    table.set_header(["detection", "log source"].into_iter().chain(targets).chain(["techniques"]));
    for row in &coverage.rows {
        let cells = coverage.targets.iter().map(|target| match row.targets.get(target) {
            Some(standing) if standing.state != "not applicable" => standing.state,
            _ => "-",
        });
        let techniques = row.techniques.join(" ");
        table.add_row([row.detection.as_str(), &row.source].into_iter().chain(cells).chain([techniques.as_str()]));
    }
    table.trim_fmt()
}

fn summary(coverage: &Coverage) -> String {
    let mut detections: Vec<&str> = coverage.rows.iter().map(|row| row.detection.as_str()).collect();
    detections.dedup();
    let rules = coverage.rows.iter().flat_map(|row| row.targets.values()).filter(|one| one.verdict.is_some()).count();
    let techniques = coverage.techniques().len();
    format!("{} detections, {rules} rules, {techniques} ATT&CK techniques", detections.len())
}
