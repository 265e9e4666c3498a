//! A pack as people look at it: what it covers, as a table and as a layer for ATT&CK Navigator, and a site of static
//! pages that needs no server.

pub mod coverage;
mod events;
mod logic;
pub mod navigator;
mod page;
mod rule;
pub mod site;
mod text;

pub use coverage::{Coverage, Row, Standing};
pub use site::{Input, site};
