//! Options on an argument vector: how the command line tools themselves read `-v X`, `-vX`, `-itv X`,
//! `--volume=X`, where their options end, and what that amounts to in a joined command line.
//!
//! Two readings belong to every test (DESIGN: *Option*, *Must and may*): the vector's own, [`OptionTest::is_given`],
//! and the text's, [`OptionTest::loose_regex`]. Between them lie the conditions that a target without the vector
//! can be given: [`OptionTest::strict_regex`], which is exact on lines whose arguments hold no blanks, and
//! [`OptionTest::loose_globs`], for languages that know wildcards only.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pattern::{Glob, Pattern, Piece, TextSet, escape};

/// An option that is given on a command line, with a value that satisfies conditions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OptionTest {
    /// On which commands the option counts. None: on any, anywhere before a `--`.
    pub commands: Vec<Command>,
    /// The option's names with their dashes, short and long: `-v`, `--volume`. None: the command itself is enough.
    pub names: Vec<String>,
    /// What its value has to be.
    pub value: OptionValue,
    /// Programs that start the command they are given.
    pub launchers: Arc<Launchers>,
}

/// A command whose options are meant: a program and the words that must follow it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// The program's file name (`docker`); `None` for any program.
    pub program: Option<String>,
    /// The subcommand, word by word: `container`, `run`.
    pub words: Vec<String>,
    /// How its options are read.
    pub grammar: Arc<Grammar>,
}

/// How a command reads its options.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Grammar {
    /// Options that never take the next argument as their value: `-d`, `--rm`, `--privileged`.
    pub flags: BTreeSet<String>,
    /// Whether options may follow the first operand (`kubectl run NAME --image=X`; not `docker run IMAGE …`).
    pub interspersed: bool,
}

/// Programs whose operands are a command line of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Launchers {
    /// File names of programs that run the command in their arguments: `sudo`, `env`, `timeout`, `xargs`.
    pub wrappers: BTreeSet<String>,
    /// File names of shells, which run the text after `-c`.
    pub shells: BTreeSet<String>,
}

/// What a test asks of an option's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OptionValue {
    /// The option is a switch that is on: given alone or with a true value.
    Switch,
    /// One occurrence's value satisfies all of these. With no test, any value will do.
    Given {
        /// How the value is built.
        form: ValueForm,
        /// What holds for one and the same occurrence.
        tests: Vec<ValueTest>,
    },
}

/// How an option's value is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueForm {
    /// Plain text.
    Plain,
    /// `SOURCE:TARGET[:OPTIONS]`, as `docker run --volume` takes it.
    Volume,
    /// `key=value,key=value,word`, as `docker run --mount` takes it.
    Keys,
}

/// A condition on one part of an option's value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ValueTest {
    /// The whole value.
    Whole(TextSet),
    /// The value of a key under any of its names (`src`, `source`); for [`ValueForm::Volume`], `source` and
    /// `target` are its first and second field.
    Key(Vec<String>, TextSet),
    /// Whether the mount is read-only: `ro` or `readonly` among its options. An item that only looks like one of these
    /// (`readonly=maybe`, `rox`), which the tools refuse, is neither.
    ReadOnly(bool),
}

/// Spellings of "true" in Go's `strconv.ParseBool`, which docker, podman and kubectl use.
const TRUE_WORDS: [&str; 6] = ["1", "t", "T", "true", "TRUE", "True"];
/// Words that make a mount read-only in `--mount`.
const READ_ONLY_WORDS: [&str; 2] = ["ro", "readonly"];
/// Words that make a mount read-only in `--volume`.
const VOLUME_READ_ONLY_WORDS: [&str; 1] = ["ro"];
/// How deep command lines inside command lines are followed.
pub(super) const MAX_NESTING: usize = 3;

impl OptionTest {
    /// The vector's own reading: some command in `argv` gives the option with a value that satisfies the test.
    pub fn is_given(&self, argv: &[&str]) -> bool {
        self.is_given_at_depth(argv, MAX_NESTING)
    }

    fn is_given_at_depth(&self, argv: &[&str], depth: usize) -> bool {
        if self.commands.is_empty() {
            return self.is_given_in(argv.get(1..).unwrap_or_default(), None);
        }
        let launchers = &self.launchers;
        if self.commands.iter().any(|command| {
            launchers.starts_of(command, argv).any(|rest| self.is_given_in(rest, Some(&command.grammar)))
        }) {
            return true;
        }
        depth > 0
            && launchers.shell_texts(argv).any(|text| {
                split_shell(text).iter().any(|inner| {
                    let inner: Vec<&str> = inner.iter().map(String::as_str).collect();
                    self.is_given_at_depth(&inner, depth - 1)
                })
            })
    }

