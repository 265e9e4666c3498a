//! What a shell is told to run, and the simple commands in it.

use std::iter::Peekable;
use std::str::Chars;

use super::{Launchers, file_name};

/// Programs with `-c TEXT` that take it after operands, too: `su root -c TEXT`, `flock FILE -c TEXT`. What a shell's
/// first operand is followed by belongs to the script that it names.
const TEXT_ANYWHERE: [&str; 5] = ["su", "runuser", "sg", "flock", "script"];

/// Splits the text after `-S` into a command, and reads none from its input.
const SPLITTING: &str = "env";

/// The text that the shell `name` with these arguments is told to run: its first operand where `-c` is among the
/// options before it.
pub(super) fn shell_text<'b>(name: &str, rest: &[&'b str]) -> Option<&'b str> {
    if name == SPLITTING {
        return split_text(rest);
    }
    let anywhere = TEXT_ANYWHERE.contains(&name);
    let mut told = false;
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if let Some(text) = word.strip_prefix("--command=").filter(|_| anywhere) {
            return Some(text);
        } else if word.starts_with("--") {
            match *word {
                "--command" if anywhere => told = true,
                "--rcfile" | "--init-file" => _ = words.next(),
                _ => {}
            }
        } else if word.starts_with(['-', '+']) {
            if let Some(text) = word.strip_prefix("-c").filter(|text| anywhere && !text.is_empty()) {
                return Some(text);
            }
            told |= word.starts_with('-') && word.contains('c');
            // `-o NAME`, `-euo NAME`, `-O NAME`: what a shell is set to.
            if !anywhere && word.contains(['o', 'O']) {
                words.next();
            }
        } else if told {
            return Some(word);
        } else if !anywhere {
            return None;
        }
    }
    None
}

/// The text that `env` with these arguments splits into a command: that of `-S`, alone or behind other letters.
fn split_text<'b>(rest: &[&'b str]) -> Option<&'b str> {
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--") {
            match long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value))) {
                ("split-string", value) => return value.or_else(|| words.next().copied()),
                ("unset" | "chdir", None) => _ = words.next(),
                _ => {}
            }
        } else if let Some(letters) = word.strip_prefix('-') {
            // What follows these letters is their value.
            let Some(at) = letters.find(['S', 'u', 'C']) else { continue };
            let (letter, value) = letters.split_at(at).1.split_at(1);
            let value = if value.is_empty() { words.next().copied() } else { Some(value) };
            if letter == "S" {
                return value;
            }
        } else if !word.contains('=') {
            return None;
        }
    }
    None
}

/// Marks a word that begins with an expansion outside quotes, such as `$OPTIONS`: whatever it becomes, perhaps several
/// options. No argument of a program can hold this character.
pub(super) const EXPANSION: char = '\0';
/// How deep command substitutions are followed.
const MAX_SUBSTITUTIONS: usize = 8;
/// Words that stand before a command and are no part of it.
const RESERVED: [&str; 13] =
    ["if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "}", "coproc"];

impl Launchers {
    /// Splits what a shell is told to run into the simple commands in it, each into its words, as POSIX sh quotes them.
    ///
    /// Enough of a shell to see which programs are started with which words: operators and newlines end a command, those
    /// in substitutions are commands of their own, redirections and assignments are left out, here-documents are
    /// commands where a shell reads them. Expansions stay as they are written, with [`EXPANSION`] before them.
    pub fn commands_in(&self, text: &str) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.read_commands(text, MAX_SUBSTITUTIONS, &mut found);
        found
    }

    fn read_commands(&self, text: &str, depth: usize, found: &mut Vec<Vec<String>>) {
        let mut script = Script {
            launchers: self,
            chars: text.chars().peekable(),
            found,
            depth,
            command: Vec::new(),
            word: None,
            redirects: false,
            documents: Vec::new(),
        };
        script.read(None);
    }
}

/// A script while it is read.
struct Script<'s, 'f> {
    launchers: &'s Launchers,
    chars: Peekable<Chars<'s>>,
    found: &'f mut Vec<Vec<String>>,
    /// How many more substitutions in each other are followed.
    depth: usize,
    /// The words of the command that is being read.
    command: Vec<String>,
    word: Option<String>,
    /// Whether the next word is a file that something is redirected to.
    redirects: bool,
    /// The here-documents that begin after this line.
    documents: Vec<Document>,
}

/// A here-document that was announced.
struct Document {
    end: String,
    /// Whether tabs before its lines do not count.
    indented: bool,
    /// Whether it is run: a shell reads it.
    is_run: bool,
}

