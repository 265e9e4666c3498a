//! `cresset verify`: do the rules of a pack mean what their detections say?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::{Value, json};
use walkdir::WalkDir;

use super::workshop::{Chosen, Workshop};
use super::{Exit, choice};
use crate::diagnostic::{Diagnostic, render};
use crate::logic::Reading;
use crate::pack::strayed::Strayed;
use crate::pack::trace;
use crate::pack::verify::{self, Example, Finding, Report};
use crate::project::Project;
use crate::source::Catalogue;
use crate::target::Verdict;

/// Read the rules of packs back and decide whether they mean what their detections say
///
/// For every rule: `proved` (for every event it matches what it must and nothing but what it may), `tested` (that could
/// not be decided, and no event was found on which they differ), `wider` or `narrower` (accepted by the detection),
/// `unverified` (the target has no reader), `differs`, `unreadable` or `missing`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cresset verify                                  the packs in out/
  cresset verify out --target splunk              those of one target
  cresset verify deployed/                        a copy that somebody may have edited
  cresset verify --detection privileged_container --explain
  cresset verify --format github                  annotations in a pull request

Exit status: 0 nothing wrong, 1 a rule differs, is unreadable or missing, 2 could not run.")]
pub struct Args {
    /// Folders of packs, as `cresset build` writes them [default: the project's out/, with --profile that profile's folder in it]
    packs: Vec<PathBuf>,

    /// Only this detection, by its name or id; may be repeated
    #[arg(long, value_name = "NAME|ID")]
    detection: Vec<String>,

    /// Show an event for rules that are accepted to differ, too
    #[arg(long)]
    explain: bool,

    /// How the findings are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    chosen: Chosen,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, and an event for every rule that differs
    #[default]
    Human,
    /// One JSON document
    Json,
    /// Annotations of GitHub Actions
    Github,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let project = Project::find_or_built_in(None);
    let mut packs = match (args.packs.as_slice(), project.out()) {
        ([], None) => bail!("there is no project here; say which pack is to be verified"),
        ([], Some(out)) => vec![out],
        (packs, _) => packs.to_vec(),
    };
    let mut workshop = match Workshop::open(&project, None, &args.chosen)? {
        Ok(workshop) => workshop,
        Err(problems) => return failed(&problems),
    };
    if let (Some(_), [], [pack], Some(profile)) =
        (&args.chosen.profile, args.packs.as_slice(), packs.as_mut_slice(), &workshop.profile)
    {
        pack.push(&profile.name);
    }
    choice::keep(&mut workshop.detections, &args.detection)?;
    let compiled = match workshop.compile() {
        Ok(compiled) => compiled,
        Err(problems) => return failed(&problems),
    };
    let mut out = anstream::stdout();
    let mut reports = Vec::new();
    let working = std::env::current_dir().unwrap_or_default();
    for pack in &packs {
        // As short as it can be told, and as GitHub wants it.
        let pack = pack.strip_prefix(&working).ok().filter(|short| *short != Path::new("")).unwrap_or(pack);
        anyhow::ensure!(pack.is_dir(), "there is no pack `{}`; `cresset build` writes one", pack.display());
        let files = files(pack).with_context(|| format!("cannot read the pack `{}`", pack.display()))?;
        let recorded = |source: &str| workshop.recorded.events(source);
        let catalogue = Catalogue::builtin();
        let mut report = verify::verify(&workshop.targets, &compiled, &files, catalogue, &verify::budget(), &recorded);
        if !args.detection.is_empty() {
            report.foreign.clear();
        }
        match args.format {
            Format::Human => human(&mut out, pack, &report, args.explain)?,
            Format::Github => {
                annotations(&mut out, pack, &report)?;
                writeln!(anstream::stderr(), "{}: {}", pack.display(), summary(&report))?;
            }
            Format::Json => {}
        }
        reports.push((pack, report));
    }
    if args.format == Format::Json {
        let document = |(pack, report): &(&Path, Report)| {
            let mut document = findings(report);
            if let Value::Object(document) = &mut document {
                document.insert("pack".to_owned(), pack.display().to_string().into());
            }
            document
        };
        let packs: Vec<Value> = reports.iter().map(document).collect();
        writeln!(out, "{:#}", json!({ "packs": packs }))?;
    }
    let wrong = reports.iter().any(|(_, report)| report.is_wrong());
    Ok(if wrong { Exit::Findings } else { Exit::Clean })
}

/// Says why nothing can be verified.
pub(super) fn failed(problems: &[Diagnostic]) -> anyhow::Result<Exit> {
    write!(anstream::stderr(), "{}", render::human(problems, true))?;
    Ok(Exit::Failed)
}