    /// Whether the option is given in `rest`, the arguments after a command's words.
    pub(super) fn is_given_in(&self, rest: &[&str], grammar: Option<&Grammar>) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let generic = Grammar { flags: BTreeSet::new(), interspersed: true };
        let grammar = grammar.unwrap_or(&generic);
        let is_switch = self.value == OptionValue::Switch;
        let takes_no_value = |name: &str| grammar.flags.contains(name) || (is_switch && self.is_name(name));
        let mut at = 0;
        while let Some(word) = rest.get(at) {
            at += 1;
            if *word == "--" {
                return false;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.find('=') {
                    Some(equals) => word.split_at(equals + 2),
                    None => (*word, ""),
                };
                if let Some(value) = value.strip_prefix('=') {
                    if self.is_name(name) && self.holds(Some(value)) {
                        return true;
                    }
                } else if takes_no_value(name) {
                    if self.is_name(name) && self.holds(None) {
                        return true;
                    }
                } else {
                    let value = rest.get(at).filter(|_| self.is_name(name) || !self.ends_generic(rest, at));
                    if self.is_name(name) && self.holds(value.copied()) {
                        return true;
                    }
                    at += usize::from(value.is_some());
                }
            } else if word.len() > 1 && word.starts_with('-') {
                // A word such as `-privileged` that is a name of its own comes before a cluster of letters.
                let (whole, whole_value) =
                    word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
                if whole.len() > 2 && self.is_name(whole) {
                    let value = whole_value.or_else(|| if is_switch { None } else { rest.get(at).copied() });
                    if self.holds(value) {
                        return true;
                    }
                    at += usize::from(whole_value.is_none() && !is_switch);
                    continue;
                }
                for (start, letter) in word.char_indices().skip(1) {
                    let name = format!("-{letter}");
                    let tail = word.get(start + letter.len_utf8()..).unwrap_or_default();
                    // Without a table of flags, letters before ours are taken for flags.
                    let flag =
                        takes_no_value(&name) || (grammar.flags.is_empty() && !self.is_name(&name) && !tail.is_empty());
                    if flag {
                        let switched = tail.strip_prefix('=').filter(|_| self.is_name(&name));
                        if self.is_name(&name) && self.holds(switched) {
                            return true;
                        }
                        if switched.is_some() {
                            break;
                        }
                        continue;
                    }
                    if tail.is_empty() {
                        let value = rest.get(at);
                        if self.is_name(&name) && self.holds(value.copied()) {
                            return true;
                        }
                        at += 1;
                    } else if self.is_name(&name) && self.holds(Some(tail.strip_prefix('=').unwrap_or(tail))) {
                        return true;
                    }
                    break;
                }
            } else if !grammar.interspersed {
                return false;
            }
        }
        false
    }

    /// Whether the word at `at` is no value, where it is not known if the option before it takes one.
    fn ends_generic(&self, rest: &[&str], at: usize) -> bool {
        rest.get(at).is_none_or(|word| word.starts_with('-') && word.len() > 1)
    }

    fn is_name(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// Whether one occurrence with this value satisfies the test.
    fn holds(&self, value: Option<&str>) -> bool {
        match (&self.value, value) {
            (OptionValue::Switch, None) => true,
            (OptionValue::Switch, Some(value)) => TRUE_WORDS.contains(&value),
            (OptionValue::Given { .. }, None) => false,
            (OptionValue::Given { form, tests }, Some(value)) => tests.iter().all(|test| test.holds(*form, value)),
        }
    }

    /// The same text found in the arguments joined by single spaces: what a rule *may* match.
    ///
    /// A regular expression over the whole line; case is left to the caller.
    pub fn loose_regex(&self) -> String {
        let any = "(?s:.*)";
        let given = if self.names.is_empty() {
            String::new()
        } else {
            format!("{any} {}", self.given_regex("(?:=[1tT](?s:.*))?", true))
        };
        format!(
            "{any}{}{given}(?:[ \"';|&)]{any})?",
            commands_regex(&self.commands.iter().collect::<Vec<_>>(), "", any)
        )
    }

    /// The vector's reading in a joined line. Exact where no argument is empty or holds a blank, because only
    /// then can the arguments be told apart; within [`loose_regex`](Self::loose_regex) everywhere.
    ///
    /// It does not know which options take a value, so it allows every option one.
    pub fn strict_regex(&self) -> String {
        self.strict_line(&self.given_regex("(?:=(?:1|t|T|true|TRUE|True))?", false))
    }

    /// The same as several expressions, of which one matches where [`strict_regex`](Self::strict_regex) does: shorter
    /// ones where parts of the value may come in any order, else that one.
    pub fn strict_regexes(&self) -> Vec<String> {
        let OptionValue::Given { form, tests } = &self.value else { return vec![self.strict_regex()] };
        let Some(values) = value_regexes(*form, tests, false) else { return vec![self.strict_regex()] };
        values.iter().map(|value| self.strict_line(&self.named_regex(value))).collect()
    }

    /// A whole line in which `given` is one of the command's options.
    fn strict_line(&self, given: &str) -> String {
        let commands = self.commands_of_a_line();
        let options = "(?: -[^ ]+(?: [^- ][^ ]*)?)*";
        let interspersed = self.commands.is_empty() || self.commands.iter().any(|c| c.grammar.interspersed);
        let last = if interspersed { "(?: [^ ]+)*" } else { options };
        let given = if self.names.is_empty() { String::new() } else { format!(" {given}") };
        let tail = "(?: (?s:.*))?";
        if let Some(words) = words_of_any_program(&commands) {
            // What stands before them are arguments, whichever of them is the program.
            let last = if self.names.is_empty() { "" } else { last };
            return format!("(?:[^ ]+ )+{}{last}{given}{tail}", group(&words));
        }
        if self.commands.is_empty() && !self.names.is_empty() {
            return format!("[^ ]+{last}{given}{tail}");
        }
        let any_program = "[^ ]+";
        let commands =
            if commands.is_empty() { any_program.to_owned() } else { commands_regex(&commands, any_program, options) };
        let last = if self.names.is_empty() { "" } else { last };
        format!("(?:[^ ]+ )*(?:[^ ]*/)?{commands}{last}{given}{tail}")
    }

    /// The same option of fewer commands, with the same [`strict_regex`](Self::strict_regex). Words of any program that
    /// end in another command's say nothing new in a line: `container` before `run` may be the program.
    pub fn with_commands_of_a_line(&self) -> Self {
        Self { commands: self.commands_of_a_line().into_iter().cloned().collect(), ..self.clone() }
    }

    fn commands_of_a_line(&self) -> Vec<&Command> {
        let ends_in_other = |command: &Command| {
            self.commands.iter().any(|other| {
                other.program.is_none()
                    && other.words.len() < command.words.len()
                    && !other.words.is_empty()
                    && (other.grammar.interspersed || !command.grammar.interspersed)
                    && command.words.ends_with(&other.words)
            })
        };
        self.commands.iter().filter(|command| !ends_in_other(command)).collect()
    }

    /// The option's own text with its value, without the blanks around it. Matches nothing if the conditions on
    /// the value need more than one expression; see [`has_regex`](Self::has_regex).
    /// `switched_on` is what may follow a long switch: wildcards know the first letter of `true` only, so the loose
    /// reading asks for no more. `folded` says that case will be folded: what must not be there then keeps its own.
    fn given_regex(&self, switched_on: &str, folded: bool) -> String {
        let (short, long) = self.short_and_long();
        let mut forms: Vec<String> = Vec::new();
        match &self.value {
            OptionValue::Switch => {
                if !long.is_empty() {
                    forms.push(format!("{}{switched_on}", group(&long)));
                }
                if !short.is_empty() {
                    forms.push(format!("-[a-zA-Z0-9]*{}[a-zA-Z0-9]*", group(&short)));
                }
            }
            OptionValue::Given { form, tests } => match value_regex(*form, tests, folded) {
                Some(value) => forms.push(self.named_regex(&value)),
                None => return "[^\\s\\S]".to_owned(),
            },
        }
        group(&forms)
    }

    /// The letters of short names, and the long names escaped for an expression.
    fn short_and_long(&self) -> (Vec<&str>, Vec<String>) {
        let is_short = |name: &&String| name.chars().count() == 2;
        let short = self.names.iter().filter(is_short).filter_map(|name| name.get(1..)).collect();
        let long = self.names.iter().filter(|name| !is_short(name)).map(|name| escape(name)).collect();
        (short, long)
    }

    /// The option's names with a value that this expression is for.
    fn named_regex(&self, value: &str) -> String {
        let (short, long) = self.short_and_long();
        let mut names = Vec::new();
        if !long.is_empty() {
            names.push(format!("{}[ =]", group(&long)));
        }
        if !short.is_empty() {
            names.push(format!("-[a-zA-Z0-9]*{}[ =]?", group(&short)));
        }
        format!("{}{value}", group(&names))
    }

    /// Wildcard patterns over the joined line, between the two readings, for switches with long names; `None` where
    /// wildcards cannot say it or would be too many to read.
    pub fn loose_globs(&self) -> Option<Vec<Glob>> {
        if self.value != OptionValue::Switch || self.names.iter().any(|name| name.chars().count() == 2) {
            return None;
        }
        let commands: Vec<Vec<Piece>> = if self.commands.is_empty() {
            vec![vec![Piece::Any]]
        } else {
            self.commands
                .iter()
                .map(|command| {
                    let mut pieces = vec![Piece::Any];
                    if let Some(program) = &command.program {
                        pieces.extend([Piece::Literal(program.clone()), Piece::Any]);
                    }
                    if !command.words.is_empty() {
                        // The words stand next to each other, as in the other readings.
                        pieces.extend([Piece::Literal(format!(" {}", command.words.join(" "))), Piece::Any]);
                    }
                    pieces
                })
                .collect()
        };
        let mut globs = Vec::new();
        if self.names.is_empty() {
            return None;
        }
        for command in &commands {
            for name in &self.names {
                let given = Piece::Literal(format!(" {name}"));
                globs.push(Glob::new(command.iter().cloned().chain([given])));
                for tail in [" ", "=1", "=t", "=T"] {
                    let given = Piece::Literal(format!(" {name}{tail}"));
                    globs.push(Glob::new(command.iter().cloned().chain([given, Piece::Any])));
                }
            }
        }
        (globs.len() <= 24).then_some(globs)
    }

    /// Whether the test can be put into a regular expression over a joined line at all.
    pub fn has_regex(&self) -> bool {
        match &self.value {
            OptionValue::Switch => true,
            OptionValue::Given { form, tests } => value_regex(*form, tests, false).is_some(),
        }
    }

    /// True if letters of both cases count as the same in the given reading: what the value's patterns say. Names
    /// and words of a command are always case-sensitive.
    pub fn folds(&self, may: bool) -> bool {
        match &self.value {
            OptionValue::Switch => may,
            OptionValue::Given { tests, .. } => {
                let mut sets = tests.iter().filter_map(ValueTest::set).peekable();
                if sets.peek().is_none() { may } else { sets.all(|set| set.folds(may)) }
            }
        }
    }
}

