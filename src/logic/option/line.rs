//! What an option amounts to in the text of a command line: expressions and wildcards over the joined arguments.

use std::collections::BTreeSet;

use super::value::{has_regex, value_regex, value_regexes};
use super::{Command, OptionTest, OptionValue, ValueTest};
use crate::logic::pattern::{Glob, Piece, escape, group};

/// Options before the one that is asked for, each with a value or without. A dash alone, standard input, is
/// a value, which reads as an option here.
pub(super) const OPTIONS: &str = "(?: -[^ ]*(?: [^- ][^ ]*)?)*";
/// What follows it.
const TAIL: &str = "(?: (?s:.*))?";
/// What may follow a switch that is on.
pub(super) const SWITCHED_ON: &str = "(?:=(?:1|t|T|true|TRUE|True))?";
/// Letters and digits, which may stand before the one that is asked for.
pub(super) const CLUSTER: &str = "[a-zA-Z0-9]*";

impl OptionTest {
    /// The same text found in the arguments joined by single spaces: what a rule *may* match.
    ///
    /// A regular expression over the whole line; case is left to the caller.
    pub fn loose_regex(&self) -> String {
        let any = "(?s:.*)";
        let given = if self.names.is_empty() {
            String::new()
        } else {
            format!("{any} {}", self.given_regex("(?:=[1tT](?s:.*))?", &self.cluster(), true))
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
        self.strict_line(&self.given_regex(SWITCHED_ON, &self.cluster(), false))
    }

    /// The same as several expressions, of which one matches where [`strict_regex`](Self::strict_regex) does: shorter
    /// ones where parts of the value may come in any order, else that one.
    pub fn strict_regexes(&self) -> Vec<String> {
        let OptionValue::Given { form, tests } = &self.value else { return vec![self.strict_regex()] };
        let Some(values) = value_regexes(*form, tests, false) else { return vec![self.strict_regex()] };
        let cluster = self.cluster();
        values.iter().map(|value| self.strict_line(&self.named_regex(value, &cluster))).collect()
    }

    /// A whole line in which `given` is one of the command's options.
    fn strict_line(&self, given: &str) -> String {
        let commands = self.commands_of_a_line();
        let interspersed = self.commands.is_empty() || self.commands.iter().any(|c| c.grammar.interspersed);
        let last = if interspersed { "(?: [^ ]+)*" } else { OPTIONS };
        let given = if self.names.is_empty() { String::new() } else { format!(" {given}") };
        if let Some(words) = words_of_any_program(&commands) {
            // What stands before them are arguments, whichever of them is the program.
            let last = if self.names.is_empty() { "" } else { last };
            return format!("(?:[^ ]+ )+{}{last}{given}{TAIL}", group(&words));
        }
        if self.commands.is_empty() && !self.names.is_empty() {
            return format!("[^ ]+{last}{given}{TAIL}");
        }
        let any_program = "[^ ]+";
        let commands =
            if commands.is_empty() { any_program.to_owned() } else { commands_regex(&commands, any_program, OPTIONS) };
        let last = if self.names.is_empty() { "" } else { last };
        format!("(?:[^ ]+ )*(?:[^ ]*/)?{commands}{last}{given}{TAIL}")
    }

    /// Lines in which the option is given however one reads them: before it stand only known flags and options whose
    /// values are plain to see, and what starts the command is known to start others. Within
    /// [`strict_regex`](Self::strict_regex), not all of it; for examples.
    pub(in crate::logic) fn certain_regex(&self) -> String {
        let mut tables = self.commands.iter().map(|command| &command.grammar.flags);
        let flags: BTreeSet<&String> = match tables.next() {
            Some(first) => tables.fold(first.iter().collect(), |known, more| &known & &more.iter().collect()),
            None => BTreeSet::new(),
        };
        let letter_of = |name: &&String| name.strip_prefix('-').filter(|rest| rest.chars().count() == 1).map(escape);
        let letters: String = flags.iter().copied().filter_map(|name| letter_of(&name)).collect();
        let own: String = self.names.iter().filter_map(|name| letter_of(&name)).collect();
        let mut before = vec!["--[^- =][^ =]*=[^ ]*".to_owned(), "--[^- =][^ =]* [^- ][^ ]*".to_owned()];
        before.push(format!("-[^- ={letters}{own}] [^- ][^ ]*"));
        before.extend(flags.iter().map(|flag| escape(flag)));
        if self.commands.is_empty() || self.commands.iter().any(|command| command.grammar.interspersed) {
            before.push("[^- ][^ ]*".to_owned());
        }
        let given = match self.names.as_slice() {
            [] => String::new(),
            _ => {
                let cluster = if letters.is_empty() { String::new() } else { format!("[{letters}]*") };
                format!("(?: {})* {}", group(&before), self.given_regex(SWITCHED_ON, &cluster, false))
            }
        };
        let launched = match self.launchers.example() {
            Some(launcher) => format!("(?:{} (?:[^ ]+ )*)?", escape(launcher)),
            None => String::new(),
        };
        let any_program = "[^ ]+";
        let commands = match self.commands.as_slice() {
            [] => any_program.to_owned(),
            // An option before the words may take the first of them for its value.
            all => commands_regex(&all.iter().collect::<Vec<_>>(), any_program, "(?: -[^ =]+=[^ ]*)*"),
        };
        format!("{launched}(?:[^ ]*/)?{commands}{given}{TAIL}")
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
    /// `switched_on` is what may follow a switch: wildcards know the first letter of `true` only, so the loose
    /// reading asks for no more. `cluster` is what may stand before a letter. `folded` says that case will be folded: what must not be there then keeps its own.
    pub(super) fn given_regex(&self, switched_on: &str, cluster: &str, folded: bool) -> String {
        let (short, long) = self.short_and_long();
        let mut forms: Vec<String> = Vec::new();
        match &self.value {
            OptionValue::Switch => {
                if !long.is_empty() {
                    forms.push(format!("{}{switched_on}", group(&long)));
                }
                if !short.is_empty() {
                    // Letters after it may be an option with its value: `-xf/tmp/a`.
                    forms.push(format!("-{cluster}{}(?:[^ =][^ ]*|{switched_on})", group(&short)));
                }
            }
            OptionValue::Given { form, tests } => match value_regex(*form, tests, folded) {
                Some(value) => forms.push(self.named_regex(&value, cluster)),
                None => return "[^\\s\\S]".to_owned(),
            },
        }
        group(&forms)
    }

    /// What may stand before the letter that is asked for: letters and digits, and other signs that are flags of the
    /// commands (`curl -#o`).
    fn cluster(&self) -> String {
        let flags = self.commands.iter().flat_map(|command| &command.grammar.flags);
        let signs: BTreeSet<char> =
            flags.filter_map(|name| one_letter(name)).filter(|c| !c.is_ascii_alphanumeric()).collect();
        if signs.is_empty() {
            return CLUSTER.to_owned();
        }
        let signs: String = signs.into_iter().map(|sign| format!(r"\x{{{:x}}}", u32::from(sign))).collect();
        format!("[a-zA-Z0-9{signs}]*")
    }

    /// The letters of short names, and the long names escaped for an expression.
    fn short_and_long(&self) -> (Vec<&str>, Vec<String>) {
        let is_short = |name: &&String| name.chars().count() == 2;
        let short = self.names.iter().filter(is_short).filter_map(|name| name.get(1..)).collect();
        let long = self.names.iter().filter(|name| !is_short(name)).map(|name| escape(name)).collect();
        (short, long)
    }

    /// The option's names with a value that this expression is for.
    fn named_regex(&self, value: &str, cluster: &str) -> String {
        let (short, long) = self.short_and_long();
        let mut names = Vec::new();
        if !long.is_empty() {
            names.push(format!("{}[ =]", group(&long)));
        }
        if !short.is_empty() {
            names.push(format!("-{cluster}{}[ =]?", group(&short)));
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
            OptionValue::Given { form, tests } => has_regex(*form, tests),
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

/// The letter of a short name.
fn one_letter(name: &str) -> Option<char> {
    let mut letters = name.strip_prefix('-')?.chars();
    letters.next().filter(|letter| *letter != '-' && letters.next().is_none())
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
pub(super) fn commands_regex(commands: &[&Command], any_program: &str, gap: &str) -> String {
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
