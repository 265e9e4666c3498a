//! What the proof of a rule costs: the whole container pack beside its compilation, rule by rule, and for conditions
//! that no one wrote.
//!
//! Measured on two cores, November 2026: the container pack, 162 rules, is proved in 0.5 to 0.6 s on the clock; with the
//! reading of detections and packs, `verify` takes 0.8 s and 1.3 s of processor time. A third are automata, a seventh is
//! the search through them; the worst rule (0.1 s) asks for mounts among a hundred paths in the sixty expressions that
//! Falco's 255 bytes leave. What begins alike of these is taken away together, else it would take four times as long. Of a
//! thousand conditions made up, 2,335 rules are decided in 0.7 ms at the median, 13 ms at 90 % and 50 ms at 99 %; 23 are
//! undecided within the default budget. The worst ask one field for hundreds of patterns with wildcards between words
//! under several `not`s: each pattern is an automaton of its own, and inclusion is asked of many together.

use std::time::{Duration, Instant};

use cresset::detection::{Detection, load};
use cresset::pack::verify;
use cresset::project::Project;
use cresset::source::Catalogue;
use cresset::target::{self, Built, Compiled, PackInfo, Target};

/// The program's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    from_nothing();
    rule_by_rule();
    varied::conditions(1000);
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

/// Conditions made up: printed in every language that can say them, read back and decided.
mod varied {
    #![allow(clippy::indexing_slicing, reason = "a wrong index stops the benchmark, as it should")]

    use std::time::{Duration, Instant};

    use cresset::language::{FieldTable, FieldType, Language, Query, ReadError, eql, falco, kql, print, sigma, spl};
    use cresset::logic::decide::{Answer, Budget, Kind, Schema, between};
    use cresset::logic::{Case, Comparison, Formula, Glob, Number, Path, Pattern, Piece, Predicate, TextSet};