/// The words of the commands, if they are commands of whatever program.
fn words_of_any_program(all: &[&Command]) -> Option<Vec<String>> {
    if all.is_empty() || all.iter().any(|command| command.program.is_some() || command.words.is_empty()) {
        return None;
    }
    let words = all.iter().map(|command| command.words.iter().map(|word| escape(word)).collect::<Vec<_>>().join(" "));
    Some(words.collect())
}

/// The commands as alternatives, with `gap` between their words. Those that share their words or their
/// programs are written once.
fn commands_regex(commands: &[&Command], any_program: &str, gap: &str) -> String {
    let mut by_words: Vec<(&[String], Vec<String>)> = Vec::new();
    for command in commands {
        let program = command.program.as_deref().map_or_else(|| any_program.to_owned(), escape);
        match by_words.iter_mut().find(|(words, _)| *words == command.words.as_slice()) {
            Some((_, programs)) => programs.push(program),
            None => by_words.push((&command.words, vec![program])),
        }
    }
    let mut by_programs: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (words, programs) in by_words {
        let words: Vec<String> = words.iter().map(|word| escape(word)).collect();
        let words = words.join(" ");
        match by_programs.iter_mut().find(|(known, _)| *known == programs) {
            Some((_, all)) => all.push(words),
            None => by_programs.push((programs, vec![words])),
        }
    }
    let alternatives: Vec<String> = by_programs
        .iter()
        .map(|(programs, words)| {
            // A command without a subcommand stands for itself and all of them.
            if words.iter().any(String::is_empty) {
                group(programs)
            } else {
                format!("{}{gap} {}", group(programs), group(words))
            }
        })
        .collect();
    group(&alternatives)
}

