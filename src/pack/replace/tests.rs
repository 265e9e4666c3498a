//! A build is stopped before each of its steps: what is there afterwards is the old pack or the new one, whole, with
//! everything in it that is not the pack's own, and the next build leaves nothing behind.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use super::{Site, Step, place, recover, replace};

type Files = BTreeMap<String, Vec<u8>>;

/// A pack of these files, and its manifest.
fn pack(files: &[(&str, &str)]) -> Files {
    let mut all: Files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let listed: serde_json::Map<String, serde_json::Value> =
        all.iter().map(|(path, bytes)| (path.clone(), json!(String::from_utf8_lossy(bytes)))).collect();
    all.insert("manifest.json".to_owned(), json!({ "files": listed }).to_string().into_bytes());
    all
}

fn old() -> Files {
    pack(&[("a/changed", "old"), ("a/same", "same"), ("gone/deep/stale", "old"), ("b/stale", "old")])
}

fn new() -> Files {
    pack(&[("a/changed", "new"), ("a/same", "same"), ("c/fresh/file", "new"), ("a/fresh", "new")])
}

const STALE: [&str; 2] = ["b/stale", "gone/deep/stale"];

/// What is not the pack's own.
const FOREIGN: [&str; 4] = ["notes", "a/mine", "b/mine", "mine/deep/file"];

fn write_all(out: &Path, files: &Files) {
    for (path, bytes) in files {
        let file = place(out, path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, bytes).expect("written");
    }
}

fn go(site: &Site, hook: super::Hook<'_>) -> io::Result<()> {
    let stale: Vec<String> = STALE.iter().map(|path| (*path).to_owned()).collect();
    replace(site, &new(), &stale, hook)
}

/// Every file below `out`, foreign ones left out after looking that they are there.
fn found(out: &Path) -> Files {
    let mut files = Files::new();
    for entry in walkdir::WalkDir::new(out) {
        let entry = entry.expect("an entry");
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(out).expect("inside").to_string_lossy().replace('\\', "/");
            files.insert(path, fs::read(entry.path()).expect("a file"));
        }
    }
    for foreign in FOREIGN {
        assert_eq!(files.remove(foreign).as_deref(), Some(foreign.as_bytes()), "{foreign} is gone");
    }
    assert!(out.join("empty").is_dir(), "an empty folder is gone");
    files
}

fn set_up(folder: &Path) -> Site {
    let out = folder.join("out");
    write_all(&out, &old());
    write_all(&out, &FOREIGN.iter().map(|path| ((*path).to_owned(), path.as_bytes().to_vec())).collect());
    fs::create_dir(out.join("empty")).expect("a folder");
    Site::of(&out).expect("a site")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Stops before step `at`; true if the build was over before that.
fn stopped(site: &Site, at: usize, can_exchange: bool, steps: &mut Vec<Step>) -> bool {
    let mut count = 0;
    let result = go(site, &mut |step| {
        if step == Step::Exchange && !can_exchange {
            return Err(io::ErrorKind::Unsupported.into());
        }
        if count == at {
            return Err(io::ErrorKind::Interrupted.into());
        }
        count += 1;
        steps.push(step);
        Ok(())
    });
    match result {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::Interrupted, "{error}");
            false
        }
    }
}

fn stop_everywhere(can_exchange: bool) -> Vec<Step> {
    let mut at = 0;
    loop {
        let folder = tempfile::tempdir().expect("a folder");
        let site = set_up(folder.path());
        let mut steps = Vec::new();
        let is_over = stopped(&site, at, can_exchange, &mut steps);
        if can_exchange {
            // At no moment is it anything else than whole.
            let there = found(&site.out);
            assert!(there == old() || there == new(), "a mixture after {at} steps: {:?}", there.keys());
        }
        recover(&site, &mut |_| Ok(())).expect("recovered");
        let there = found(&site.out);
        assert!(there == old() || there == new(), "a mixture after {at} steps: {:?}", there.keys());
        assert_eq!(names(folder.path()), ["out"], "something is left behind after {at} steps");
        go(&site, &mut |_| Ok(())).expect("written");
        assert_eq!(found(&site.out), new());
        assert!(!site.out.join("gone").exists() && site.out.join("b").exists());
        assert_eq!(names(folder.path()), ["out"]);
        if is_over {
            return steps;
        }
        at += 1;
    }
}

