//! Causes: the smallest set of conditions found that explains the frequent hits of a detection in a log source.
//!
//! A cause is a conjunction of conditions on columns. They are looked for from the finest to the coarsest:
//!
//! 1. Hits are grouped by all facts on who acted (the catalogue's `actors`). A group that is frequent (often enough, on
//!    enough days and hosts) becomes a cause, and its hits are explained. Then facts are left out, the least telling
//!    first, and what no finer cause explains is grouped anew: fifty accounts of one runner, three hits each, are one
//!    cause, while the odd hit of a frequent account is none and stays to be seen.
//! 2. A cause has to tell something: at least two things where the log source has two, one of them who acted, by a field
//!    that holds one value. Who does what others tell him is nobody (the catalogue's launchers and deputies: shells,
//!    `sudo`, `systemd`, the controllers of Kubernetes), a condition that the detection itself implies says nothing, and
//!    to the values of a field that may hold several anybody can add.
//! 3. A cause is narrowed by what was done and where, if nearly all of its hits agree: their few values are asked for,
//!    and hits with rare ones fall out. Where only the first fact is told, the places that it acts in are the second.
//! 4. No event that `tests:` says must match may fall under a cause: it is narrowed by the condition that keeps the
//!    most hits until none does, or given up.
//! 5. Causes that differ in one fact other than the first can be one with a list. Of all causes and such lists, the
//!    fewest are taken that explain the same hits, and of those the ones that name the fewest values (`least`).
//!
//! Which hits are explained follows from 1 to 4, which go from the finest to the coarsest on purpose: the fewest causes
//! of all would be coarse ones that hide the odd hit. Everything goes by sorted values, so that equal hits give equal
//! causes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::column::{Cell, Column, Role, anybodys};
use super::condition::{Condition, Form};
use super::least::{self, MOST_CHOICES, Priced};
use super::table::{Seen, Sheet};
use super::{Refused, Thresholds};

/// So many values are listed in one condition.
const MOST_VALUES: usize = 8;
/// So many where all hits agree anyway: a long list would say little.
const FEW_VALUES: usize = 3;
/// So many values of one event are asked for together.
const MOST_TOGETHER: usize = 4;
/// So many percent of the hits have to agree in a column, for the others to be called rare.
const AGREE: u64 = 90;
/// So many percent at least are kept when an event that must match has to fall out.
const KEEP: u64 = 50;
/// So many causes are proposed for one detection in one log source.
pub const MOST_CAUSES: usize = 40;
/// Among so many causes and lists of them the fewest are looked for.
const MOST_CANDIDATES: usize = 400;

/// Conditions that explain hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// All have to hold, sorted by column.
    pub conditions: Vec<Condition>,
    /// The rows that fall under them.
    pub rows: Vec<usize>,
}

/// An event that must match: what it is called, and its cells.
pub type Kept = (String, Vec<Cell>);

/// What causes are looked for with.
pub struct Search<'s> {
    /// The hits.
    pub sheet: &'s Sheet,
    /// What is frequent.
    pub thresholds: &'s Thresholds,
    /// Whether hits say when they happened: then they have to happen on several days.
    pub has_days: bool,
    /// Events that no cause may cover.
    pub kept: &'s [Kept],
    /// How many facts the log source has on who acted.
    pub facts: usize,
    /// Whether the detection implies a condition.
    pub implied: &'s (dyn Fn(&Condition) -> bool + Sync),
    /// Whether the actor of this name in a column, a program's without its folder, does whatever others tell it.
    pub is_deputy: &'s (dyn Fn(&Column, &str) -> bool + Sync),
}

/// How good a narrowing is: how many events fall out, how many hits stay, and the column, the first being the best.
type Score = (usize, u64, Reverse<usize>);

/// A group of hits: for each fact the column that says it and the number of its cell.
type Group = Vec<Option<(usize, usize)>>;