impl Launchers {
    /// A program that starts others, for examples; none if there is none.
    pub(super) fn example(&self) -> Option<&str> {
        self.wrappers.get("sudo").or_else(|| self.wrappers.iter().min()).map(String::as_str)
    }

    /// What follows `command` in `argv`, for every place where it may begin.
    pub(super) fn starts_of<'a, 'b: 'a>(
        &'a self,
        command: &'a Command,
        argv: &'a [&'b str],
    ) -> impl Iterator<Item = &'a [&'b str]> {
        let launched = argv.first().is_some_and(|first| self.wrappers.contains(file_name(first)));
        let last = if launched { argv.len() } else { argv.len().min(1) };
        (0..last).filter_map(move |at| {
            let program = argv.get(at)?;
            if command.program.as_ref().is_some_and(|name| name != file_name(program)) {
                return None;
            }
            after_words(argv.get(at + 1..)?, &command.words)
        })
    }

    /// Texts that a shell in `argv` is told to run.
    pub(super) fn shell_texts<'a, 'b: 'a>(&'a self, argv: &'a [&'b str]) -> impl Iterator<Item = &'b str> + 'a {
        argv.iter().enumerate().filter(|(_, word)| self.shells.contains(file_name(word))).filter_map(|(at, _)| {
            let rest = argv.get(at + 1..)?;
            let dash_c = rest
                .iter()
                .position(|word| !word.starts_with('-') || (!word.starts_with("--") && word.ends_with('c')))?;
            if rest.get(dash_c)?.starts_with('-') { rest.get(dash_c + 1).copied() } else { None }
        })
    }
}

impl ValueTest {
    fn set(&self) -> Option<&TextSet> {
        match self {
            ValueTest::Whole(set) | ValueTest::Key(_, set) => Some(set),
            ValueTest::ReadOnly(_) => None,
        }
    }

    fn holds(&self, form: ValueForm, value: &str) -> bool {
        match self {
            ValueTest::Whole(set) => set.is_match(value, false),
            ValueTest::Key(names, set) => match form {
                ValueForm::Plain => false,
                ValueForm::Volume => {
                    let fields: Vec<&str> = value.split(':').collect();
                    let field = |name: &str| match (name, fields.as_slice()) {
                        ("source", [source, _, ..]) => Some(*source),
                        ("target", [_, target, ..] | [target]) => Some(*target),
                        _ => None,
                    };
                    names.iter().filter_map(|name| field(name)).any(|field| set.is_match(field, false))
                }
                ValueForm::Keys => value
                    .split(',')
                    .filter_map(|item| item.split_once('='))
                    .any(|(key, value)| names.iter().any(|name| name == key) && set.is_match(value, false)),
            },
            ValueTest::ReadOnly(true) => is_read_only(form, value),
            ValueTest::ReadOnly(false) => is_writable(form, value),
        }
    }
}

