//! Filters that somebody has set on an Elastic rule in Kibana.

use serde_json::{Map, Value};

use super::query::{Query, all, any, scalar, wildcard};
use crate::language::kql::read::Term;
use crate::logic::{Comparison, Glob, Piece};

/// What has to hold beside a rule's query, none for filters that are switched off; or why that is not read.
pub(super) fn conditions(filters: &Value) -> Result<Vec<Query>, String> {
    let filters = match filters {
        Value::Null => return Ok(Vec::new()),
        Value::Array(filters) => filters,
        _ => return Err("`filters` is no list".to_owned()),
    };
    let mut all = Vec::new();
    for filter in filters.iter().filter(|filter| !is_set(filter, "disabled")) {
        all.push(condition(filter, 0).ok_or_else(|| refusal(&told(filter)))?);
    }
    Ok(all)
}

fn refusal(asked: &Value) -> String {
    match asked.get("script") {
        Some(_) => format!("a filter is a script, which decides what is found and is not read: `{asked}`"),
        None => format!("a filter is not read: `{asked}`"),
    }
}

/// Whether a filter's `meta` says so.
fn is_set(filter: &Value, key: &str) -> bool {
    filter.get("meta").and_then(|meta| meta.get(key)).and_then(Value::as_bool) == Some(true)
}

/// What a filter asks, without what Kibana shows of it.
fn told(filter: &Value) -> Value {
    let asks = |query: &&Value| query.as_object().is_none_or(|query| !query.is_empty());
    let query = || {
        let mut query = filter.as_object()?.clone();
        query.retain(|key, _| key != "meta" && key != "$state" && key != "query");
        Some(Value::Object(query))
    };
    let combined = || filter.get("meta").filter(|meta| meta.get("type") == Some(&"combined".into())).cloned();
    // Those of old versions have the query beside `meta`.
    filter.get("query").filter(asks).cloned().or_else(combined).or_else(query).unwrap_or_default()
}

/// What one filter wants.
fn condition(filter: &Value, depth: usize) -> Option<Query> {
    let asked = told(filter);
    let query = match asked.get("params").filter(|_| asked.get("type") == Some(&"combined".into())) {
        Some(parts) => combined(parts, asked.get("relation")?.as_str()?, depth)?,
        None => one(&asked, depth)?,
    };
    Some(if is_set(filter, "negate") { query.negated() } else { query })
}

/// Filters of which all or one has to hold. Kibana leaves those out that are switched off, and then one of none holds.
fn combined(parts: &Value, relation: &str, depth: usize) -> Option<Query> {
    let parts = parts.as_array().filter(|parts| depth < 20 && !parts.is_empty())?;
    if parts.iter().any(|part| is_set(part, "disabled")) {
        return None;
    }
    let parts = parts.iter().map(|part| condition(part, depth + 1)).collect::<Option<Vec<_>>>()?;
    match relation {
        "AND" => Some(all(parts)),
        "OR" => Some(any(parts)),
        _ => None,
    }
}

/// A single entry of an object.
fn entry(body: &Value) -> Option<(&String, &Value)> {
    let mut entries = body.as_object()?.iter();
    entries.next().filter(|_| entries.next().is_none())
}

fn one(query: &Value, depth: usize) -> Option<Query> {
    let (kind, body) = entry(query).filter(|_| depth < 20)?;
    let is = |field: &str, value: &Value| Some(Query::field(field, Term::Is(scalar(value)?)));
    match kind.as_str() {
        "match_phrase" => {
            let (field, value) = entry(body)?;
            is(field, inner(value, &["query"])?)
        }
        // Of a whole value, which is what fields of words hold, the same.
        "term" => {
            let (field, value) = entry(body)?;
            is(field, inner(value, &["value"])?)
        }
        "terms" => {
            let (field, values) = entry(body)?;
            let values = values.as_array().filter(|values| !values.is_empty())?;
            Some(any(values.iter().map(|value| is(field, value)).collect::<Option<_>>()?))
        }
        "match" => {
            let (field, value) = entry(body)?;
            let [query, kind] = ["query", "type"].map(|key| value.get(key));
            let is_phrase = kind == Some(&"phrase".into()) && value.as_object().is_some_and(|value| value.len() == 2);
            is(field, query.filter(|_| is_phrase)?)
        }
        "prefix" => {
            let (field, value) = entry(body)?;
            let head = inner(value, &["value"])?.as_str()?;
            Some(Query::field(field, Term::Like(Glob::new([Piece::Literal(head.to_owned()), Piece::Any]))))
        }
        "wildcard" => {
            let (field, value) = entry(body)?;
            Some(Query::field(field, Term::Like(wildcard(inner(value, &["value", "wildcard"])?.as_str()?))))
        }
        "exists" => {
            Some(Query::field(body.as_object().filter(|map| map.len() == 1)?.get("field")?.as_str()?, Term::Exists))
        }
        "range" => {
            let (field, bounds) = entry(body)?;
            range(field, bounds.as_object()?)
        }
        "query_string" => query_string(body.as_object()?),
        "bool" => all_of(body.as_object()?, depth),
        _ => None,
    }
}