#[test]
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn a_build_that_is_killed_leaves_the_old_pack_or_the_new_one() {
    let steps = stop_everywhere(true);
    assert!(steps.contains(&Step::Exchange) && steps.contains(&Step::Remove) && steps.len() > 15, "{steps:?}");
}

#[test]
fn so_it_does_without_an_exchange() {
    let steps = stop_everywhere(false);
    assert!(steps.contains(&Step::MoveAway) && steps.contains(&Step::MoveIn), "{steps:?}");
}

#[test]
fn recovery_that_is_killed_is_taken_up_again() {
    for can_exchange in [true, false] {
        let mut at = 0;
        loop {
            let folder = tempfile::tempdir().expect("a folder");
            let site = set_up(folder.path());
            // Killed when the old tree is about to be removed.
            let mut seen = false;
            _ = go(&site, &mut |step| match step {
                Step::Exchange if !can_exchange => Err(io::ErrorKind::Unsupported.into()),
                Step::Remove if std::mem::replace(&mut seen, true) => Err(io::ErrorKind::Interrupted.into()),
                _ => Ok(()),
            });
            let mut count = 0;
            let ended = recover(&site, &mut |_| {
                count += 1;
                if count > at { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
            });
            recover(&site, &mut |_| Ok(())).expect("recovered");
            assert_eq!((found(&site.out), names(folder.path())), (new(), vec!["out".to_owned()]));
            if ended.is_ok() {
                break;
            }
            at += 1;
        }
        assert!(at > 2, "recovery had nothing to do");
    }
}

#[test]
fn what_somebody_adds_meanwhile_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = set_up(folder.path());
    let out = site.out.clone();
    go(&site, &mut |step| {
        if step == Step::Exchange {
            fs::write(out.join("a/late"), "late")?;
            // As editors save: a new file in the place of the old one.
            let later = std::time::SystemTime::now() + std::time::Duration::from_secs(2);
            fs::write(out.join("a/draft"), "edited")?;
            fs::File::options().append(true).open(out.join("a/draft"))?.set_modified(later)?;
            fs::rename(out.join("a/draft"), out.join("notes"))?;
        }
        Ok(())
    })
    .expect("written");
    assert_eq!(fs::read_to_string(site.out.join("a/late")).expect("kept"), "late");
    assert_eq!(fs::read_to_string(site.out.join("notes")).expect("kept"), "edited");
    assert_eq!(names(folder.path()), ["out"]);
}

#[test]
fn nothing_happens_where_nothing_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = set_up(folder.path());
    go(&site, &mut |_| Ok(())).expect("written");
    go(&site, &mut |step| panic!("{step:?}")).expect("nothing to do");
}

#[test]
fn a_first_build_and_folders_above_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("x/y/out");
    let site = Site::of(&out).expect("a site");
    replace(&site, &new(), &[], &mut |_| Ok(())).expect("written");
    assert_eq!(names(&folder.path().join("x/y")), ["out"]);
    assert_eq!(fs::read(out.join("c/fresh/file")).expect("a file"), b"new");
    // Killed while the first pack is made: nothing is there.
    let other = Site::of(&folder.path().join("z/out")).expect("a site");
    let mut count = 0;
    let killed = replace(&other, &new(), &[], &mut |_| {
        count += 1;
        if count > 3 { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    });
    assert!(killed.is_err() && !other.out.exists());
    recover(&other, &mut |_| Ok(())).expect("recovered");
    assert_eq!(names(&folder.path().join("z")), Vec::<String>::new());
}

#[test]
fn a_folder_in_the_way_is_named_and_nothing_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = set_up(folder.path());
    fs::create_dir_all(site.out.join("a/fresh/x")).expect("a folder");
    fs::write(site.out.join("c"), "mine").expect("written");
    let before: Vec<String> = found(&site.out).into_keys().collect();
    let error = go(&site, &mut |_| Ok(())).expect_err("in the way");
    assert!(error.to_string().contains("in the way"), "{error}");
    recover(&site, &mut |_| Ok(())).expect("recovered");
    assert_eq!(found(&site.out).into_keys().collect::<Vec<_>>(), before);
    assert_eq!(names(folder.path()), ["out"]);
}

