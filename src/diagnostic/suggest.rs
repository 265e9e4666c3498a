//! The word that was probably meant.

/// The known word nearest to `word`, if one is near enough to be a slip of the fingers or another way to write it.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' ', '.'], "");
    let wanted = plain(word);
    if wanted.is_empty() || word.len() > 200 {
        return None;
    }
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    let (_, best) = known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)?;
    Some(best)
}

/// Words in a row of which one is to be taken: `a`, `b` or `c`.
pub fn one_of<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    in_a_row(words.into_iter().map(quoted), "or")
}

/// Words in a row that there all are: `a`, `b` and `c`.
pub fn all_of<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    in_a_row(words.into_iter().map(quoted), "and")
}

fn quoted(word: &str) -> String {
    format!("`{word}`")
}

/// Words in a row, as they are, with another one before the last.
pub fn in_a_row(words: impl IntoIterator<Item = String>, before_the_last: &str) -> String {
    let words: Vec<String> = words.into_iter().collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {before_the_last} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["process.name", "process.args", "kubernetes_audit"];
        assert_eq!(nearest("proces.name", known), Some("process.name"));
        assert_eq!(nearest("process_args", known), Some("process.args"));
        assert_eq!(nearest("KubernetesAudit", known), Some("kubernetes_audit"));
        assert_eq!(nearest("destination", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn words_in_a_row() {
        assert_eq!(one_of(["a"]), "`a`");
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(all_of(["a", "b or c", "d"]), "`a`, `b or c` and `d`");
    }
}