fn is_read_only(form: ValueForm, value: &str) -> bool {
    match form {
        ValueForm::Plain => false,
        ValueForm::Volume => value
            .splitn(3, ':')
            .nth(2)
            .unwrap_or_default()
            .split(',')
            .any(|item| VOLUME_READ_ONLY_WORDS.contains(&item)),
        ValueForm::Keys => value.split(',').any(|item| match item.split_once('=') {
            None => READ_ONLY_WORDS.contains(&item),
            Some((key, value)) => READ_ONLY_WORDS.contains(&key) && TRUE_WORDS.contains(&value),
        }),
    }
}

/// Whether a mount can be written to.
fn is_writable(form: ValueForm, value: &str) -> bool {
    !is_read_only(form, value) && (form != ValueForm::Keys || value.split(',').all(is_writable_item))
}

/// Whether an item of `--mount` leaves the mount writable, see [`WRITABLE_ITEM`].
fn is_writable_item(item: &str) -> bool {
    let is_its_beginning = matches!(item, "r" | "re") || item.starts_with("ro") || item.starts_with("rea");
    if !is_its_beginning {
        return true;
    }
    let value = READ_ONLY_WORDS.iter().find_map(|word| item.strip_prefix(word)?.strip_prefix('='));
    value.is_some_and(|value| value.starts_with(['0', 'f', 'F']))
}

/// An item of `--mount` that leaves the mount writable: it does not begin like the words for read-only, or says no.
/// No other key begins so, and this is much shorter than an expression for all other items would be.
const WRITABLE_ITEM: &str = "(?:(?:[^ ,r]|r[^ ,eo]|re[^ ,a]|(?:ro|readonly)=[0fF])[^ ,]*)?";

/// The conditions on one value as a regular expression over that value within a line; `None` if they need more
/// than one expression. `folded` as for [`OptionTest::given_regex`].
fn value_regex(form: ValueForm, tests: &[ValueTest], folded: bool) -> Option<String> {
    value_regexes(form, tests, folded).map(|all| group(&all))
}

/// The same as alternatives.
fn value_regexes(form: ValueForm, tests: &[ValueTest], folded: bool) -> Option<Vec<String>> {
    let as_written = |regex: &str| if folded { format!("(?-i:{regex})") } else { regex.to_owned() };
    let other_than = |words: &[&str], stop: &str| as_written(&other_than(words, stop));
    let writable_item = as_written(WRITABLE_ITEM);
    // An anchor of the value's own would stand for the line's beginning or end.
    let anchors = ["^", "$", r"\b", r"\B", r"\A", r"\z"];
    let anchored = |pattern: &Pattern| matches!(pattern, Pattern::Regex(source) if anchors.iter().any(|anchor| source.contains(anchor)));
    if tests.iter().filter_map(ValueTest::set).any(|set| set.any.iter().any(anchored)) {
        return None;
    }
    let mut read_only = None;
    let mut whole = None;
    let mut keys: Vec<(&[String], &TextSet)> = Vec::new();
    for test in tests {
        match test {
            ValueTest::ReadOnly(wanted) if read_only.is_none() => read_only = Some(*wanted),
            ValueTest::Whole(set) if whole.is_none() => whole = Some(set),
            ValueTest::Key(names, set) => keys.push((names, set)),
            _ => return None,
        }
    }
    if let Some(set) = whole {
        return (tests.len() == 1).then(|| vec![format!("(?:{})", set.to_regex("[^ ]"))]);
    }
    match form {
        ValueForm::Plain => tests.is_empty().then(|| vec!["[^ ]+".to_owned()]),
        ValueForm::Volume => {
            let mut field = |name: &str| {
                let at = keys.iter().position(|(names, _)| names.iter().any(|n| n == name))?;
                Some(format!("(?:{})", keys.remove(at).1.to_regex("[^ :]")))
            };
            let source = field("source").unwrap_or_else(|| "[^ :]*".to_owned());
            let target = field("target").unwrap_or_else(|| "[^ :]*".to_owned());
            let options = match read_only {
                None => "(?::[^ ]*)?".to_owned(),
                Some(true) => "(?::(?:[^ ,]*,)*ro(?:,[^ ]*)?)".to_owned(),
                // A comma may begin an item, too: one in the target is the target's own.
                Some(false) => format!("(?:[:,]{})*", other_than(&VOLUME_READ_ONLY_WORDS, " ,")),
            };
            keys.is_empty().then(|| vec![format!("{source}:{target}{options}")])
        }
        ValueForm::Keys => {
            let given = |(names, set): &(&[String], &TextSet)| {
                let names: Vec<String> = names.iter().map(|name| escape(name)).collect();
                format!("{}=(?:{})", group(&names), set.to_regex("[^ ,]"))
            };
            let read_only_item = "(?:ro|readonly)(?:=(?:1|t|T|true|TRUE|True))?";
            let items = "(?:[^ ,]*,)*";
            let rest = "(?:,[^ ]*)?";
            Some(match (keys.as_slice(), read_only) {
                ([], None) => vec!["[^ ]+".to_owned()],
                ([key], None) => vec![format!("{items}{}{rest}", given(key))],
                ([], Some(true)) => vec![format!("{items}{read_only_item}{rest}")],
                ([key], Some(true)) => {
                    let key = given(key);
                    vec![
                        format!("{items}{key},{items}{read_only_item}{rest}"),
                        format!("{items}{read_only_item},{items}{key}{rest}"),
                    ]
                }
                ([], Some(false)) => vec![format!("{writable_item}(?:,{writable_item})*")],
                ([key], Some(false)) => vec![format!("(?:{writable_item},)*{}(?:,{writable_item})*", given(key))],
                _ => return None,
            })
        }
    }
}

