//! Putting a new pack in the place of the old one in a single step: the whole new tree is made beside the old one, and
//! the two change places. Whoever looks, and whenever the build is killed, there is one of the two and never a mixture.
//!
//! Files that are not the pack's own are in both trees (as links to the same file), so the change does not touch them.
//! What a killed build leaves beside the pack is put right by the next one ([`recover`]).
//!
//! Nothing waits for the disk, as with any compiler's output: a pack is made again from its detections in a moment, and
//! after a power cut `build --check` and the manifest's hashes tell whether it has to be.
//!
//! Where the folder cannot change places (it is a mount, or the working directory, or a folder in it is a link), files
//! are replaced one by one, each of them whole.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::write::MANIFEST;

/// Where the new tree is made when it cannot be made beside the pack.
const INSIDE: &str = ".cresset-staging";

/// What replacing a pack is about to do. Tests stop at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Make or link a file of the new tree.
    Stage,
    /// Put the new tree in place.
    Exchange,
    /// Move the old tree away, where trees cannot be exchanged.
    MoveAway,
    /// Put the new tree where the old one was.
    MoveIn,
    /// Remove a file or folder of the old tree.
    Remove,
}

/// Called before every step; an error ends the work there and then.
pub(super) type Hook<'h> = &'h mut dyn FnMut(Step) -> io::Result<()>;

/// The places that replacing a pack works with.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The pack, links resolved.
    pub(super) out: PathBuf,
    /// The new tree while it is made, and the old one after they have changed places.
    staging: PathBuf,
    /// The old tree on its way out, where trees cannot be exchanged.
    old: PathBuf,
}

impl Site {
    /// For the pack at `out`, which may be a link or not be there yet. The folder that it lies in is made.
    pub(super) fn of(out: &Path) -> io::Result<Self> {
        let mut out = out.to_path_buf();
        // A link to a folder that is not there yet has no canonical path.
        for _ in 0..32 {
            let Ok(to) = fs::read_link(&out) else { break };
            out = out.parent().unwrap_or(Path::new("")).join(to);
        }
        if let Ok(there) = out.canonicalize() {
            out = there;
        } else if let (Some(above), Some(name)) = (out.parent(), out.file_name()) {
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            fs::create_dir_all(above)?;
            out = above.canonicalize()?.join(name);
        }
        let beside = |what: &str| {
            let mut name = OsString::from(".");
            name.push(out.file_name().unwrap_or_default());
            name.push(format!(".cresset-{what}"));
            out.with_file_name(name)
        };
        Ok(Self { staging: beside("staging"), old: beside("old"), out })
    }

    /// Whether the pack's folder can change places with another one.
    fn can_exchange(&self, files: &BTreeMap<String, Vec<u8>>) -> bool {
        let Some(above) = self.out.parent() else { return false };
        let is_working_directory =
            std::env::current_dir().and_then(|here| here.canonicalize()).is_ok_and(|here| here.starts_with(&self.out));
        let is_mount = match (fs::metadata(&self.out), fs::metadata(above)) {
            (Ok(inner), Ok(outer)) => device(&inner) != device(&outer),
            _ => false,
        };
        let is_link = |path: &Path| fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink());
        let has_link = files.keys().any(|path| {
            let file = place(&self.out, path);
            file.ancestors().skip(1).take_while(|folder| *folder != self.out).any(is_link)
        });
        !is_working_directory && !is_mount && !has_link
    }
}

/// Puts right what a killed build left: an old tree that was moved away and nothing put in its place comes back, and
/// trees that are no longer needed go.
pub(super) fn recover(site: &Site, hook: Hook<'_>) -> io::Result<()> {
    if is_there(&site.old) && !is_there(&site.out) {
        hook(Step::MoveIn)?;
        fs::rename(&site.old, &site.out)?;
    }
    // Nothing but new files, under numbers, has ever been in it.
    match fs::remove_dir_all(site.out.join(INSIDE)) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Err(error),
        _ => clear(site, hook),
    }
}

/// Removes the trees beside the pack.
fn clear(site: &Site, hook: Hook<'_>) -> io::Result<()> {
    for tree in [&site.old, &site.staging] {
        if is_there(tree) {
            dissolve(tree, &site.out, hook)?;
        }
    }
    Ok(())
}

