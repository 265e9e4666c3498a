//! Packs on disk: written as a whole or not at all, compared with what would be written, and put into archives.

mod archive;
mod backward;
mod claims;
mod lock;
mod opaque;
mod prove;
pub mod read;
mod recorded;
mod replace;
pub mod side;
pub mod strayed;
pub mod trace;
pub mod verify;
mod witness;
mod write;

pub use archive::archive;
pub use prove::{Proved, prove};
pub use recorded::Recorded;
pub use write::{Difference, MANIFEST, check, manifest, write, write_site};
