//! Values: a text that satisfies some tests and none of others, or the certainty that there is none.
//!
//! Tests on text denote regular languages. Numbers and IPv6 addresses have too many spellings for that, so they are
//! decided by cases: between two bounds one number is like any other.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use super::automaton::{Automaton, whole};
use super::meter::{Meter, Reason};
use super::problem::{ValueTest, View};
use super::schema::Kind;
use super::search::shortest;
use crate::logic::event;
use crate::logic::pattern::ANY_CHARACTER;

/// Every text that can be a number, and some more.
const NUMBER_LIKE: &str = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$";
/// The usual spelling of numbers: one for each.
const USUAL_NUMBER: &str = r"^(?:0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9])$";
/// Every text that can be an IPv6 address, and some more.
const COLONS: &str = "^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$";
/// How many words of a finite language are tried one by one.
const MAX_WORDS: usize = 512;

/// What the search for a value came to.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// The symbols of one: a text, or the arguments of a vector.
    One(Vec<u32>),
    /// There is none.
    None,
    /// Neither was shown.
    Unsure(Reason),
}

/// Automata of tests, made once each.
#[derive(Debug, Default)]
pub(super) struct Languages(HashMap<(ValueTest, View), Arc<Automaton>>);

type Seen<'t> = (&'t ValueTest, View);

