//! What is known of the hits of one detection in one log source: how many there were of each kind.
//!
//! Hits with the same values in all columns are one row. Memory is bounded whatever the logs hold: a table keeps at most
//! [`MOST_ROWS`] rows with [`MOST_TEXT`] bytes of values. When there are more, the last column is dropped and rows that
//! it told apart become one, until they fit. Because the columns go in a fixed order, and fewer columns never make more
//! rows, what is left at the end does not depend on the order of the hits.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use jiff::Timestamp;
use serde::Serialize;

use super::column::{Cell, Column};
use crate::hunt::Hit;

/// So many different combinations of values are kept.
pub const MOST_ROWS: usize = 4096;
/// So many bytes of values, over all rows.
pub const MOST_TEXT: usize = 2 << 20;
/// So many different hosts and days are counted; more are "more".
pub const MOST_COUNTED: usize = 32;
/// What happened is shown in so many characters.
const MAX_SUMMARY: usize = 160;

/// The hits of a detection in a log source, as they come.
#[derive(Debug)]
pub struct Table {
    columns: usize,
    cells: Vec<IndexSet<Cell>>,
    rows: IndexMap<Vec<usize>, Seen>,
    text: usize,
    limits: (usize, usize),
}

/// What was seen of some hits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    /// How many there were.
    pub hits: u64,
    /// On how many hosts.
    pub hosts: Few<Box<str>>,
    /// On how many days.
    pub days: Few<i64>,
    /// The first of them.
    pub first: Option<Example>,
    /// The last of them.
    pub last: Option<Example>,
}

/// Different values of which only some are kept, the smallest: the same ones in whatever order they come.
#[derive(Clone, Debug, PartialEq)]
pub struct Few<T: Ord> {
    kept: BTreeSet<T>,
    /// There were more than are kept.
    pub more: bool,
}

/// One hit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Example {
    /// When it happened.
    pub time: Option<Timestamp>,
    /// On which host.
    pub host: Option<String>,
    /// Who acted.
    pub user: Option<String>,
    /// The event's id in its log.
    pub event: String,
    /// What happened, cut where it is long.
    pub what: String,
    /// The log.
    pub file: Arc<str>,
    /// The line where the event begins.
    pub line: u64,
}

/// A finished table: its rows sorted, each as the numbers of its cells.
#[derive(Debug)]
pub struct Sheet {
    /// The columns that are left.
    pub columns: Vec<Column>,
    /// The columns that were dropped because there were too many rows.
    pub dropped: Vec<Column>,
    /// The different cells of each column, sorted.
    pub cells: Vec<Vec<Cell>>,
    /// The rows: the number of its cell in each column, and what was seen.
    pub rows: Vec<(Vec<usize>, Seen)>,
}

impl Table {
    /// A table of so many columns.
    pub fn new(columns: usize) -> Self {
        Self::with_limits(columns, MOST_ROWS, MOST_TEXT)
    }

    fn with_limits(columns: usize, rows: usize, text: usize) -> Self {
        let cells = vec![IndexSet::new(); columns];
        Self { columns, cells, rows: IndexMap::new(), text: 0, limits: (rows, text) }
    }

    /// Counts a hit, whose fields were asked for in the order of these columns.
    pub fn add(&mut self, hit: Hit<'_>, columns: &[Column]) {
        let example = Example::new(&hit);
        let cells = columns.iter().zip(hit.asked).map(|(column, values)| column.cell(values)).take(self.columns);
        let mut seen = Seen { hits: 1, ..Seen::default() };
        if let Some(host) = hit.host {
            seen.hosts.add(host.into_boxed_str());
        }
        if let Some(time) = hit.time {
            seen.days.add(time.as_second().div_euclid(86_400));
        }
        seen.first = Some(example.clone());
        seen.last = Some(example);
        self.add_row(cells.collect(), seen);
    }

    pub(super) fn add_row(&mut self, cells: Vec<Cell>, seen: Seen) {
        let text: usize = cells.iter().flat_map(|cell| &cell.values).map(|value| value.len()).sum();
        let at = self.cells.iter_mut().zip(cells).map(|(known, cell)| match known.get_index_of(&cell) {
            Some(at) => at,
            None => known.insert_full(cell).0,
        });
        match self.rows.entry(at.collect()) {
            indexmap::map::Entry::Occupied(mut row) => row.get_mut().join(&seen),
            indexmap::map::Entry::Vacant(row) => {
                row.insert(seen);
                self.text += text;
            }
        }
        while self.columns > 0 && (self.rows.len() > self.limits.0 || self.text > self.limits.1) {
            self.drop_column();
        }
    }

    fn drop_column(&mut self) {
        self.columns -= 1;
        self.cells.truncate(self.columns);
        self.text = 0;
        for (mut at, seen) in std::mem::take(&mut self.rows) {
            at.truncate(self.columns);
            let text = |(column, at): (&IndexSet<Cell>, &usize)| -> usize {
                column.get_index(*at).map_or(0, |cell| cell.values.iter().map(|value| value.len()).sum())
            };
            let length: usize = self.cells.iter().zip(&at).map(text).sum();
            match self.rows.entry(at) {
                indexmap::map::Entry::Occupied(mut row) => row.get_mut().join(&seen),
                indexmap::map::Entry::Vacant(row) => {
                    row.insert(seen);
                    self.text += length;
                }
            }
        }
    }

    /// How many hits there are.
    pub fn hits(&self) -> u64 {
        self.rows.values().map(|seen| seen.hits).sum()
    }

