//! The search for an event that satisfies a diagram: group by group, with what each group's values can be.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::automaton::{Automaton, arguments};
use super::diagram::{Diagrams, FALSE, Ref, TRUE};
use super::form::Forms;
use super::meter::{Meter, Reason};
use super::problem::{About, Asks, Problem, Skeleton, ValueTest, View};
use super::search::Core;
use super::value::{Found, Languages, Seen};
use super::world::{Filling, World};

/// Keywords that no value may satisfy: atoms, sorted.
type Forbidden = Rc<Vec<usize>>;

/// Atoms of one group that have to hold, and atoms that must not.
type Choice = (Vec<usize>, Vec<usize>);

/// Atoms, and whether each holds, that cannot be so together.
type Clash = Vec<(usize, bool)>;

/// The content of a group, or why there is none.
type Filled = Result<Rc<Filling>, Rc<Clash>>;

/// A path of which another field is the last segment.
const ABSOLUTE_PATH: &str = "^/(?s:.)*$";

/// How many different tests are decided together: the search goes as deep as there are tests.
const MAX_ATOMS: usize = 1000;

/// One question being answered.
pub(super) struct Solver<'p, 's> {
    problem: &'p Problem<'s>,
    meter: &'p Meter,
    diagrams: Diagrams,
    languages: Languages,
    /// What each atom asks of a value, if it does.
    asked: Vec<Option<Seen>>,
    /// The atom of each variable, and the other way round.
    order: Vec<usize>,
    variables: Vec<u32>,
    bodies: HashMap<usize, Ref, FixedState>,
    solved: HashMap<(Ref, Forbidden), Option<Rc<World>>, FixedState>,
    filled: HashMap<(usize, Choice, Forbidden), Filled, FixedState>,
    /// Why some part was neither shown possible nor impossible.
    doubt: Option<Reason>,
}

impl<'p, 's> Solver<'p, 's> {
    pub(super) fn new(problem: &'p Problem<'s>, meter: &'p Meter) -> Self {
        let mut order: Vec<usize> = (0..problem.atoms.len()).collect();
        // Keywords first: what they forbid holds for all values.
        order.sort_by_key(|atom| {
            let group = problem.atoms.get(*atom).map_or(0, |atom| atom.group);
            let is_field = problem.groups.get(group).is_some_and(|group| group.about != About::Anywhere);
            (is_field, group, *atom)
        });
        let mut variables = vec![0; order.len()];
        for (variable, atom) in order.iter().enumerate() {
            if let Some(slot) = variables.get_mut(*atom) {
                *slot = variable as u32;
            }
        }
        let mut languages = Languages::default();
        let asked = problem.atoms.iter().map(|atom| match &atom.asks {
            Asks::Value(view, test) => Some((languages.number(test), *view)),
            _ => None,
        });
        let asked = asked.collect();
        Self {
            problem,
            meter,
            diagrams: Diagrams::default(),
            languages,
            asked,
            order,
            variables,
            bodies: HashMap::default(),
            solved: HashMap::default(),
            filled: HashMap::default(),
            doubt: None,
        }
    }

    /// An event that satisfies the condition; none if there is none.
    pub(super) fn run(mut self, condition: &Skeleton) -> Result<Option<Rc<World>>, Reason> {
        if self.order.len() > MAX_ATOMS {
            return Err(Reason::Nodes);
        }
        // Where both sides ask the same in the same words, no language has to be made; where they ask the same in other
        // words, no diagram.
        let mut forms = Forms::default();
        if forms.is_contradiction(condition, &self.variables) || self.is_seen_part_by_part(condition, &mut forms)? {
            return Ok(None);
        }
        if self.unite()
            && (forms.is_contradiction(condition, &self.variables)
                || self.is_seen_part_by_part(condition, &mut Forms::default())?)
        {
            return Ok(None);
        }
        let diagram = self.diagram(condition)?;
        let found = self.solve(diagram, &Forbidden::default())?;
        match (found, self.doubt) {
            (None, Some(doubt)) => Err(doubt),
            (found, _) => Ok(found),
        }
    }