#[cfg(unix)]
mod on_unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    #[test]
    fn rights_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let site = set_up(folder.path());
        let rights = |path: &str, mode: u32| {
            fs::set_permissions(place(&site.out, path), fs::Permissions::from_mode(mode)).expect("set");
        };
        for (path, mode) in [("", 0o750), ("a", 0o711), ("a/changed", 0o640), ("a/same", 0o604), ("a/mine", 0o400)] {
            rights(path, mode);
        }
        let mine = fs::metadata(site.out.join("a/mine")).expect("a file").ino();
        go(&site, &mut |_| Ok(())).expect("written");
        for (path, mode) in [("", 0o750), ("a", 0o711), ("a/changed", 0o640), ("a/same", 0o604), ("a/mine", 0o400)] {
            let there = fs::metadata(place(&site.out, path)).expect("there").permissions().mode() & 0o777;
            assert_eq!(there, mode, "{path}: {there:o}");
        }
        // Not a copy: the very same file.
        assert_eq!(fs::metadata(site.out.join("a/mine")).expect("a file").ino(), mine);
    }

    #[test]
    fn a_link_to_the_pack_stays_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = set_up(folder.path());
        let link = folder.path().join("link");
        symlink("out", &link).expect("a link");
        let site = Site::of(&link).expect("a site");
        assert_eq!(site.out, real.out);
        go(&site, &mut |_| Ok(())).expect("written");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(found(&link), new());
        // One that leads nowhere yet.
        let dangling = folder.path().join("dangling");
        symlink("later/out", &dangling).expect("a link");
        replace(&Site::of(&dangling).expect("a site"), &new(), &[], &mut |_| Ok(())).expect("written");
        assert!(folder.path().join("later/out/a/changed").exists());
    }

    #[test]
    fn links_in_a_pack_are_left_and_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let site = set_up(folder.path());
        symlink("/nonexistent", site.out.join("a/link")).expect("a link");
        // A target's folder that lies elsewhere: files go there, one by one.
        fs::create_dir(folder.path().join("elsewhere")).expect("a folder");
        symlink(folder.path().join("elsewhere"), site.out.join("c")).expect("a link");
        let mut steps = Vec::new();
        go(&site, &mut |step| {
            steps.push(step);
            Ok(())
        })
        .expect("written");
        assert!(!steps.contains(&Step::Exchange));
        assert_eq!(fs::read(folder.path().join("elsewhere/fresh/file")).expect("a file"), b"new");
        assert!(fs::symlink_metadata(site.out.join("a/link")).expect("there").is_symlink());
        assert!(fs::symlink_metadata(site.out.join("c")).expect("there").is_symlink());
        assert!(!site.out.join("b/stale").exists() && site.out.join("b/mine").exists());
        assert_eq!(names(folder.path()), ["elsewhere", "out"]);
        assert!(!site.out.join(super::super::INSIDE).exists());
    }

    #[test]
    fn one_by_one_a_stopped_build_is_taken_up_again() {
        let mut at = 0;
        loop {
            let folder = tempfile::tempdir().expect("a folder");
            let site = set_up(folder.path());
            fs::create_dir(folder.path().join("elsewhere")).expect("a folder");
            symlink(folder.path().join("elsewhere"), site.out.join("c")).expect("a link");
            let is_over = stopped(&site, at, true, &mut Vec::new());
            recover(&site, &mut |_| Ok(())).expect("recovered");
            go(&site, &mut |_| Ok(())).expect("written");
            // Links to folders are not walked into.
            let mut there = found(&site.out);
            there.insert("c/fresh/file".to_owned(), fs::read(site.out.join("c/fresh/file")).expect("a file"));
            assert_eq!(there, new());
            if is_over {
                break;
            }
            at += 1;
        }
        assert!(at > 5);
    }

    #[test]
    fn a_name_that_is_no_text_is_kept() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let site = set_up(folder.path());
        let odd = site.out.join(std::ffi::OsStr::from_bytes(b"a\xff"));
        fs::create_dir(&odd).expect("a folder");
        fs::write(odd.join("x"), "x").expect("written");
        go(&site, &mut |_| Ok(())).expect("written");
        assert_eq!(fs::read(odd.join("x")).expect("kept"), b"x");
        assert_eq!(names(folder.path()), ["out"]);
    }
}
