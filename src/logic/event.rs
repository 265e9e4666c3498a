//! Events, and the values that a path reaches in them (DESIGN: *Event*).

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::Value;

use super::path::Path;

/// One recorded event: a tree of objects, arrays and scalars, as JSON.
pub type Event = Value;

/// Calls `visit` with every scalar that `path` reaches in `event`, in document order, until it breaks.
///
/// A missing field and a null reach nothing; arrays are walked through wherever they stand.
pub fn each_value<'e, B>(
    event: &'e Event,
    path: &Path,
    visit: &mut impl FnMut(&'e Value) -> ControlFlow<B>,
) -> ControlFlow<B> {
    each_node(event, path.segments(), &mut |node| match node {
        Value::Object(_) | Value::Null => ControlFlow::Continue(()),
        scalar => visit(scalar),
    })
}

/// True if some scalar that `path` reaches satisfies `test`.
pub fn any_value<'e>(event: &'e Event, path: &Path, mut test: impl FnMut(&'e Value) -> bool) -> bool {
    each_value(event, path, &mut |value| if test(value) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        .is_break()
}

/// All scalars that `path` reaches, in document order.
pub fn values<'e>(event: &'e Event, path: &Path) -> Vec<&'e Value> {
    let mut found = Vec::new();
    let _: ControlFlow<()> = each_value(event, path, &mut |value| {
        found.push(value);
        ControlFlow::Continue(())
    });
    found
}

/// True if some *object* at `path` (a lone one, or an element of an array there) satisfies `test`.
pub fn any_element<'e>(event: &'e Event, path: &Path, mut test: impl FnMut(&'e Event) -> bool) -> bool {
    each_node(event, path.segments(), &mut |node| match node {
        Value::Object(_) if test(node) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

/// True if some scalar anywhere in `event` satisfies `test`: what a keyword without a field looks at.
pub fn any_scalar<'e>(event: &'e Event, test: &mut impl FnMut(&'e Value) -> bool) -> bool {
    match event {
        Value::Object(map) => map.values().any(|value| any_scalar(value, test)),
        Value::Array(items) => items.iter().any(|value| any_scalar(value, test)),
        Value::Null => false,
        scalar => test(scalar),
    }
}

/// The text that predicates on text see: strings as they are, numbers and booleans as JSON writes them.
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        other => Cow::Owned(other.to_string()),
    }
}

/// The number that predicates on numbers see: JSON numbers, and strings that are a decimal number.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number_in(text),
        _ => None,
    }
}

/// The number that a text is, if it is a decimal number.
pub(super) fn number_in(text: &str) -> Option<f64> {
    let is_decimal = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    if is_decimal { text.parse().ok().filter(|n: &f64| n.is_finite()) } else { None }
}

/// The truth value that predicates on booleans see: JSON booleans, and the strings `true` and `false`.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::String(text) => boolean_in(text),
        _ => None,
    }
}

/// The truth value that a text is.
pub(super) fn boolean_in(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Visits what `segments` lead to; an array on the way or at the end stands for each of its elements.
fn each_node<'e, B>(
    node: &'e Value,
    segments: &[Arc<str>],
    visit: &mut impl FnMut(&'e Value) -> ControlFlow<B>,
) -> ControlFlow<B> {
    match (node, segments.split_first()) {
        (Value::Array(items), _) => {
            for item in items {
                each_node(item, segments, visit)?;
            }
            ControlFlow::Continue(())
        }
        (node, None) => visit(node),
        (Value::Object(map), Some((head, rest))) => match map.get(&**head) {
            Some(child) => each_node(child, rest, visit),
            None => ControlFlow::Continue(()),
        },
        _ => ControlFlow::Continue(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arrays_are_walked_through_and_nulls_reach_nothing() {
        let event = json!({"a": [{"b": [1, null, [2]]}, {"b": "x"}, {"c": 3}], "n": null});
        let reached = |path: &str| values(&event, &path.parse().expect("a path")).len();
        assert_eq!((reached("a.b"), reached("a.c"), reached("n"), reached("a"), reached("z")), (3, 1, 0, 0, 0));
    }

    #[test]
    fn elements_are_objects_and_a_lone_object_is_one() {
        let event = json!({"many": [{"x": 1}, {"x": 2}], "one": {"x": 1}, "text": "x"});
        let count = |path: &str| {
            let mut seen = 0;
            any_element(&event, &path.parse().expect("a path"), |_| {
                seen += 1;
                false
            });
            seen
        };
        assert_eq!((count("many"), count("one"), count("text")), (2, 1, 0));
    }
}