/// An expression for every text without characters of `stop` that is none of `words`.
fn other_than(words: &[&str], stop: &str) -> String {
    fn below(words: &[&str], stop: &str) -> String {
        let mut firsts: Vec<char> = words.iter().filter_map(|word| word.chars().next()).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let mut alternatives: Vec<String> = firsts
            .iter()
            .map(|first| {
                let rest: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix(*first)).collect();
                format!("{}{}", escape(&first.to_string()), below(&rest, stop))
            })
            .collect();
        let listed: String = firsts.iter().collect();
        alternatives.push(format!("[^{stop}{}][^{stop}]*", listed));
        let optional = if words.contains(&"") { "" } else { "?" };
        format!("(?:{}){optional}", alternatives.join("|"))
    }
    below(words, stop)
}

/// `a`, or `(?:a|b)`.
fn group<S: AsRef<str>>(alternatives: &[S]) -> String {
    match alternatives {
        [one] => one.as_ref().to_owned(),
        many => format!("(?:{})", many.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("|")),
    }
}

/// The last segment of a path: how a program is named.
pub(super) fn file_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// What follows `words` in `rest`, with options (and one value each) allowed before the first of them.
fn after_words<'a, 'b>(rest: &'a [&'b str], words: &[String]) -> Option<&'a [&'b str]> {
    let Some((word, others)) = words.split_first() else { return Some(rest) };
    let mut rest = rest;
    loop {
        let (first, tail) = rest.split_first()?;
        rest = tail;
        if first == word {
            break;
        }
        if !first.starts_with('-') || *first == "--" {
            return None;
        }
        if let Some((value, tail)) = rest.split_first()
            && !value.starts_with('-')
            && value != word
            && !first.contains('=')
        {
            rest = tail;
        }
    }
    let (next, tail) = rest.split_at_checked(others.len())?;
    (next.iter().eq(others.iter())).then_some(tail)
}