/// The files of a pack by their paths below it.
fn files(pack: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in WalkDir::new(pack).follow_links(true).sort_by_file_name() {
        let entry = entry?;
        if !entry.file_type().is_file() {
            continue;
        }
        let inside = entry.path().strip_prefix(pack).unwrap_or(entry.path());
        let name: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        files.insert(name.join("/"), fs::read(entry.path())?);
    }
    Ok(files)
}

fn human(out: &mut impl Write, pack: &Path, report: &Report, explain: bool) -> io::Result<()> {
    writeln!(out, "{}", table(report))?;
    details(out, report, explain)?;
    for rules in report.foreign.chunk_by(|(file, _), (other, _)| file == other) {
        let Some((file, name)) = rules.first() else { continue };
        match rules.len() {
            1 => writeln!(out, "\nnote: {file}: `{name}` belongs to no detection and is not verified")?,
            count => {
                writeln!(
                    out,
                    "\nnote: {file}: `{name}` and {} more belong to no detection and are not verified",
                    count - 1
                )?;
            }
        }
    }
    for state in [Strayed::Changed, Strayed::Gone, Strayed::New, Strayed::Unreadable] {
        let files = report.strayed.iter().filter(|(_, known)| *known == state);
        let files: BTreeSet<&str> = files.map(|(file, _)| file.as_str()).collect();
        if !files.is_empty() {
            writeln!(out, "\nnote: {}: {}", some_of(&files), strayed_said(state))?;
        }
    }
    if !report.all_off.is_empty() {
        let targets = report.all_off.join(", ");
        writeln!(
            out,
            "\nnote: {targets}: all rules are switched off: nothing is found until somebody switches them on"
        )?;
    }
    let is_told = |target: &str| report.all_off.iter().any(|off| off == target);
    let off = report.off.iter().map(|(file, name)| (file.as_str(), name.as_str(), String::new()));
    for ((target, _), rules) in grouped(off.filter(|(file, ..)| !is_told(target_of(file)))) {
        let (is, they) = if rules.names.len() == 1 { ("is", "it") } else { ("are", "they") };
        let (place, names) = (rules.place(target), some_of(&rules.names));
        writeln!(out, "\nnote: {place}: {names} {is} switched off: nothing is found while {they} {is}")?;
    }
    let muted = report.muted.iter().map(|(file, name, settings)| {
        let settings: Vec<String> = settings.iter().map(|setting| format!("`{setting}`")).collect();
        (file.as_str(), name.as_str(), settings.join(", "))
    });
    for ((target, settings), rules) in grouped(muted) {
        let is = if settings.contains(',') { "are" } else { "is" };
        writeln!(out, "\nnote: {}: {settings} {is} set up and off in {}", rules.place(target), some_of(&rules.names))?;
    }
    let remarks = report.findings.iter().flat_map(|finding| {
        let said = finding.remarks.iter();
        said.map(|remark| (finding.file.as_str(), finding.detection.as_str(), remark.clone()))
    });
    for ((target, remark), rules) in grouped(remarks) {
        writeln!(out, "\nnote: {}: {remark} ({})", rules.place(target), some_of(&rules.names))?;
    }
    writeln!(anstream::stderr(), "{}: {}", pack.display(), summary(report))
}

/// What became of a file that nothing reads back.
fn strayed_said(state: Strayed) -> &'static str {
    match state {
        Strayed::Changed => "not what was built, and nothing reads it back",
        Strayed::Gone => "not there any more",
        Strayed::New => "made by no build, and nothing reads it back",
        Strayed::Unreadable => "no manifest: which files have been changed is not known",
    }
}

/// The target that a file of a pack belongs to.
fn target_of(file: &str) -> &str {
    file.split('/').next().unwrap_or_default()
}

/// Rules of which the same is said, and the files in which they stand.
#[derive(Default)]
struct Group<'r> {
    files: BTreeSet<&'r str>,
    names: BTreeSet<&'r str>,
}

impl Group<'_> {
    /// The file, or the target where there are several.
    fn place(&self, target: &str) -> String {
        match self.files.first() {
            Some(file) if self.files.len() == 1 => (*file).to_owned(),
            _ => target.to_owned(),
        }
    }
}

/// Rules by their target and what is said of them; from their files and names.
fn grouped<'r>(rules: impl Iterator<Item = (&'r str, &'r str, String)>) -> BTreeMap<(&'r str, String), Group<'r>> {
    let mut groups: BTreeMap<(&str, String), Group<'_>> = BTreeMap::new();
    for (file, name, said) in rules {
        let group = groups.entry((target_of(file), said)).or_default();
        group.files.insert(file);
        group.names.insert(name);
    }
    groups
}

