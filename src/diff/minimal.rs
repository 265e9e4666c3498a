//! Events made as small as they can be while they still show what they show.

use serde_json::Value;

use crate::logic::Event;

/// How many smaller events are tried.
const MOST_TRIES: usize = 4000;

/// `event` without every part that `shows` does not need: keys, elements, and stretches of text.
pub fn minimal(event: &Event, shows: &dyn Fn(&Event) -> bool) -> Event {
    let mut smallest = event.clone();
    let mut tries = MOST_TRIES;
    // A part may only become needless once another one is gone.
    loop {
        let before = smallest.clone();
        let mut places = Vec::new();
        collect(&smallest, &mut Vec::new(), &mut places);
        for place in places {
            let Some(smaller) = without(&smallest, &place) else { continue };
            if tries == 0 {
                return smallest;
            }
            tries -= 1;
            if shows(&smaller) {
                smallest = smaller;
            }
        }
        shorten_texts(&mut smallest, &mut tries, shows);
        if smallest == before || tries == 0 {
            return smallest;
        }
    }
}

/// A step from a node to one of its children.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// The ways to all nodes below `node`, outer ones first; of an array the last elements first, so that the others keep
/// their places.
fn collect(node: &Value, way: &mut Vec<Step>, places: &mut Vec<Vec<Step>>) {
    let mut visit = |step: Step, child: &Value| {
        way.push(step);
        places.push(way.clone());
        collect(child, way, places);
        way.pop();
    };
    match node {
        Value::Object(map) => map.iter().for_each(|(key, child)| visit(Step::Key(key.clone()), child)),
        Value::Array(items) => {
            items.iter().enumerate().rev().for_each(|(at, child)| visit(Step::Index(at), child));
        }
        _ => {}
    }
}

fn child<'v>(node: &'v mut Value, step: &Step) -> Option<&'v mut Value> {
    match step {
        Step::Key(key) => node.get_mut(key.as_str()),
        Step::Index(at) => node.get_mut(*at),
    }
}

fn reach<'v>(event: &'v mut Value, way: &[Step]) -> Option<&'v mut Value> {
    way.iter().try_fold(event, child)
}

/// The event without the node at `place`, if it is still there.
fn without(event: &Event, place: &[Step]) -> Option<Event> {
    let (last, way) = place.split_last()?;
    let mut smaller = event.clone();
    match (reach(&mut smaller, way)?, last) {
        (Value::Object(map), Step::Key(key)) => map.shift_remove(key).map(|_| ()),
        (Value::Array(items), Step::Index(at)) => (*at < items.len()).then(|| items.remove(*at)).map(|_| ()),
        _ => None,
    }?;
    Some(smaller)
}

/// Shortens every text of the event, longest stretches first.
fn shorten_texts(event: &mut Event, tries: &mut usize, shows: &dyn Fn(&Event) -> bool) {
    let mut places = Vec::new();
    collect(event, &mut Vec::new(), &mut places);
    for place in places {
        let Some(Value::String(text)) = reach(event, &place) else { continue };
        let mut text: Vec<char> = text.chars().collect();
        let mut stretch = text.len();
        while stretch > 0 {
            let mut at = 0;
            while at < text.len() {
                if *tries == 0 {
                    return;
                }
                *tries -= 1;
                let end = (at + stretch).min(text.len());
                let shorter: Vec<char> = text.iter().take(at).chain(text.iter().skip(end)).copied().collect();
                if shorter.is_empty() {
                    // An empty argument or name is smaller, and no event that anybody has seen.
                    break;
                }
                let mut smaller = event.clone();
                if let Some(node) = reach(&mut smaller, &place) {
                    *node = Value::String(shorter.iter().collect());
                }
                if shows(&smaller) {
                    *event = smaller;
                    text = shorter;
                } else {
                    at += stretch;
                }
            }
            stretch /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_needed_stays() {
        let event = json!({"a": {"b": "xxneedlexx", "c": [1, {"d": 2}, "k"]}, "e": null});
        let shows = |event: &Event| {
            event.pointer("/a/b").and_then(Value::as_str).is_some_and(|text| text.contains("needle"))
                && event.pointer("/a/c").and_then(Value::as_array).is_some_and(|c| c.contains(&json!({"d": 2})))
        };
        assert_eq!(minimal(&event, &shows), json!({"a": {"b": "needle", "c": [{"d": 2}]}}));
    }

    #[test]
    fn an_event_that_shows_nothing_smaller_stays_as_it_is() {
        let event = json!({"a": 1});
        assert_eq!(minimal(&event, &|smaller| *smaller == json!({"a": 1})), event);
    }
}
