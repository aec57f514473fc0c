//! Reads a value into its type as JSON means it: where an object belongs, nothing else will do.
//!
//! What serde derives for a structure also takes an array of its members in their order, so that
//! `[null, null]` would pass for an object and its meaning would hang on the order of fields in
//! the source. [`Exact`] refuses it, at any depth. Enumerations with a tag inside, and members
//! taken in by `flatten`, are read from a copy that this module does not see: requests have
//! structures instead of the former, and maps of free members behind the latter.

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// A value to be read.
pub(super) struct Exact(pub Value);

impl IntoDeserializer<'_, Error> for Exact {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Exact {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => visitor.visit_string(text),
            Value::Array(items) => {
                let mut items = SeqDeserializer::new(items.into_iter().map(Self));
                let value = visitor.visit_seq(&mut items)?;
                items.end()?;
                Ok(value)
            }
            Value::Object(members) => {
                let mut members = exact_members(members);
                let value = visitor.visit_map(&mut members)?;
                members.end()?;
                Ok(value)
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &"an object")),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            // A map of JSON values would take it for an empty one.
            Value::Null => Err(Error::invalid_type(Unexpected::Unit, &"an object")),
            other => Self(other).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        cases: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(members) => {
                MapAccessDeserializer::new(exact_members(members)).deserialize_enum(name, cases, visitor)
            }
            other => other.deserialize_enum(name, cases, visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct identifier ignored_any
    }
}

fn exact_members<'de>(
    members: Map<String, Value>,
) -> MapDeserializer<'de, impl Iterator<Item = (String, Exact)>, Error> {
    MapDeserializer::new(members.into_iter().map(|(name, value)| (name, Exact(value))))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Case {
        Plain,
        Full(Inner),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        a: Option<u8>,
        b: Option<bool>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        inner: Option<Inner>,
        list: Vec<Inner>,
        case: Case,
        pair: (String, Inner),
        free: Value,
    }

    fn sound() -> Value {
        json!({
            "inner": {"a": 1, "b": null}, "list": [{"a": 2}], "case": {"full": {"b": true}}, "pair": ["x", {}],
            "free": [[1.5, -2], {"k": [null]}],
        })
    }

    #[test]
    fn what_is_sound_is_read_as_serde_reads_it() {
        let read = Outer::deserialize(Exact(sound())).unwrap();
        assert_eq!(read, serde_json::from_value(sound()).unwrap());
        assert_eq!(read.free, sound()["free"]);
        assert_eq!(Case::deserialize(Exact(json!("plain"))).unwrap(), Case::Plain);
    }

    #[test]
    fn an_array_is_no_object_at_any_depth() {
        for pointer in ["", "/inner", "/list/0", "/case/full", "/pair/1"] {
            let mut value = sound();
            *value.pointer_mut(pointer).unwrap() = json!([null, null]);
            let refused = Outer::deserialize(Exact(value)).unwrap_err().to_string();
            assert_eq!(refused, "invalid type: sequence, expected an object", "{pointer}");
        }
        assert!(Outer::deserialize(Exact(json!("text"))).is_err());
        let refused = Map::<String, Value>::deserialize(Exact(Value::Null)).unwrap_err().to_string();
        assert_eq!(refused, "invalid type: null, expected an object");
        assert_eq!(Option::<Map<String, Value>>::deserialize(Exact(Value::Null)).unwrap(), None);
        assert!(<(u8, u8)>::deserialize(Exact(json!([1, 2, 3]))).is_err(), "nothing may be left over");
    }
}