fn range(field: &str, bounds: &Map<String, Value>) -> Option<Query> {
    let bound = |(key, value): (&String, &Value)| {
        let sign = match key.as_str() {
            "gt" => Comparison::Greater,
            "gte" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "lte" => Comparison::LessOrEqual,
            _ => return None,
        };
        Some(Query::field(field, Term::Range(sign, value.as_f64().map(|_| value.to_string())?)))
    };
    let mut bounds: Vec<Query> = bounds.iter().map(bound).collect::<Option<_>>()?;
    match bounds.len() {
        0 => return None,
        1 => {}
        // A number of a list that is within both bounds is one; that is more than two tests say.
        _ => bounds.push(Query::Unknown(format!("whether one value of `{field}` is within both bounds of a filter"))),
    }
    Some(all(bounds))
}

/// Lucene's own syntax, as far as it is a field and one value without any of its signs.
fn query_string(body: &Map<String, Value>) -> Option<Query> {
    if body.keys().any(|key| !matches!(key.as_str(), "query" | "analyze_wildcard" | "time_zone")) {
        return None;
    }
    let (field, value) = body.get("query")?.as_str()?.trim().split_once(':')?;
    let is_plain = |text: &str, signs: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c))
    };
    if !is_plain(field, "._@") {
        return None;
    }
    let whole = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let term = match whole {
        Some(value) => is_plain(value, "._-/@ :=").then(|| Term::Is(value.to_owned()))?,
        None if value == "*" => Term::Exists,
        None if value.starts_with('-') => return None,
        None => is_plain(value, "._-@*").then(|| Term::Like(wildcard(value)))?,
    };
    Some(Query::field(field, term))
}

/// A query of several others.
fn all_of(body: &Map<String, Value>, depth: usize) -> Option<Query> {
    let each = |key: &str| -> Option<Vec<Query>> {
        match body.get(key) {
            None => Some(Vec::new()),
            Some(Value::Array(queries)) => queries.iter().map(|query| one(query, depth + 1)).collect(),
            Some(query) => Some(vec![one(query, depth + 1)?]),
        }
    };
    if body
        .keys()
        .any(|key| !matches!(key.as_str(), "must" | "filter" | "should" | "must_not" | "minimum_should_match"))
    {
        return None;
    }
    let (mut wanted, may) = (each("must")?, each("should")?);
    wanted.extend(each("filter")?);
    // Beside others, one of these is wanted only if it is said so.
    let is_wanted = match body.get("minimum_should_match") {
        None => wanted.is_empty(),
        Some(least) if least.as_u64() == Some(1) || least.as_str() == Some("1") => true,
        Some(_) => return None,
    };
    if !may.is_empty() && is_wanted {
        wanted.push(any(may));
    }
    wanted.extend(each("must_not")?.into_iter().map(Query::negated));
    (!wanted.is_empty()).then(|| all(wanted))
}

