//! How grave a rule says that its finds are, beside what its detection says: too little is looked at last, or never.

use serde_json::Value;

/// How grave a detection is.
pub struct Grade {
    /// Its severity, as `target.yml` has it.
    pub severity: Value,
    /// Its risk, from 0 to 100.
    pub risk: u8,
}

impl Grade {
    /// The severity as a word, by itself or below `severity`.
    fn word(&self) -> Option<&str> {
        self.severity.as_str().or_else(|| self.severity.get("severity")?.as_str())
    }

    /// That a rule says less in its setting `name` than its detection does. `scale` are the words of the platform, from
    /// the least to the gravest.
    pub(super) fn lowered(&self, name: &str, has: Option<&str>, scale: &[&str]) -> Option<String> {
        let wanted = self.word()?;
        let Some(has) = has else { return Some(format!("`{name}` is missing, the detection asks for `{wanted}`")) };
        let rank = |word: &str| scale.iter().position(|known| known.eq_ignore_ascii_case(word));
        let is_enough = has.eq_ignore_ascii_case(wanted)
            || matches!((rank(has), rank(wanted)), (Some(has), Some(wanted)) if has >= wanted);
        (!is_enough).then(|| format!("`{name}` is `{has}`, the detection asks for `{wanted}`"))
    }

    /// That a rule says less in its setting `name` than its detection's risk.
    pub(super) fn risk_lowered(&self, name: &str, has: Option<f64>) -> Option<String> {
        let has = has.filter(|has| *has < f64::from(self.risk))?;
        Some(format!("`{name}` is {has}, the detection asks for {}", self.risk))
    }
}
