//! Values: a text that satisfies some tests and none of others, or the certainty that there is none.
//!
//! Tests on text denote regular languages. Numbers and IPv6 addresses have too many spellings for that, so they are
//! decided by cases: between two bounds one number is like any other.

use std::collections::{HashMap, HashSet};
use std::net::Ipv6Addr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use super::automaton::{Automaton, whole};
use super::meter::{Meter, Reason};
use super::problem::{ValueTest, View};
use super::schema::Kind;
use super::search::{Core, Searches, narrow, witness};
use super::simulation;
use super::split::alternatives;
use crate::logic::event;
use crate::logic::pattern::{ANY_CHARACTER, NOTHING};

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
    /// There is none, and these tests show it.
    None(Core),
    /// Neither was shown.
    Unsure(Reason),
}

/// The most states of one automaton; a language that needs more is divided.
const MAX_AUTOMATON: usize = 20_000;
/// The most states of a search before languages are divided.
const MAX_SEARCH: usize = 40_000;
/// How often languages are divided.
const MAX_DIVISIONS: usize = 4;
/// How many tests have to become fewer for that to be worth an automaton.
const FEWEST_TOGETHER: usize = 3;
/// How many states of automata are kept in the process.
const KEPT: usize = 2_000_000;

/// The automaton of a test and what it has cost; the error if it is too large.
type Made = (Result<Arc<Automaton>, Reason>, usize);

/// Automata of tests, made once in the process and kept as long as there is room: the rules of a pack ask for the same
/// ones again and again.
#[derive(Default)]
struct Kept {
    known: HashMap<(ValueTest, View), Made, RandomState>,
    /// Each language once, whatever tests say it.
    languages: HashSet<Arc<Automaton>, RandomState>,
    states: usize,
}

static KEPT_AUTOMATA: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// The tests of one question with their automata. A test has a number here: its text may be long.
#[derive(Debug, Default)]
pub(super) struct Languages {
    tests: Vec<ValueTest>,
    numbers: HashMap<ValueTest, TestId, RandomState>,
    /// Their automata; the error if one is too large.
    made: HashMap<Seen, Result<Arc<Automaton>, Reason>, RandomState>,
    parts: HashMap<TestId, Option<Vec<TestId>>, RandomState>,
    vectors: Option<(bool, Arc<Automaton>)>,
    searches: Searches,
}

/// The number of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TestId(usize);

/// A test, and what of a value it sees.
pub(super) type Seen = (TestId, View);

