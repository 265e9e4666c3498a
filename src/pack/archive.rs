//! Archives of packs, the same bytes for the same files: sorted, without times, owners or links.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use flate2::{Compression, GzBuilder};

/// 2020-01-01, in seconds: tools complain about files from 1970.
const TIME: u64 = 1_577_836_800;

/// A `tar.gz` of files by their paths, with the folders they are in.
pub fn archive(files: &BTreeMap<String, &[u8]>) -> io::Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::new(9));
    let mut tar = tar::Builder::new(gzip);
    let mut folders: BTreeSet<String> = BTreeSet::new();
    for path in files.keys() {
        let mut above = path.as_str();
        while let Some((folder, _)) = above.rsplit_once('/') {
            folders.insert(format!("{folder}/"));
            above = folder;
        }
    }
    for folder in &folders {
        let mut header = header(0o755, 0);
        header.set_entry_type(tar::EntryType::Directory);
        tar.append_data(&mut header, folder, io::empty())?;
    }
    for (path, bytes) in files {
        let mut header = header(0o644, bytes.len() as u64);
        tar.append_data(&mut header, path, *bytes)?;
    }
    tar.into_inner()?.finish()
}

fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(TIME);
    header.set_uid(0);
    header.set_gid(0);
    header
}