/// Splits what a shell is told to run into the simple commands in it, each into its words, as POSIX sh quotes them.
///
/// Enough of a shell to see which programs are started with which words: operators and newlines end a command;
/// redirections, expansions and assignments stay words.
pub fn split_shell(text: &str) -> Vec<Vec<String>> {
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    let end_word = |word: &mut Option<String>, commands: &mut Vec<Vec<String>>| {
        if let (Some(done), Some(command)) = (word.take(), commands.last_mut()) {
            // Assignments and reserved words before a command are no part of it.
            let assigns = done.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            });
            let reserved = ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "exec", "command"]
                .contains(&done.as_str());
            if !(command.is_empty() && (assigns || reserved)) {
                command.push(done);
            }
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => word.extend(chars.next()),
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            ' ' | '\t' => end_word(&mut word, &mut commands),
            ';' | '&' | '|' | '\n' | '(' | ')' | '`' => {
                end_word(&mut word, &mut commands);
                commands.push(Vec::new());
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    end_word(&mut word, &mut commands);
    commands.retain(|command| !command.is_empty());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::pattern::{Case, Pattern};

    fn launchers() -> Arc<Launchers> {
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Arc::new(Launchers { wrappers: set(&["sudo", "env", "timeout", "nohup"]), shells: set(&["sh", "bash"]) })
    }

    fn command(program: Option<&str>, words: &[&str]) -> Command {
        let flags = ["-d", "-i", "-t", "--rm", "--privileged"].iter().map(|f| (*f).to_owned()).collect();
        Command {
            program: program.map(str::to_owned),
            words: words.iter().map(|w| (*w).to_owned()).collect(),
            grammar: Arc::new(Grammar { flags, interspersed: false }),
        }
    }

    fn test(names: &[&str], value: OptionValue) -> OptionTest {
        OptionTest {
            commands: vec![command(Some("docker"), &["run"]), command(Some("docker"), &["container", "run"])],
            names: names.iter().map(|n| (*n).to_owned()).collect(),
            value,
            launchers: launchers(),
        }
    }

    fn etc(read_only: Option<bool>, form: ValueForm) -> OptionValue {
        let set = TextSet::new(vec![Pattern::Path { path: "/etc".into(), below: true }], Case::Sensitive);
        let mut tests = vec![ValueTest::Key(vec!["source".into(), "src".into()], set)];
        tests.extend(read_only.map(ValueTest::ReadOnly));
        OptionValue::Given { form, tests }
    }

    /// Whether the vector, the strict and the loose line reading find it.
    fn readings(test: &OptionTest, argv: &[&str]) -> (bool, bool, bool) {
        let line = argv.join(" ");
        let line_matches =
            |regex: String| regex::Regex::new(&format!("^(?:{regex})$")).expect("an expression").is_match(&line);
        (test.is_given(argv), line_matches(test.strict_regex()), line_matches(test.loose_regex()))
    }

    #[test]
    fn switches() {
        let privileged = test(&["--privileged"], OptionValue::Switch);
        for line in [
            "docker run --privileged alpine",
            "/usr/bin/docker run --rm --privileged alpine",
            "docker run --privileged=true alpine",
            "docker --context x run -it --name a --privileged alpine",
            "docker container run --privileged alpine",
            "sudo docker run --privileged alpine",
            "timeout -s TERM 6 docker run --privileged alpine",
        ] {
            let argv: Vec<&str> = line.split(' ').collect();
            assert_eq!(readings(&privileged, &argv), (true, true, true), "{line}");
        }
        for line in [
            "docker run --privileged=false alpine",
            "docker run alpine echo --privileged",
            "docker run --name privileged alpine",
            "docker ps --filter label=privileged",
            "grep -- --privileged notes",
            "docker build --privileged .",
        ] {
            let argv: Vec<&str> = line.split(' ').collect();
            let (vector, strict, _) = readings(&privileged, &argv);
            assert_eq!((vector, strict), (false, false), "{line}");
        }
        assert!(privileged.is_given(&["sh", "-c", "cd /tmp && docker run --privileged 'a b'"]));
        assert!(privileged.is_given(&["sudo", "-E", "bash", "-lc", "docker run --privileged a"]));
        assert!(!privileged.is_given(&["docker", "build", "echo docker run --privileged"]));
        assert!(!privileged.is_given(&["docker", "run", "-e", "--privileged", "alpine"]));
    }

    #[test]
    fn values_in_every_spelling() {
        let mount = test(&["-v", "--volume"], etc(None, ValueForm::Volume));
        for line in [
            "docker run -v /etc:/etc a",
            "docker run -v=/etc:/etc a",
            "docker run -v/etc:/etc a",
            "docker run -itv /etc:/x a",
            "docker run -itv/etc:/x a",
            "docker run --volume /etc/:/x a",
            "docker run --volume=//etc/shadow:/x a",
            "docker run -v /data:/data:ro -v /etc:/x a",
        ] {
            let argv: Vec<&str> = line.split(' ').collect();
            assert_eq!(readings(&mount, &argv), (true, true, true), "{line}");
        }
        for line in [
            "docker run -v /etcd:/etc a",
            "docker run -v /srv:/etc a",
            "docker run a -v /etc:/etc",
            "docker run -v etc:/etc a",
            "docker run -v /etc a",
        ] {
            let argv: Vec<&str> = line.split(' ').collect();
            let (vector, strict, _) = readings(&mount, &argv);
            assert_eq!((vector, strict), (false, false), "{line}");
        }
    }

    #[test]
    fn conditions_hold_for_one_occurrence() {
        let (v, m) = (["-v", "--volume"], ["--mount"]);
        let written = test(&v, etc(Some(false), ValueForm::Volume));
        let read = test(&v, etc(Some(true), ValueForm::Volume));
        let mounted = test(&m, etc(Some(false), ValueForm::Keys));
        let mounted_ro = test(&m, etc(Some(true), ValueForm::Keys));
        for (line, expected) in [
            ("docker run -v /data:/data:ro -v /etc:/etc a", [true, false, false, false]),
            ("docker run -v /data:/data -v /etc:/etc:ro a", [false, true, false, false]),
            ("docker run -v /etc:/etc:rw,z a", [true, false, false, false]),
            ("docker run -v /etc:/etc:z,ro a", [false, true, false, false]),
            ("docker run -v /etc:/etc:readonly a", [true, false, false, false]),
            ("docker run --mount type=bind,src=/etc,dst=/x a", [false, false, true, false]),
            ("docker run --mount readonly,type=bind,source=/etc,dst=/x a", [false, false, false, true]),
            ("docker run --mount type=bind,source=/etc,dst=/x,ro=true a", [false, false, false, true]),
            ("docker run --mount type=bind,source=/etc,dst=/x,readonly=false a", [false, false, true, false]),
            ("docker run --mount type=bind,source=/etcd,dst=/etc a", [false, false, false, false]),
        ] {
            let argv: Vec<&str> = line.split(' ').collect();
            for (test, expected) in [&written, &read, &mounted, &mounted_ro].into_iter().zip(expected) {
                let (vector, strict, loose) = readings(test, &argv);
                assert_eq!((vector, strict), (expected, expected), "{line} {:?}", test.value);
                assert!(loose || !strict);
            }
        }
    }

    #[test]
    fn an_item_that_only_looks_like_read_only_is_neither() {
        let mounted = |read_only| test(&["--mount"], etc(Some(read_only), ValueForm::Keys));
        for (item, expected) in [
            ("ro", [true, false]),
            ("readonly=1", [true, false]),
            ("readonly=false", [false, true]),
            ("ro=0", [false, true]),
            ("readonly=maybe", [false, false]),
            ("rox", [false, false]),
            ("readon", [false, false]),
            ("relabel=shared", [false, true]),
            ("rw", [false, true]),
            ("re", [false, false]),
            ("", [false, true]),
        ] {
            for value in [format!("src=/etc,{item}"), format!("{item},src=/etc"), format!("a=b,{item},src=/etc,c=d")] {
                let argv = ["docker", "run", "--mount", &value, "alpine"];
                for (read_only, expected) in [true, false].into_iter().zip(expected) {
                    let (vector, strict, _) = readings(&mounted(read_only), &argv);
                    assert_eq!((vector, strict), (expected, expected), "{value} {read_only}");
                }
            }
        }
    }

    /// Commands of any program are written shorter than others, and mean the same.
    #[test]
    fn a_command_of_any_program_is_any_words_before_its_own() {
        use crate::logic::decide::{Answer, Budget, Schema, equivalent};
        use crate::logic::{Formula, Path, Predicate, Reading};

        let line = |regex: &str| {
            let set = TextSet::new(vec![Pattern::Regex(format!("^(?:{regex})$"))], Case::Sensitive);
            Formula::test(&Path::from_segments(["line"]), Predicate::Text(set))
        };
        for commands in [vec![], vec![vec!["run"]], vec![vec!["run"], vec!["container", "run"], vec!["create"]]] {
            for names in [&["--privileged"][..], &[]] {
                let mut option = test(names, OptionValue::Switch);
                option.commands = commands.iter().map(|words| command(None, words)).collect();
                if commands.is_empty() && names.is_empty() {
                    continue;
                }
                let options = "(?: -[^ ]+(?: [^- ][^ ]*)?)*";
                let (general, last) = match commands.len() {
                    0 => ("[^ ]+".to_owned(), "(?: [^ ]+)*"),
                    _ => (commands_regex(&option.commands.iter().collect::<Vec<_>>(), "[^ ]+", options), options),
                };
                let given = match names {
                    [] => String::new(),
                    _ => format!("{last} {}", option.given_regex("(?:=(?:1|t|T|true|TRUE|True))?", false)),
                };
                let general = format!("(?:[^ ]+ )*(?:[^ ]*/)?{general}{given}(?: (?s:.*))?");
                let answer = equivalent(
                    &line(&general),
                    &line(&option.strict_regex()),
                    Reading::Must,
                    &Schema::default(),
                    &Budget::default(),
                );
                assert_eq!(answer, Answer::Holds, "{general}\n{}", option.strict_regex());
            }
        }
    }

    #[test]
    fn several_expressions_say_what_one_says() {
        let mounted = test(&["--mount"], etc(Some(true), ValueForm::Keys));
        let all = mounted.strict_regexes();
        assert_eq!(all.len(), 2);
        let whole = regex::Regex::new(&format!("^(?:{})$", mounted.strict_regex())).expect("an expression");
        let parts: Vec<_> =
            all.iter().map(|part| regex::Regex::new(&format!("^(?:{part})$")).expect("an expression")).collect();
        for value in ["src=/etc,ro", "ro,src=/etc", "a,ro,b,src=/etc,c", "src=/etc", "ro", "src=/etcd,ro"] {
            let line = format!("docker run --mount {value} alpine");
            assert_eq!(parts.iter().any(|part| part.is_match(&line)), whole.is_match(&line), "{line}");
        }
    }

    #[test]
    fn a_command_without_names_is_enough() {
        let mut run = test(&[], OptionValue::Switch);
        run.commands = vec![command(Some("kubectl"), &["exec"])];
        for (line, expected) in [
            ("kubectl -n kube-system exec etcd-0 -- sh", true),
            ("sudo kubectl exec x", true),
            ("kubectl get exec", false),
            ("echo kubectl exec x", false),
        ] {
            let argv: Vec<&str> = line.split(' ').collect();
            assert_eq!(run.is_given(&argv), expected, "{line}");
            assert!(!expected || readings(&run, &argv) == (true, true, true), "{line}");
        }
    }

    #[test]
    fn wildcards_lie_between_the_readings() {
        let privileged = test(&["--privileged"], OptionValue::Switch);
        let globs = privileged.loose_globs().expect("a switch");
        let set = TextSet::new(globs.into_iter().map(Pattern::Glob).collect(), Case::Sensitive);
        assert!(set.is_match("sudo docker run -it --privileged alpine", false));
        assert!(set.is_match("docker run --privileged=true alpine", false));
        assert!(!set.is_match("docker run --privileged=false alpine", false));
    }

    #[test]
    fn shells_split_words() {
        assert_eq!(
            split_shell(r#"A=b docker run 'x y' "z\"" && echo a;b|c"#),
            [vec!["docker", "run", "x y", "z\""], vec!["echo", "a"], vec!["b"], vec!["c"]]
        );
    }
}
