//! The shape of a target's `target.yml`: everything that a target is, apart from its templates.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};

use crate::detection::Severity;
use crate::diagnostic::suggest::{nearest, one_of};
use crate::language::{FieldType, Language};
use crate::logic::Encoding;
use crate::logic::{Case, Formula, Glob, Path, Pattern, Predicate, TextSet};

/// A `target.yml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The target's name: that of its folder, of `out/<name>/`, and of its key in a detection's `targets`.
    pub name: String,
    /// Its name for readers.
    pub title: String,
    /// The languages in order of preference; the first that can say a condition is taken.
    pub languages: Vec<LanguageChoice>,
    /// How a rule carries exceptions beside its query. Without it, and where it cannot say one, they are in the query.
    #[serde(default)]
    pub exceptions: Option<ExceptionSettings>,
    /// What the target makes of a severity. Every severity has to be there.
    pub severity: IndexMap<Severity, serde_json::Value>,
    /// What templates may use as `target.vars`.
    #[serde(default)]
    pub vars: IndexMap<String, serde_json::Value>,
    /// Where tags are words with a namespace (`tlp.amber`): the namespaces, and what may stand after the dot. After one
    /// of which nothing is said a profile may put nothing.
    #[serde(default)]
    pub tag_namespaces: IndexMap<String, Option<TagNames>>,
    /// The tags that a profile gives every rule.
    #[serde(skip)]
    pub tags: Vec<String>,
    /// Further keys of a `binding` that a profile may give: templates know them.
    #[serde(default)]
    pub binding_keys: Vec<String>,
    /// Keys of a `binding` that hold names of the target's fields: they follow when a profile gives a field another name.
    #[serde(default)]
    pub binding_fields: Vec<String>,
    /// Where each log source lives. A source that is not here is not applicable to the target.
    pub sources: IndexMap<String, SourceSettings>,
    /// The files that the target is made of.
    pub artefacts: Vec<Artefact>,
}

/// What may stand after the dot of a tag with a namespace.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "it has to be a list of words, or a map with `pattern` and `example`"
)]
pub enum TagNames {
    /// One of these words.
    Words(Vec<String>),
    /// All that a regular expression matches.
    Shape {
        /// The expression, for all of what stands there.
        pattern: String,
        /// Such a text, for people.
        example: String,
    },
}

/// Why a tag is none of a target's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFault {
    /// What is wrong.
    pub message: String,
    /// The tag that was probably meant.
    pub meant: Option<String>,
    /// What may stand there.
    pub help: String,
}

/// An expression for all of a text.
pub(super) fn whole(expression: &str) -> Result<regex::Regex, regex::Error> {
    regex::Regex::new(&format!("^(?:{expression})$"))
}

/// A language that a target understands, and how options on a command line are put into it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageChoice {
    /// Which language.
    #[serde(deserialize_with = "language")]
    pub name: Language,
    /// How options are lowered, in order of preference.
    #[serde(default = "both_forms")]
    pub options: Vec<OptionForm>,
    /// The longest expression that an option may become, in bytes, if that is to be less than the language takes: one
    /// that comes out longer is divided.
    #[serde(default)]
    pub max_pattern: Option<usize>,
    /// The language that stands before the query, so that the platform need not look at every event of the log source:
    /// it says what it can of the condition, which the query leaves out, and what follows from the rest.
    #[serde(default, deserialize_with = "some_language")]
    pub prefilter: Option<Language>,
}

/// How a target's rules carry exceptions beside their queries: templates put them there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExceptionSettings {
    /// What is said of an exception.
    pub says: Says,
    /// In which languages, in order of preference; the first that says all of an exception is taken.
    pub languages: Vec<LanguageChoice>,
}

/// What a target says of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// Which events are excepted.
    Excepted,
    /// Which events are not: a condition on what the query found.
    Rest,
}

/// A form that an option on a command line is lowered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionForm {
    /// `*docker* run* --privileged *`
    Wildcard,
    /// A regular expression over the whole line.
    Regex,
}