fn kept() -> MutexGuard<'static, Kept> {
    KEPT_AUTOMATA.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Languages {
    /// The number of a test.
    pub(super) fn number(&mut self, test: &ValueTest) -> TestId {
        if let Some(known) = self.numbers.get(test) {
            return *known;
        }
        let number = TestId(self.tests.len());
        self.tests.push(test.clone());
        self.numbers.insert(test.clone(), number);
        number
    }

    /// The test with a number.
    pub(super) fn test(&self, number: TestId) -> &ValueTest {
        self.tests.get(number.0).unwrap_or(&ValueTest::Any)
    }

    /// The alternatives of a test; none if there is nothing to divide.
    fn alternatives(&mut self, number: TestId) -> Option<Vec<TestId>> {
        if let Some(known) = self.parts.get(&number) {
            return known.clone();
        }
        let parts = alternatives(self.test(number));
        let parts: Option<Vec<TestId>> = parts.map(|parts| parts.iter().map(|part| self.number(part)).collect());
        self.parts.insert(number, parts.clone());
        parts
    }

    fn is_exact(&self, number: TestId) -> bool {
        matches!(self.test(number), ValueTest::Number(..) | ValueTest::Network(IpNet::V6(_)))
    }

    /// A value that satisfies all of `inside` and none of `outside`, in one of the languages `within`.
    pub(super) fn find(
        &mut self,
        inside: &[Seen],
        outside: &[Seen],
        within: &[Arc<Automaton>],
        kind: Option<Kind>,
        meter: &Meter,
    ) -> Result<Found, Reason> {
        let mut within: Vec<Arc<Automaton>> = within.to_vec();
        match kind {
            Some(Kind::Boolean) => within.push(self.named("^(?:true|false)$", meter)?),
            Some(Kind::Number) => within.push(self.named(USUAL_NUMBER, meter)?),
            None => {}
        }
        if !inside.iter().chain(outside).any(|(test, _)| self.is_exact(*test)) {
            return Ok(match self.text(inside, outside, &within, meter, 0)? {
                Ok(symbols) => Found::One(symbols),
                Err(core) => Found::None(core),
            });
        }
        let kinds = within.len();
        let (mut yes, mut no) = (within, Vec::new());
        let mut exact: Vec<(ValueTest, bool)> = Vec::new();
        for (list, tests, wanted) in [(&mut yes, inside, true), (&mut no, outside, false)] {
            for (test, view) in tests {
                match (self.is_exact(*test), view) {
                    (false, view) => list.push(self.language((*test, *view), meter)?),
                    (true, View::Itself) => exact.push((self.test(*test).clone(), wanted)),
                    (true, _) => {
                        let reason = "a number or an IPv6 network is asked of text that is made of other text";
                        return Ok(Found::Unsure(Reason::beyond(reason)));
                    }
                }
            }
        }
        let core = Core { inside: (0..inside.len()).collect(), outside: (0..outside.len()).collect() };
        self.by_cases(&yes, &no, &exact, kinds, kind, &core, meter)
    }

    /// A text that satisfies all of `inside` and none of `outside`, in all of the languages `within`. Where that is too
    /// much to ask at once, the tests are divided.
    fn text(
        &mut self,
        inside: &[Seen],
        outside: &[Seen],
        within: &[Arc<Automaton>],
        meter: &Meter,
        divisions: usize,
    ) -> Result<Result<Vec<u32>, Core>, Reason> {
        let is_last = divisions >= MAX_DIVISIONS;
        let room = if is_last { meter.left() } else { MAX_SEARCH };
        let searched = meter.limited(room, |meter| {
            let [yes, no] = self.both(inside, outside, meter)?;
            witness(&refs(&yes), &refs(&no), &refs(within), &mut self.searches, meter)
        });
        match searched {
            Err(Reason::States) if !is_last && meter.left() > 0 => {}
            answer => return answer,
        }
        if divisions == 0
            && let Some(core) = meter.limited(MAX_SEARCH, |meter| self.simulated(inside, outside, meter))?
        {
            return Ok(Err(core));
        }
        // Every language that is taken away costs about the same, so this may take its time before anything is divided.
        let room = if divisions == 0 { meter.left() / 4 } else { MAX_SEARCH };
        match meter.limited(room, |meter| self.narrowed(inside, outside, within, meter)) {
            Err(Reason::States) if meter.left() > 0 => {}
            answer => return answer,
        }
        // The parts of every test, and which test each is a part of.
        let mut finer: Vec<Seen> = Vec::new();
        let mut whole: Vec<usize> = Vec::new();
        for (at, (test, view)) in outside.iter().enumerate() {
            let parts = self.alternatives(*test).unwrap_or_else(|| vec![*test]);
            whole.extend(parts.iter().map(|_| at));
            finer.extend(parts.into_iter().map(|part| (part, *view)));
        }
        let divided = finer.len() > outside.len();
        let of_whole = |core: Core| {
            let mut all: Vec<usize> = core.outside.iter().filter_map(|at| whole.get(*at).copied()).collect();
            all.sort_unstable();
            all.dedup();
            Core { outside: all, ..core }
        };
        // The first that can be divided: each of its parts is a question of its own.
        let found =
            inside.iter().enumerate().find_map(|(at, (test, view))| Some((at, *view, self.alternatives(*test)?)));
        let Some((at, view, parts)) = found else {
            let next = if divided { divisions + 1 } else { MAX_DIVISIONS };
            return Ok(self.text(inside, &finer, within, meter, next)?.map_err(of_whole));
        };
        let mut core = Core::default();
        for part in parts {
            let mut inside = inside.to_vec();
            if let Some(slot) = inside.get_mut(at) {
                *slot = (part, view);
            }
            match self.text(&inside, &finer, within, meter, divisions + 1)? {
                Ok(text) => return Ok(Ok(text)),
                Err(more) => {
                    core.inside.extend(more.inside);
                    core.outside.extend(more.outside);
                }
            }
        }
        core.inside.push(at);
        core.inside.sort_unstable();
        core.inside.dedup();
        Ok(Err(of_whole(core)))
    }

    /// One of `inside` that lies in one of `outside`, of those that have no automaton of a bearable size.
    fn simulated(&self, inside: &[Seen], outside: &[Seen], meter: &Meter) -> Result<Option<Core>, Reason> {
        let is_large = |seen: &Seen| matches!(self.made.get(seen), Some(Err(Reason::States)));
        for (at, one) in inside.iter().enumerate() {
            for (place, other) in outside.iter().enumerate() {
                if one.1 != other.1 || !(is_large(one) || is_large(other)) {
                    continue;
                }
                let (Some(inner), Some(outer)) = (expression(self.test(one.0)), expression(self.test(other.0))) else {
                    continue;
                };
                match simulation::is_within(&inner, &outer, meter) {
                    Ok(true) => return Ok(Some(Core { inside: vec![at], outside: vec![place] })),
                    Ok(false) => {}
                    Err(Reason::States) => return Ok(None),
                    Err(reason) => return Err(reason),
                }
            }
        }
        Ok(None)
    }

    /// The answer of [`narrow`]; what can be taken away together is.
    fn narrowed(
        &mut self,
        inside: &[Seen],
        outside: &[Seen],
        within: &[Arc<Automaton>],
        meter: &Meter,
    ) -> Result<Result<Vec<u32>, Core>, Reason> {
        let Some((fewer, members)) = self.together(outside, meter) else {
            let [yes, no] = self.both(inside, outside, meter)?;
            return narrow(&refs(&yes), &refs(&no), &refs(within), meter);
        };
        let [yes, no] = self.both(inside, &fewer, meter)?;
        let narrowed = narrow(&refs(&yes), &refs(&no), &refs(within), meter)?;
        Ok(narrowed.map_err(|core| {
            let members = core.outside.iter().filter_map(|at| members.get(*at)).flatten();
            Core { outside: members.copied().collect(), ..core }
        }))
    }

    /// The tests with expressions put together that begin alike, and which of them each stands for; none if they stay too
    /// many, or are too large together. Most often one automaton for all of those is hardly larger than that of each.
    fn together(&mut self, tests: &[Seen], meter: &Meter) -> Option<(Vec<Seen>, Vec<Vec<usize>>)> {
        let mut alone: Vec<(Seen, Vec<usize>)> = Vec::new();
        let mut lines: Vec<(View, bool, &str, usize)> = Vec::new();
        for (at, (test, view)) in tests.iter().enumerate() {
            match self.test(*test) {
                ValueTest::Line(regex, fold) => lines.push((*view, *fold, regex, at)),
                _ => alone.push(((*test, *view), vec![at])),
            }
        }
        lines.sort_unstable();
        let begin_alike = |one: &(View, bool, &str, usize), other: &(View, bool, &str, usize)| {
            let shared = one.2.bytes().zip(other.2.bytes()).take_while(|(a, b)| a == b).count();
            (one.0, one.1) == (other.0, other.1) && 2 * shared > one.2.len().max(other.2.len())
        };
        let mut groups: Vec<(ValueTest, View, Vec<usize>)> = Vec::new();
        for group in lines.chunk_by(begin_alike) {
            match group {
                [] => {}
                // It has its automaton already.
                [(.., at)] => alone.extend(tests.get(*at).map(|seen| (*seen, vec![*at]))),
                [(view, fold, ..), ..] => {
                    let all: Vec<String> = group.iter().map(|(_, _, regex, _)| format!("(?:{regex})")).collect();
                    let members = group.iter().map(|(.., at)| *at).collect();
                    groups.push((ValueTest::Line(all.join("|"), *fold), *view, members));
                }
            }
        }
        if alone.len() + groups.len() + FEWEST_TOGETHER > tests.len() {
            return None;
        }
        let groups = groups.into_iter().map(|(test, view, members)| ((self.number(&test), view), members));
        let (fewer, members): (Vec<Seen>, _) = alone.into_iter().chain(groups).unzip();
        meter.limited(MAX_SEARCH, |meter| self.all(&fewer, meter)).is_ok().then_some((fewer, members))
    }

    /// The languages of the tests of both sides.
    fn both(&mut self, inside: &[Seen], outside: &[Seen], meter: &Meter) -> Result<[Vec<Arc<Automaton>>; 2], Reason> {
        Ok([self.all(inside, meter)?, self.all(outside, meter)?])
    }

    /// The languages of some tests.
    fn all(&mut self, tests: &[Seen], meter: &Meter) -> Result<Vec<Arc<Automaton>>, Reason> {
        tests.iter().map(|seen| self.language(*seen, meter)).collect()
    }

    /// The search where numbers and IPv6 networks are asked for.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one question")]
    fn by_cases(
        &mut self,
        yes: &[Arc<Automaton>],
        no: &[Arc<Automaton>],
        exact: &[(ValueTest, bool)],
        kinds: usize,
        kind: Option<Kind>,
        core: &Core,
        meter: &Meter,
    ) -> Result<Found, Reason> {
        let none = || Found::None(core.clone());
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
            if let Ok(text) = witness(&refs(yes), &outside, &[], &mut self.searches, meter)? {
                return Ok(Found::One(text));
            }
        }
        let is_free = no.is_empty() && yes.iter().skip(kinds).all(|language| language.is_universal());
        if is_free && kind != Some(Kind::Boolean) {
            return Ok(none());
        }
        if let Some(words) = yes.iter().find_map(|language| language.words(MAX_WORDS)) {
            return Ok(words.iter().find(|word| fits(word)).map_or_else(none, |word| Found::One(symbols(word))));
        }
        if kind == Some(Kind::Number) && numbers.are_few() {
            return Ok(none());
        }
        for shape in &shapes {
            let mut inside = refs(yes);
            inside.push(shape);
            if witness(&inside, &refs(no), &[], &mut self.searches, meter)?.is_ok() {
                let reason = "the digits of a number and its value are asked for together";
                return Ok(Found::Unsure(Reason::beyond(reason)));
            }
        }
        Ok(none())
    }

    /// The vectors of arguments none of which is empty or holds a blank, or all vectors.
    pub(super) fn vectors(&mut self, plain: bool) -> Arc<Automaton> {
        match &self.vectors {
            Some((known, vectors)) if *known == plain => Arc::clone(vectors),
            _ => {
                let vectors = Arc::new(Automaton::of_vectors(plain));
                self.vectors = Some((plain, Arc::clone(&vectors)));
                vectors
            }
        }
    }

    /// The language of a fixed expression.
    pub(super) fn named(&mut self, regex: &str, meter: &Meter) -> Result<Arc<Automaton>, Reason> {
        let test = self.number(&ValueTest::Line(regex.to_owned(), false));
        self.language((test, View::Itself), meter)
    }

    /// The language of a test on what a view shows. Equal languages are one automaton.
    pub(super) fn language(&mut self, seen: Seen, meter: &Meter) -> Result<Arc<Automaton>, Reason> {
        if let Some(known) = self.made.get(&seen) {
            return known.clone();
        }
        let key = (self.test(seen.0).clone(), seen.1);
        let known = kept().known.get(&key).cloned();
        let (made, cost) = match known {
            Some(known) => known,
            None => {
                let fresh = Meter::of_states(MAX_AUTOMATON * 4, meter);
                let mut made = make(&key.0, key.1, &fresh).map(Arc::new);
                let cost = MAX_AUTOMATON * 4 - fresh.left();
                if !matches!(made, Err(Reason::Time)) {
                    let mut kept = kept();
                    if kept.states > KEPT {
                        *kept = Kept::default();
                    }
                    kept.states += cost;
                    if let Ok(language) = &mut made {
                        match kept.languages.get(language) {
                            Some(known) => *language = Arc::clone(known),
                            None => _ = kept.languages.insert(Arc::clone(language)),
                        }
                    }
                    kept.known.insert(key, (made.clone(), cost));
                }
                (made, cost)
            }
        };
        // Made or found, it costs the same, so that no answer depends on what was asked before.
        let paid = meter.states(cost);
        if paid.is_ok() || made == Err(Reason::States) {
            self.made.insert(seen, made.clone());
        }
        paid?;
        made
    }
}