impl Search<'_> {
    /// The causes, those of most hits first, and the frequent groups for which there is none.
    pub fn run(&self) -> (Vec<Cause>, Vec<Refused>) {
        let mut causes: Vec<Cause> = Vec::new();
        let mut given_up: Vec<(Vec<usize>, Refused)> = Vec::new();
        let mut open: BTreeSet<usize> = (0..self.sheet.rows.len()).collect();
        for facts in subsets(self.facts) {
            let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
            for row in &open {
                groups.entry(self.group(*row, &facts)).or_default().push(*row);
            }
            let mut frequent: Vec<(Group, Vec<usize>)> = groups
                .into_iter()
                .filter(|(group, rows)| group.iter().any(Option::is_some) && self.is_frequent(&self.sheet.seen(rows)))
                .collect();
            frequent.sort_by_cached_key(|(_, rows)| Reverse(self.sheet.hits(rows)));
            for (group, rows) in frequent {
                match self.cause(&group) {
                    Ok(cause) => {
                        cause.rows.iter().for_each(|row| _ = open.remove(row));
                        causes.push(cause);
                    }
                    Err((conditions, reason)) => {
                        let conditions = self.words(&conditions);
                        let hits = self.sheet.hits(&rows);
                        given_up.push((rows, Refused { conditions, hits, reason }));
                    }
                }
            }
        }
        let mut causes = self.fewest(causes);
        causes.sort_by_cached_key(|cause| (Reverse(self.sheet.hits(&cause.rows)), cause.conditions.clone()));
        let too_many = causes.split_off(MOST_CAUSES.min(causes.len()));
        // A group that was given up is told once, unless a coarser one explained it after all.
        let explained = causes.iter().chain(&too_many);
        let mut told: BTreeSet<usize> = explained.flat_map(|cause| cause.rows.iter().copied()).collect();
        given_up.retain(|(rows, refused)| {
            let new: Vec<usize> = rows.iter().copied().filter(|row| told.insert(*row)).collect();
            self.sheet.hits(&new) * 2 > refused.hits
        });
        let mut refused: Vec<Refused> = given_up.into_iter().map(|(_, refused)| refused).collect();
        refused.extend(self.too_many(&too_many));
        (causes, refused)
    }

    /// Why there are no proposals for causes that are too many: told once, for all of them.
    fn too_many(&self, causes: &[Cause]) -> Option<Refused> {
        let rows: BTreeSet<usize> = causes.iter().flat_map(|cause| cause.rows.iter().copied()).collect();
        let count = causes.len();
        (count > 0).then(|| Refused {
            conditions: Vec::new(),
            hits: self.sheet.hits(&rows.into_iter().collect::<Vec<_>>()),
            reason: format!(
                "{count} proposals more could be made; {MOST_CAUSES} for one detection and log source are enough to review"
            ),
        })
    }

    /// Whether so much was seen that it is no chance.
    pub fn is_frequent(&self, seen: &Seen) -> bool {
        let Thresholds { min_count, min_share, min_days, min_hosts } = *self.thresholds;
        let all = || -> u64 { self.sheet.rows.iter().map(|(_, seen)| seen.hits).sum() };
        seen.hits >= min_count.max(1)
            && (!self.has_days || seen.days.len() >= min_days)
            && (min_hosts <= 1 || seen.hosts.len() >= min_hosts)
            && (min_share == 0 || seen.hits.saturating_mul(100) >= all().saturating_mul(min_share))
    }

    fn group(&self, row: usize, facts: &[usize]) -> Group {
        let said = |fact: &usize| {
            let columns = self.sheet.columns.iter().enumerate();
            let mut of_fact = columns.filter(|(_, column)| column.role == Role::Actor(*fact));
            of_fact.find_map(|(at, _)| {
                let (cells, _) = self.sheet.rows.get(row)?;
                let cell = self.sheet.cell(row, at)?;
                self.is_usable(at, cell).then_some((at, *cells.get(at)?))
            })
        };
        facts.iter().map(said).collect()
    }

    /// Whether a condition may ask for what is in a cell.
    fn is_usable(&self, column: usize, cell: &Cell) -> bool {
        let most = if self.is_multiple(column) { MOST_TOGETHER } else { 1 };
        cell.named && cell.values.len() <= most
    }

    fn is_multiple(&self, column: usize) -> bool {
        self.sheet.columns.get(column).is_some_and(|column| column.field.multiple)
    }

    fn role(&self, column: usize) -> Option<Role> {
        self.sheet.columns.get(column).map(|column| column.role)
    }

    /// A condition in words for each.
    fn words(&self, conditions: &[Condition]) -> Vec<String> {
        let column = |condition: &Condition| self.sheet.columns.get(condition.column);
        conditions.iter().filter_map(|c| Some(c.form.words(&column(c)?.field.name))).collect()
    }

    /// The cause of a group, or what it would ask and why there is none.
    fn cause(&self, group: &Group) -> Result<Cause, (Vec<Condition>, String)> {
        let mut conditions: Vec<Condition> = Vec::new();
        for (column, cell) in group.iter().flatten() {
            let Some(cell) = self.sheet.cells.get(*column).and_then(|cells| cells.get(*cell)) else { continue };
            conditions.push(Condition { column: *column, form: Form::of(cell) });
        }
        conditions.retain(|condition| !(self.implied)(condition));
        let (mut who, mut things) = (0, 0);
        for condition in &conditions {
            let is_nobody = self.is_nobody(condition);
            things += usize::from(!is_nobody);
            who += usize::from(!is_nobody && !self.is_multiple(condition.column));
        }
        if who == 0 {
            let reason = self.untold(&conditions, ", and that is not who acted");
            return Err((conditions, reason));
        }
        let mut rows = self.covered(&conditions, &self.sheet.all());
        for column in 0..self.sheet.columns.len() {
            let narrowing = match self.role(column) {
                Some(Role::Act | Role::Line) => self.agreed(column, &rows, FEW_VALUES),
                Some(Role::Place) => self.agreed(column, &rows, 0),
                _ => None,
            };
            let Some(condition) = narrowing.filter(|condition| !(self.implied)(condition)) else { continue };
            things += usize::from(matches!(self.role(column), Some(Role::Act | Role::Line)));
            rows = self.covered(std::slice::from_ref(&condition), &rows);
            conditions.push(condition);
        }
        // What the cause does in one place alone is told by the place.
        let is_led = conditions.iter().any(|c| self.role(c.column) == Some(Role::Actor(0)) && !self.is_nobody(c));
        let needs_place = is_led && things < self.facts.min(2);
        for column in (0..self.sheet.columns.len()).filter(|_| needs_place) {
            if self.role(column) != Some(Role::Place) || conditions.iter().any(|c| c.column == column) {
                continue;
            }
            let Some(condition) = self.agreed(column, &rows, FEW_VALUES) else { continue };
            things += 1;
            rows = self.covered(std::slice::from_ref(&condition), &rows);
            conditions.push(condition);
        }
        if things < self.facts.min(2) {
            let reason = self.untold(&conditions, "");
            return Err((conditions, reason));
        }
        self.keep_out(&mut conditions, &mut rows).map_err(|reason| (conditions.clone(), reason))?;
        if !self.is_frequent(&self.sheet.seen(&rows)) {
            return Err((conditions, "what agrees in what was done is not frequent enough".to_owned()));
        }
        conditions.sort();
        Ok(Cause { conditions, rows })
    }

    /// Why conditions tell too little.
    fn untold(&self, conditions: &[Condition], why: &str) -> String {
        let named = |is_nobody: bool| {
            let those = conditions.iter().filter(|condition| self.is_nobody(condition) == is_nobody);
            let names = those.filter_map(|condition| self.sheet.columns.get(condition.column));
            names.map(|column| format!("`{}`", column.field.name)).collect::<Vec<_>>().join(" and ")
        };
        let (somebody, nobody) = (named(false), named(true));
        if somebody.is_empty() && nobody.is_empty() {
            return "the detection itself asks for all that these hits have in common".to_owned();
        }
        let but = if somebody.is_empty() { somebody } else { format!(" but {somebody}") };
        let also = if nobody.is_empty() { nobody } else { format!("; {nobody} acts for others, and so is anybody") };
        format!("nothing{but} tells these hits from others{why}{also}")
    }

    /// A condition on somebody who acts for others: that tells nobody.
    fn is_nobody(&self, condition: &Condition) -> bool {
        let Some(column) = self.sheet.columns.get(condition.column) else { return false };
        let (Form::OneOf(values) | Form::All(values)) = &condition.form else { return false };
        values.iter().any(|value| {
            let name = if column.is_program { value.rsplit('/').next().unwrap_or(value) } else { value };
            (self.is_deputy)(column, name)
        })
    }

    /// The rows among `rows` that satisfy all conditions.
    fn covered(&self, conditions: &[Condition], rows: &[usize]) -> Vec<usize> {
        let mut rows = rows.to_vec();
        for condition in conditions {
            let (Some(column), Some(cells)) =
                (self.sheet.columns.get(condition.column), self.sheet.cells.get(condition.column))
            else {
                continue;
            };
            let satisfied = condition.form.satisfied(column.field.case, cells);
            rows.retain(|row| {
                let at = self.sheet.rows.get(*row).and_then(|(at, _)| at.get(condition.column));
                at.and_then(|at| satisfied.get(*at)).copied().unwrap_or(false)
            });
        }
        rows
    }

    /// Whether an event falls under all conditions.
    fn covers(&self, conditions: &[Condition], event: &[Cell]) -> bool {
        conditions.iter().all(|condition| {
            let column = self.sheet.columns.get(condition.column).zip(event.get(condition.column));
            column.is_some_and(|(column, cell)| condition.form.satisfied(column.field.case, [cell]) == [true])
        })
    }

    /// What nearly all of `rows` agree on in a column. Where they all do, nothing falls out: then only up to `few`
    /// values are worth a condition.
    fn agreed(&self, column: usize, rows: &[usize], few: usize) -> Option<Condition> {
        let all = self.sheet.hits(rows);
        let enough = |hits: u64| hits * 100 >= all * AGREE;
        if let Some((form, hits)) = self.listed(column, rows, self.thresholds.min_count, &BTreeSet::new()) {
            let values = match &form {
                Form::OneOf(values) => values.len(),
                _ => 1,
            };
            if enough(hits) && (values <= few || hits < all) {
                return Some(Condition { column, form });
            }
        }
        let (form, hits) = self.directory(column, rows)?;
        (enough(hits) && (few > 0 || hits < all)).then_some(Condition { column, form })
    }

    /// The values in a column that at least `least` hits have, as a list that is short enough; how many hits have them.
    /// None of `not` is among them.
    fn listed(&self, column: usize, rows: &[usize], least: u64, not: &BTreeSet<&str>) -> Option<(Form, u64)> {
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        for row in rows {
            let (at, seen) = self.sheet.rows.get(*row)?;
            *counts.entry(*at.get(column)?).or_default() += seen.hits;
        }
        let cells = self.sheet.cells.get(column)?;
        let mut hits = 0;
        let mut listed: Vec<&Cell> = Vec::new();
        for (at, count) in counts.into_iter().filter(|(_, count)| *count >= least.max(1)) {
            let cell = cells.get(at)?;
            if self.is_usable(column, cell) && !cell.values.iter().any(|value| not.contains(&**value)) {
                listed.push(cell);
                hits += count;
            }
        }
        match listed.as_slice() {
            [] => None,
            [one] => Some((Form::of(one), hits)),
            several if several.len() <= MOST_VALUES && several.iter().all(|cell| cell.values.len() == 1) => {
                Some((Form::OneOf(several.iter().flat_map(|cell| cell.values.iter().cloned()).collect()), hits))
            }
            _ => None,
        }
    }

    /// The deepest directory that nearly all of `rows` have in a column of paths, and how many hits lie under it. It is
    /// at least two levels deep, and not where anybody may write.
    fn directory(&self, column: usize, rows: &[usize]) -> Option<(Form, u64)> {
        if !self.sheet.columns.get(column)?.is_path {
            return None;
        }
        let all = self.sheet.hits(rows);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for row in rows {
            let (_, seen) = self.sheet.rows.get(*row)?;
            let cell = self.sheet.cell(*row, column)?;
            let [value] = cell.values.as_slice() else { continue };
            if !cell.named || !is_straight(value) {
                continue;
            }
            for (at, _) in value.match_indices('/').filter(|(at, _)| *at > 0) {
                let above = value.get(..at).unwrap_or_default();
                if above.matches('/').count() >= 2 {
                    *counts.entry(above).or_default() += seen.hits;
                }
            }
        }
        counts
            .into_iter()
            .filter(|(path, hits)| *hits * 100 >= all * AGREE && anybodys(path).is_none())
            .max_by_key(|(path, _)| path.len())
            .map(|(path, hits)| (Form::Under(path.to_owned()), hits))
    }

    /// Narrows a cause until no event that must match falls under it.
    fn keep_out(&self, conditions: &mut Vec<Condition>, rows: &mut Vec<usize>) -> Result<(), String> {
        loop {
            let inside: Vec<&Kept> = self.kept.iter().filter(|(_, cells)| self.covers(conditions, cells)).collect();
            let Some((name, _)) = inside.first() else { return Ok(()) };
            let all = self.sheet.hits(rows);
            let mut best: Option<(Score, Condition)> = None;
            // What is asked already can only be asked more narrowly: `rows` satisfy it.
            for column in 0..self.sheet.columns.len() {
                let held: BTreeSet<&str> = inside
                    .iter()
                    .filter_map(|(_, cells)| cells.get(column))
                    .flat_map(|cell| cell.values.iter().map(|value| &**value))
                    .collect();
                let listed = self.listed(column, rows, 1, &held);
                for (form, _) in listed.into_iter().chain(self.directory(column, rows)) {
                    let condition = Condition { column, form };
                    let out = inside
                        .iter()
                        .filter(|(_, cells)| !self.covers(std::slice::from_ref(&condition), cells))
                        .count();
                    let hits = self.sheet.hits(&self.covered(std::slice::from_ref(&condition), rows));
                    let score = (out, hits, Reverse(column));
                    if out > 0 && hits * 100 >= all * KEEP && best.as_ref().is_none_or(|(known, _)| score > *known) {
                        best = Some((score, condition));
                    }
                }
            }
            let Some((_, condition)) = best else {
                return Err(format!("it would cover an event that must match: {name}"));
            };
            *rows = self.covered(std::slice::from_ref(&condition), rows);
            conditions.retain(|known| known.column != condition.column);
            conditions.push(condition);
        }
    }

    /// The fewest causes for the hits of `causes`, of these and of those that several of them make together.
    fn fewest(&self, causes: Vec<Cause>) -> Vec<Cause> {
        let mut all: BTreeMap<Vec<Condition>, Vec<usize>> =
            causes.into_iter().map(|cause| (cause.conditions, cause.rows)).collect();
        loop {
            let columns = (0..self.sheet.columns.len()).rev();
            let merged: Vec<Vec<Condition>> = columns.flat_map(|column| self.merged(column, all.keys())).collect();
            let known = all.len();
            for conditions in merged {
                if all.len() >= MOST_CANDIDATES || all.contains_key(&conditions) {
                    continue;
                }
                let rows = self.covered(&conditions, &self.sheet.all());
                if self.is_frequent(&self.sheet.seen(&rows)) {
                    all.insert(conditions, rows);
                }
            }
            if all.len() == known {
                break;
            }
        }
        let all: Vec<Cause> = all.into_iter().map(|(conditions, rows)| Cause { conditions, rows }).collect();
        let values = |condition: &Condition| match &condition.form {
            Form::OneOf(values) | Form::All(values) => values.len() as u64,
            Form::Under(_) => 1,
        };
        let sets: Vec<Priced> = all
            .iter()
            .map(|cause| Priced { items: cause.rows.clone(), price: cause.conditions.iter().map(values).sum() })
            .collect();
        let (chosen, _) = least::cover(&sets, MOST_CHOICES);
        chosen.into_iter().filter_map(|at| all.get(at).cloned()).collect()
    }

    /// What becomes of causes that differ in one column only, which is that of a fact and not of the first that they
    /// tell: one cause with a list, or several where the list is too long for one.
    fn merged<'c>(&self, column: usize, causes: impl Iterator<Item = &'c Vec<Condition>>) -> Vec<Vec<Condition>> {
        if !matches!(self.role(column), Some(Role::Actor(_))) || self.is_multiple(column) {
            return Vec::new();
        }
        let mut alike: BTreeMap<Vec<&Condition>, BTreeSet<&Box<str>>> = BTreeMap::new();
        for conditions in causes {
            let listed = conditions.iter().skip(1).find(|condition| condition.column == column);
            if let Some(Condition { form: Form::OneOf(values), .. }) = listed {
                let rest = conditions.iter().filter(|condition| condition.column != column).collect();
                alike.entry(rest).or_default().extend(values);
            }
        }
        let mut merged = Vec::new();
        for (rest, values) in alike {
            let values: Vec<&Box<str>> = values.into_iter().collect();
            for list in values.chunks(MOST_VALUES).filter(|list| list.len() > 1) {
                let form = Form::OneOf(list.iter().map(|value| (*value).clone()).collect());
                let mut conditions: Vec<Condition> = rest.iter().copied().cloned().collect();
                conditions.push(Condition { column, form });
                conditions.sort();
                merged.push(conditions);
            }
        }
        merged
    }
}