    /// Whether what must not hold follows from what must, part by part.
    fn is_seen_part_by_part(&mut self, condition: &Skeleton, forms: &mut Forms) -> Result<bool, Reason> {
        let Skeleton::And(parts) = condition else { return Ok(false) };
        let (yes, no) = forms.sides(parts, &self.variables);
        forms.implies(yes, no, &mut |one, others| {
            self.meter.tick()?;
            let atom = |variable: u32| self.order.get(variable as usize).copied();
            let Some((one, group)) = atom(one).and_then(|one| Some((one, self.group_of_atom(one)?))) else {
                return Ok(false);
            };
            let is_here = |other: &usize| self.group_of_atom(*other) == Some(group);
            let others: Vec<usize> = others.iter().filter_map(|other| atom(*other)).filter(is_here).collect();
            if others.is_empty() {
                return Ok(false);
            }
            let filled = match self.fill(group, &(vec![one], others), &Forbidden::default()) {
                // It may follow from another part.
                Err(Reason::States) if self.meter.left() > 0 => return Ok(false),
                filled => filled?,
            };
            if self.doubt.take().is_none() {
                return Ok(filled.is_err());
            }
            // What was found in doubt is not to be relied on later.
            self.filled.clear();
            self.solved.clear();
            Ok(false)
        })
    }

    /// Gives atoms that ask the same of their group one variable: tests in other words, the same language. Whether there
    /// are such atoms.
    fn unite(&mut self) -> bool {
        let (problem, asked) = (self.problem, &self.asked);
        let languages = &mut self.languages;
        let variables = &mut self.variables;
        let mut has_united = false;
        self.meter.limited(self.meter.left() / 2, |meter| {
            let mut known: HashMap<(usize, Arc<Automaton>), u32, FixedState> = HashMap::default();
            for ((atom, asked), variable) in problem.atoms.iter().zip(asked).zip(variables) {
                // Languages that are too large to be made are told apart by their words.
                let Some(Ok(language)) = asked.map(|seen| languages.language(seen, meter)) else { continue };
                let first = *known.entry((atom.group, language)).or_insert(*variable);
                has_united |= first != *variable;
                *variable = first;
            }
        });
        has_united
    }

    fn diagram(&mut self, skeleton: &Skeleton) -> Result<Ref, Reason> {
        let meter = self.meter;
        match skeleton {
            Skeleton::Atom(atom) => {
                let variable = self.variables.get(*atom).copied().unwrap_or_default();
                self.diagrams.variable(variable, meter)
            }
            Skeleton::Not(part) => {
                let part = self.diagram(part)?;
                self.diagrams.not(part, meter)
            }
            Skeleton::And(parts) => {
                let mut all = TRUE;
                // From the back: a diagram grows cheaply above its first variable.
                for part in parts.iter().rev() {
                    let part = self.diagram(part)?;
                    all = self.diagrams.and(all, part, meter)?;
                }
                Ok(all)
            }
            Skeleton::Or(parts) => {
                let mut any = FALSE;
                // From the back: a diagram grows cheaply above its first variable.
                for part in parts.iter().rev() {
                    let part = self.diagram(part)?;
                    any = self.diagrams.or(any, part, meter)?;
                }
                Ok(any)
            }
            Skeleton::AtLeast(count, parts) => {
                let parts = parts.iter().map(|part| self.diagram(part)).collect::<Result<Vec<_>, _>>()?;
                self.diagrams.at_least(*count, &parts, meter)
            }
        }
    }

    fn group_of_atom(&self, atom: usize) -> Option<usize> {
        self.problem.atoms.get(atom).map(|atom| atom.group)
    }

    /// Values for all groups that the diagram asks about.
    ///
    /// A way to decide all atoms is taken from the diagram, and the groups are filled accordingly. Where one cannot be,
    /// the atoms to blame are forbidden together in the diagram, and another way is taken.
    fn solve(&mut self, diagram: Ref, forbidden: &Forbidden) -> Result<Option<Rc<World>>, Reason> {
        let key = (diagram, Rc::clone(forbidden));
        if let Some(known) = self.solved.get(&key) {
            return Ok(known.clone());
        }
        let meter = self.meter;
        let mut left = diagram;
        let found = loop {
            meter.node()?;
            let Some(way) = self.diagrams.way(left) else { break None };
            match self.follow(&way, forbidden)? {
                Ok(world) => break Some(world),
                Err(clash) => {
                    let mut not_all = FALSE;
                    for (atom, holds) in clash.iter() {
                        let variable = self.variables.get(*atom).copied().unwrap_or_default();
                        let literal = self.diagrams.variable(variable, meter)?;
                        let other = if *holds { self.diagrams.not(literal, meter)? } else { literal };
                        not_all = self.diagrams.or(not_all, other, meter)?;
                    }
                    left = self.diagrams.and(left, not_all, meter)?;
                }
            }
        };
        self.solved.insert(key, found.clone());
        Ok(found)
    }

