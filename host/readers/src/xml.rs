//! An XML document as a tree of elements with text. What a document of data does not need is refused: document types,
//! processing instructions, entities of its own, and text beside elements.

use crate::Input;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use reprieve_batch::{Place, ReadError};

/// The maximum depth of elements.
const MAX_DEPTH: usize = 16;

/// An element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Its name, with its prefix.
    pub(crate) name: String,
    /// The line that it begins on.
    pub(crate) line: u64,
    /// Its text, if it has no elements.
    pub(crate) text: String,
    /// Its elements.
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// Returns an error at this element.
    pub(crate) fn error(&self, input: &Input<'_>, message: impl Into<String>) -> ReadError {
        input.error(Place::Line(self.line), message)
    }

    /// Returns the element of a name, if it is there. It is an error if it is there twice.
    pub(crate) fn get(&self, input: &Input<'_>, name: &str) -> Result<Option<&Element>, ReadError> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        let (first, second) = (found.next(), found.next());
        match second {
            Some(second) => Err(second.error(input, format!("the element `{name}` is duplicated"))),
            None => Ok(first),
        }
    }

    /// Returns the text of the element of a name, if it is there.
    pub(crate) fn text_of(&self, input: &Input<'_>, name: &str) -> Result<Option<&str>, ReadError> {
        let Some(element) = self.get(input, name)? else { return Ok(None) };
        match element.children.first() {
            Some(child) => Err(child.error(input, format!("expected text in `{name}`, found `{}`", child.name))),
            None => Ok(Some(&element.text)),
        }
    }
}

/// Parses a file as one XML document, and returns its root.
///
/// # Errors
/// [`ReadError`] with the line of the fault.
pub(crate) fn parse(input: &Input<'_>) -> Result<Element, ReadError> {
    let mut parser = Parser { input, open: Vec::new(), root: None, is_begun: false, line: (0, 1) };
    let text = input.text()?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let base = input.bytes.len() - text.len();
    loop {
        let at = base + reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|error| {
            let at = base + reader.error_position() as usize;
            input.error_at_byte(at, format!("not XML: {error}"))
        })?;
        if !parser.add(event, at)? {
            break;
        }
    }
    if let Some(open) = parser.open.last() {
        return Err(open.error(input, format!("not XML: the element `{}` has no end: the file is cut", open.name)));
    }
    parser.root.ok_or_else(|| input.error(Place::Whole, "not XML: there is no element"))
}

struct Parser<'a> {
    input: &'a Input<'a>,
    /// The elements that have not ended, from the outermost one.
    open: Vec<Element>,
    root: Option<Element>,
    /// Whether anything was read.
    is_begun: bool,
    /// An offset, and its line.
    line: (usize, u64),
}

impl Parser<'_> {
    /// Adds an event, which begins at an offset. False: it is the end of the file.
    fn add(&mut self, event: Event<'_>, at: usize) -> Result<bool, ReadError> {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        match event {
            Event::Start(start) => self.start(&start, at)?,
            Event::Empty(start) => {
                self.start(&start, at)?;
                self.end(at)?;
            }
            Event::End(_) => self.end(at)?,
            Event::Text(text) => {
                let text = text.decode().map_err(|error| self.error(at, error.to_string()))?;
                self.text(&text, at)?;
            }
            Event::CData(data) => {
                let text = data.decode().map_err(|error| self.error(at, error.to_string()))?;
                self.text(&text, at)?;
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| self.error(at, error.to_string()))?.into_owned();
                let code = reference.resolve_char_ref().map_err(|error| self.error(at, error.to_string()))?;
                let text = match (code, name.as_str()) {
                    (Some(code), _) => code.to_string(),
                    (None, "lt") => "<".to_owned(),
                    (None, "gt") => ">".to_owned(),
                    (None, "amp") => "&".to_owned(),
                    (None, "quot") => "\"".to_owned(),
                    (None, "apos") => "'".to_owned(),
                    _ => return Err(self.error(at, format!("the entity `&{name};` is not known"))),
                };
                self.text(&text, at)?;
            }
            Event::Decl(declaration) if is_first => {
                let encoding =
                    declaration.encoding().transpose().map_err(|error| self.error(at, error.to_string()))?;
                if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"utf-8")) {
                    return Err(self.error(at, "the encoding is not UTF-8"));
                }
            }
            Event::Decl(_) => return Err(self.error(at, "there is a second document")),
            Event::Comment(_) => {}
            Event::PI(_) => return Err(self.error(at, "processing instructions are not accepted")),
            Event::DocType(_) => return Err(self.error(at, "a document type is not accepted")),
            Event::Eof => return Ok(false),
        }
        Ok(true)
    }

    fn error(&self, at: usize, message: impl Into<String>) -> ReadError {
        self.input.error_at_byte(at, message)
    }

    fn start(&mut self, start: &BytesStart<'_>, at: usize) -> Result<(), ReadError> {
        let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
        if let Some(Err(error)) = start.attributes().find(Result::is_err) {
            return Err(self.error(at, format!("not XML: {error}")));
        }
        if self.root.is_some() {
            return Err(self.error(at, format!("there is more after the end of the document: `<{name}>`")));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.error(at, format!("elements are nested more than {MAX_DEPTH} deep")));
        }
        if let Some(parent) = self.open.last_mut()
            && !std::mem::take(&mut parent.text).trim().is_empty()
        {
            return Err(self.error(at, format!("there is text before the element `{name}`")));
        }
        let (from, line) = self.line;
        let since = self.input.bytes.get(from..at).unwrap_or_default();
        let line = line + since.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.line = (at, line);
        self.open.push(Element { name, line, ..Element::default() });
        Ok(())
    }

    fn end(&mut self, at: usize) -> Result<(), ReadError> {
        let Some(mut element) = self.open.pop() else { return Err(self.error(at, "not XML: an element ends twice")) };
        if !element.children.is_empty() && !std::mem::take(&mut element.text).trim().is_empty() {
            return Err(self.error(at, format!("there is text after the last element of `{}`", element.name)));
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, at: usize) -> Result<(), ReadError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(self.error(at, "there is text before or after the XML document")),
        }
        Ok(())
    }
}