fn make(test: &ValueTest, view: View, meter: &Meter) -> Result<Automaton, Reason> {
    let plain = plain(test, meter)?;
    Ok(match view {
        View::Itself => plain,
        View::LastSegment => plain.of_last_segment(),
        View::Joined => plain.of_joined(),
        View::SomeArgument => plain.of_some_argument(),
    })
}

/// The texts that satisfy a test.
fn plain(test: &ValueTest, meter: &Meter) -> Result<Automaton, Reason> {
    if let ValueTest::Encoded(encoding, test) = test {
        return plain(test, meter)?.before(*encoding, meter);
    }
    let expression =
        expression(test).ok_or_else(|| Reason::beyond("a number or an IPv6 network is no regular language here"))?;
    Automaton::of_regex(&expression, meter)
}

/// The texts that satisfy a test, as an expression over the whole text; none for tests that are decided by cases.
fn expression(test: &ValueTest) -> Option<String> {
    Some(match test {
        ValueTest::Text(patterns, fold) => {
            let regex: Vec<String> =
                patterns.iter().map(|pattern| format!("(?:{})", pattern.to_regex(ANY_CHARACTER))).collect();
            let regex = if regex.is_empty() { NOTHING.to_owned() } else { regex.join("|") };
            whole(&regex, *fold)
        }
        ValueTest::Line(regex, fold) => whole(regex, *fold),
        ValueTest::Any => whole(&format!("{ANY_CHARACTER}*"), false),
        ValueTest::Network(IpNet::V4(network)) => dotted(network),
        ValueTest::Encoded(..) | ValueTest::Number(..) | ValueTest::Network(IpNet::V6(_)) => return None,
    })
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
        ValueTest::Text(..) | ValueTest::Line(..) | ValueTest::Encoded(..) | ValueTest::Any => false,
    }
}

