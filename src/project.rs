//! Where a project keeps what: the folder with `detections/`, and beside it `templates/`, `tests/` and `out/`.
//!
//! Without a project, the detections that are built into the binary stand in for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use walkdir::WalkDir;

use crate::detection::yaml;
use crate::diagnostic::{Code, Diagnostic, Place, SourceFile};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/detections");

/// The name of files of lists.
const LISTS: &str = "lists.yml";

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its folder; `None` for what is built into the binary.
    root: Option<PathBuf>,
    /// The folder as messages show it: as it was given, or relative to the working directory.
    shown: PathBuf,
}

/// A file of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DetectionFile {
    /// Its path as messages show it.
    pub shown: PathBuf,
    /// Where it is; `None` if it is built in.
    pub path: Option<PathBuf>,
}

/// The files to read, each kind sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Detections.
    pub detections: Vec<DetectionFile>,
    /// Files of lists.
    pub lists: Vec<DetectionFile>,
    /// Files of lists above them, which other detections see, too.
    pub lists_above: Vec<DetectionFile>,
    /// Folders and files that could not be read.
    pub problems: Vec<Diagnostic>,
}

impl Files {
    /// Adds others of the same project.
    pub fn join(&mut self, other: Self) {
        let all = [
            (&mut self.detections, other.detections),
            (&mut self.lists, other.lists),
            (&mut self.lists_above, other.lists_above),
        ];
        for (these, others) in all {
            these.extend(others);
            these.sort();
            these.dedup();
        }
        self.lists_above.retain(|file| !self.lists.contains(file));
        self.problems.extend(other.problems);
    }
}

impl Project {
    /// The project that `start` lies in: the nearest folder from there upwards with `detections/`.
    /// Without `start`, from the working directory.
    pub fn find(start: Option<&Path>) -> Option<Self> {
        let working = std::env::current_dir().ok();
        let start = start.unwrap_or(Path::new("."));
        // The path as given is tried first, so that messages stay as short as what was typed.
        let absolute = match (&working, start.is_absolute()) {
            (Some(working), false) => working.join(start),
            _ => start.to_path_buf(),
        };
        let absolute = absolute.canonicalize().unwrap_or(absolute);
        let root = absolute.ancestors().find(|folder| folder.join("detections").is_dir())?;
        Some(Self { root: Some(root.to_path_buf()), shown: shown(root, working.as_deref()) })
    }

    /// The project in the folder `root`, whose files messages show below `shown`.
    pub fn at(root: &Path, shown: &Path) -> Self {
        Self { root: Some(root.to_path_buf()), shown: shown.to_path_buf() }
    }

    /// The project that `start` lies in, or what is built into the binary.
    pub fn find_or_built_in(start: Option<&Path>) -> Self {
        Self::find(start).unwrap_or_else(Self::built_in)
    }

    /// What is built into the binary.
    pub fn built_in() -> Self {
        Self { root: None, shown: PathBuf::from("built-in") }
    }

    /// Its folder; `None` for what is built in.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The folder of detections.
    pub fn detections(&self) -> Option<PathBuf> {
        self.folder("detections")
    }

    /// The folder of targets, if the project has its own.
    pub fn templates(&self) -> Option<PathBuf> {
        self.folder("templates").filter(|folder| folder.is_dir())
    }

    /// The folder of recorded logs.
    pub fn tests(&self) -> Option<PathBuf> {
        self.folder("tests")
    }