impl Script<'_, '_> {
    /// Reads commands to the end of the text, or of the substitution that `closing` closes.
    fn read(&mut self, closing: Option<char>) {
        let mut open = 0_usize;
        while let Some(c) = self.chars.next() {
            match c {
                c if closing == Some(c) && open == 0 => break,
                '\'' => {
                    let word = self.word.get_or_insert_default();
                    word.extend(self.chars.by_ref().take_while(|c| *c != '\''));
                }
                '"' => self.double_quoted(),
                // A line that goes on in the next one.
                '\\' if self.chars.peek() == Some(&'\n') => _ = self.chars.next(),
                '\\' => self.word.get_or_insert_default().extend(self.chars.next()),
                '$' => {
                    let word = self.word.get_or_insert_with(|| EXPANSION.to_string());
                    word.push('$');
                    self.dollar();
                }
                '`' => {
                    self.word.get_or_insert_with(|| EXPANSION.to_string()).push_str("$()");
                    self.substitution('`');
                }
                '#' if self.word.is_none() => while self.chars.next_if(|c| *c != '\n').is_some() {},
                ' ' | '\t' => self.end_word(),
                '<' | '>' => self.redirection(c),
                '&' if self.chars.peek() == Some(&'>') => self.end_word(),
                ';' | '&' | '|' | '\n' | '(' | ')' => {
                    self.end_command();
                    match c {
                        '(' => open += 1,
                        ')' => open = open.saturating_sub(1),
                        '\n' => self.here_documents(),
                        _ => {}
                    }
                }
                c => self.word.get_or_insert_default().push(c),
            }
        }
        self.end_command();
    }

    fn double_quoted(&mut self) {
        // `"$@"` and `"${list[@]}"` are as many words as there are.
        let rest: String = if self.word.is_none() { self.chars.clone().take(64).collect() } else { String::new() };
        let many = rest.starts_with("$@\"") || (rest.starts_with("${") && rest.contains("[@]}\""));
        let word = self.word.get_or_insert_default();
        if many {
            word.push(EXPANSION);
        }
        while let Some(c) = self.chars.next() {
            let word = self.word.get_or_insert_default();
            match c {
                '"' => break,
                '\\' => match self.chars.next() {
                    Some('\n') | None => {}
                    Some(c @ ('$' | '`' | '"' | '\\')) => word.push(c),
                    Some(c) => word.extend(['\\', c]),
                },
                '`' => {
                    word.push_str("$()");
                    self.substitution('`');
                }
                '$' if matches!(self.chars.peek(), Some('(' | '{')) => {
                    word.push('$');
                    self.dollar();
                }
                c => word.push(c),
            }
        }
    }

    /// What follows a `$` outside single quotes.
    fn dollar(&mut self) {
        match self.chars.peek() {
            Some('(') => {
                self.chars.next();
                self.word.get_or_insert_default().push_str("()");
                self.substitution(')');
            }
            Some('{') => {
                let mut open = 0_usize;
                for c in self.chars.by_ref() {
                    self.word.get_or_insert_default().push(c);
                    open = match c {
                        '{' => open + 1,
                        '}' => open.saturating_sub(1),
                        _ => open,
                    };
                    if open == 0 {
                        break;
                    }
                }
            }
            _ => {}
        }
    }

    /// The commands of a substitution, to the character that closes it. What `$((…))` reckons looks like some, and is
    /// none that anybody asks for.
    fn substitution(&mut self, closing: char) {
        let mut inner = Script {
            launchers: self.launchers,
            chars: self.chars.clone(),
            found: self.found,
            depth: self.depth.saturating_sub(1),
            command: Vec::new(),
            word: None,
            redirects: false,
            documents: Vec::new(),
        };
        if self.depth > 0 {
            inner.read(Some(closing));
            self.chars = inner.chars;
        }
    }

    /// `2>file`, `>>file`, `2>&1`, `<<END`, `<<<word`, `<(command)`: no words of the command.
    fn redirection(&mut self, sign: char) {
        if self.word.as_ref().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        if self.chars.next_if_eq(&'(').is_some() {
            self.word = Some("/dev/fd/63".to_owned());
            self.substitution(')');
            return;
        }
        let mut signs = sign.to_string();
        signs.extend(std::iter::from_fn(|| self.chars.next_if(|c| matches!(c, '<' | '>' | '&' | '|'))));
        if signs != "<<" {
            self.redirects = true;
            return;
        }
        let indented = self.chars.next_if_eq(&'-').is_some();
        while self.chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        let word = std::iter::from_fn(|| self.chars.next_if(|c| !c.is_whitespace() && !";&|()<>".contains(*c)));
        let end = word.filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        let reads = |name: &str| name != SPLITTING && self.launchers.runs_text(name);
        let is_run = self.command.iter().any(|word| reads(file_name(word)));
        self.documents.push(Document { end, indented, is_run });
    }

    fn here_documents(&mut self) {
        for document in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            loop {
                let line: String = self.chars.by_ref().take_while(|c| *c != '\n').collect();
                let line = if document.indented { line.trim_start_matches('\t') } else { &line };
                if line == document.end || (line.is_empty() && self.chars.peek().is_none()) {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            if document.is_run && self.depth > 0 {
                self.launchers.read_commands(&text, self.depth - 1, self.found);
            }
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if std::mem::take(&mut self.redirects) {
            return;
        }
        let assigns = word
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        if !(self.command.is_empty() && (assigns || RESERVED.contains(&word.as_str()))) {
            self.command.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.redirects = false;
        if !self.command.is_empty() {
            self.found.push(std::mem::take(&mut self.command));
        }
    }
}