/// Where the events of a log source live in a target, and what their fields are called there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// Tests that every rule of this source begins with: a field of the target and the values it may have.
    #[serde(default)]
    pub base: IndexMap<String, OneOrMany>,
    /// What templates may use as `binding`.
    #[serde(default)]
    pub binding: IndexMap<String, serde_json::Value>,
    /// Only these languages, if not all of the target's.
    #[serde(default, deserialize_with = "some_languages")]
    pub languages: Option<Vec<Language>>,
    /// Further fields of the target that its templates ask, with their types.
    #[serde(default)]
    pub known: IndexMap<String, FieldType>,
    /// A file of the target's folder with the names of all fields that the platform has for such events, one a line.
    /// What a SOC has changed in a rule may ask any of them.
    #[serde(default)]
    pub published: Option<String>,
    /// The names in it.
    #[serde(skip)]
    pub published_names: Arc<BTreeSet<String>>,
    /// What a field of one text holds where the event has an explicit null, which is no value.
    #[serde(default)]
    pub nulls: Option<String>,
    /// The target's fields by the event's paths. A path that ends in `*` stands for all below it.
    pub fields: IndexMap<String, WrittenFieldRule>,
    /// Other places where events of the source may be, and what their fields are called there: a profile takes one.
    #[serde(default)]
    pub choices: IndexMap<String, SourceChoice>,
}

/// Another place where events of a log source may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceChoice {
    /// What writes the events there, for readers.
    pub title: String,
    /// Tests that every rule begins with, in place of those of the source.
    #[serde(default)]
    pub base: IndexMap<String, OneOrMany>,
    /// What is different under `binding`.
    #[serde(default)]
    pub binding: IndexMap<String, serde_json::Value>,
    /// The fields, in place of those of the source.
    pub fields: IndexMap<String, WrittenFieldRule>,
}

impl Settings {
    /// Whether a tag has one of the target's namespaces, and what may stand there; an error is why it may not.
    pub fn has_namespace(&self, tag: &str) -> Result<bool, TagFault> {
        let Some((space, rest)) = tag.split_once('.') else { return Ok(false) };
        let Some(names) = self.tag_namespaces.get(space) else { return Ok(false) };
        let title = &self.title;
        let message = format!("{title} knows no tag `{tag}`");
        match names {
            None => Err(TagFault {
                message: format!("tags of the namespace `{space}` of {title} come from the detections"),
                meant: None,
                help: "name techniques under `attack` of a detection".to_owned(),
            }),
            Some(TagNames::Words(words)) if words.iter().any(|word| word == rest) => Ok(true),
            Some(TagNames::Words(words)) => {
                let words = || words.iter().map(String::as_str);
                let meant = nearest(rest, words()).map(|word| format!("{space}.{word}"));
                Err(TagFault { message, meant, help: format!("after `{space}.` comes {}", one_of(words())) })
            }
            Some(TagNames::Shape { pattern, .. }) if whole(pattern).is_ok_and(|names| names.is_match(rest)) => Ok(true),
            Some(TagNames::Shape { example, .. }) => {
                Err(TagFault { message, meant: None, help: format!("it looks like `{space}.{example}`") })
            }
        }
    }

    /// Puts the target's `vars` into the paths of its artefacts: `{vars.app}/default/app.conf`.
    pub fn place_artefacts(&mut self) {
        for artefact in &mut self.artefacts {
            if artefact.pattern.is_empty() {
                artefact.pattern.clone_from(&artefact.path);
            }
            artefact.path.clone_from(&artefact.pattern);
            for (name, value) in &self.vars {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                artefact.path = artefact.path.replace(&format!("{{vars.{name}}}"), &value);
            }
            artefact.laid_over = artefact.overlays.clone();
            for path in &mut artefact.laid_over {
                for (name, value) in &self.vars {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    *path = path.replace(&format!("{{vars.{name}}}"), &value);
                }
            }
        }
    }
}

impl SourceSettings {
    /// Takes one of the `choices`. False if there is none of this name.
    pub fn choose(&mut self, name: &str) -> bool {
        let Some(choice) = self.choices.get(name).cloned() else { return false };
        self.base = choice.base;
        self.binding.extend(choice.binding);
        self.fields = choice.fields;
        true
    }

    /// The tests that every rule of the source begins with, over the target's fields.
    pub fn base_tests(&self) -> Vec<Formula> {
        let tests = self.base.iter().map(|(name, values)| {
            let values = values.0.iter().map(|value| Pattern::Glob(Glob::equals(value))).collect();
            Formula::test(&Path::from_segments([name.as_str()]), Predicate::Text(TextSet::new(values, Case::Either)))
        });
        tests.collect()
    }
}

/// One text or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany(pub Vec<String>);