/// Makes the pack at `site` consist of `files`, without `stale` and with everything else that is there.
pub(super) fn replace(
    site: &Site,
    files: &BTreeMap<String, Vec<u8>>,
    stale: &[String],
    hook: Hook<'_>,
) -> io::Result<()> {
    let is_current = |(path, bytes): (&String, &Vec<u8>)| holds(&place(&site.out, path), bytes);
    if files.iter().all(is_current) && !stale.iter().any(|path| is_there(&place(&site.out, path))) {
        return Ok(());
    }
    if !site.can_exchange(files) {
        return replace_one_by_one(site, files, stale, hook);
    }
    match fs::create_dir(&site.staging) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
                && is_there(&site.out) =>
        {
            return replace_one_by_one(site, files, stale, hook);
        }
        made => made.map_err(|error| at(&site.staging, &error))?,
    }
    match stage(site, files, stale, hook) {
        // A file that is not ours and cannot be in two places at once stays where it is.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            clear(site, hook)?;
            return replace_one_by_one(site, files, stale, hook);
        }
        staged => staged?,
    }
    if is_there(&site.out) {
        exchange(site, hook)?;
    } else {
        hook(Step::MoveIn)?;
        fs::rename(&site.staging, &site.out)?;
    }
    clear(site, hook)
}

/// Makes the new tree.
fn stage(site: &Site, files: &BTreeMap<String, Vec<u8>>, stale: &[String], hook: Hook<'_>) -> io::Result<()> {
    let (out, staging) = (&site.out, &site.staging);
    if let Ok(data) = fs::metadata(out) {
        like(staging, &data)?;
    }
    // First the manifest: it tells which files of a tree that is left behind are the pack's own.
    if let Some(bytes) = files.get(MANIFEST) {
        hook(Step::Stage)?;
        make(&staging.join(MANIFEST), bytes, &out.join(MANIFEST))?;
    }
    let stale: BTreeSet<&str> = stale.iter().map(String::as_str).collect();
    if is_there(out) {
        carry(site, "", &|path| files.contains_key(path) || stale.contains(path), hook)?;
    }
    for (path, bytes) in files.iter().filter(|(path, _)| *path != MANIFEST) {
        hook(Step::Stage)?;
        let (there, new) = (place(out, path), place(staging, path));
        make_folders(site, path)?;
        if !holds(&there, bytes) || fs::hard_link(&there, &new).is_err() {
            make(&new, bytes, &there)?;
        }
    }
    Ok(())
}

/// Puts into the new tree what is in the folder `inside` of the old one and not the pack's own. True if the folder is
/// in the new tree, then.
fn carry(site: &Site, inside: &str, is_own: &dyn Fn(&str) -> bool, hook: Hook<'_>) -> io::Result<bool> {
    let folder = place(&site.out, inside);
    let mut entries = fs::read_dir(&folder).map_err(|error| at(&folder, &error))?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    // A folder that was empty is somebody's, too.
    let mut kept = entries.is_empty() && !inside.is_empty();
    for entry in entries {
        let name = entry.file_name();
        // A name that is no text is no name of ours; the lossy one only has to be none either.
        let path = if inside.is_empty() {
            name.to_string_lossy().into_owned()
        } else {
            format!("{inside}/{}", name.to_string_lossy())
        };
        if name.to_str().is_some() && is_own(&path) && !entry.file_type()?.is_dir() {
            continue;
        }
        if entry.file_type()?.is_dir() && name.to_str().is_some() {
            kept |= carry(site, &path, is_own, hook)?;
            continue;
        }
        hook(Step::Stage)?;
        let new = place(&site.staging, inside);
        make_all(site, inside)?;
        if entry.file_type()?.is_dir() {
            carry_all(&entry.path(), &new.join(&name))?;
        } else {
            link(&entry.path(), &new.join(&name))?;
        }
        kept = true;
    }
    if kept {
        make_all(site, inside)?;
    }
    Ok(kept)
}

/// A folder whose name is no text, with all that is in it.
fn carry_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let new = to.join(entry.file_name());
        if entry.file_type()?.is_dir() { carry_all(&entry.path(), &new)? } else { link(&entry.path(), &new)? }
    }
    like(to, &fs::metadata(from)?)
}

