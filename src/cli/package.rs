//! `cresset package`: archives to install or hand on.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Exit;
use super::build::{Format, refuse, tell, version};
use super::workshop::{Chosen, Workshop};
use crate::pack::Proved;
use crate::project::Project;
use crate::target::PackInfo;

/// Make archives of the packs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset package                    dist/cresset-splunk-1.0.0.tar.gz and so on
  cresset package --target splunk    an app to install

The same detections make the same bytes.")]
pub struct Args {
    /// A folder with detections, or a project [default: the project here].
    path: Option<PathBuf>,
    /// Where the archives go.
    #[arg(long, value_name = "DIR", default_value = "dist")]
    out: PathBuf,
    /// The pack's version.
    #[arg(long, value_name = "X.Y.Z", default_value = "1.0.0")]
    pack_version: String,
    #[command(flatten)]
    chosen: Chosen,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(args.path.as_deref());
    let pack = PackInfo { version: version(&args.pack_version)?, ..PackInfo::default() };
    let opened = Workshop::open(&project, args.path.as_deref(), &args.chosen)?;
    let proved = opened.and_then(|workshop| workshop.build(&pack));
    let Proved { built, .. } = match proved {
        Ok(proved) if proved.report.is_wrong() => return refuse(&proved.report, Format::Human),
        Ok(proved) => proved,
        Err(problems) => return tell(&problems, Format::Human),
    };
    let mut packs: BTreeMap<&str, BTreeMap<String, &[u8]>> = BTreeMap::new();
    for (path, bytes) in &built.files {
        if let Some((target, rest)) = path.split_once('/') {
            packs.entry(target).or_default().insert(rest.to_owned(), bytes);
        }
    }
    fs::create_dir_all(&args.out).with_context(|| format!("cannot make `{}`", args.out.display()))?;
    let mut out = anstream::stdout();
    for (target, files) in packs {
        // One folder on top, so that unpacking does not scatter files.
        let name = format!("cresset-{target}-{}", pack.version);
        let one_top = files.keys().filter_map(|path| path.split_once('/')).map(|(top, _)| top).next();
        let is_one = one_top.is_some_and(|top| files.keys().all(|path| path.starts_with(&format!("{top}/"))));
        let files = if is_one { files } else { files.into_iter().map(|(p, b)| (format!("{name}/{p}"), b)).collect() };
        let bytes = crate::pack::archive(&files)?;
        let path = args.out.join(format!("{name}.tar.gz"));
        let mut file = tempfile::NamedTempFile::new_in(&args.out)?;
        file.write_all(&bytes)?;
        file.persist(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(Exit::Clean)
}
