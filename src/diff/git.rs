//! Git, through its command: what a revision is, and the files of a project at that revision.
//!
//! Files are taken out of the object store as they are (`ls-tree`, `cat-file`), not with `git archive`, because a
//! `.gitattributes` may keep logs out of archives or change what is in them. Nothing is checked out and the index is
//! not touched.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// What of a project is needed to compare it.
const PARTS: [&str; 9] = [
    "detections",
    "templates",
    "out",
    "tests",
    "exceptions",
    "profiles",
    "cresset.yml",
    "cresset.yaml",
    "detections.lock",
];

/// A repository, seen from a folder in it.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
    /// The folder's path from the repository's root, with `/` at the end unless it is the root.
    prefix: String,
}

impl Git {
    /// The repository that `folder` lies in.
    ///
    /// # Errors
    /// If there is none, or there is no `git`.
    pub fn at(folder: &Path) -> anyhow::Result<Self> {
        let git = Self { folder: folder.to_path_buf(), prefix: String::new() };
        let prefix = match git.run(&["rev-parse", "--show-prefix"]) {
            Ok(prefix) => prefix,
            Err(error) if error.is::<std::io::Error>() => return Err(error),
            Err(error) => {
                bail!("`{}` is in no git repository ({error:#}); compare two folders, or start in one", shown(folder))
            }
        };
        let prefix = String::from_utf8_lossy(&prefix).trim_end_matches('\n').to_owned();
        Ok(Self { prefix, ..git })
    }

    /// The folder's path from the repository's root: empty, or with `/` at the end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The commit that a revision names.
    ///
    /// # Errors
    /// If it names none.
    pub fn commit(&self, revision: &str) -> anyhow::Result<String> {
        match self.find(revision)? {
            Some(commit) => Ok(commit),
            None => {
                let shallow =
                    self.run(&["rev-parse", "--is-shallow-repository"]).is_ok_and(|is| is.starts_with(b"true"));
                let hint = if shallow {
                    "; this is a shallow clone: fetch the revision, or clone with its history (`fetch-depth: 0` in \
                     GitHub Actions)"
                } else {
                    ""
                };
                bail!("there is no revision or folder `{revision}`{hint}")
            }
        }
    }

    /// The commit that a revision names, if it names one.
    pub fn find(&self, revision: &str) -> anyhow::Result<Option<String>> {
        // What begins with a dash is an option to git, wherever it stands.
        if revision.is_empty() || revision.starts_with('-') {
            return Ok(None);
        }
        let found = self.run(&["rev-parse", "--verify", "--quiet", &format!("{revision}^{{commit}}")]).ok();
        // `^HEAD` is no commit, but all that are none of its.
        let is_hash = |hash: &String| !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(found.map(|hash| String::from_utf8_lossy(&hash).trim().to_owned()).filter(is_hash))
    }

    /// The commit where the histories of two commits part.
    ///
    /// # Errors
    /// If they have nothing in common.
    pub fn merge_base(&self, a: &str, b: &str) -> anyhow::Result<String> {
        match self.run(&["merge-base", a, b]) {
            Ok(hash) => Ok(String::from_utf8_lossy(&hash).trim().to_owned()),
            Err(_) => bail!(
                "the two revisions have no common ancestor here; in a shallow clone, fetch more of their history \
                 (`fetch-depth: 0` in GitHub Actions)"
            ),
        }
    }

    /// The content of a file below the folder at a revision, if it is there.
    pub fn file(&self, revision: &str, inside: &str) -> Option<Vec<u8>> {
        self.run(&["cat-file", "blob", &format!("{revision}:{}{inside}", self.prefix)]).ok()
    }