/// Makes the folders above the file `path` in the new tree.
fn make_folders(site: &Site, path: &str) -> io::Result<()> {
    path.rsplit_once('/').map_or(Ok(()), |(folder, _)| make_all(site, folder))
}

/// Makes the folder `inside` in the new tree, and those above it, with the rights that they have in the old one.
fn make_all(site: &Site, inside: &str) -> io::Result<()> {
    let new = place(&site.staging, inside);
    if inside.is_empty() || fs::symlink_metadata(&new).is_ok_and(|data| data.is_dir()) {
        return Ok(());
    }
    make_folders(site, inside)?;
    let there = place(&site.out, inside);
    fs::create_dir(&new).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::new(error.kind(), format!("`{}` is in the way", there.display())),
        _ => at(&there, &error),
    })?;
    match fs::metadata(&there) {
        Ok(data) => like(&new, &data),
        Err(_) => Ok(()),
    }
}

/// Writes a new file, with the rights of the one in whose place it comes.
fn make(new: &Path, bytes: &[u8], there: &Path) -> io::Result<()> {
    if fs::symlink_metadata(there).is_ok_and(|data| data.is_dir()) {
        return Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            format!("the folder `{}` is in the way", there.display()),
        ));
    }
    let told = |error: io::Error| at(there, &error);
    let mut file = fs::File::create_new(new).map_err(told)?;
    file.write_all(bytes).map_err(told)?;
    if let Ok(data) = fs::metadata(there) {
        like(new, &data).map_err(told)?;
    }
    Ok(())
}

/// Lets the two trees change places.
fn exchange(site: &Site, hook: Hook<'_>) -> io::Result<()> {
    match hook(Step::Exchange) {
        // A test that stands for a system without an exchange.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return exchange_in_two_steps(site, hook),
        go_on => go_on?,
    }
    if exchange_at_once(&site.staging, &site.out)? { Ok(()) } else { exchange_in_two_steps(site, hook) }
}

/// For systems and file systems without an exchange. A build that is killed in between leaves no pack, and the next
/// one brings the old one back.
fn exchange_in_two_steps(site: &Site, hook: Hook<'_>) -> io::Result<()> {
    hook(Step::MoveAway)?;
    fs::rename(&site.out, &site.old)?;
    hook(Step::MoveIn)?;
    fs::rename(&site.staging, &site.out).or_else(|error| fs::rename(&site.old, &site.out).and(Err(error)))
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange_at_once(one: &Path, other: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange_at_once(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Removes a tree that is no longer needed, or was never finished: the pack's own files in it by its manifest, and what
/// is the same file in `out`. Whatever else is in it was put there by somebody meanwhile, and moves to `out`.
fn dissolve(tree: &Path, out: &Path, hook: Hook<'_>) -> io::Result<()> {
    let own = [tree, out].into_iter().flat_map(listed).map(|path| place(tree, &path)).collect();
    empty(tree, out, true, &own, hook)?;
    // The manifest last: should this be stopped, it still tells what is the pack's own.
    hook(Step::Remove)?;
    match fs::remove_file(tree.join(MANIFEST)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(tree, &error)),
        _ => {}
    }
    hook(Step::Remove)?;
    fs::remove_dir(tree).map_err(|error| at(tree, &error))
}

/// The pack's own files in a tree, as its manifest lists them.
fn listed(tree: &Path) -> Vec<String> {
    let manifest: Option<Value> =
        fs::read(tree.join(MANIFEST)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let files = manifest.as_ref().and_then(|manifest| manifest.get("files")).and_then(Value::as_object);
    files.into_iter().flat_map(|files| files.keys()).cloned().collect()
}

/// Empties a folder, but for the manifest of a whole tree.
fn empty(folder: &Path, out: &Path, is_whole: bool, own: &BTreeSet<PathBuf>, hook: Hook<'_>) -> io::Result<()> {
    let told = |error: io::Error| at(folder, &error);
    for entry in fs::read_dir(folder).map_err(told)? {
        let entry = entry.map_err(told)?;
        let (path, counterpart) = (entry.path(), out.join(entry.file_name()));
        if entry.file_type().map_err(told)?.is_dir() {
            empty(&path, &counterpart, false, own, hook)?;
            hook(Step::Remove)?;
            fs::remove_dir(&path).map_err(|error| at(&path, &error))?;
            continue;
        }
        if is_whole && entry.file_name() == MANIFEST {
            continue;
        }
        hook(Step::Remove)?;
        if own.contains(&path) || is_same(&path, &counterpart) || !is_newer(&path, &counterpart) {
            fs::remove_file(&path).map_err(|error| at(&path, &error))?;
        } else {
            if let Some(above) = counterpart.parent() {
                fs::create_dir_all(above)?;
            }
            fs::rename(&path, &counterpart).map_err(|error| at(&path, &error))?;
        }
    }
    Ok(())
}

/// Replaces the files of the pack one by one, the manifest last, because it says what the rest is.
fn replace_one_by_one(
    site: &Site,
    files: &BTreeMap<String, Vec<u8>>,
    stale: &[String],
    hook: Hook<'_>,
) -> io::Result<()> {
    let out = &site.out;
    fs::create_dir_all(out)?;
    let staging = out.join(INSIDE);
    fs::create_dir(&staging).map_err(|error| at(&staging, &error))?;
    let changed: Vec<(&String, &Vec<u8>)> =
        files.iter().filter(|(path, bytes)| !holds(&place(out, path), bytes)).collect();
    // Names of their own: a tree of the pack's names would be taken for one.
    let staged = |at: usize| staging.join(at.to_string());
    for (at, (path, bytes)) in changed.iter().enumerate() {
        hook(Step::Stage)?;
        make(&staged(at), bytes, &place(out, path))?;
    }
    let is_manifest = |(_, (path, _)): &(usize, &(&String, &Vec<u8>))| path.as_str() == MANIFEST;
    let (last, first): (Vec<_>, Vec<_>) = changed.iter().enumerate().partition(is_manifest);
    for (number, (path, _)) in first.into_iter().chain(last) {
        hook(Step::MoveIn)?;
        let there = place(out, path);
        if let Some(folder) = there.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::rename(staged(number), &there).map_err(|error| at(&there, &error))?;
    }
    for path in stale {
        hook(Step::Remove)?;
        let there = place(out, path);
        match fs::remove_file(&there) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&there, &error)),
            _ => remove_empty_folders(out, &there),
        }
    }
    fs::remove_dir(&staging)
}