    const TEXTS: [&str; 5] = ["process.command", "process.image", "parent.image", "user.name", "file.directory"];
    const NUMBERS: [&str; 2] = ["process.pid", "network.port"];
    const LANGUAGES: [Language; 5] =
        [Language::Sigma, Language::SplWhere, Language::Kql, Language::Eql, Language::Falco];
    const WORDS: [&str; 24] = [
        "docker",
        "podman",
        "run",
        "exec",
        "--privileged",
        "-v",
        "/etc",
        "/var/run/docker.sock",
        "/proc/sys",
        "root",
        "curl",
        "http://",
        ".sh",
        "base64",
        "-d",
        "kubectl",
        "nsenter",
        "--mount",
        "cap_add",
        "SYS_ADMIN",
        "tmp",
        " ",
        "release_agent",
        "a",
    ];
    const EXPRESSIONS: [&str; 8] = [
        r"--cap-add[= ](?:CAP_)?(?:ALL|SYS_(?:ADMIN|PTRACE|MODULE))",
        r"^/(?:usr/)?(?:local/)?s?bin/[a-z]+$",
        r"-v\s+/(?:etc|root|proc|sys|dev|boot|home|var/log)(?:/[^: ]*)?:",
        r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}",
        r"[A-Za-z0-9+/]{40,}={0,2}",
        r"(?:^|/)docker(?:d|-compose)?$",
        r"tcp://(?:0\.0\.0\.0|\[::\]):23(?:75|76)",
        r"\b(?:bash|sh|zsh) -c\b",
    ];

    /// The same numbers in every run (xorshift64*).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, count: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % count
        }

        fn of<T: Copy>(&mut self, all: &[T]) -> T {
            all[self.below(all.len())]
        }

        fn pattern(&mut self) -> Pattern {
            if self.below(8) == 0 {
                return Pattern::Regex(self.of(&EXPRESSIONS).to_owned());
            }
            let (before, after) = (self.below(2) == 0, self.below(2) == 0);
            let mut pieces: Vec<Piece> = before.then_some(Piece::Any).into_iter().collect();
            for at in 0..=self.below(3) {
                if at > 0 && self.below(2) == 0 {
                    pieces.push(Piece::Any);
                }
                pieces.push(Piece::Literal(self.of(&WORDS).into()));
            }
            pieces.extend(after.then_some(Piece::Any));
            Pattern::Glob(Glob::new(pieces))
        }

        fn test(&mut self) -> Formula {
            if self.below(8) == 0 {
                let op = self.of(&[Comparison::Equal, Comparison::Less, Comparison::GreaterOrEqual]);
                let value = Number::new(self.below(2000) as f64).expect("a finite number");
                return Formula::test(&path(self.of(&NUMBERS)), Predicate::Number { op, value });
            }
            let most = self.of(&[1, 3, 10, 40]);
            let any = (0..=self.below(most)).map(|_| self.pattern()).collect();
            let case = self.of(&[Case::Sensitive, Case::Insensitive, Case::Either]);
            Formula::test(&path(self.of(&TEXTS)), Predicate::Text(TextSet::new(any, case)))
        }

        fn formula(&mut self, depth: usize) -> Formula {
            if depth == 0 || self.below(4) == 0 {
                return self.test();
            }
            let count = 2 + self.below(3);
            let parts: Vec<Formula> = (0..count).map(|_| self.formula(depth - 1)).collect();
            match self.below(5) {
                0 | 1 => Formula::and(parts),
                2 => Formula::and([Formula::or(parts), Formula::not(self.test())]),
                _ => Formula::or(parts),
            }
        }
    }

    fn path(name: &str) -> Path {
        Path::from_segments([name])
    }

    fn read(language: Language, query: &Query, fields: &FieldTable) -> Result<Formula, ReadError> {
        match (language, query) {
            (_, Query::Document(document)) => sigma::read::read_detection(document, fields),
            (Language::SplWhere, Query::Text(text)) => spl::read::read_where_expression(text, fields),
            (Language::Kql, Query::Text(text)) => kql::read::read(text, fields),
            (Language::Eql, Query::Text(text)) => eql::read::read(text, fields).map(|(_, formula)| formula),
            (_, Query::Text(text)) => falco::read::read_condition(text, &Default::default(), fields),
        }
    }

    /// Prints what the proofs of `count` conditions take, and which take longest.
    pub fn conditions(count: usize) {
        let (mut fields, mut schema) = (FieldTable::default(), Schema::default());
        for name in TEXTS {
            fields.insert(name, FieldType::Text);
        }
        for name in NUMBERS {
            fields.insert(name, FieldType::Number);
            schema.kinds.insert(path(name), Kind::Number);
        }
        schema.single.extend(TEXTS.iter().chain(&NUMBERS).map(|name| path(name)));
        let budget = Budget { time: Duration::from_secs(60), ..Budget::default() };
        let mut dice = Dice(0x5EED);
        let (mut times, mut around, mut undecided) = (Vec::new(), Duration::ZERO, 0);
        for _ in 0..count {
            let formula = dice.formula(3);
            for language in LANGUAGES {
                let start = Instant::now();
                let Ok(query) = print(language, &formula, &fields) else { continue };
                let back = read(language, &query, &fields).expect("what is printed is read");
                around += start.elapsed();
                let start = Instant::now();
                let verdict = between(&formula, &back, &schema, &budget);
                let time = start.elapsed();
                for answer in [&verdict.must, &verdict.may] {
                    assert!(!matches!(answer, Answer::Fails(_)), "{query:?} means something else: {answer:?}");
                }
                undecided += usize::from(!verdict.holds());
                let (mut tests, mut patterns) = (0, 0);
                formula.each_test(&mut |_, test| {
                    tests += 1;
                    patterns += if let Predicate::Text(set) = &test.predicate { set.any.len() } else { 1 };
                });
                times.push((time, format!("{} with {tests} tests of {patterns} patterns", language.name())));
            }
        }
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].0;
        let total: Duration = times.iter().map(|(time, _)| *time).sum();
        let ratio = total.as_secs_f64() / around.as_secs_f64();
        println!("{count} conditions made up, {} rules of them, {undecided} undecided:", times.len());
        println!("  median {:?}, 90 % {:?}, 99 % {:?}", at(0.5), at(0.9), at(0.99));
        println!("  all proofs take {ratio:.1} times as long as printing and reading the rules");
        for (time, what) in times.iter().rev().take(5) {
            println!("  {time:?} {what}");
        }
    }
}
