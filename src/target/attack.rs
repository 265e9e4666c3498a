//! ATT&CK's tactics and techniques, as rules cite them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

const TACTICS: &str = include_str!("data/attack-tactics.tsv");
const TECHNIQUES: &str = include_str!("data/attack-techniques.tsv");

/// A tactic.
#[derive(Clone, Copy, Debug)]
pub struct Tactic {
    /// `TA0004`
    pub id: &'static str,
    /// `Privilege Escalation`
    pub name: &'static str,
    /// `privilege-escalation`
    pub shortname: &'static str,
}

/// A technique or sub-technique.
#[derive(Clone, Debug)]
pub struct Technique {
    /// `T1611`
    pub id: &'static str,
    /// `Escape to Host`
    pub name: &'static str,
    /// Short names of the tactics that it serves.
    pub tactics: Vec<&'static str>,
}

/// All tactics, in the order of their ids.
pub fn tactics() -> impl Iterator<Item = Tactic> {
    rows(TACTICS).filter_map(|row| match row.as_slice() {
        [id, name, shortname, ..] => Some(Tactic { id, name, shortname }),
        _ => None,
    })
}

/// The technique with this id.
pub fn technique(id: &str) -> Option<&'static Technique> {
    static ALL: OnceLock<BTreeMap<&'static str, Technique>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let techniques = rows(TECHNIQUES).filter_map(|row| match row.as_slice() {
            [id, name, tactics, ..] => {
                Some((*id, Technique { id, name, tactics: tactics.split(',').map(str::trim).collect() }))
            }
            _ => None,
        });
        techniques.collect()
    });
    all.get(id)
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}