    /// The folder that packs are written to.
    pub fn out(&self) -> Option<PathBuf> {
        self.folder("out")
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(name))
    }

    /// All files of detections and lists.
    pub fn detection_files(&self) -> Files {
        let Some(root) = &self.root else { return built_in() };
        self.files_in(&root.join("detections"))
    }

    /// The files of detections at `path` (a file, or a folder with all that is in it), and the lists that they see. A
    /// file of lists stands for its folder.
    pub fn files_at(&self, path: &Path) -> Files {
        let absolute = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let absolute = match absolute.parent() {
            Some(folder) if absolute.file_name().is_some_and(|name| name == LISTS) => folder.to_path_buf(),
            _ => absolute,
        };
        let mut files = if absolute.is_dir() {
            self.files_in(&absolute)
        } else {
            let file = self.file(&absolute);
            Files { detections: vec![file], ..Files::default() }
        };
        // Lists above it, as far up as detections go.
        let top = self.detections().filter(|top| absolute.starts_with(top));
        for folder in absolute.ancestors().skip(1) {
            let lists = folder.join(LISTS);
            if lists.is_file() {
                files.lists_above.push(self.file(&lists));
            }
            if top.as_deref().is_none_or(|top| top == folder) {
                break;
            }
        }
        files.lists_above.sort();
        files
    }

    fn files_in(&self, folder: &Path) -> Files {
        let mut files = Files::default();
        for entry in WalkDir::new(folder).follow_links(true).max_depth(32).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                // A name that is no text is told as one that cannot name a detection.
                Ok(entry) => match &*entry.file_name().to_string_lossy() {
                    name if name.starts_with('.') => {}
                    LISTS => files.lists.push(self.file(entry.path())),
                    name if name.ends_with(".yml") || name.ends_with(".yaml") => {
                        files.detections.push(self.file(entry.path()));
                    }
                    _ => {}
                },
                Err(error) => {
                    let path = error.path().unwrap_or(folder);
                    let message = match error.loop_ancestor() {
                        Some(above) => {
                            format!("the link leads back to `{}`, which it lies in", self.file(above).shown.display())
                        }
                        None => match error.io_error() {
                            Some(error) => format!("cannot be read: {}", yaml::reason(error)),
                            None => "cannot be read".to_owned(),
                        },
                    };
                    let place = Place { file: SourceFile::unread(&self.file(path).shown), span: 0..0 };
                    files.problems.push(Diagnostic::new(Code::Unreadable, place, message));
                }
            }
        }
        files.detections.sort();
        files
    }

    /// A file as messages show it.
    pub(crate) fn file(&self, path: &Path) -> DetectionFile {
        let inside = self.root.as_ref().and_then(|root| path.strip_prefix(root).ok());
        let shown = match inside {
            Some(rest) => self.shown.join(rest),
            None => shown(path, std::env::current_dir().ok().as_deref()),
        };
        DetectionFile { shown, path: Some(path.to_path_buf()) }
    }

    /// The text of a file.
    pub fn read(&self, file: &DetectionFile) -> Result<Arc<SourceFile>, Diagnostic> {
        match &file.path {
            Some(path) => yaml::read_file(path, &file.shown),
            None => {
                let inside = file.shown.strip_prefix("built-in/detections").unwrap_or(&file.shown);
                let text = BUILT_IN.get_file(inside).and_then(|file| file.contents_utf8()).unwrap_or_default();
                Ok(SourceFile::new(&file.shown, text))
            }
        }
    }
}

/// A path relative to the working directory if it lies in it.
fn shown(path: &Path, working: Option<&Path>) -> PathBuf {
    let working = working.and_then(|working| working.canonicalize().ok());
    match working.and_then(|working| path.strip_prefix(working).ok().map(Path::to_path_buf)) {
        Some(inside) => inside,
        None => path.to_path_buf(),
    }
}

/// The files below `detections/` that are built into the binary, by their paths.
pub fn built_in_files() -> Vec<(&'static Path, &'static [u8])> {
    all_files(&BUILT_IN)
}

/// All files of a folder that is built in.
pub(crate) fn all_files(folder: &Dir<'static>) -> Vec<(&'static Path, &'static [u8])> {
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let here = folder.files().map(|file| (file.path(), file.contents())).filter(|(path, _)| !hidden(path));
    here.chain(folder.dirs().flat_map(all_files)).collect()
}

fn built_in() -> Files {
    fn walk(folder: &Dir<'static>, files: &mut Files) {
        for file in folder.files() {
            let shown = Path::new("built-in/detections").join(file.path());
            let entry = DetectionFile { shown, path: None };
            match file.path().file_name().and_then(|name| name.to_str()) {
                Some(LISTS) => files.lists.push(entry),
                Some(name) if name.ends_with(".yml") && !name.starts_with('.') => files.detections.push(entry),
                _ => {}
            }
        }
        folder.dirs().for_each(|folder| walk(folder, files));
    }
    let mut files = Files::default();
    walk(&BUILT_IN, &mut files);
    files.detections.sort();
    files.lists.sort();
    files
}
