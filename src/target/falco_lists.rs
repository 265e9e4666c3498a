//! Long lists of values in a Falco condition, as lists that stand beside the rule and that it names: an operator reads
//! the condition, and appends to a list, without wading through the values. What comes of it is read back and decided
//! like everything else in the file.

/// The fewest values that are worth a list of their own.
const FEWEST: usize = 5;

/// The operators that take a list of values.
const OPERATORS: [&str; 2] = [" in (", " intersects ("];

/// A condition, and the lists that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The condition with names in place of long lists.
    pub condition: String,
    /// Name and values of each list, in the order of the condition.
    pub lists: Vec<(String, Vec<String>)>,
}

/// Takes long lists of plain words out of a condition. Their names begin with `prefix` and go on with the field's; lists
/// with the same values share one.
pub fn take_out(condition: &str, prefix: &str) -> Named {
    let mut named = Named { condition: String::with_capacity(condition.len()), lists: Vec::new() };
    let mut rest = condition;
    let mut quoted = false;
    while let Some(letter) = rest.chars().next() {
        let operator = OPERATORS.iter().find(|operator| !quoted && rest.starts_with(**operator));
        if let Some(operator) = operator
            && let Some((inner, after)) = rest.get(operator.len()..).and_then(|tail| tail.split_once(')'))
            && let Some(values) = plain_values(inner)
        {
            let name = named.name_of(prefix, values);
            named.condition.push_str(operator);
            named.condition.push_str(&name);
            named.condition.push(')');
            rest = after;
            continue;
        }
        // After a backslash, a quotation mark is one of the text.
        let length = match letter {
            '\\' if quoted => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            letter => letter.len_utf8(),
        };
        quoted ^= letter == '"';
        let (passed, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
        named.condition.push_str(passed);
        rest = tail;
    }
    named
}

impl Named {
    /// The name of the list with these values, which the field at the end of the condition so far is tested against.
    fn name_of(&mut self, prefix: &str, values: Vec<String>) -> String {
        if let Some((name, _)) = self.lists.iter().find(|(_, known)| *known == values) {
            return name.clone();
        }
        let field = self.condition.rsplit([' ', '\n', '(']).next().unwrap_or_default();
        let field = field.rsplit(['.', '/']).next().unwrap_or_default();
        let word: String =
            field.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>().to_ascii_lowercase();
        let base = format!("{prefix}_{}", if word.is_empty() { "values" } else { &word });
        let numbered = (2..).map(|number| format!("{base}_{number}"));
        let taken = |name: &String| self.lists.iter().any(|(known, _)| known == name);
        let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(base);
        self.lists.push((name.clone(), values));
        name
    }
}

/// The values between the parentheses, if they are many, and words that need no quotes in a list either.
fn plain_values(inner: &str) -> Option<Vec<String>> {
    let plain =
        |value: &str| !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./:".contains(&b));
    let values: Vec<&str> = inner.split(',').map(str::trim).collect();
    (values.len() >= FEWEST && values.iter().all(|value| plain(value)))
        .then(|| values.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_named_after_their_field_and_shared() {
        let named = take_out(
            "ka.verb in (create, update)\nand (a.pod.add_capabilities intersects (\n  A,\n  B,\n  C,\n  D,\n  E\n)\n\
             or b.add_capabilities intersects (A, B, C, D, E) or b.add_capabilities in (1, 2, 3, 4, 5))",
            "rule",
        );
        assert_eq!(
            named.condition,
            "ka.verb in (create, update)\nand (a.pod.add_capabilities intersects (rule_add_capabilities)\n\
             or b.add_capabilities intersects (rule_add_capabilities) or b.add_capabilities in (rule_add_capabilities_2))"
        );
        let names: Vec<(&str, usize)> = named.lists.iter().map(|(name, all)| (name.as_str(), all.len())).collect();
        assert_eq!(names, [("rule_add_capabilities", 5), ("rule_add_capabilities_2", 5)]);
    }

    #[test]
    fn what_is_no_list_of_plain_words_stays() {
        for condition in [
            "a in (b, c)",
            "a = \"x in (1, 2, 3, 4, 5)\"",
            "a = \"\\\" in (1, 2, 3, 4, 5)\"",
            "a in (\"b c\", d, e, f, g)",
            "a in (b, c, d, e, \")\")",
            "a in (b, c, d, e, f",
            "é = \"ü\" and a in ()",
        ] {
            assert_eq!(take_out(condition, "x"), Named { condition: condition.to_owned(), lists: Vec::new() });
        }
    }
}
