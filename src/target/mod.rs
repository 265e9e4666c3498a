//! Targets: what a SOC runs. A target is a folder with a `target.yml` and Tera templates; this part maps a detection to
//! the target's fields, chooses a language that can say it, and renders the artefacts.

pub mod build;
pub mod compile;
pub mod context;
mod derive;
pub mod encoding;
mod falco_lists;
pub mod fields;
mod filters;
#[cfg(test)]
mod generated;
mod load;
mod map;
pub mod node;
mod option;
mod prefilter;
mod problem;
mod projection;
mod refusal;
mod render;
pub mod settings;
mod stream;
mod verdict;
mod yaml;

pub use build::{Built, Compiled, Entry, PackInfo, State, build, compile_all, render_all};
pub use compile::{Beside, Outcome, Rule, compile, rule_id};
pub use load::{Target, built_in_files, load, load_all};
pub use node::Loss;
pub use node::shown;
pub use problem::{unknown_targets, with_known_targets};
pub use projection::{Projection, project};
pub use refusal::Refusal;
pub use verdict::Verdict;