    /// The values of all groups if the atoms are decided so; else atoms that cannot be decided so together.
    fn follow(&mut self, way: &[(u32, bool)], forbidden: &Forbidden) -> Result<Result<Rc<World>, Rc<Clash>>, Reason> {
        let mut choices: BTreeMap<usize, Choice> = BTreeMap::new();
        for (variable, holds) in way {
            let Some(atom) = self.order.get(*variable as usize).copied() else { continue };
            let Some(group) = self.group_of_atom(atom) else { continue };
            let choice = choices.entry(group).or_default();
            if *holds { choice.0.push(atom) } else { choice.1.push(atom) }
        }
        let is_anywhere =
            |group: usize| self.problem.groups.get(group).is_some_and(|group| group.about == About::Anywhere);
        // Keywords that no value may satisfy bind all groups.
        let denied: Vec<usize> = choices
            .iter()
            .filter(|(group, _)| is_anywhere(**group))
            .flat_map(|(_, choice)| choice.1.iter().copied())
            .collect();
        let all = self.forbid(forbidden, &denied);
        let mut world = Rc::new(World::default());
        for (group, choice) in choices.iter().rev() {
            let forbidden = if is_anywhere(*group) { forbidden } else { &all };
            match self.fill(*group, choice, forbidden)? {
                Ok(filling) => world = Rc::new(World { group: *group, filling, rest: Some(world) }),
                Err(clash) => {
                    // What is forbidden from outside is no choice that was made here.
                    let mine =
                        |(atom, holds): &(usize, bool)| *holds || choice.1.contains(atom) || denied.contains(atom);
                    return Ok(Err(Rc::new(clash.iter().copied().filter(mine).collect())));
                }
            }
        }
        Ok(Ok(world))
    }

    fn forbid(&self, forbidden: &Forbidden, more: &[usize]) -> Forbidden {
        if more.is_empty() {
            return Rc::clone(forbidden);
        }
        let mut all: Vec<usize> = forbidden.iter().chain(more).copied().collect();
        all.sort_unstable();
        all.dedup();
        Rc::new(all)
    }

    /// What the values of one group are, if its atoms are to be decided so; else atoms that cannot be together.
    fn fill(&mut self, group: usize, choice: &Choice, forbidden: &Forbidden) -> Result<Filled, Reason> {
        let key = (group, choice.clone(), Rc::clone(forbidden));
        if let Some(known) = self.filled.get(&key) {
            return Ok(known.clone());
        }
        let filling = self.make_filling(group, choice, forbidden)?.map(Rc::new).map_err(Rc::new);
        self.filled.insert(key, filling.clone());
        Ok(filling)
    }