/// A few names, and how many more there are.
fn some_of(names: &BTreeSet<&str>) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}

/// What there is to say of the rules that are not proved.
pub(super) fn details(out: &mut impl Write, report: &Report, explain: bool) -> io::Result<()> {
    let mut said: BTreeSet<(&str, &str, &str, Option<&str>)> = BTreeSet::new();
    for finding in &report.findings {
        let accepted = matches!(finding.verdict, Verdict::Wider | Verdict::Narrower);
        if matches!(finding.verdict, Verdict::Proved | Verdict::Unverified) || (accepted && !explain) {
            continue;
        }
        // One rule in two files is told once, unless the files say different things.
        let key = (&*finding.detection, &*finding.source, &*finding.target, finding.reason.as_deref());
        if !said.insert(key) {
            continue;
        }
        let Finding { detection, source, target, file, line, verdict, .. } = finding;
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(out, "\n{verdict}: {detection} in {source} for {target} ({file}{line})")?;
        if let Some(reason) = &finding.reason {
            writeln!(out, "  {reason}")?;
        }
        if !finding.overlays.is_empty() {
            writeln!(out, "  with {} laid over it", finding.overlays.join(" and "))?;
        }
        if let Some(example) = &finding.example {
            sides(out, example)?;
        }
    }
    Ok(())
}

/// The event on which a rule and its detection differ, and what each says of it.
fn sides(out: &mut impl Write, example: &Example) -> io::Result<()> {
    let indented = |out: &mut dyn Write, lines: &[String]| -> io::Result<()> {
        lines.iter().try_for_each(|line| writeln!(out, "    {line}"))
    };
    writeln!(out, "  on the event {}", example.event)?;
    let reading = if example.matched { Reading::May } else { Reading::Must };
    let (detection, rule) = match example.matched {
        true => ("the detection may not match it:", "the rule does:"),
        false => ("the detection must match it:", "the rule does not:"),
    };
    writeln!(out, "  {detection}")?;
    indented(out, &trace::lines(&example.condition, &example.event, reading))?;
    writeln!(out, "  {rule}")?;
    indented(out, &trace::lines(&example.rule, &example.event, reading))
}

/// Detections and log sources down, targets across.
fn table(report: &Report) -> String {
    let targets: BTreeSet<&str> = report.findings.iter().map(|finding| finding.target.as_str()).collect();
    let mut rows: BTreeMap<(&str, &str), BTreeMap<&str, Verdict>> = BTreeMap::new();
    for ((detection, source, target), verdict) in report.verdicts() {
        rows.entry((detection, source)).or_default().insert(target, verdict);
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["detection", "log source"].into_iter().chain(targets.iter().copied()));
    for ((detection, source), row) in rows {
        let cells = targets.iter().map(|target| row.get(target).map_or("-", |verdict| verdict.word()));
        table.add_row([detection, source].into_iter().chain(cells));
    }
    table.trim_fmt()
}

