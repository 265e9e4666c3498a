//! ATT&CK (enterprise, v18): which techniques there are, and what became of those that are no more.

use std::collections::BTreeMap;
use std::sync::OnceLock;

const TECHNIQUES: &str = include_str!("attack/techniques.tsv");
const TACTICS: &str = include_str!("attack/tactics.tsv");

/// A technique or sub-technique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technique {
    /// `T1611`, `T1059.004`.
    pub id: &'static str,
    /// What it is called; of a sub-technique, without its technique.
    pub name: &'static str,
    /// Short names of the tactics it serves: `privilege-escalation`.
    pub tactics: Vec<&'static str>,
    /// Whether it may still be used.
    pub status: TechniqueStatus,
    /// What to use instead of a revoked one.
    pub replaced_by: Option<&'static str>,
}

/// Whether a technique may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TechniqueStatus {
    /// It may.
    Current,
    /// Another one took its place.
    Revoked,
    /// It was dropped.
    Deprecated,
}

/// A tactic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tactic {
    /// `TA0004`.
    pub id: &'static str,
    /// `Privilege Escalation`.
    pub name: &'static str,
    /// `privilege-escalation`.
    pub shortname: &'static str,
}

/// The technique of this id.
pub fn technique(id: &str) -> Option<&'static Technique> {
    techniques().get(id)
}

/// The tactic of this short name.
pub fn tactic(shortname: &str) -> Option<&'static Tactic> {
    tactics().iter().find(|tactic| tactic.shortname == shortname)
}

/// All tactics, by id.
pub fn tactics() -> &'static [Tactic] {
    static ALL: OnceLock<Vec<Tactic>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(TACTICS)
            .filter_map(|mut row| Some(Tactic { id: row.next()?, name: row.next()?, shortname: row.next()? }))
            .collect()
    })
}

/// All techniques, by id.
pub fn techniques() -> &'static BTreeMap<&'static str, Technique> {
    static ALL: OnceLock<BTreeMap<&'static str, Technique>> = OnceLock::new();
    ALL.get_or_init(|| {
        rows(TECHNIQUES)
            .filter_map(|mut row| {
                let (id, name, tactics) = (row.next()?, row.next()?, row.next()?);
                let status = match row.next()? {
                    "revoked" => TechniqueStatus::Revoked,
                    "deprecated" => TechniqueStatus::Deprecated,
                    _ => TechniqueStatus::Current,
                };
                let tactics = tactics.split(',').filter(|tactic| !tactic.is_empty()).collect();
                let replaced_by = row.next().filter(|id| !id.is_empty());
                Some((id, Technique { id, name, tactics, status, replaced_by }))
            })
            .collect()
    })
}

fn rows(table: &'static str) -> impl Iterator<Item = std::str::Split<'static, char>> {
    table.lines().skip(1).map(|line| line.split('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        assert_eq!(techniques().len(), 835);
        for technique in techniques().values() {
            for name in &technique.tactics {
                assert!(tactic(name).is_some(), "{}: {name}", technique.id);
            }
            if let Some(next) = technique.replaced_by {
                assert!(super::technique(next).is_some(), "{} -> {next}", technique.id);
            }
        }
        assert_eq!(technique("T1611").map(|t| (t.name, t.status)), Some(("Escape to Host", TechniqueStatus::Current)));
        assert_eq!(technique("T1002").and_then(|t| t.replaced_by), Some("T1560"));
    }
}