/// What a target has for a field of the event: at least one of `name`, `from` and `joined`, or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    /// The field's name in the target. In a rule for all fields below a path, `*` stands for the rest of the path.
    #[serde(default)]
    pub name: Option<String>,
    /// The field is a part of another one: `basename of Image`.
    #[serde(default)]
    pub from: Option<Derivation>,
    /// The target's field that has the arguments joined by single spaces.
    #[serde(default)]
    pub joined: Option<String>,
    /// The type in the target, if it is not the one that the catalogue gives the field.
    #[serde(default, rename = "type")]
    pub kind: Option<FieldType>,
    /// What the field holds where the event has no value.
    #[serde(default)]
    pub none: Option<String>,
    /// The platform's own word for the type, for templates.
    #[serde(default)]
    pub native: Option<String>,
    /// Path segments that are arrays, written with `{}` after them in the target; `*` is the first below the rule's path.
    #[serde(default)]
    pub arrays: Vec<String>,
    /// Path segments below which the keys are names that people give, such as those of labels: none of them is taken
    /// for one of `arrays`.
    #[serde(default)]
    pub maps: Vec<String>,
    /// What stands in the target's names in the place of dots in a key of the event.
    #[serde(default)]
    pub dots: Option<String>,
    /// What the values of `name` are, where they are not those of the path.
    #[serde(default)]
    pub holds: Option<Holds>,
    /// How the values are spelled, where the source does not write them as they are.
    #[serde(default)]
    pub encoded: Option<Encoding>,
}

/// What a field holds of the values of a path, so that a test of the one is none of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// One text for each list of values: the list as JSON.
    JsonLists,
    /// One text for each list of values: they are joined by single spaces.
    JoinedLists,
    /// The values, if every element of the list above has one; nothing if one has none.
    AllOrNothing,
    /// The first value of each list.
    First,
    /// A list of values as JSON, that of one element of the list above. The name has the numbers of the elements that are
    /// asked: `containers/{0,1,2}/args`.
    JsonListsByNumber,
    /// The words of each value, in no case (Elasticsearch's field type `text` with its standard analyzer).
    Words,
}

impl Holds {
    /// Why a rule finds other values than those that are asked.
    pub fn loss(self) -> &'static str {
        match self {
            Self::JsonLists => "has each list as one text and finds those with one value",
            Self::JoinedLists => "has each list joined to one text and finds those with one value",
            Self::AllOrNothing => "has nothing where one element of the list has no value",
            Self::First => "has the first value alone",
            Self::JsonListsByNumber => "has the lists of the first elements alone, each as one text",
            Self::Words => "has the words of each text and finds all texts that have them, in any case",
        }
    }

    /// What the field holds where a list has the value `text` alone; `None` if other lists may look the same.
    pub fn alone(self, text: &str) -> Option<String> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        match self {
            Self::JsonLists => is_plain.then(|| format!("[\"{text}\"]")),
            Self::JoinedLists => (!text.is_empty() && !text.contains(' ')).then(|| text.to_owned()),
            Self::AllOrNothing | Self::First => Some(text.to_owned()),
            Self::JsonListsByNumber | Self::Words => None,
        }
    }

    /// The value of the path that a text of the field is made of.
    pub fn value_of(self, text: &str) -> Option<String> {
        let value = match self {
            Self::JsonLists => text.strip_prefix("[\"")?.strip_suffix("\"]")?,
            Self::JoinedLists | Self::AllOrNothing | Self::First | Self::JsonListsByNumber | Self::Words => text,
        };
        (self.alone(value)? == text).then(|| value.to_owned())
    }

    /// The fields that a name in `target.yml` stands for.
    pub fn names(holds: Option<Self>, name: &str) -> Vec<String> {
        let numbered = || name.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        match numbered().filter(|_| holds == Some(Self::JsonListsByNumber)) {
            Some((before, (numbers, after))) => {
                numbers.split(',').map(|number| format!("{before}{number}{after}")).collect()
            }
            None => vec![name.to_owned()],
        }
    }
}

/// How a field's value comes from another field of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Derivation {
    /// The last segment of an absolute path.
    Basename(String),
}

/// A file, or one file per rule or log source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// The template, in the target's folder.
    pub template: String,
    /// Where the file goes below `out/<target>/`. `{name}` and `{source}` stand for the detection and the log source,
    /// `{exception}` for an exception, `{vars.NAME}` for one of the target's `vars`.
    pub path: String,
    /// The path as it was written.
    #[serde(skip)]
    pub pattern: String,
    /// What one file is about.
    pub scope: Scope,
    /// Only these log sources, if not all. An artefact of a whole pack that is left without a rule is not written.
    #[serde(default)]
    pub sources: Option<Vec<String>>,
    /// How its rules are read back and proved; without it they are `unverified`.
    #[serde(default)]
    pub reads: Option<Format>,
    /// Files of the same format that the platform lays over it where a SOC has put them beside it: paths as in `path`,
    /// in which `*` stands for anything in a name. None of them is ever written; all of them are read back.
    #[serde(default)]
    pub overlays: Vec<String>,
    /// The same with the target's `vars` in them.
    #[serde(skip)]
    pub laid_over: Vec<String>,
}

