//! Copies what a reader reads to a writer, value by value, without holding it.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

/// Writes the value that `reader` holds, in its own order.
pub fn copy<'de, D: Deserializer<'de>, S: Serializer>(reader: D, writer: S) -> Result<S::Ok, D::Error> {
    reader.deserialize_any(Copy(writer))
}

/// Takes a value and writes it.
struct Copy<S>(S);

impl<'de, S: Serializer> Visitor<'de> for Copy<S> {
    type Value = S::Ok;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<S::Ok, E> {
        self.0.serialize_bool(value).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<S::Ok, E> {
        self.0.serialize_i64(value).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<S::Ok, E> {
        self.0.serialize_u64(value).map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<S::Ok, E> {
        self.0.serialize_f64(value).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<S::Ok, E> {
        self.0.serialize_str(value).map_err(E::custom)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<S::Ok, E> {
        self.0.serialize_unit().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<S::Ok, A::Error> {
        let mut writer = self.0.serialize_seq(items.size_hint()).map_err(A::Error::custom)?;
        while items.next_element_seed(Item(&mut writer))?.is_some() {}
        writer.end().map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<S::Ok, A::Error> {
        let mut writer = self.0.serialize_map(entries.size_hint()).map_err(A::Error::custom)?;
        while let Some(key) = entries.next_key::<String>()? {
            writer.serialize_key(&key).map_err(A::Error::custom)?;
            entries.next_value_seed(Entry(&mut writer))?;
        }
        writer.end().map_err(A::Error::custom)
    }
}

/// The next item of a list that is written.
struct Item<'w, W>(&'w mut W);

impl<'de, W: SerializeSeq> DeserializeSeed<'de> for Item<'_, W> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        self.0.serialize_element(&Rest(RefCell::new(Some(reader)))).map_err(D::Error::custom)
    }
}

/// The next value of a mapping that is written.
struct Entry<'w, W>(&'w mut W);

impl<'de, W: SerializeMap> DeserializeSeed<'de> for Entry<'_, W> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        self.0.serialize_value(&Rest(RefCell::new(Some(reader)))).map_err(D::Error::custom)
    }
}

/// A value that is read when it is written, once.
struct Rest<D>(RefCell<Option<D>>);

impl<'de, D: Deserializer<'de>> Serialize for Rest<D> {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        let reader = self.0.take().ok_or_else(|| S::Error::custom("the value was read before"))?;
        copy(reader, writer).map_err(S::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretty(text: &str) -> Option<String> {
        let mut out = Vec::new();
        copy(&mut serde_json::Deserializer::from_str(text), &mut serde_json::Serializer::pretty(&mut out)).ok()?;
        String::from_utf8(out).ok()
    }

    #[test]
    fn what_is_read_is_written() {
        for text in [
            r#"{"z": [1, -2, 3.5, 1e3, true, null, "a\u00e9\"\n"], "a": {}, "b": [], "c": [{"d": ""}, [[]]]}"#,
            "[]",
            "18446744073709551615",
            r#""text""#,
        ] {
            let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(pretty(text), serde_json::to_string_pretty(&value).ok(), "{text}");
        }
        for text in ["{", "[1,]", "{\"a\" 1}", "nul", ""] {
            assert_eq!(pretty(text), None, "{text}");
        }
    }
}