impl Languages {
    /// A value that satisfies all of `inside` and none of `outside`, in one of the languages `within`.
    pub(super) fn find(
        &mut self,
        inside: &[Seen<'_>],
        outside: &[Seen<'_>],
        within: &[Arc<Automaton>],
        kind: Option<Kind>,
        meter: &Meter,
    ) -> Result<Found, Reason> {
        let mut yes: Vec<Arc<Automaton>> = within.to_vec();
        let mut no: Vec<Arc<Automaton>> = Vec::new();
        match kind {
            Some(Kind::Boolean) => yes.push(self.named("^(?:true|false)$", meter)?),
            Some(Kind::Number) => yes.push(self.named(USUAL_NUMBER, meter)?),
            None => {}
        }
        let kinds = yes.len();
        let mut exact: Vec<(&ValueTest, bool)> = Vec::new();
        for (list, tests, wanted) in [(&mut yes, inside, true), (&mut no, outside, false)] {
            for (test, view) in tests {
                match self.language(test, *view, meter)? {
                    Some(language) => list.push(language),
                    None if *view == View::Itself => exact.push((*test, wanted)),
                    None => {
                        let reason = "a number or an IPv6 network is asked of text that is made of other text";
                        return Ok(Found::Unsure(Reason::beyond(reason)));
                    }
                }
            }
        }
        if exact.is_empty() {
            return Ok(shortest(&refs(&yes), &refs(&no), meter)?.map_or(Found::None, Found::One));
        }
        self.by_cases(&yes, &no, &exact, kinds, kind, meter)
    }

    /// The search where numbers and IPv6 networks are asked for.
    fn by_cases(
        &mut self,
        yes: &[Arc<Automaton>],
        no: &[Arc<Automaton>],
        exact: &[(&ValueTest, bool)],
        kinds: usize,
        kind: Option<Kind>,
        meter: &Meter,
    ) -> Result<Found, Reason> {
        let fits = |text: &str| {
            yes.iter().all(|language| language.accepts(text))
                && !no.iter().any(|language| language.accepts(text))
                && exact.iter().all(|(test, wanted)| is_so(test, text) == *wanted)
        };
        let numbers = Numbers::new(exact);
        let found = numbers.texts(kind).into_iter().chain(addresses(exact)).find(|text| fits(text));
        if let Some(text) = found {
            return Ok(Found::One(symbols(&text)));
        }
        // Texts that are neither numbers nor addresses satisfy none of the exact tests.
        let shapes = [self.named(NUMBER_LIKE, meter)?, self.named(COLONS, meter)?];
        let none_wanted = exact.iter().all(|(_, wanted)| !wanted);
        if none_wanted {
            let mut outside = refs(no);
            outside.extend(shapes.iter().map(Arc::as_ref));
            if let Some(text) = shortest(&refs(yes), &outside, meter)? {
                return Ok(Found::One(text));
            }
        }
        let is_free = no.is_empty() && yes.iter().skip(kinds).all(|language| language.is_universal());
        if is_free && kind != Some(Kind::Boolean) {
            return Ok(Found::None);
        }
        if let Some(words) = yes.iter().find_map(|language| language.words(MAX_WORDS)) {
            return Ok(words.iter().find(|word| fits(word)).map_or(Found::None, |word| Found::One(symbols(word))));
        }
        if kind == Some(Kind::Number) && numbers.are_few() {
            return Ok(Found::None);
        }
        for shape in &shapes {
            let mut inside = refs(yes);
            inside.push(shape);
            if shortest(&inside, &refs(no), meter)?.is_some() {
                let reason = "the digits of a number and its value are asked for together";
                return Ok(Found::Unsure(Reason::beyond(reason)));
            }
        }
        Ok(Found::None)
    }

    fn named(&mut self, regex: &str, meter: &Meter) -> Result<Arc<Automaton>, Reason> {
        let key = (ValueTest::Line(regex.to_owned(), false), View::Itself);
        if let Some(known) = self.0.get(&key) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(Automaton::of_regex(regex, meter)?);
        self.0.insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// The language of a test on what a view shows; none if it is not regular.
    fn language(&mut self, test: &ValueTest, view: View, meter: &Meter) -> Result<Option<Arc<Automaton>>, Reason> {
        let key = (test.clone(), view);
        if let Some(known) = self.0.get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        let made = match view {
            View::Itself => match test {
                ValueTest::Text(patterns, fold) => {
                    let regex: Vec<String> =
                        patterns.iter().map(|pattern| format!("(?:{})", pattern.to_regex(ANY_CHARACTER))).collect();
                    // No alternative is no text; an empty expression would be the empty text.
                    let regex = if regex.is_empty() { r"[^\s\S]".to_owned() } else { regex.join("|") };
                    Automaton::of_regex(&whole(&regex, *fold), meter)?
                }
                ValueTest::Line(regex, fold) => Automaton::of_regex(&whole(regex, *fold), meter)?,
                ValueTest::Any => Automaton::of_regex(&whole(&format!("{ANY_CHARACTER}*"), false), meter)?,
                ValueTest::Network(IpNet::V4(network)) => Automaton::of_regex(&dotted(network), meter)?,
                ValueTest::Number(..) | ValueTest::Network(IpNet::V6(_)) => return Ok(None),
            },
            view => {
                let Some(plain) = self.language(test, View::Itself, meter)? else { return Ok(None) };
                match view {
                    View::LastSegment => plain.of_last_segment(),
                    View::Joined => plain.of_joined(),
                    _ => plain.of_some_argument(),
                }
            }
        };
        let made = Arc::new(made);
        self.0.insert(key, Arc::clone(&made));
        Ok(Some(made))
    }
}

fn refs(languages: &[Arc<Automaton>]) -> Vec<&Automaton> {
    languages.iter().map(Arc::as_ref).collect()
}

fn symbols(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}

/// Whether a text satisfies a test that is decided by cases.
fn is_so(test: &ValueTest, text: &str) -> bool {
    match test {
        ValueTest::Number(op, bound) => event::number(&Value::String(text.to_owned()))
            .and_then(|number| number.partial_cmp(&bound.get()))
            .is_some_and(|order| op.holds(order)),
        ValueTest::Network(network) => text.parse().is_ok_and(|address: std::net::IpAddr| network.contains(&address)),
        ValueTest::Text(..) | ValueTest::Line(..) | ValueTest::Any => false,
    }
}

/// The numbers that comparisons tell apart: the bounds, and one number between every two.
struct Numbers {
    /// Those that fit, and whether each is a bound.
    fitting: Vec<(f64, bool)>,
}

impl Numbers {
    fn new(exact: &[(&ValueTest, bool)]) -> Self {
        let asked: Vec<(_, f64, bool)> = exact
            .iter()
            .filter_map(|(test, wanted)| match test {
                ValueTest::Number(op, bound) => Some((*op, bound.get(), *wanted)),
                _ => None,
            })
            .collect();
        let mut bounds: Vec<f64> = asked.iter().map(|(_, bound, _)| *bound).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let mut numbers: Vec<(f64, bool)> = bounds.iter().map(|bound| (*bound, true)).collect();
        for pair in bounds.windows(2) {
            if let [low, high] = pair {
                numbers.extend(between(*low, *high).map(|number| (number, false)));
            }
        }
        if let (Some(low), Some(high)) = (bounds.first(), bounds.last()) {
            numbers.extend(between(*high, f64::INFINITY).map(|number| (number, false)));
            numbers.extend(between(f64::NEG_INFINITY, *low).map(|number| (number, false)));
        }
        numbers.retain(|(number, _)| {
            asked
                .iter()
                .all(|(op, bound, wanted)| number.partial_cmp(bound).is_some_and(|order| op.holds(order)) == *wanted)
        });
        Self { fitting: numbers }
    }

    /// Spellings of the numbers that fit.
    fn texts(&self, kind: Option<Kind>) -> Vec<String> {
        let mut texts: Vec<String> = self.fitting.iter().map(|(number, _)| number.to_string()).collect();
        if kind.is_none() {
            for ending in [".0", ".00", "e0", "e00"] {
                texts.extend(self.fitting.iter().map(|(number, _)| format!("{number}{ending}")));
            }
            texts.extend(self.fitting.iter().map(|(number, _)| format!("+{number}")));
        } else {
            for step in 1..16 {
                let next = |number: &f64, sign: f64| number + sign * f64::from(step);
                let more = |number: &f64| [next(number, 1.0), next(number, -1.0)];
                texts.extend(self.fitting.iter().flat_map(|(number, _)| more(number)).map(|number| number.to_string()));
            }
        }
        texts
    }

    /// Whether only bounds fit.
    fn are_few(&self) -> bool {
        self.fitting.iter().all(|(_, is_bound)| *is_bound)
    }
}

/// A number between two others, a whole one if possible.
fn between(low: f64, high: f64) -> Option<f64> {
    let middle = if high.is_infinite() {
        low + 1.0
    } else if low.is_infinite() {
        high - 1.0
    } else {
        low / 2.0 + high / 2.0
    };
    let fallback = if high.is_infinite() { low.next_up() } else { high.next_down() };
    [low.floor() + 1.0, middle, fallback]
        .into_iter()
        .find(|number| number.is_finite() && low < *number && *number < high)
        .map(|number| if number == 0.0 { 0.0 } else { number })
}

/// One IPv6 address of every part that the networks tell apart.
fn addresses(exact: &[(&ValueTest, bool)]) -> Vec<String> {
    let networks = exact.iter().filter_map(|(test, _)| match test {
        ValueTest::Network(IpNet::V6(network)) => Some(network),
        _ => None,
    });
    let starts = networks.flat_map(|network| {
        let after = u128::from(network.broadcast()).checked_add(1).map(Ipv6Addr::from);
        [Some(network.network()), after, Some(Ipv6Addr::UNSPECIFIED)]
    });
    starts.flatten().map(|address| address.to_string()).collect()
}

/// The dotted spellings of a network's addresses.
fn dotted(network: &Ipv4Net) -> String {
    let any = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let parts = network.network().octets().into_iter().zip(network.broadcast().octets());
    let parts: Vec<String> = parts
        .map(|range| match range {
            (0, 255) => any.to_owned(),
            (first, last) => {
                let numbers: Vec<String> = (first..=last).map(|number| number.to_string()).collect();
                format!("(?:{})", numbers.join("|"))
            }
        })
        .collect();
    format!(r"^{}$", parts.join(r"\."))
}