/// A path without anything that leads elsewhere.
fn is_straight(path: &str) -> bool {
    path.starts_with('/')
        && !path.contains(['*', '?', '\\', '$'])
        && !path.split('/').skip(1).any(|segment| matches!(segment, "" | "." | ".."))
}

/// All choices of facts, those with most of them first, and those that keep the first ones.
fn subsets(facts: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = (1_u32..1 << facts.min(8))
        .map(|bits| (0..facts.min(8)).filter(|fact| bits & (1 << fact) != 0).collect())
        .collect();
    all.sort_by_key(|facts: &Vec<usize>| (Reverse(facts.len()), facts.clone()));
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::baseline::column::columns;
    use crate::baseline::table::Table;
    use crate::detection::load;
    use crate::project::Project;
    use crate::source::Catalogue;

    const PARENTS: [&str; 5] = ["", "/usr/bin/bash", "/opt/a/run", "/opt/a/RUN", "/tmp/b"];
    const USERS: [&str; 4] = ["", "root", "svc", "a\u{202e}"];
    const HOSTS: [&str; 3] = ["", "h1", "h2"];
    const FOLDERS: [&str; 5] = ["/", "/srv/x/1", "/srv/x/2", "/tmp/y/z", ""];
    const LINES: [&str; 4] = ["docker run a", "docker run *", "Docker run a", "x"];

    /// A row: which values it has, how many hits there were, on how many days.
    type Made = ([usize; 5], u64, i64);

    fn sheet(rows: &[Made]) -> Sheet {
        let catalogue = Catalogue::builtin();
        let detections = load::load_to_match(&Project::built_in(), catalogue).detections;
        let detection = detections.iter().find(|detection| detection.name == "docker_socket_mounted").expect("there");
        let observation = detection.observation("process").expect("observed");
        let columns = columns(catalogue.source("process").expect("a source"), observation);
        let mut table = Table::new(columns.len());
        for (at, hits, days) in rows {
            let [parent, user, host, folder, line] = *at;
            let cells = columns.iter().map(|column| {
                let value = match column.field.name.as_str() {
                    "process.parent.executable" => PARENTS.get(parent),
                    "user.name" => USERS.get(user),
                    "host.name" => HOSTS.get(host),
                    "process.working_directory" => FOLDERS.get(folder),
                    "process.command_line" => LINES.get(line),
                    _ => None,
                };
                column.cell(
                    value.into_iter().filter(|value| !value.is_empty()).map(|value| (*value).to_owned()).collect(),
                )
            });
            table.add_row(cells.collect(), Seen::made(*hits, 0..*days));
        }
        table.finish(columns)
    }

    fn made() -> impl Strategy<Value = Made> {
        let at = (0..PARENTS.len(), 0..USERS.len(), 0..HOSTS.len(), 0..FOLDERS.len(), 0..LINES.len());
        (at, prop_oneof![Just(1_u64), 2..40_u64], 1..4_i64)
            .prop_map(|((a, b, c, d, e), hits, days)| ([a, b, c, d, e], hits, days))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever the hits are: a cause covers just the rows that its conditions say, they are frequent, and no event
        /// that must match is among them; it tells who acted and one thing more; and no cause is for nothing.
        #[test]
        fn causes_are_what_they_should_be(
            rows in prop::collection::vec(made(), 1..25),
            kept in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            min_count in 1..30_u64,
            min_days in 1..3_usize,
        ) {
            let sheet = sheet(&rows);
            let kept: Vec<Kept> = kept
                .iter()
                .map(|at| {
                    let row = at.index(sheet.rows.len());
                    let cells = (0..sheet.columns.len()).filter_map(|column| sheet.cell(row, column).cloned());
                    (format!("row {row}"), cells.collect())
                })
                .collect();
            let thresholds = Thresholds { min_count, min_share: 0, min_days, min_hosts: 1 };
            let search = Search {
                sheet: &sheet,
                thresholds: &thresholds,
                has_days: true,
                kept: &kept,
                facts: 4,
                implied: &|_| false,
                is_deputy: &|_, name| name == "bash",
            };
            let (causes, refused) = search.run();
            for (at, cause) in causes.iter().enumerate() {
                prop_assert_eq!(&search.covered(&cause.conditions, &sheet.all()), &cause.rows);
                prop_assert!(search.is_frequent(&sheet.seen(&cause.rows)));
                prop_assert!(cause.conditions.len() >= 2 && cause.conditions.is_sorted());
                let who = cause.conditions.iter().filter(|c| matches!(search.role(c.column), Some(Role::Actor(_))));
                prop_assert!(who.filter(|c| !search.is_nobody(c)).count() >= 1);
                for (name, cells) in &kept {
                    prop_assert!(!search.covers(&cause.conditions, cells), "{} falls under {:?}", name, cause);
                }
                let others = causes.iter().enumerate().filter(|(other, _)| *other != at);
                let others: BTreeSet<usize> = others.flat_map(|(_, other)| other.rows.iter().copied()).collect();
                prop_assert!(cause.rows.iter().any(|row| !others.contains(row)));
            }
            let all = sheet.hits(&sheet.all());
            prop_assert!(refused.iter().all(|refused| refused.hits <= all && !refused.reason.is_empty()));
        }
    }

    #[test]
    fn causes_that_differ_in_one_fact_are_lists() {
        let sheet = sheet(&[]);
        let at = |name: &str| sheet.columns.iter().position(|column| column.field.name == name).expect("a column");
        let mut columns = [at("process.parent.executable"), at("user.name")];
        columns.sort_unstable();
        let [lead, other] = columns;
        let is = |column: usize, value: String| Condition { column, form: Form::OneOf(vec![value.into()]) };
        let causes: Vec<Vec<Condition>> =
            (0..10).map(|number| vec![is(lead, "a".to_owned()), is(other, format!("b{number}"))]).collect();
        let search = Search {
            sheet: &sheet,
            thresholds: &Thresholds { min_count: 1, min_share: 0, min_days: 1, min_hosts: 1 },
            has_days: false,
            kept: &[],
            facts: 2,
            implied: &|_| false,
            is_deputy: &|_, _| false,
        };
        let lengths = |column: usize| -> Vec<usize> {
            let merged = search.merged(column, causes.iter());
            let listed = merged.iter().flatten().filter(|condition| condition.column == column);
            listed.map(|condition| condition.form.words("x").matches('|').count() + 1).collect()
        };
        assert_eq!(lengths(other), [8, 2]);
        assert_eq!(lengths(lead), [0; 0], "the first fact stays one");
    }

    #[test]
    fn a_directory_is_deep_and_not_anybodys() {
        let rows: Vec<Made> = (0..20).map(|at| ([2, 1 + at % 2, 1, 1 + at % 2, at % 4], 5, 3)).collect();
        let sheet = sheet(&rows);
        let column = sheet.columns.iter().position(|column| column.field.name == "process.working_directory");
        let search = Search {
            sheet: &sheet,
            thresholds: &Thresholds { min_count: 5, min_share: 0, min_days: 1, min_hosts: 1 },
            has_days: true,
            kept: &[],
            facts: 4,
            implied: &|_| false,
            is_deputy: &|_, _| false,
        };
        let found = search.directory(column.expect("a column"), &sheet.all());
        assert_eq!(found, Some((Form::Under("/srv/x".to_owned()), 100)));
        for (path, straight) in [("/a/b", true), ("/a/../b", false), ("/a//b", false), ("a/b", false), ("/a/*", false)]
        {
            assert_eq!(is_straight(path), straight, "{path}");
        }
    }

    #[test]
    fn the_first_facts_are_left_out_last() {
        assert_eq!(subsets(2), [vec![0, 1], vec![0], vec![1]]);
        assert_eq!(subsets(3).len(), 7);
    }
}
