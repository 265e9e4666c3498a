//! `cresset init`: a project of one's own.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Exit;
use super::new::fresh_id;
use crate::init::{Contents, files, in_the_way, write};

/// How many files in the way are named.
const MOST_NAMED: usize = 10;

/// Lay out a project of your own: detections, logs to test them on, and what they need to be built in CI.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset init detections-of-mine             with the container pack and the logs that it is tested on
  cresset init . --empty                      here, with one small detection as an example
  cresset init soc --with-templates           with the built-in targets, to change them

Nothing that is there is overwritten.")]
pub struct Args {
    /// The folder; it is made if it is not there.
    dir: PathBuf,
    /// One small detection instead of the container pack.
    #[arg(long)]
    empty: bool,
    /// Copies of the built-in targets, to be changed; without them, those in the program are used.
    #[arg(long)]
    with_templates: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let contents = Contents { with_pack: !args.empty, with_templates: args.with_templates };
    let files = files(contents, fresh_id()?, jiff::ZonedDateTime::now().date());
    let in_the_way = in_the_way(&args.dir, &files);
    if !in_the_way.is_empty() {
        let shown = |path: &PathBuf| if path == Path::new(".") { args.dir.clone() } else { args.dir.join(path) };
        let mut named: Vec<String> =
            in_the_way.iter().take(MOST_NAMED).map(|path| format!("  {}", shown(path).display())).collect();
        if in_the_way.len() > MOST_NAMED {
            named.push(format!("  and {} more", in_the_way.len() - MOST_NAMED));
        }
        bail!("something is in the way, and nothing was written:\n{}", named.join("\n"));
    }
    write(&args.dir, &files).context("the project cannot be laid out")?;
    let detections = files.keys().filter(|path| path.starts_with("detections") && is_detection(path)).count();
    let mut out = anstream::stdout();
    let folder = args.dir.display();
    writeln!(out, "{} files in {folder}, {detections} of them detections", files.len())?;
    let change = if args.dir == Path::new(".") { String::new() } else { format!("cd {folder} && ") };
    writeln!(out, "next: {change}cresset check && cresset test && cresset build")?;
    Ok(Exit::Clean)
}

fn is_detection(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yml") && path.file_name().is_some_and(|n| n != "lists.yml")
}
