//! One build at a time: a lock on the folder that a pack lies in. It ends with the process, however that ends, and
//! leaves nothing behind.

use std::io;
use std::path::Path;

/// How long one build waits for another.
#[cfg(unix)]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Held while a pack is written.
#[derive(Debug)]
pub(super) struct Lock {
    #[cfg(unix)]
    _folder: std::fs::File,
}

impl Lock {
    /// Waits until no other build writes to `pack`. The lock is on the folder that it lies in, because the pack's own is
    /// replaced.
    #[cfg(unix)]
    pub(super) fn on(pack: &Path) -> io::Result<Self> {
        use rustix::fs::{FlockOperation, flock};
        use rustix::io::Errno;
        let file = std::fs::File::open(pack.parent().unwrap_or(pack)).or_else(|_| std::fs::File::open(pack))?;
        let start = std::time::Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => break,
                Err(Errno::WOULDBLOCK) if start.elapsed() < PATIENCE => {
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                Err(Errno::WOULDBLOCK) => {
                    return Err(io::Error::new(io::ErrorKind::WouldBlock, "another build is writing there"));
                }
                // A file system without locks: better an unguarded build than none.
                Err(Errno::NOSYS | Errno::NOTSUP | Errno::NOLCK | Errno::INVAL) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self { _folder: file })
    }

    /// Without locks on folders nothing is guarded.
    #[cfg(not(unix))]
    pub(super) fn on(_: &Path) -> io::Result<Self> {
        Ok(Self {})
    }
}