    /// All rows, in an order that the order of the hits has no part in.
    pub fn finish(self, mut columns: Vec<Column>) -> Sheet {
        let dropped = columns.split_off(self.columns.min(columns.len()));
        let mut cells: Vec<Vec<Cell>> = Vec::new();
        let mut places: Vec<Vec<usize>> = Vec::new();
        for column in self.cells {
            let mut order: Vec<(Cell, usize)> = column.into_iter().enumerate().map(|(at, cell)| (cell, at)).collect();
            order.sort();
            let mut place = vec![0; order.len()];
            for (sorted, (_, at)) in order.iter().enumerate() {
                if let Some(place) = place.get_mut(*at) {
                    *place = sorted;
                }
            }
            cells.push(order.into_iter().map(|(cell, _)| cell).collect());
            places.push(place);
        }
        let moved = |at: Vec<usize>| -> Vec<usize> {
            at.iter().zip(&places).map(|(at, places)| places.get(*at).copied().unwrap_or_default()).collect()
        };
        let mut rows: Vec<(Vec<usize>, Seen)> = self.rows.into_iter().map(|(at, seen)| (moved(at), seen)).collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        Sheet { columns, dropped, cells, rows }
    }
}

impl Sheet {
    /// The cell of a row in a column.
    pub fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        let (at, _) = self.rows.get(row)?;
        self.cells.get(column)?.get(*at.get(column)?)
    }

    /// What was seen of all these rows together.
    pub fn seen(&self, rows: &[usize]) -> Seen {
        let mut all = Seen::default();
        rows.iter().filter_map(|row| self.rows.get(*row)).for_each(|(_, seen)| all.join(seen));
        all
    }

    /// How many hits these rows are.
    pub fn hits(&self, rows: &[usize]) -> u64 {
        rows.iter().filter_map(|row| self.rows.get(*row)).map(|(_, seen)| seen.hits).sum()
    }

    /// All rows.
    pub fn all(&self) -> Vec<usize> {
        (0..self.rows.len()).collect()
    }
}

impl Seen {
    /// Adds what was seen of other hits.
    pub fn join(&mut self, other: &Seen) {
        self.hits += other.hits;
        self.hosts.join(&other.hosts);
        self.days.join(&other.days);
        self.first = match (self.first.take(), other.first.clone()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last = self.last.take().max(other.last.clone());
    }

    /// So many hits, on these days.
    #[cfg(test)]
    pub(super) fn made(hits: u64, days: impl IntoIterator<Item = i64>) -> Self {
        let mut seen = Seen { hits, ..Seen::default() };
        days.into_iter().for_each(|day| seen.days.add(day));
        seen
    }

    /// The first and the last of the hits; once, if they are the same.
    pub fn examples(&self) -> Vec<&Example> {
        let last = self.last.iter().filter(|last| Some(*last) != self.first.as_ref());
        self.first.iter().chain(last).collect()
    }
}

impl<T: Ord> Default for Few<T> {
    fn default() -> Self {
        Self { kept: BTreeSet::new(), more: false }
    }
}

impl<T: Ord + Clone> Few<T> {
    fn add(&mut self, value: T) {
        self.kept.insert(value);
        if self.kept.len() > MOST_COUNTED {
            self.more = true;
            self.kept.pop_last();
        }
    }

    fn join(&mut self, other: &Few<T>) {
        other.kept.iter().cloned().for_each(|value| self.add(value));
        self.more |= other.more;
    }

    /// How many there are; at least so many if there are `more`.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

impl<T: Ord + Clone> Serialize for Few<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.len().serialize(serializer)
    }
}

impl Example {
    fn new(hit: &Hit<'_>) -> Self {
        let mut what = hit.summary();
        if let Some((end, _)) = what.char_indices().nth(MAX_SUMMARY) {
            what.truncate(end);
            what.push('…');
        }
        Self {
            time: hit.time,
            host: hit.host.clone(),
            user: hit.user.clone(),
            event: hit.event.clone(),
            what,
            file: Arc::clone(&hit.file),
            line: hit.line,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(rows: &[(Vec<u8>, u8)], columns: usize, limits: (usize, usize)) -> Sheet {
        let field = crate::source::Catalogue::builtin()
            .source("process")
            .and_then(|source| source.field("user.name"))
            .expect("a field");
        let column = Column { field, role: super::super::column::Role::Act, is_path: false, is_program: false };
        let mut table = Table::with_limits(columns, limits.0, limits.1);
        for (values, host) in rows {
            let cells = values.iter().map(|value| column.cell(vec![value.to_string()])).take(table.columns).collect();
            let mut seen = Seen { hits: 1, ..Seen::default() };
            seen.hosts.add(host.to_string().into_boxed_str());
            seen.days.add(i64::from(*host));
            table.add_row(cells, seen);
        }
        table.finish(vec![column; columns])
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// What a table keeps does not depend on the order of the hits, whatever it has to drop.
        #[test]
        fn the_order_of_hits_is_no_matter(
            rows in prop::collection::vec((prop::collection::vec(0..6_u8, 3), 0..50_u8), 1..120),
            seed in any::<u64>(),
            most_rows in 1..40_usize,
            most_text in 1..120_usize,
        ) {
            let one = table(&rows, 3, (most_rows, most_text));
            let mut shuffled = rows.clone();
            let mut state = seed;
            for at in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                shuffled.swap(at, (state >> 33) as usize % (at + 1));
            }
            let other = table(&shuffled, 3, (most_rows, most_text));
            prop_assert_eq!((&one.cells, &one.rows), (&other.cells, &other.rows));
            prop_assert_eq!(one.columns.len(), other.columns.len());
            prop_assert_eq!(one.hits(&one.all()), rows.len() as u64);
            prop_assert!(one.rows.len() <= most_rows || one.columns.is_empty());
        }
    }
}
