//! A value of a JSON document that knows its place, so that an error names it.

use crate::Input;
use crate::json::{Members, Value};
use reprieve_batch::{Place, ReadError};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A value and its JSON pointer.
#[derive(Clone)]
pub(crate) struct Node<'a> {
    input: &'a Input<'a>,
    value: &'a Value<'a>,
    pointer: String,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(crate) fn root(input: &'a Input<'a>, value: &'a Value<'a>) -> Self {
        Self { input, value, pointer: String::new() }
    }

    pub(crate) fn value(&self) -> &'a Value<'a> {
        self.value
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> ReadError {
        error_at_pointer(self.input, &self.pointer, message)
    }

    fn expected(&self, what: &str) -> ReadError {
        self.error(format!("expected {what}, found {}", self.value.type_name()))
    }

    fn child(&self, token: &str, value: &'a Value<'a>) -> Self {
        let token = token.replace('~', "~0").replace('/', "~1");
        Self { input: self.input, value, pointer: format!("{}/{token}", self.pointer) }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.value.is_null()
    }

    pub(crate) fn object(&self) -> Result<&'a Members<'a>, ReadError> {
        self.value.as_object().ok_or_else(|| self.expected("an object"))
    }

    /// The members of an object.
    pub(crate) fn members(&self) -> Result<impl Iterator<Item = (&'a str, Node<'a>)> + use<'a, '_>, ReadError> {
        Ok(self.object()?.iter().map(|(name, value)| (name, self.child(name, value))))
    }

    /// The elements of a list.
    pub(crate) fn list(&self) -> Result<impl Iterator<Item = Node<'a>> + use<'a, '_>, ReadError> {
        let list = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        Ok(list.iter().enumerate().map(|(index, value)| self.child(&index.to_string(), value)))
    }

    /// A member of an object, if it is there.
    pub(crate) fn get(&self, name: &str) -> Result<Option<Node<'a>>, ReadError> {
        Ok(self.object()?.get(name).map(|value| self.child(name, value)))
    }

    /// A member of an object, if it is there and not null.
    pub(crate) fn given(&self, name: &str) -> Result<Option<Node<'a>>, ReadError> {
        Ok(self.get(name)?.filter(|node| !node.is_null()))
    }

    /// A member of an object that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<Node<'a>, ReadError> {
        self.get(name)?.ok_or_else(|| self.error(format!("the member `{name}` is missing")))
    }

    pub(crate) fn text(&self) -> Result<&'a str, ReadError> {
        self.value.as_str().ok_or_else(|| self.expected("text"))
    }

    /// Text that is not blank.
    pub(crate) fn id(&self) -> Result<&'a str, ReadError> {
        let text = self.text()?;
        if text.trim().is_empty() { Err(self.error("the id is blank")) } else { Ok(text) }
    }

    pub(crate) fn flag(&self) -> Result<bool, ReadError> {
        self.value.as_bool().ok_or_else(|| self.expected("true or false"))
    }

    /// The text of a member, if it is there and neither null nor empty.
    pub(crate) fn text_of(&self, name: &str) -> Result<Option<&'a str>, ReadError> {
        let text = self.given(name)?.map(|node| node.text()).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }
}

/// Returns an error at a JSON pointer, with the line that its value begins on.
pub(crate) fn error_at_pointer(input: &Input<'_>, pointer: &str, message: impl Into<String>) -> ReadError {
    let line = line_of(input, pointer).unwrap_or(1);
    input.error(Place::Pointer { pointer: pointer.to_owned(), line }, message)
}

fn line_of(input: &Input<'_>, pointer: &str) -> Option<u64> {
    let text = input.text().ok()?;
    let offset = (raw(input, pointer)?.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let before = text.as_bytes().get(..offset)?;
    Some(before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1)
}

/// The text of a value.
fn raw<'a>(input: &Input<'a>, pointer: &str) -> Option<&'a str> {
    let mut value = input.text().ok()?.trim_start();
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let next: Option<&RawValue> = if value.starts_with('[') {
            serde_json::from_str::<Vec<&RawValue>>(value).ok()?.get(token.parse::<usize>().ok()?).copied()
        } else {
            serde_json::from_str::<BTreeMap<String, &RawValue>>(value).ok()?.get(&token).copied()
        };
        value = next?.get();
    }
    Some(value)
}

/// A number and its noun: `1 resource`, `2 resources`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
