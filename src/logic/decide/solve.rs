//! The search for an event that satisfies a diagram: group by group, with what each group's values can be.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use super::automaton::{Automaton, arguments};
use super::diagram::{Diagrams, FALSE, Ref, TRUE};
use super::meter::{Meter, Reason};
use super::problem::{About, Asks, Problem, Skeleton, ValueTest, View};
use super::value::{Found, Languages};
use super::world::{Filling, World};

/// Keywords that no value may satisfy: atoms, sorted.
type Forbidden = Rc<Vec<usize>>;

/// Atoms of one group that have to hold, and atoms that must not.
type Choice = (Vec<usize>, Vec<usize>);

/// How many different tests are decided together: the search goes as deep as there are tests.
const MAX_ATOMS: usize = 1000;

/// One question being answered.
pub(super) struct Solver<'p, 's> {
    problem: &'p Problem<'s>,
    meter: &'p Meter,
    diagrams: Diagrams,
    languages: Languages,
    /// The atom of each variable, and the other way round.
    order: Vec<usize>,
    variables: Vec<u32>,
    bodies: HashMap<usize, Ref>,
    solved: HashMap<(Ref, Forbidden), Option<Rc<World>>>,
    filled: HashMap<(usize, Choice, Forbidden), Option<Rc<Filling>>>,
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
        Self {
            problem,
            meter,
            diagrams: Diagrams::default(),
            languages: Languages::default(),
            order,
            variables,
            bodies: HashMap::new(),
            solved: HashMap::new(),
            filled: HashMap::new(),
            doubt: None,
        }
    }

    /// An event that satisfies the condition; none if there is none.
    pub(super) fn run(mut self, condition: &Skeleton) -> Result<Option<Rc<World>>, Reason> {
        if self.order.len() > MAX_ATOMS {
            return Err(Reason::Nodes);
        }
        let diagram = self.diagram(condition)?;
        let found = self.solve(diagram, &Forbidden::default())?;
        match (found, self.doubt) {
            (None, Some(doubt)) => Err(doubt),
            (found, _) => Ok(found),
        }
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

    fn group_of(&self, diagram: Ref) -> Option<usize> {
        let variable = self.diagrams.node(diagram)?.variable;
        self.group_of_atom(*self.order.get(variable as usize)?)
    }

    fn group_of_atom(&self, atom: usize) -> Option<usize> {
        self.problem.atoms.get(atom).map(|atom| atom.group)
    }

    /// Values for all groups that the diagram asks about. The groups do not depend on one another, so what remains of
    /// the diagram after one group is solved once, however it was reached.
    fn solve(&mut self, diagram: Ref, forbidden: &Forbidden) -> Result<Option<Rc<World>>, Reason> {
        if diagram == FALSE {
            return Ok(None);
        }
        let Some(group) = self.group_of(diagram) else { return Ok(Some(Rc::default())) };
        let key = (diagram, Rc::clone(forbidden));
        if let Some(known) = self.solved.get(&key) {
            return Ok(known.clone());
        }
        let found = self.branch(diagram, group, &mut Choice::default(), forbidden)?;
        self.solved.insert(key, found.clone());
        Ok(found)
    }

    /// Goes through the ways to decide the atoms of one group.
    fn branch(
        &mut self,
        diagram: Ref,
        group: usize,
        choice: &mut Choice,
        forbidden: &Forbidden,
    ) -> Result<Option<Rc<World>>, Reason> {
        self.meter.node()?;
        if diagram == FALSE {
            return Ok(None);
        }
        let node = self.diagrams.node(diagram).filter(|_| self.group_of(diagram) == Some(group));
        let Some(node) = node else {
            let is_anywhere = self.problem.groups.get(group).is_some_and(|group| group.about == About::Anywhere);
            let more = if is_anywhere { self.forbid(forbidden, &choice.1) } else { Rc::clone(forbidden) };
            let Some(filling) = self.fill(group, choice, forbidden)? else { return Ok(None) };
            let Some(rest) = self.solve(diagram, &more)? else { return Ok(None) };
            return Ok(Some(Rc::new(World { group, filling, rest: Some(rest) })));
        };
        let Some(atom) = self.order.get(node.variable as usize).copied() else { return Ok(None) };
        choice.1.push(atom);
        let found = self.branch(node.low, group, choice, forbidden)?;
        choice.1.pop();
        if found.is_some() || node.high == FALSE {
            return Ok(found);
        }
        choice.0.push(atom);
        let found = match self.fill(group, choice, forbidden)? {
            Some(_) => self.branch(node.high, group, choice, forbidden)?,
            None => None,
        };
        choice.0.pop();
        Ok(found)
    }

    fn forbid(&self, forbidden: &Forbidden, more: &[usize]) -> Forbidden {
        let mut all: Vec<usize> = forbidden.iter().chain(more).copied().collect();
        all.sort_unstable();
        all.dedup();
        Rc::new(all)
    }

    /// What the values of one group are, if its atoms are to be decided so.
    fn fill(&mut self, group: usize, choice: &Choice, forbidden: &Forbidden) -> Result<Option<Rc<Filling>>, Reason> {
        let key = (group, choice.clone(), Rc::clone(forbidden));
        if let Some(known) = self.filled.get(&key) {
            return Ok(known.clone());
        }
        let filling = self.make_filling(group, choice, forbidden)?.map(Rc::new);
        self.filled.insert(key, filling.clone());
        Ok(filling)
    }

    fn make_filling(
        &mut self,
        group: usize,
        (yes, no): &Choice,
        forbidden: &Forbidden,
    ) -> Result<Option<Filling>, Reason> {
        let problem = self.problem;
        let Some(about) = problem.groups.get(group).map(|group| &group.about) else { return Ok(None) };
        if let About::Comparison(_) = about {
            return Ok(Some(Filling::Compared { yes: yes.clone() }));
        }
        if yes.is_empty() {
            return Ok(Some(Filling::Nothing));
        }
        if let About::Objects(path) = about {
            return self.objects(problem.is_single(path), yes, no, forbidden);
        }
        let tests = |atoms: &[usize]| -> Vec<(&'p ValueTest, View)> {
            atoms
                .iter()
                .filter_map(|atom| match &problem.atoms.get(*atom)?.asks {
                    Asks::Value(view, test) => Some((test, *view)),
                    _ => None,
                })
                .collect()
        };
        let (yes_tests, mut no_tests) = (tests(yes), tests(no));
        let views: Vec<View> = match about {
            About::Vector(_) | About::Executable(_) => {
                problem.named.get(group).into_iter().flat_map(BTreeMap::values).copied().collect()
            }
            _ => vec![View::Itself],
        };
        for (test, _) in tests(forbidden) {
            no_tests.extend(views.iter().map(|view| (test, *view)));
        }
        let field = match about {
            About::Field(path) => Some(path),
            _ => None,
        };
        let kind = field.and_then(|field| problem.kind(field));
        match about {
            About::Vector(_) => {
                let within = [Arc::new(Automaton::of_vectors(problem.plain_vectors))];
                let found = self.languages.find(&yes_tests, &no_tests, &within, None, self.meter)?;
                Ok(self.found(found).map(|symbols| Filling::Arguments(arguments(&symbols))))
            }
            About::Executable(_) => {
                let found = self.languages.find(&yes_tests, &no_tests, &[], None, self.meter)?;
                Ok(self.found(found).map(|symbols| Filling::Executable(arguments(&symbols).concat())))
            }
            _ => {
                let is_single = field.is_some_and(|field| problem.is_single(field));
                let wanted: Vec<&[(&ValueTest, View)]> =
                    if is_single { vec![yes_tests.as_slice()] } else { yes_tests.chunks(1).collect() };
                let mut values = Vec::new();
                for tests in wanted {
                    let found = self.languages.find(tests, &no_tests, &[], kind, self.meter)?;
                    let Some(symbols) = self.found(found) else { return Ok(None) };
                    let text = arguments(&symbols).concat();
                    let is_number = kind == Some(super::Kind::Number)
                        || tests.iter().any(|(test, _)| matches!(test, ValueTest::Number(..)));
                    if !values.iter().any(|(known, _)| *known == text) {
                        values.push((text, is_number));
                    }
                }
                Ok(Some(Filling::Values(values)))
            }
        }
    }

    fn found(&mut self, found: Found) -> Option<Vec<u32>> {
        match found {
            Found::One(symbols) => Some(symbols),
            Found::None => None,
            Found::Unsure(reason) => {
                self.doubt.get_or_insert(reason);
                None
            }
        }
    }

    /// Objects that satisfy each of `yes` and none of `no`: one for each, or one for all where there is but one.
    fn objects(
        &mut self,
        is_single: bool,
        yes: &[usize],
        no: &[usize],
        forbidden: &Forbidden,
    ) -> Result<Option<Filling>, Reason> {
        let meter = self.meter;
        let mut none = TRUE;
        for atom in no {
            let body = self.body(*atom)?;
            let without = self.diagrams.not(body, meter)?;
            none = self.diagrams.and(none, without, meter)?;
        }
        let bodies = yes.iter().map(|atom| self.body(*atom)).collect::<Result<Vec<_>, _>>()?;
        let mut wanted: Vec<Ref> = Vec::new();
        for body in bodies {
            let alone = self.diagrams.and(body, none, meter)?;
            match wanted.first_mut() {
                Some(all) if is_single => *all = self.diagrams.and(*all, alone, meter)?,
                _ => wanted.push(alone),
            }
        }
        let mut objects = Vec::new();
        for diagram in wanted {
            let Some(object) = self.solve(diagram, forbidden)? else { return Ok(None) };
            objects.push(object);
        }
        Ok(Some(Filling::Objects { objects, is_single }))
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