impl Artefact {
    /// Whether it has rules of this log source.
    pub fn has_source(&self, source: &str) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.iter().any(|known| known == source))
    }

    /// The path of its file below the target's folder, for a detection and a log source.
    pub fn path_for(&self, name: &str, source: &str) -> String {
        self.path.replace("{name}", name).replace("{source}", source)
    }

    /// The path of its file below the target's folder, for an exception and a log source.
    pub fn path_of(&self, exception: &str, source: &str) -> String {
        self.path.replace("{exception}", exception).replace("{source}", source)
    }

    /// Whether a path below the target's folder is one of its files.
    pub fn is_at(&self, path: &str) -> bool {
        let mut pattern = regex_syntax::escape(&self.path);
        for one in ["name", "source", "exception"] {
            pattern = pattern.replace(&format!(r"\{{{one}\}}"), "[^/]+");
        }
        regex::Regex::new(&format!("^{pattern}$")).is_ok_and(|pattern| pattern.is_match(path))
    }

    /// Whether a path below the target's folder is a file that the platform lays over this artefact.
    pub fn is_laid_over(&self, path: &str) -> bool {
        self.laid_over.iter().any(|overlay| {
            let pattern = regex_syntax::escape(overlay).replace(r"\*", "[^/]*");
            regex::Regex::new(&format!("^{pattern}$")).is_ok_and(|pattern| pattern.is_match(path))
        })
    }
}

/// The format of an artefact, for reading it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A Sigma rule.
    Sigma,
    /// Splunk's `savedsearches.conf`.
    SavedSearches,
    /// Splunk's `macros.conf`, which the searches use.
    Macros,
    /// Elastic rules, one JSON document or one a line.
    Elastic,
    /// A Falco rules file.
    Falco,
    /// A Sigma filter, which takes away from rules that it names.
    #[serde(rename = "sigma_filter")]
    SigmaFilter,
}

impl Format {
    /// Whether there are rules in it, not only what changes rules in other files.
    pub fn has_rules(self) -> bool {
        !matches!(self, Format::Macros | Format::SigmaFilter)
    }
}

/// What one file of an artefact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// One rule: a detection in a log source.
    Rule,
    /// All rules of a log source.
    Source,
    /// All rules of the target.
    Pack,
    /// One exception in a log source, with the rules that carry it beside their queries.
    Exception,
}

fn both_forms() -> Vec<OptionForm> {
    vec![OptionForm::Wildcard, OptionForm::Regex]
}

fn named<E: Error>(name: &str) -> Result<Language, E> {
    Language::from_name(name).ok_or_else(|| {
        E::custom(format!("`{name}` is no query language; there are sigma, search, where, kql, eql, falco, falco_exceptions and lucene"))
    })
}

fn language<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Language, D::Error> {
    named(&String::deserialize(deserializer)?)
}

fn some_language<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
    language(deserializer).map(Some)
}

fn some_languages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Language>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| named(name)).collect::<Result<_, _>>().map(Some)
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
                let mut all = Vec::new();
                while let Some(text) = items.next_element::<String>()? {
                    all.push(text);
                }
                if all.is_empty() {
                    return Err(A::Error::custom("a test without values is true of nothing"));
                }
                Ok(OneOrMany(all))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// A field rule as it is written: the field's name alone, or a map.
impl FieldRule {
    fn checked<E: Error>(self) -> Result<Self, E> {
        if self.name.is_none() && self.from.is_none() && self.joined.is_none() {
            return Err(E::custom("a field needs a `name`, `from` or `joined`"));
        }
        Ok(self)
    }
}

/// [`FieldRule`] in the short or the long form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFieldRule(pub FieldRule);

impl<'de> Deserialize<'de> for WrittenFieldRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule;
        impl<'de> Visitor<'de> for Rule {
            type Value = WrittenFieldRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name or a map with `name`, `from`, `joined`, `type`")
            }

            fn visit_unit<E: Error>(self) -> Result<WrittenFieldRule, E> {
                Ok(WrittenFieldRule(FieldRule::default()))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<WrittenFieldRule, E> {
                Ok(WrittenFieldRule(FieldRule { name: Some(name.to_owned()), ..FieldRule::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenFieldRule, A::Error> {
                FieldRule::deserialize(MapAccessDeserializer::new(map))?.checked().map(WrittenFieldRule)
            }
        }
        deserializer.deserialize_any(Rule)
    }
}

impl<'de> Deserialize<'de> for Derivation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.split_once(" of ") {
            Some(("basename", field)) if !field.trim().is_empty() => Ok(Derivation::Basename(field.trim().to_owned())),
            _ => Err(D::Error::custom(format!("`{text}` is no derivation; write `basename of FIELD`"))),
        }
    }
}
