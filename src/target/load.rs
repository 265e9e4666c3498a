//! Targets as folders: those built into the program, and those of a project, which shadow them file by file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path as FilePath;
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use tera::Tera;

use super::problem::{from_tera, from_yaml, place, with_file};
use super::render;
use super::settings::{Scope, Settings, TagNames, whole};
use crate::detection::{Severity, yaml};
use crate::diagnostic::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic, SourceFile};
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
    /// The text of its templates, for messages.
    pub sources: BTreeMap<String, Arc<SourceFile>>,
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

/// The text files of a target's folder by their names.
type Folder = BTreeMap<String, Arc<SourceFile>>;

/// The files of the built-in targets, by their paths below `templates/`.
pub fn built_in_files() -> Vec<(&'static FilePath, &'static [u8])> {
    crate::project::all_files(&BUILTIN)
}

/// All targets: the built-in ones, shadowed file by file and joined by the folders in `own`. Sorted by name.
pub fn load_all(own: Option<&FilePath>) -> Result<Vec<Target>, Vec<Diagnostic>> {
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for folder in BUILTIN.dirs() {
        let name = folder.path().to_string_lossy().into_owned();
        let files = folder.files().filter_map(|file| {
            let path = file.path().to_string_lossy().into_owned();
            let name = file.path().file_name()?.to_string_lossy().into_owned();
            Some((name, SourceFile::new(format!("templates/{path}"), file.contents_utf8()?)))
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
pub fn load(folder: &FilePath) -> Result<Target, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let files = read_folder(folder, &mut problems);
    if problems.is_empty() { make(&name, &files) } else { Err(problems) }
}

fn read_folders(own: &FilePath, problems: &mut Vec<Diagnostic>) -> BTreeMap<String, Folder> {
    let mut folders = BTreeMap::new();
    let entries = match fs::read_dir(own) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(unread(own, &error));
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

fn read_folder(folder: &FilePath, problems: &mut Vec<Diagnostic>) -> Folder {
    let mut files = Folder::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(unread(folder, &error));
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
            problems.push(with_file(Code::TooLarge, &shown, "the file is larger than 4 MiB"));
            continue;
        }
        match fs::read_to_string(&path) {
            Ok(text) => _ = files.insert(name, SourceFile::new(shown, text)),
            Err(error) => problems.push(unread(&path, &error)),
        }
    }
    files
}

fn unread(path: &FilePath, error: &std::io::Error) -> Diagnostic {
    with_file(Code::Unreadable, &path.display().to_string(), format!("cannot be read: {}", yaml::reason(error)))
}

fn make(name: &str, folder: &Folder) -> Result<Target, Vec<Diagnostic>> {
    let Some(file) = folder.get(SETTINGS) else {
        let message = format!("the target `{name}` has no `{SETTINGS}`");
        let problem = with_file(Code::TargetSettings, &format!("templates/{name}"), message);
        return Err(vec![problem.help("copy the one of a built-in target and change it")]);
    };
    let mut settings: Settings = serde_yaml::from_str(&file.text).map_err(|error| vec![from_yaml(file, &error)])?;
    settings.place_artefacts();
    let mut problems = check(name, file, &settings);
    let mut templates = render::engine();
    let (mut files, mut sources) = (BTreeMap::new(), BTreeMap::new());
    for (name, file) in folder {
        if name.ends_with(".tera") {
            sources.insert(name.clone(), file.clone());
        } else if name != SETTINGS {
            files.insert(name.clone(), file.text.clone());
        }
    }
    let mut lists: BTreeMap<String, Arc<BTreeSet<String>>> = BTreeMap::new();
    for (source, described) in &mut settings.sources {
        let Some(name) = &described.published else { continue };
        let Some(text) = files.get(name) else {
            let message = format!("there is no file `{name}`");
            let place = place(file, &["sources", source, "published"]);
            problems.push(Diagnostic::new(Code::TargetSettings, place, message));
            continue;
        };
        let names = lists.entry(name.clone()).or_insert_with(|| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            Arc::new(lines.map(str::to_owned).collect())
        });
        described.published_names = names.clone();
    }
    let texts = sources.iter().map(|(name, file)| (name.as_str(), file.text.as_str()));
    if let Err(error) = templates.add_raw_templates(texts.collect::<Vec<_>>()) {
        problems.extend(from_tera(&sources, &format!("templates/{name}"), &error));
    } else {
        for (at, artefact) in settings.artefacts.iter().enumerate() {
            if !templates.contains_template(&artefact.template) {
                let place = place(file, &["artefacts", &at.to_string(), "template"]);
                let message = format!("there is no template `{}`", artefact.template);
                let near = nearest(&artefact.template, sources.keys().map(String::as_str));
                let problem = Diagnostic::new(Code::TargetSettings, place, message);
                problems.push(match near {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem,
                });
            }
        }
    }
    if problems.is_empty() { Ok(Target { settings, templates, sources, files }) } else { Err(problems) }
}

/// What is wrong with settings that have the right shape.
fn check(name: &str, file: &Arc<SourceFile>, settings: &Settings) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let mut fault = |keys: &[&str], message: String| {
        problems.push(Diagnostic::new(Code::TargetSettings, place(file, keys), message));
    };
    if settings.name != name {
        fault(&["name"], format!("the target is called `{}`, its folder `{name}`", settings.name));
    }
    if settings.languages.is_empty() {
        fault(&["languages"], "`languages` is empty".to_owned());
    }
    for severity in [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
        if !settings.severity.contains_key(&severity) {
            let word = serde_json::to_value(severity).ok().and_then(|v| v.as_str().map(str::to_owned));
            fault(&["severity"], format!("`severity` says nothing about `{}`", word.unwrap_or_default()));
        }
    }
    if settings.exceptions.as_ref().is_some_and(|exceptions| exceptions.languages.is_empty()) {
        fault(&["exceptions", "languages"], "`languages` is empty".to_owned());
    }
    for (space, names) in &settings.tag_namespaces {
        let Some(TagNames::Shape { pattern, example }) = names else { continue };
        match whole(pattern) {
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                fault(&["tag_namespaces", space, "pattern"], format!("it is no regular expression: {reason}"));
            }
            Ok(pattern) if !pattern.is_match(example) => {
                fault(&["tag_namespaces", space, "example"], "the example is none of the pattern".to_owned());
            }
            Ok(_) => {}
        }
    }
    for (source, described) in &settings.sources {
        let chosen = described.choices.values().flat_map(|choice| choice.fields.keys());
        for path in described.fields.keys().chain(chosen) {
            let plain = path.strip_suffix(".*").unwrap_or(path);
            if path != "*" && plain.parse::<Path>().is_err() {
                fault(&["sources", source, "fields", path], format!("`{path}` is no path of a field"));
            }
        }
        for language in described.languages.iter().flatten() {
            if !settings.languages.iter().any(|known| known.name == *language) {
                fault(&["sources", source, "languages"], format!("`{}` is not among `languages`", language.name()));
            }
        }
    }
    for (at, artefact) in settings.artefacts.iter().enumerate() {
        let at = at.to_string();
        let path = &artefact.path;
        let segments_fit = path.split('/').all(|s| !s.is_empty() && s != "." && s != ".." && !s.contains(['\\', '\0']));
        if !segments_fit {
            fault(&["artefacts", &at, "path"], format!("`{path}` is no path below the target's folder"));
        }
        let what = if artefact.scope == Scope::Exception { "exception" } else { "name" };
        let told_apart = match artefact.scope {
            Scope::Rule => path.contains("{name}") && path.contains("{source}"),
            Scope::Source => path.contains("{source}") || artefact.sources.as_ref().is_some_and(|s| s.len() == 1),
            Scope::Exception => path.contains("{exception}") && path.contains("{source}"),
            Scope::Pack => true,
        };
        if !told_apart {
            fault(
                &["artefacts", &at, "path"],
                format!("`{path}` is the same for several files; put `{{{what}}}` and `{{source}}` in it"),
            );
        }
        for source in artefact.sources.iter().flatten() {
            if !settings.sources.contains_key(source) {
                fault(
                    &["artefacts", &at, "sources"],
                    format!("`{path}` is for the log source `{source}`, which the target does not have"),
                );
            }
        }
    }
    problems
}