/// The numbers that comparisons tell apart: the bounds, and one number between every two.
struct Numbers {
    /// Those that fit, and whether each is a bound.
    fitting: Vec<(f64, bool)>,
}

impl Numbers {
    fn new(exact: &[(ValueTest, bool)]) -> Self {
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
fn addresses(exact: &[(ValueTest, bool)]) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::decide::Budget;

    #[test]
    fn expressions_that_begin_alike_are_one_language() {
        let mut languages = Languages::default();
        let lines = ["run -v a.*", "list.*", "run -v b?", "run -v c", "run -v d+", "run -v a.*b"];
        let mut tests: Vec<Seen> =
            lines.map(|line| (languages.number(&ValueTest::Line(line.to_owned(), false)), View::Itself)).to_vec();
        tests.push((languages.number(&ValueTest::Any), View::Itself));
        tests.push((languages.number(&ValueTest::Line("RUN -V E".to_owned(), true)), View::Itself));
        let meter = Meter::new(&Budget::default());
        let (together, members) = languages.together(&tests, &meter).expect("fewer");
        let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
        assert_eq!((together.len(), sizes.iter().sum::<usize>(), sizes.iter().max()), (4, 8, Some(&5)));
        for (one, members) in together.iter().zip(&members) {
            let all = languages.language(*one, &meter).expect("a language");
            for text in ["run -v a", "run -v ab", "run -v", "run -v b", "run -v dd", "list", "lis", "run -v e", ""] {
                let some = members.iter().any(|at| languages.language(tests[*at], &meter).expect("one").accepts(text));
                assert_eq!(all.accepts(text), some, "{text}");
            }
        }
        assert!(languages.together(&tests[..3], &meter).is_none());
    }
}
