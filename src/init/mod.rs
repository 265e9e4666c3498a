//! A project of one's own: the files that it begins with, all of them from the binary.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use jiff::civil::Date;
use uuid::Uuid;

use crate::detection::{TestEvents, load};
use crate::project::{self, Project};
use crate::source::Catalogue;
use crate::target;

static LOGS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/tests/logs");

/// What a project begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The container pack and the logs that it is tested on; else one small detection.
    pub with_pack: bool,
    /// The built-in targets, to be changed.
    pub with_templates: bool,
}

/// The files of a new project by their paths. `id` and `today` are for the example of a detection.
pub fn files(contents: Contents, id: Uuid, today: Date) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut add = |path: PathBuf, bytes: &[u8]| _ = files.insert(path, bytes.to_vec());
    add("README.md".into(), include_bytes!("README.md"));
    add(".gitignore".into(), include_bytes!("gitignore"));
    let workflow = include_str!("workflow.yml").replace("{version}", env!("CARGO_PKG_VERSION"));
    add(".github/workflows/detections.yml".into(), workflow.as_bytes());
    if contents.with_pack {
        for (path, bytes) in project::built_in_files() {
            add(Path::new("detections").join(path), bytes);
        }
        for log in logs_of_the_pack() {
            if let Some(file) = log.strip_prefix("logs").ok().and_then(|inside| LOGS.get_file(inside)) {
                add(Path::new("tests").join(&log), file.contents());
            }
        }
    } else {
        let example = include_str!("example.yml");
        let example = example.replace("{id}", &id.to_string()).replace("{today}", &today.to_string());
        add("detections/host_process_namespace.yml".into(), example.as_bytes());
        add("detections/lists.yml".into(), include_bytes!("lists.yml"));
        // An empty folder is not kept by every version control.
        add("tests/logs/.gitkeep".into(), b"");
    }
    if contents.with_templates {
        for (path, bytes) in target::built_in_files() {
            add(Path::new("templates").join(path), bytes);
        }
    }
    files
}

/// The recorded logs that tests of the pack name, below `tests/`.
fn logs_of_the_pack() -> Vec<PathBuf> {
    let loaded = load::load(&Project::built_in(), Catalogue::builtin());
    let tests = loaded.detections.iter().flat_map(|detection| &detection.tests);
    let logs = tests.filter_map(|test| match &test.events {
        TestEvents::Log { path, .. } => Some(path.clone()),
        TestEvents::Inline { .. } => None,
    });
    logs.collect()
}

/// What stands where the files should go, by its path below `folder`: files of the same name, files where a folder is
/// needed, and detections that are already there.
pub fn in_the_way(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    if fs::symlink_metadata(folder).is_ok_and(|_| !folder.is_dir()) {
        found.push(PathBuf::from("."));
    }
    if folder.join("detections").is_dir() {
        found.push("detections".into());
    }
    for path in files.keys() {
        let above = path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty());
        found.extend(above.filter(|part| is_there(&folder.join(part)) && !folder.join(part).is_dir()).map(Into::into));
        if is_there(&folder.join(path)) && !path.starts_with("detections") {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    found
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Writes `files` into `folder`, over nothing that is there.
///
/// # Errors
/// If a file is there or cannot be written; those before it are written, then.
pub fn write(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    for (path, bytes) in files {
        let path = folder.join(path);
        let told = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(told)?;
        }
        fs::File::create_new(&path).and_then(|mut file| file.write_all(bytes)).map_err(told)?;
    }
    Ok(())
}