/// A value by itself or below one of these names, if nothing stands beside it.
fn inner<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    let Value::Object(map) = value else { return Some(value) };
    names.iter().find_map(|name| map.get(*name)).filter(|_| map.len() == 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::language::kql::read::read;
    use crate::language::{FieldTable, FieldType};
    use crate::pack::read::Condition;

    fn conditions_of(filter: Value) -> Result<Vec<Condition>, String> {
        let queries = conditions(&json!([filter]))?;
        queries.iter().map(|query| query.condition(&fields()).map_err(|error| error.to_string())).collect()
    }

    fn fields() -> FieldTable {
        let fields = [("a", FieldType::Text), ("user.name", FieldType::Text), ("n", FieldType::Number)];
        let mut table = FieldTable::default();
        table.extend(fields.map(|(name, kind)| (name.to_owned(), kind)));
        table
    }

    fn kql(text: &str) -> Condition {
        read(text, &fields()).expect("KQL").into()
    }

    #[test]
    fn filters_are_what_kql_says() {
        let phrase = |value: &str| json!({ "match_phrase": { "user.name": value } });
        for (filter, text) in [
            (json!({ "query": phrase("a \"b\\") }), r#"user.name: "a \"b\\""#),
            (json!({ "meta": { "negate": true }, "query": phrase("root") }), "not user.name: root"),
            (json!({ "query": { "match_phrase": { "a": { "query": true } } } }), "a: true"),
            (json!({ "meta": {}, "$state": { "store": "appState" }, "exists": { "field": "a" } }), "a: *"),
            (json!({ "query": { "range": { "n": { "gte": 3 } } } }), "n >= 3"),
            (
                json!({ "query": { "bool": { "should": [phrase("x"), phrase("y")], "minimum_should_match": 1 } } }),
                "user.name: x or user.name: y",
            ),
            (
                json!({ "query": { "bool": { "filter": phrase("x"), "should": [phrase("y")], "must_not": [phrase("z")] } } }),
                "user.name: x and not user.name: z",
            ),
            (json!({ "query": { "term": { "a": { "value": "x" } } } }), "a: x"),
            (json!({ "query": { "terms": { "a": ["x", 1] } } }), "a: (x or 1)"),
            (json!({ "query": { "match": { "a": { "query": "x", "type": "phrase" } } } }), "a: x"),
            (json!({ "query": { "prefix": { "a": "svc b-" } } }), r"a: svc b-*"),
            (
                json!({ "meta": { "negate": true }, "query": { "wildcard": { "a": { "value": "s*c\\*" } } } }),
                r"not a: s*c\*",
            ),
            (
                json!({ "query": { "query_string": { "query": "user.name:svc-*", "analyze_wildcard": true } } }),
                "user.name: svc-*",
            ),
            (json!({ "query": { "query_string": { "query": "a:\"b c\"" } } }), "a: \"b c\""),
            (
                json!({
                    "meta": { "type": "combined", "relation": "OR", "negate": true, "params": [
                        { "meta": { "negate": true }, "query": phrase("x") },
                        { "meta": { "type": "combined", "relation": "AND", "params": [{ "query": phrase("y") }] } },
                    ] },
                    "query": {},
                }),
                "not (not user.name: x or user.name: y)",
            ),
        ] {
            assert_eq!(conditions_of(filter.clone()), Ok(vec![kql(text)]), "{filter}");
        }
        assert_eq!(conditions(&json!([{ "meta": { "disabled": true }, "query": { "x": 1 } }])), Ok(Vec::new()));
        // One number within both bounds, or two of a list.
        let both =
            conditions_of(json!({ "query": { "range": { "n": { "gte": 3, "lt": 5 } } } })).expect("read").remove(0);
        assert_eq!(both.least, Condition::unknown("").least);
        assert_eq!(both.most.expect("a bound").0, kql("n >= 3 and n < 5").least);
        for filter in [
            json!({ "query": { "wildcard": { "a": { "value": "x*", "case_insensitive": true } } } }),
            json!({ "query": { "wildcard": { "n": "1*" } } }),
            json!({ "query": { "terms": { "a": { "index": "lists" } } } }),
            json!({ "query": { "match": { "a": "x" } } }),
            json!({ "meta": { "type": "combined", "relation": "OR", "params": [
                { "meta": { "disabled": true }, "query": phrase("x") }, { "query": phrase("y") },
            ] } }),
            json!({ "meta": { "type": "combined", "relation": "OR", "params": [] }, "query": {} }),
            json!({ "query": { "range": { "@timestamp": { "gte": "now-1h" } } } }),
            json!({ "query": { "match_phrase": { "a": { "query": "x", "slop": 2 } } } }),
            json!({ "query": { "bool": { "should": [phrase("x")], "minimum_should_match": 2 } } }),
            json!({ "query": { "exists": { "field": "a b" } } }),
            json!({ "query": { "query_string": { "query": "a:b c" } } }),
            json!({ "query": { "query_string": { "query": "a:-b" } } }),
            json!({ "query": { "query_string": { "query": "a:b", "default_operator": "AND" } } }),
            json!({ "query": { "script": { "script": "true" } } }),
            json!({ "meta": {} }),
            json!("x"),
        ] {
            assert!(conditions_of(filter.clone()).is_err(), "{filter}");
        }
        let script = conditions(&json!([{ "query": { "script": { "script": "true" } } }])).expect_err("not read");
        assert!(script.starts_with("a filter is a script"), "{script}");
    }
}
