//! `cresset report`: the pack as a site of static pages.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Exit;
use super::verify::{failed, summary};
use super::workshop::{Chosen, Workshop};
use crate::pack;
use crate::project::Project;
use crate::report::{Input, site};
use crate::target::PackInfo;

/// Write the pack as a site: a catalogue, a page for each detection, and the ATT&CK matrix
///
/// The pages need no server and load nothing from anywhere: open index.html, or put the folder on any web server. They
/// show the rules that a build would write, with their verdicts, and the tests. The same pack gives the same pages.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset report                                   to site/
  cresset report --out public --title \"SOC detections\"
  cresset report detections/container --target splunk --out /srv/www/detections

Exit status: 0 written, 1 written, and a rule differs from its detection, 2 could not run.")]
pub struct Args {
    /// A folder with detections, or a project [default: the project here]
    path: Option<PathBuf>,

    /// Where the site goes; files of others in there stay
    #[arg(long, value_name = "DIR", default_value = "site")]
    out: PathBuf,

    /// What the pages call the pack
    #[arg(long, value_name = "TEXT", default_value = "Cresset")]
    title: String,

    #[command(flatten)]
    chosen: Chosen,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(args.path.as_deref());
    let workshop = match Workshop::open(&project, args.path.as_deref(), &args.chosen)? {
        Ok(workshop) => workshop,
        Err(problems) => return failed(&problems),
    };
    let compiled = match workshop.compile() {
        Ok(compiled) => compiled,
        Err(problems) => return failed(&problems),
    };
    let proved = match workshop.prove(&compiled, &PackInfo::default()) {
        Ok(proved) => proved,
        Err(problems) => return failed(&problems),
    };
    let tests = project.tests();
    let pages = site(&Input {
        title: &args.title,
        targets: &workshop.targets,
        detections: &workshop.detections,
        compiled: &compiled,
        proved: &proved,
        tests: tests.as_deref(),
    })
    .context("cannot render the pages")?;
    pack::write_site(&args.out, &pages).with_context(|| format!("cannot write to `{}`", args.out.display()))?;
    let index = args.out.join("index.html");
    writeln!(anstream::stdout(), "{}", index.display())?;
    writeln!(anstream::stderr(), "{} pages; {}", pages.len(), summary(&proved.report))?;
    Ok(if proved.report.is_wrong() { Exit::Findings } else { Exit::Clean })
}