    fn make_filling(
        &mut self,
        group: usize,
        (yes, no): &Choice,
        forbidden: &Forbidden,
    ) -> Result<Result<Filling, Clash>, Reason> {
        let problem = self.problem;
        let Some(about) = problem.groups.get(group).map(|group| &group.about) else { return Ok(Ok(Filling::Nothing)) };
        if let About::Comparison(_) = about {
            return Ok(Ok(Filling::Compared { yes: yes.clone() }));
        }
        if yes.is_empty() {
            return Ok(Ok(Filling::Nothing));
        }
        if let About::Objects(path) = about {
            return self.objects(problem.is_single(path), yes, no, forbidden);
        }
        let asked = &self.asked;
        let tests = |atoms: &[usize]| -> Vec<(usize, Seen)> {
            atoms.iter().filter_map(|atom| Some((*atom, (*asked.get(*atom)?)?))).collect()
        };
        let (yes_tests, mut no_tests) = (tests(yes), tests(no));
        let views: Vec<View> = match about {
            About::Vector(_) | About::Executable(_) => {
                problem.named.get(group).into_iter().flat_map(BTreeMap::values).copied().collect()
            }
            _ => vec![View::Itself],
        };
        for (atom, (test, _)) in tests(forbidden) {
            no_tests.extend(views.iter().map(|view| (atom, (test, *view))));
        }
        let field = match about {
            About::Field(path) => Some(path),
            _ => None,
        };
        let kind = field.and_then(|field| problem.kind(field));
        let within: Vec<Arc<Automaton>> = match about {
            About::Vector(_) => vec![self.languages.vectors(problem.plain_vectors)],
            About::Executable(_) => vec![self.languages.named(ABSOLUTE_PATH, self.meter)?],
            _ => Vec::new(),
        };
        let is_one = matches!(about, About::Vector(_) | About::Executable(_))
            || field.is_some_and(|field| problem.is_single(field));
        let wanted: Vec<&[(usize, Seen)]> =
            if is_one { vec![yes_tests.as_slice()] } else { yes_tests.chunks(1).collect() };
        let mut values: Vec<(Vec<u32>, bool)> = Vec::new();
        for tests in wanted {
            let seen = |tests: &[(usize, Seen)]| -> Vec<Seen> { tests.iter().map(|(_, seen)| *seen).collect() };
            let found = self.languages.find(&seen(tests), &seen(&no_tests), &within, kind, self.meter)?;
            let of = |tests: &[(usize, Seen)], at: &[usize], holds: bool| -> Vec<(usize, bool)> {
                at.iter().filter_map(|at| tests.get(*at)).map(|(atom, _)| (*atom, holds)).collect()
            };
            let core = match found {
                Found::One(symbols) => {
                    let is_number = kind == Some(super::Kind::Number)
                        || tests
                            .iter()
                            .any(|(_, (test, _))| matches!(self.languages.test(*test), ValueTest::Number(..)));
                    if !values.iter().any(|(known, _)| *known == symbols) {
                        values.push((symbols, is_number));
                    }
                    continue;
                }
                Found::None(core) => core,
                Found::Unsure(reason) => {
                    self.doubt.get_or_insert(reason);
                    Core { inside: (0..tests.len()).collect(), outside: (0..no_tests.len()).collect() }
                }
            };
            let mut clash = of(tests, &core.inside, true);
            clash.extend(of(&no_tests, &core.outside, false));
            return Ok(Err(clash));
        }
        let first = || values.first().map(|(symbols, _)| arguments(symbols)).unwrap_or_default();
        Ok(Ok(match about {
            About::Vector(_) => Filling::Arguments(first()),
            About::Executable(_) => Filling::Executable(first().concat()),
            _ => Filling::Values(
                values.iter().map(|(symbols, is_number)| (arguments(symbols).concat(), *is_number)).collect(),
            ),
        }))
    }

    /// Objects that satisfy each of `yes` and none of `no`: one for each, or one for all where there is but one.
    fn objects(
        &mut self,
        is_single: bool,
        yes: &[usize],
        no: &[usize],
        forbidden: &Forbidden,
    ) -> Result<Result<Filling, Clash>, Reason> {
        let wanted: Vec<&[usize]> = if is_single { vec![yes] } else { yes.chunks(1).collect() };
        let mut objects = Vec::new();
        for yes in wanted {
            // Few of the negated conditions have a say, so they are added one by one, as texts' are.
            let clash = |no: &[usize]| -> Clash {
                let denied = forbidden.iter().chain(no).map(|atom| (*atom, false));
                yes.iter().map(|atom| (*atom, true)).chain(denied).collect()
            };
            if self.object(yes, &[], forbidden)?.is_none() {
                return Ok(Err(clash(&[])));
            }
            for atom in no {
                if self.object(yes, &[*atom], forbidden)?.is_none() {
                    return Ok(Err(clash(&[*atom])));
                }
            }
            let Some(object) = self.object(yes, no, forbidden)? else { return Ok(Err(clash(no))) };
            objects.push(object);
        }
        Ok(Ok(Filling::Objects { objects, is_single }))
    }

    /// An object that satisfies all of `yes` and none of `no`.
    fn object(&mut self, yes: &[usize], no: &[usize], forbidden: &Forbidden) -> Result<Option<Rc<World>>, Reason> {
        let meter = self.meter;
        let mut all = TRUE;
        for atom in yes {
            let body = self.body(*atom)?;
            all = self.diagrams.and(all, body, meter)?;
        }
        for atom in no {
            let body = self.body(*atom)?;
            let without = self.diagrams.not(body, meter)?;
            all = self.diagrams.and(all, without, meter)?;
        }
        self.solve(all, forbidden)
    }

    fn body(&mut self, atom: usize) -> Result<Ref, Reason> {
        if let Some(known) = self.bodies.get(&atom) {
            return Ok(*known);
        }
        let problem = self.problem;
        let body = match problem.atoms.get(atom).map(|atom| &atom.asks) {
            Some(Asks::Object(body)) => self.diagram(body)?,
            _ => FALSE,
        };
        self.bodies.insert(atom, body);
        Ok(body)
    }
}