/// How many rules have which verdict.
pub(super) fn summary(report: &Report) -> String {
    let rules = report.verdicts();
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for verdict in rules.values() {
        *counts.entry(*verdict).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    let rules = if rules.len() == 1 { "1 rule".to_owned() } else { format!("{} rules", rules.len()) };
    if counts.is_empty() { rules } else { format!("{rules}: {}", counts.join(", ")) }
}

/// Annotations of GitHub Actions for what is wrong, and for what a look at the pack should not miss.
pub(super) fn annotations(out: &mut impl Write, pack: &Path, report: &Report) -> io::Result<()> {
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
    for finding in report.findings.iter().filter(|finding| finding.verdict.is_wrong()) {
        let file = pack.join(&finding.file);
        let title = format!("{}: {} in {}", finding.detection, finding.verdict, finding.target);
        let mut message = finding.reason.clone().unwrap_or_default();
        if !finding.overlays.is_empty() {
            message.push_str(&format!("\nwith {} laid over it", finding.overlays.join(" and ")));
        }
        if let Some(example) = &finding.example {
            message.push_str(&format!("\n{}", example.event));
        }
        let file = property(&file.display().to_string());
        let line = finding.line.map(|line| format!(",line={line}")).unwrap_or_default();
        writeln!(out, "::error file={file}{line},title={}::{}", property(&title), escaped(&message))?;
    }
    for note in notes(report) {
        let file = property(&pack.join(&note.file).display().to_string());
        writeln!(out, "::warning file={file},title={}::{}", property(note.title), escaped(&note.said))?;
    }
    Ok(())
}

/// Something that makes no rule wrong and is worth knowing.
struct Note {
    /// The file below the pack, or its first where it concerns several.
    file: String,
    title: &'static str,
    said: String,
}

/// What makes no rule wrong and is worth knowing: each once, whatever the number of rules. A target that is switched off
/// as a whole is as it was shipped.
fn notes(report: &Report) -> Vec<Note> {
    let is_told = |target: &str| report.all_off.iter().any(|off| off == target);
    let off = report.off.iter().filter(|(file, _)| !is_told(target_of(file)));
    let off = off.map(|(file, name)| (file.as_str(), name.as_str(), ("Switched off", "nothing is found".to_owned())));
    let muted = report
        .muted
        .iter()
        .map(|(file, name, settings)| (file.as_str(), name.as_str(), ("Set up and off", settings.join(", "))));
    let remarks = report.findings.iter().flat_map(|finding| {
        let said = finding.remarks.iter();
        said.map(|remark| (finding.file.as_str(), finding.detection.as_str(), ("Remark", remark.clone())))
    });
    let mut groups: BTreeMap<(&str, (&'static str, String)), Group<'_>> = BTreeMap::new();
    for (file, name, said) in off.chain(muted).chain(remarks) {
        let group = groups.entry((target_of(file), said)).or_default();
        group.files.insert(file);
        group.names.insert(name);
    }
    let note = |((_, (title, said)), group): ((&str, (&'static str, String)), Group<'_>)| Note {
        file: group.files.first().map(|file| (*file).to_owned()).unwrap_or_default(),
        title,
        said: format!("{said} ({})", some_of(&group.names)),
    };
    let strayed = report.strayed.iter().map(|(file, state)| Note {
        file: file.clone(),
        title: "Not as built",
        said: strayed_said(*state).to_owned(),
    });
    groups.into_iter().map(note).chain(strayed).collect()
}

/// A report as JSON.
pub(super) fn findings(report: &Report) -> Value {
    let example = |example: &Example| {
        let reading = if example.matched { Reading::May } else { Reading::Must };
        json!({
            "event": example.event,
            "rule_matches": example.matched,
            "detection": trace::value(&example.condition, &example.event, reading),
            "rule": trace::value(&example.rule, &example.event, reading),
        })
    };
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "detection": finding.detection,
                "source": finding.source,
                "target": finding.target,
                "file": finding.file,
                "line": finding.line,
                "laid_over_it": finding.overlays,
                "verdict": finding.verdict,
                "reason": finding.reason,
                "example": finding.example.as_deref().map(example),
                "remarks": finding.remarks,
            })
        })
        .collect();
    let named = |rules: &[(String, String)]| -> Vec<Value> {
        rules.iter().map(|(file, name)| json!({ "file": file, "name": name })).collect()
    };
    let muted: Vec<Value> = report
        .muted
        .iter()
        .map(|(file, name, settings)| json!({ "file": file, "name": name, "settings": settings }))
        .collect();
    let strayed: Vec<Value> =
        report.strayed.iter().map(|(file, state)| json!({ "file": file, "state": state.word() })).collect();
    json!({
        "findings": findings, "foreign": named(&report.foreign), "off": named(&report.off), "muted": muted,
        "strayed": strayed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_rule_wrong_is_a_warning_on_github() {
        let finding = |detection: &str| Finding {
            detection: detection.to_owned(),
            source: "process".to_owned(),
            target: "falco".to_owned(),
            file: "falco/rules.yaml".to_owned(),
            line: None,
            overlays: Vec::new(),
            verdict: Verdict::Proved,
            reason: None,
            example: None,
            remarks: vec!["`priority` is `Debug`".to_owned()],
        };
        let rule = |file: &str| (file.to_owned(), "Mine".to_owned());
        let report = Report {
            findings: vec![finding("one"), finding("two")],
            off: vec![rule("falco/rules.yaml"), rule("splunk/x.conf")],
            muted: vec![("splunk/x.conf".to_owned(), "Mine".to_owned(), vec!["action.notable".to_owned()])],
            all_off: vec!["splunk".to_owned()],
            strayed: vec![("splunk/props.conf".to_owned(), Strayed::Gone)],
            ..Report::default()
        };
        let mut out = Vec::new();
        annotations(&mut out, Path::new("out"), &report).expect("it is written");
        let expected = "\
            ::warning file=out/falco/rules.yaml,title=Remark::`priority` is `Debug` (`one` and `two`)\n\
            ::warning file=out/falco/rules.yaml,title=Switched off::nothing is found (`Mine`)\n\
            ::warning file=out/splunk/x.conf,title=Set up and off::action.notable (`Mine`)\n\
            ::warning file=out/splunk/props.conf,title=Not as built::not there any more\n";
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
