//! What a rule holds back of what it finds, beside what its detection asks to be held back.

use crate::target::context::ThrottleContext;
use crate::words::{MINUTE, Seconds, time};

/// How a rule holds repeated hits back: for how many seconds, and which fields make two hits the same.
pub(super) struct Held {
    pub seconds: Seconds,
    pub by: Vec<String>,
}

/// What is told to nobody because a rule holds it back as `held` says, in its setting `name`, and the detection asks
/// `wanted`; nothing if that is no more. To hold back less loses nothing.
pub(super) fn lost(name: &str, held: &Held, wanted: Option<&ThrottleContext>) -> Option<String> {
    let how = || match held.by.as_slice() {
        [] => "whatever they are of".to_owned(),
        by => format!("by {}", quoted(by)),
    };
    let Some(wanted) = wanted.filter(|wanted| !wanted.by.is_empty()) else {
        return Some(format!(
            "`{name}` holds further hits back for {}, {}, and the detection has no `throttle`",
            time(held.seconds),
            how()
        ));
    };
    let missing: Vec<String> = wanted.by.iter().filter(|field| !held.by.contains(field)).cloned().collect();
    if !missing.is_empty() {
        let missing = quoted(&missing);
        return Some(format!(
            "`{name}` holds hits back {}, so that those of another {missing} are told to nobody",
            how()
        ));
    }
    let seconds = Seconds::from(wanted.minutes).saturating_mul(MINUTE);
    (held.seconds > seconds).then(|| {
        format!("`{name}` holds hits back for {}, the detection asks for {}", time(held.seconds), time(seconds))
    })
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
