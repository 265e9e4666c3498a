//! Packs on disk: written as a whole or not at all, compared with what would be written, and put into archives.

mod archive;
mod lock;
mod replace;
mod write;

pub use archive::archive;
pub use write::{Difference, MANIFEST, check, manifest, write};