/// Removes the folders above a file that has been removed, as long as they are empty.
fn remove_empty_folders(out: &Path, file: &Path) {
    for folder in file.ancestors().skip(1).take_while(|folder| *folder != out && folder.starts_with(out)) {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// A file's place below a folder, from its path with `/` between segments.
pub(super) fn place(folder: &Path, path: &str) -> PathBuf {
    if path.is_empty() { folder.to_path_buf() } else { folder.join(path.split('/').collect::<PathBuf>()) }
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn holds(path: &Path, bytes: &[u8]) -> bool {
    fs::metadata(path).is_ok_and(|data| data.len() == bytes.len() as u64)
        && fs::read(path).is_ok_and(|there| there == bytes)
}

/// The same file in a second place. `Unsupported` if that cannot be.
fn link(there: &Path, new: &Path) -> io::Result<()> {
    fs::hard_link(there, new).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound | io::ErrorKind::StorageFull => at(there, &error),
        _ => io::Error::new(io::ErrorKind::Unsupported, format!("`{}`: {error}", there.display())),
    })
}

/// Gives `new` the rights and, where that is allowed, the owner of another file or folder.
fn like(new: &Path, data: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let now = fs::metadata(new)?;
        if (now.uid(), now.gid()) != (data.uid(), data.gid()) {
            // Only root may give files away; the file is whole without it.
            _ = std::os::unix::fs::chown(new, Some(data.uid()), Some(data.gid()));
        }
    }
    fs::set_permissions(new, data.permissions())
}

#[cfg(unix)]
fn device(data: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(data)
}

#[cfg(not(unix))]
fn device(_: &Metadata) -> u64 {
    0
}

/// Whether two paths lead to one file.
#[cfg(unix)]
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (fs::symlink_metadata(one), fs::symlink_metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

/// Whether `one` was changed after `other`, or `other` is not there.
fn is_newer(one: &Path, other: &Path) -> bool {
    let changed = |path: &Path| fs::symlink_metadata(path).and_then(|data| data.modified()).ok();
    changed(other).is_none_or(|other| changed(one).is_some_and(|one| one > other))
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests;
