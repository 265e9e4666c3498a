//! The meaning of conditions: one type for them, and what they say of events. Knows nothing of detections, log
//! sources, query languages or targets.

mod bits;
pub mod decide;
mod encoding;
pub mod evaluate;
pub mod event;
pub(crate) mod expression;
pub mod formula;
pub mod matcher;
pub mod normal;
pub mod option;
pub mod path;
pub mod pattern;
pub mod serial;
pub mod simplify;
pub mod tape;
pub(crate) mod tree;

pub use encoding::Encoding;
pub use evaluate::{Explanation, Reading, evaluate, explain};
pub use event::Event;
pub use formula::{Comparison, Formula, Number, Origin, Predicate, Subject, Test};
pub use matcher::{Matcher, Matches, Scratch};
pub use normal::normal;
pub use option::{Command, Grammar, Launchers, OptionTest, OptionValue, ValueForm, ValueTest};
pub use path::{Path, PathError};
pub use pattern::{ANY_CHARACTER, Case, Glob, Pattern, Piece, Shape, TextSet};
pub use simplify::simplify;
pub use tape::Tape;
