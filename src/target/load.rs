//! Targets as folders: those built into the program, and those of a project, which shadow them file by file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path as FilePath;

use include_dir::{Dir, include_dir};
use tera::Tera;

use super::problem::Problem;
use super::render;
use super::settings::{Scope, Settings};
use crate::detection::Severity;
use crate::language::Language;
use crate::logic::Path;

static BUILTIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The name of the file that says what a target is.
const SETTINGS: &str = "target.yml";
/// A folder's file beyond this size is no template.
const MAX_FILE: u64 = 4 << 20;

/// A target, ready to use.
#[derive(Debug)]
pub struct Target {
    /// What its `target.yml` says.
    pub settings: Settings,
    /// Its templates, compiled, by their file names.
    pub templates: Tera,
    /// Text files of its folder that are no templates.
    pub files: BTreeMap<String, String>,
}

impl Target {
    /// The target's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether what is printed in a language can be read back and proved.
    pub fn is_verified(language: Language) -> bool {
        language != Language::Lucene
    }
}

/// The text files of a target's folder by their names, each with the path that messages call it by.
type Folder = BTreeMap<String, (String, String)>;

/// The files of the built-in targets, by their paths below `templates/`.
pub fn built_in_files() -> Vec<(&'static FilePath, &'static [u8])> {
    crate::project::all_files(&BUILTIN)
}

/// All targets: the built-in ones, shadowed file by file and joined by the folders in `own`. Sorted by name.
pub fn load_all(own: Option<&FilePath>) -> Result<Vec<Target>, Vec<Problem>> {
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for folder in BUILTIN.dirs() {
        let name = folder.path().to_string_lossy().into_owned();
        let files = folder.files().filter_map(|file| {
            let path = file.path().to_string_lossy().into_owned();
            let name = file.path().file_name()?.to_string_lossy().into_owned();
            Some((name, (format!("templates/{path}"), file.contents_utf8()?.to_owned())))
        });
        folders.insert(name, files.collect());
    }
    let mut problems = Vec::new();
    if let Some(own) = own {
        for (name, folder) in read_folders(own, &mut problems) {
            folders.entry(name).or_default().extend(folder);
        }
    }
    let mut targets = Vec::new();
    for (name, folder) in folders {
        match make(&name, &folder) {
            Ok(target) => targets.push(target),
            Err(faults) => problems.extend(faults),
        }
    }
    if problems.is_empty() { Ok(targets) } else { Err(problems) }
}

/// The target in one folder, apart from all others.
pub fn load(folder: &FilePath) -> Result<Target, Vec<Problem>> {
    let mut problems = Vec::new();
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let files = read_folder(folder, &mut problems);
    if problems.is_empty() { make(&name, &files) } else { Err(problems) }
}

fn read_folders(own: &FilePath, problems: &mut Vec<Problem>) -> BTreeMap<String, Folder> {
    let mut folders = BTreeMap::new();
    let entries = match fs::read_dir(own) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(Problem::new(own.display().to_string(), format!("the folder cannot be read: {error}")));
            return folders;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            folders.insert(name, read_folder(&entry.path(), problems));
        }
    }
    folders
}

fn read_folder(folder: &FilePath, problems: &mut Vec<Problem>) -> Folder {
    let mut files = Folder::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(Problem::new(folder.display().to_string(), format!("the folder cannot be read: {error}")));
            return files;
        }
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if !path.is_file() || name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        let shown = path.display().to_string();
        if entry.metadata().is_ok_and(|data| data.len() > MAX_FILE) {
            problems.push(Problem::new(shown, "the file is larger than 4 MiB"));
            continue;
        }
        match fs::read_to_string(&path) {
            Ok(text) => _ = files.insert(name, (shown, text)),
            Err(error) => problems.push(Problem::new(shown, format!("the file cannot be read: {error}"))),
        }
    }
    files
}

fn make(name: &str, folder: &Folder) -> Result<Target, Vec<Problem>> {
    let Some((file, text)) = folder.get(SETTINGS) else {
        let problem = Problem::new(format!("templates/{name}"), format!("the target `{name}` has no `{SETTINGS}`"));
        return Err(vec![problem.help("copy the one of a built-in target and change it")]);
    };
    let settings: Settings =
        serde_yaml::from_str(text).map_err(|error| vec![Problem::from_yaml(file, text, &error)])?;
    let mut problems = check(name, file, &settings);
    let mut templates = render::engine();
    let mut files = BTreeMap::new();
    let mut sources = Vec::new();
    for (name, (_, text)) in folder {
        if name.ends_with(".tera") {
            sources.push((name.as_str(), text.as_str()));
        } else if name != SETTINGS {
            files.insert(name.clone(), text.clone());
        }
    }
    if let Err(error) = templates.add_raw_templates(sources) {
        // Tera's own report has the place and the line in it.
        problems.push(Problem::new(format!("templates/{name}"), "a template cannot be read").note(error.to_string()));
    } else {
        for artefact in &settings.artefacts {
            if !templates.contains_template(&artefact.template) {
                let message = format!("there is no template `{}`", artefact.template);
                problems.push(Problem::new(file.clone(), message));
            }
        }
    }
    if problems.is_empty() { Ok(Target { settings, templates, files }) } else { Err(problems) }
}

/// What is wrong with settings that have the right shape.
fn check(name: &str, file: &str, settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut fault = |message: String| problems.push(Problem::new(file, message));
    if settings.name != name {
        fault(format!("the target is called `{}`, its folder `{name}`", settings.name));
    }
    if settings.languages.is_empty() {
        fault("`languages` is empty".to_owned());
    }
    for severity in [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
        if !settings.severity.contains_key(&severity) {
            let word = serde_json::to_value(severity).ok().and_then(|v| v.as_str().map(str::to_owned));
            fault(format!("`severity` says nothing about `{}`", word.unwrap_or_default()));
        }
    }
    for (source, described) in &settings.sources {
        for path in described.fields.keys() {
            let plain = path.strip_suffix(".*").unwrap_or(path);
            if path != "*" && plain.parse::<Path>().is_err() {
                fault(format!("`sources.{source}.fields`: `{path}` is no path"));
            }
        }
        for language in described.languages.iter().flatten() {
            if !settings.languages.iter().any(|known| known.name == *language) {
                fault(format!("`sources.{source}.languages`: `{}` is not among `languages`", language.name()));
            }
        }
    }
    for artefact in &settings.artefacts {
        let path = &artefact.path;
        let segments_fit = path.split('/').all(|s| !s.is_empty() && s != "." && s != ".." && !s.contains(['\\', '\0']));
        if !segments_fit {
            fault(format!("`artefacts`: `{path}` is no path below the target's folder"));
        }
        let told_apart = match artefact.scope {
            Scope::Rule => path.contains("{name}") && path.contains("{source}"),
            Scope::Source => path.contains("{source}") || artefact.sources.as_ref().is_some_and(|s| s.len() == 1),
            Scope::Pack => true,
        };
        if !told_apart {
            fault(format!(
                "`artefacts`: `{path}` is the same for several files; put `{{name}}` and `{{source}}` in it"
            ));
        }
        for source in artefact.sources.iter().flatten() {
            if !settings.sources.contains_key(source) {
                fault(format!(
                    "`artefacts`: `{path}` is for the log source `{source}`, which the target does not have"
                ));
            }
        }
    }
    problems
}
