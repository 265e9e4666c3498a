//! Filters that somebody has set on an Elastic rule in Kibana, as KQL: Kibana makes the same queries of both.

use serde_json::{Map, Value};

/// What has to hold beside a rule's query, none for filters that are switched off; or why that is not read.
pub(super) fn conditions(filters: &Value) -> Result<Vec<String>, String> {
    let filters = match filters {
        Value::Null => return Ok(Vec::new()),
        Value::Array(filters) => filters,
        _ => return Err("`filters` is no list".to_owned()),
    };
    let mut all = Vec::new();
    for filter in filters.iter().filter(|filter| !is_set(filter, "disabled")) {
        all.push(condition(filter, 0).ok_or_else(|| format!("a filter is not read: `{}`", told(filter)))?);
    }
    Ok(all)
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
fn condition(filter: &Value, depth: usize) -> Option<String> {
    let asked = told(filter);
    let text = match asked.get("params").filter(|_| asked.get("type") == Some(&"combined".into())) {
        Some(parts) => combined(parts, asked.get("relation")?.as_str()?, depth)?,
        None => one(&asked, depth)?,
    };
    Some(if is_set(filter, "negate") { format!("not {text}") } else { text })
}

/// Filters of which all or one has to hold. Kibana leaves those out that are switched off, and then one of none holds.
fn combined(parts: &Value, relation: &str, depth: usize) -> Option<String> {
    let parts = parts.as_array().filter(|parts| depth < 20 && !parts.is_empty())?;
    if parts.iter().any(|part| is_set(part, "disabled")) {
        return None;
    }
    let word = match relation {
        "AND" => " and ",
        "OR" => " or ",
        _ => return None,
    };
    let parts: Option<Vec<String>> = parts.iter().map(|part| condition(part, depth + 1)).collect();
    Some(format!("({})", parts?.join(word)))
}

/// A query with parentheses around it.
fn one(query: &Value, depth: usize) -> Option<String> {
    let [(kind, body)] = query.as_object().filter(|_| depth < 20)?.iter().collect::<Vec<_>>()[..] else { return None };
    match kind.as_str() {
        "match_phrase" => {
            let [(field, value)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            let value = match value {
                Value::Object(map) if map.len() == 1 => map.get("query")?,
                value => value,
            };
            Some(format!("({}: {})", name(field)?, text(value)?))
        }
        // Of a whole value, which is what fields of words hold, the same.
        "term" => {
            let [(field, value)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            Some(format!("({}: {})", name(field)?, text(inner(value, &["value"])?)?))
        }
        "terms" => {
            let [(field, values)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            let values: Option<Vec<String>> = values.as_array()?.iter().map(text).collect();
            let values = values.filter(|values| !values.is_empty())?;
            Some(format!("({}: ({}))", name(field)?, values.join(" or ")))
        }
        "match" => {
            let [(field, value)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            let [query, kind] = ["query", "type"].map(|key| value.get(key));
            let is_phrase = kind == Some(&"phrase".into()) && value.as_object().is_some_and(|value| value.len() == 2);
            Some(format!("({}: {})", name(field)?, text(query.filter(|_| is_phrase)?)?))
        }
        "prefix" | "wildcard" => {
            let [(field, value)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            let value = inner(value, &["value", "wildcard"])?.as_str()?;
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c) || (c == '*' && kind != "prefix");
            if value.is_empty() || !value.chars().all(is_plain) || (kind == "wildcard" && !value.contains('*')) {
                return None;
            }
            Some(format!("({}: {value}{})", name(field)?, if kind == "prefix" { "*" } else { "" }))
        }
        "exists" => {
            Some(format!("({}: *)", name(body.as_object().filter(|map| map.len() == 1)?.get("field")?.as_str()?)?))
        }
        "range" => {
            let [(field, bounds)] = body.as_object()?.iter().collect::<Vec<_>>()[..] else { return None };
            let bound = |(key, value): (&String, &Value)| {
                let sign = match key.as_str() {
                    "gt" => ">",
                    "gte" => ">=",
                    "lt" => "<",
                    "lte" => "<=",
                    _ => return None,
                };
                Some(format!("{} {sign} {}", name(field)?, value.as_f64().map(|_| value)?))
            };
            let bounds: Vec<String> = bounds.as_object()?.iter().map(bound).collect::<Option<_>>()?;
            // A number of a list that is within both bounds is one; that is more than two tests say.
            (bounds.len() == 1).then(|| format!("({})", bounds.concat()))
        }
        "bool" => all_of(body.as_object()?, depth),
        _ => None,
    }
}

/// A query of several others.
fn all_of(body: &Map<String, Value>, depth: usize) -> Option<String> {
    let each = |key: &str| -> Option<Vec<String>> {
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
    let (mut all, any) = ([each("must")?, each("filter")?].concat(), each("should")?);
    // Beside others, one of these is wanted only if it is said so.
    let is_wanted = match body.get("minimum_should_match") {
        None => all.is_empty(),
        Some(least) if least.as_u64() == Some(1) || least.as_str() == Some("1") => true,
        Some(_) => return None,
    };
    if !any.is_empty() && is_wanted {
        all.push(format!("({})", any.join(" or ")));
    }
    all.extend(each("must_not")?.into_iter().map(|query| format!("(not {query})")));
    (!all.is_empty()).then(|| format!("({})", all.join(" and ")))
}

/// A value by itself or below one of these names, if nothing stands beside it.
fn inner<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    let Value::Object(map) = value else { return Some(value) };
    names.iter().find_map(|name| map.get(*name)).filter(|_| map.len() == 1)
}

/// A field's name, if KQL takes it as it is.
fn name(field: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '@' | '-' | '/');
    (!field.is_empty() && field.chars().all(is_plain)).then_some(field)
}

/// A value in quotes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.contains(char::is_control) => {
            Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
        }
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_are_conditions_in_kql() {
        let phrase = |value: &str| json!({ "match_phrase": { "user.name": value } });
        for (filter, text) in [
            (json!({ "query": phrase("a \"b\\") }), r#"(user.name: "a \"b\\")"#),
            (json!({ "meta": { "negate": true }, "query": phrase("root") }), r#"not (user.name: "root")"#),
            (json!({ "query": { "match_phrase": { "a": { "query": true } } } }), "(a: true)"),
            (json!({ "meta": {}, "$state": { "store": "appState" }, "exists": { "field": "a" } }), "(a: *)"),
            (json!({ "query": { "range": { "a": { "gte": 3 } } } }), "(a >= 3)"),
            (
                json!({ "query": { "bool": { "should": [phrase("x"), phrase("y")], "minimum_should_match": 1 } } }),
                r#"(((user.name: "x") or (user.name: "y")))"#,
            ),
            (
                json!({ "query": { "bool": { "filter": phrase("x"), "should": [phrase("y")], "must_not": [phrase("z")] } } }),
                r#"((user.name: "x") and (not (user.name: "z")))"#,
            ),
            (json!({ "query": { "term": { "a": { "value": "x" } } } }), "(a: \"x\")"),
            (json!({ "query": { "terms": { "a": ["x", 1] } } }), "(a: (\"x\" or 1))"),
            (json!({ "query": { "match": { "a": { "query": "x", "type": "phrase" } } } }), "(a: \"x\")"),
            (json!({ "query": { "prefix": { "a": "svc-" } } }), "(a: svc-*)"),
            (
                json!({ "meta": { "negate": true }, "query": { "wildcard": { "a": { "value": "s*c" } } } }),
                "not (a: s*c)",
            ),
            (
                json!({
                    "meta": { "type": "combined", "relation": "OR", "negate": true, "params": [
                        { "meta": { "negate": true }, "query": phrase("x") },
                        { "meta": { "type": "combined", "relation": "AND", "params": [{ "query": phrase("y") }] } },
                    ] },
                    "query": {},
                }),
                r#"not (not (user.name: "x") or ((user.name: "y")))"#,
            ),
        ] {
            assert_eq!(conditions(&json!([filter])), Ok(vec![text.to_owned()]), "{filter}");
        }
        assert_eq!(conditions(&json!([{ "meta": { "disabled": true }, "query": { "x": 1 } }])), Ok(Vec::new()));
        for filter in [
            json!({ "query": { "wildcard": { "a": "x?" } } }),
            json!({ "query": { "wildcard": { "a": { "value": "x*", "case_insensitive": true } } } }),
            json!({ "query": { "prefix": { "a": "a b" } } }),
            json!({ "query": { "terms": { "a": { "index": "lists" } } } }),
            json!({ "query": { "match": { "a": "x" } } }),
            json!({ "meta": { "type": "combined", "relation": "OR", "params": [
                { "meta": { "disabled": true }, "query": phrase("x") }, { "query": phrase("y") },
            ] } }),
            json!({ "meta": { "type": "combined", "relation": "OR", "params": [] }, "query": {} }),
            json!({ "query": { "range": { "a": { "gte": 3, "lt": 5 } } } }),
            json!({ "query": { "range": { "@timestamp": { "gte": "now-1h" } } } }),
            json!({ "query": { "match_phrase": { "a": { "query": "x", "slop": 2 } } } }),
            json!({ "query": { "bool": { "should": [phrase("x")], "minimum_should_match": 2 } } }),
            json!({ "query": { "exists": { "field": "a b" } } }),
            json!({ "meta": {} }),
            json!("x"),
        ] {
            assert!(conditions(&json!([filter])).is_err(), "{filter}");
        }
    }
}
