//! What the proof of a rule costs: the whole container pack beside its compilation, and rule by rule.

use std::time::{Duration, Instant};

use cresset::detection::{Detection, load};
use cresset::pack::verify;
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, Built, Compiled, PackInfo, Target};

fn main() {
    from_nothing();
    rule_by_rule();
    divan::main();
}

fn inputs() -> (Vec<Target>, Vec<Detection>) {
    let loaded = load::load(&Project::built_in(), Catalogue::builtin());
    assert!(!loaded.has_errors(), "the built-in detections are right");
    (target::load_all(None).expect("targets"), loaded.detections)
}

fn compile<'a>(targets: &'a [Target], detections: &'a [Detection]) -> Vec<Compiled<'a>> {
    target::compile_all(targets, detections, Catalogue::builtin(), &|| ()).expect("compiled")
}

fn render(targets: &[Target], compiled: &[Compiled<'_>]) -> Built {
    let pack = PackInfo::default();
    target::render_all(targets, compiled, Catalogue::builtin(), &pack, &|_, rule| rule.claim()).expect("a build")
}

fn prove(targets: &[Target], compiled: &[Compiled<'_>], built: &Built) -> verify::Report {
    verify::verify(targets, compiled, &built.files, Catalogue::builtin(), &verify::budget(), &|_| Vec::new())
}

/// Prints what the proof of the pack takes in a new process, in which nothing is known of any automaton: what `cresset
/// verify` takes.
fn from_nothing() {
    let (targets, detections) = inputs();
    let start = Instant::now();
    let compiled = compile(&targets, &detections);
    let built = render(&targets, &compiled);
    let compiling = start.elapsed();
    let start = Instant::now();
    prove(&targets, &compiled, &built);
    let proving = start.elapsed();
    let times = proving.as_secs_f64() / compiling.as_secs_f64();
    println!("from nothing: compiled and rendered in {compiling:?}, proved in {proving:?}, {times:.1} times as long");
}

/// Prints the median and the worst of all rules, each read back and decided alone. Automata that another rule has asked
/// for before are kept, as they are in a build.
fn rule_by_rule() {
    let (targets, detections) = inputs();
    let compiled = compile(&targets, &detections);
    let built = render(&targets, &compiled);
    let mut times: Vec<(Duration, String)> = Vec::new();
    for one in compiled.iter().filter(|one| one.rule().is_some()) {
        // Only the files of its target: the others are not read when this rule is asked for alone.
        let files = built.files.iter().filter(|(path, _)| path.starts_with(&format!("{}/", one.target.name())));
        let built =
            Built { files: files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect(), ..Built::default() };
        let start = Instant::now();
        let report = prove(&targets, std::slice::from_ref(one), &built);
        let time = start.elapsed();
        let verdict = report.findings.first().map(|finding| finding.verdict.word()).unwrap_or_default();
        let name = format!("{} in {} for {}: {verdict}", one.detection.name, one.observation.source, one.target.name());
        times.push((time, name));
    }
    times.sort();
    let at = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).map(|(time, _)| *time);
    println!("{} rules, each with reading all files of its target:", times.len());
    println!("  median {:?}, 90 % {:?}", at(0.5).unwrap_or_default(), at(0.9).unwrap_or_default());
    for (time, name) in times.iter().rev().take(5) {
        println!("  {time:?} {name}");
    }
}

/// The pack in memory into artefacts in memory, without proof: what the proof is to be compared with.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn compile_and_render(bencher: divan::Bencher<'_, '_>) {
    let (targets, detections) = inputs();
    bencher.bench(|| render(&targets, &compile(&targets, &detections)));
}

/// Reading back and deciding all rules of the pack.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn prove_the_pack(bencher: divan::Bencher<'_, '_>) {
    let (targets, detections) = inputs();
    let compiled = compile(&targets, &detections);
    let built = render(&targets, &compiled);
    bencher.bench(|| prove(&targets, &compiled, &built));
}
