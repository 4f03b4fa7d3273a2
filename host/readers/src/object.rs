//! A JSON object whose members are read by name and type. A member of the wrong type is an error and never absent; `null` is
//! absent only where the caller says so.

use crate::Input;
use crate::json::{Members, Value};
use reprieve_batch::{Place, ReadError};

/// An object of a file, with its JSON pointer for messages.
#[derive(Clone)]
pub(crate) struct Object<'a> {
    input: Input<'a>,
    members: &'a Members<'a>,
    pointer: String,
    line: u64,
}

impl<'a> Object<'a> {
    /// Returns a value as an object.
    pub(crate) fn new(input: &Input<'a>, value: &'a Value<'a>, pointer: &str) -> Result<Self, ReadError> {
        Self::at(input, value, pointer.to_owned(), 1)
    }

    /// Returns the document of a line as an object.
    pub(crate) fn of_line(input: &Input<'a>, value: &'a Value<'a>, line: u64) -> Result<Self, ReadError> {
        Self::at(input, value, String::new(), line)
    }

    fn at(input: &Input<'a>, value: &'a Value<'a>, pointer: String, line: u64) -> Result<Self, ReadError> {
        match value {
            Value::Object(members) => Ok(Self { input: *input, members, pointer, line }),
            other => {
                let message = format!("expected an object, found {}", type_of(other));
                Err(input.error(Place::Pointer { pointer, line }, message))
            }
        }
    }

    /// Whether it has a member, of whatever type.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Returns the names and values of its members.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'a str, &'a Value<'a>)> + use<'a> {
        self.members.iter()
    }

    /// Returns an error at this object.
    pub(crate) fn error(&self, message: impl Into<String>) -> ReadError {
        self.input.error(Place::Pointer { pointer: self.pointer.clone(), line: self.line }, message)
    }

    /// Returns an error at a member.
    pub(crate) fn error_at(&self, name: &str, message: impl Into<String>) -> ReadError {
        self.input.error(Place::Pointer { pointer: self.pointer_to(name), line: self.line }, message)
    }

    /// Refuses members that are not among the known ones.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ReadError> {
        match self.members.keys().find(|name| !known.contains(name)) {
            Some(name) => Err(self.error_at(name, format!("the member `{name}` is not understood"))),
            None => Ok(()),
        }
    }

    /// Returns a text, if the member is there.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, ReadError> {
        self.typed(name, "a text", Value::as_str)
    }

    /// Returns a text that may also be `null`, which is absent.
    pub(crate) fn text_or_null(&self, name: &str) -> Result<Option<&'a str>, ReadError> {
        if self.members.get(name).is_some_and(Value::is_null) { Ok(None) } else { self.text(name) }
    }

    /// Returns a text that must be there and must not be blank.
    pub(crate) fn required(&self, name: &str) -> Result<&'a str, ReadError> {
        let text = self.text(name)?.ok_or_else(|| self.error(format!("the member `{name}` is missing")))?;
        if text.trim().is_empty() {
            return Err(self.error_at(name, format!("`{name}` is empty")));
        }
        Ok(text)
    }

    /// Returns a text that must be there and is an id: not blank, and without control characters.
    pub(crate) fn id(&self, name: &str) -> Result<&'a str, ReadError> {
        let id = self.required(name)?;
        if id.chars().any(char::is_control) {
            return Err(self.error_at(name, format!("`{name}` has control characters: `{id}`")));
        }
        Ok(id)
    }

    /// Returns an id that is a text or a whole number, digit for digit.
    pub(crate) fn text_or_number(&self, name: &str) -> Result<String, ReadError> {
        match self.members().find(|(member, _)| *member == name).map(|(_, value)| value) {
            Some(Value::Number(number)) if number.is_u64() || number.is_i64() => Ok(number.to_string()),
            _ => self.id(name).map(str::to_owned),
        }
    }

    /// Returns a whole number of at least 0, if the member is there.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, ReadError> {
        self.typed(name, "a whole number", Value::as_u64)
    }

    /// Returns a truth value, if the member is there.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ReadError> {
        self.typed(name, "true or false", Value::as_bool)
    }

    /// Returns the items of a list with their pointers, if the member is there.
    pub(crate) fn list(&self, name: &str) -> Result<Option<Vec<(String, &'a Value<'a>)>>, ReadError> {
        let pointer = self.pointer_to(name);
        let list = self.typed(name, "a list", Value::as_array)?;
        Ok(list.map(|items| items.iter().enumerate().map(|(i, item)| (format!("{pointer}/{i}"), item)).collect()))
    }

    /// Returns the objects of a list, if the member is there.
    pub(crate) fn objects(&self, name: &str) -> Result<Option<Vec<Object<'a>>>, ReadError> {
        let Some(items) = self.list(name)? else { return Ok(None) };
        let object = |(pointer, item)| Object::at(&self.input, item, pointer, self.line);
        items.into_iter().map(object).collect::<Result<_, _>>().map(Some)
    }

    /// Returns an object, if the member is there.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Object<'a>>, ReadError> {
        let object = |value| Object::at(&self.input, value, self.pointer_to(name), self.line);
        self.members.get(name).map(object).transpose()
    }

    fn typed<T>(&self, name: &str, kind: &str, read: fn(&'a Value<'a>) -> Option<T>) -> Result<Option<T>, ReadError> {
        let Some(value) = self.members.get(name) else { return Ok(None) };
        let message = || format!("`{name}` must be {kind}, found {}", type_of(value));
        read(value).map(Some).ok_or_else(|| self.error_at(name, message()))
    }

    fn pointer_to(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }
}

/// Returns the items of a document that is a list of objects.
pub(crate) fn objects<'a>(input: &Input<'a>, items: &'a [Value]) -> Result<Vec<Object<'a>>, ReadError> {
    items.iter().enumerate().map(|(i, item)| Object::new(input, item, &format!("/{i}"))).collect()
}

/// Describes the type of a value.
pub(crate) fn type_of(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("{value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