    /// Writes the project's files at `commit` to `into`, and the file `also`; what lies below `tests/` with its content
    /// only if `with_logs`, else as empty files. Gives what was passed over.
    ///
    /// # Errors
    /// If git fails or a file cannot be written.
    pub fn export(
        &self,
        commit: &str,
        into: &Path,
        with_logs: bool,
        also: Option<&Path>,
    ) -> anyhow::Result<Vec<String>> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", commit, "--"];
        let also = also.map(|path| path.to_string_lossy().replace('\\', "/"));
        let parts = PARTS.iter().copied().chain(also.as_deref());
        let parts: Vec<String> = parts.map(|part| format!("{}{part}", self.prefix)).collect();
        arguments.extend(parts.iter().map(String::as_str));
        let listing = self.run(&arguments)?;
        let (mut passed_over, mut wanted) = (Vec::new(), Vec::new());
        for entry in listing.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let entry = String::from_utf8_lossy(entry);
            let Some((about, path)) = entry.split_once('\t') else { continue };
            let mut about = about.split(' ');
            let (mode, kind, id) = (about.next().unwrap_or(""), about.next().unwrap_or(""), about.next().unwrap_or(""));
            let inside = path.strip_prefix(&self.prefix).unwrap_or(path);
            let sound = inside.split('/').all(|part| !matches!(part, "" | "." | ".." | ".git") && !part.contains('\\'));
            if kind != "blob" || !sound {
                passed_over.push(format!("`{path}` is no plain file"));
            } else if inside.starts_with("tests/") && !with_logs && mode != "120000" {
                write(into, inside, b"")?;
            } else {
                wanted.push((mode == "120000", id.to_owned(), inside.to_owned()));
            }
        }
        self.blobs(&wanted, |link, inside, bytes| {
            if !link {
                return write(into, inside, bytes);
            }
            let target = String::from_utf8_lossy(bytes).into_owned();
            if !make_link(into, inside, &target) {
                passed_over.push(format!("`{inside}` is a link to `{target}`"));
            }
            Ok(())
        })?;
        Ok(passed_over)
    }

    /// Reads blobs one after the other.
    fn blobs(
        &self,
        wanted: &[(bool, String, String)],
        mut take: impl FnMut(bool, &str, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut child = self
            .command()
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run `git`")?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else { bail!("cannot talk to `git`") };
        let ids: String = wanted.iter().map(|(_, id, _)| format!("{id}\n")).collect();
        let asking = std::thread::spawn(move || stdin.write_all(ids.as_bytes()));
        let mut answers = BufReader::new(stdout);
        for (link, _, inside) in wanted {
            let mut header = String::new();
            answers.read_line(&mut header)?;
            let size = header.trim_end().rsplit_once(' ').and_then(|(_, size)| size.parse::<usize>().ok());
            let Some(size) = size else { bail!("git has no content for `{inside}`: {}", header.trim_end()) };
            let mut bytes = vec![0; size + 1];
            answers.read_exact(&mut bytes)?;
            bytes.truncate(size);
            take(*link, inside, &bytes)?;
        }
        drop(answers);
        // Everything was answered: how the asking ended no longer matters.
        _ = asking.join();
        child.wait()?;
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder).env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        command
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let output = self.command().args(arguments).stdin(Stdio::null()).output().context("cannot run `git`")?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bail!("{}", if message.is_empty() { "git failed".to_owned() } else { message });
        }
        Ok(output.stdout)
    }
}

fn write(into: &Path, inside: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let path = into.join(inside);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, bytes).with_context(|| format!("cannot write `{inside}`"))
}

/// Makes a link that stays inside; false if it does not, or if the system has none.
fn make_link(into: &Path, inside: &str, target: &str) -> bool {
    let mut depth = inside.split('/').count() - 1;
    for part in target.split('/') {
        match part {
            "" | "." if target.starts_with('/') => return false,
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    let path = into.join(inside);
    if path.parent().is_none_or(|folder| fs::create_dir_all(folder).is_err()) {
        return false;
    }
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(target, &path).is_ok();
    #[cfg(not(unix))]
    let made = false;
    made
}

fn shown(folder: &Path) -> std::path::Display<'_> {
    folder.display()
}
