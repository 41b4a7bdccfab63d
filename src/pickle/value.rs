//! The values of a pickle.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::{PickleError, Result};

/// The number of a value in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub(super) u32);

/// A value. Those within are in the same [`Pickle`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'b> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits: the bytes of its two's complement, the lowest first.
    BigInt(Cow<'b, [u8]>),
    Float(f64),
    Bytes(Cow<'b, [u8]>),
    Text(Cow<'b, str>),
    /// A `str` of Python 2, which may be either.
    OldText(Cow<'b, [u8]>),
    List(Vec<Id>),
    Tuple(Box<[Id]>),
    Dict(Vec<(Id, Id)>),
    Set(Vec<Id>),
    Global(Box<Global<'b>>),
    Object(Box<Object>),
}

/// The name of a class or function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Global<'b> {
    pub(crate) module: Cow<'b, str>,
    pub(crate) name: Cow<'b, str>,
}

/// A call that was written down: of a class or a function.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) class: Id,
    /// A tuple.
    pub(crate) arguments: Id,
    /// What `__setstate__` would have got.
    pub(crate) state: Option<Id>,
    /// What would have been appended, as to a list.
    pub(crate) items: Vec<Id>,
    /// What would have been set, as in a dictionary.
    pub(crate) entries: Vec<(Id, Id)>,
}

/// All values of a pickle.
#[derive(Debug)]
pub(crate) struct Pickle<'b> {
    pub(super) nodes: Vec<Node<'b>>,
    pub(super) root: Id,
    /// Bytes of the pickle, up to and with its STOP.
    pub(super) length: usize,
}

impl<'b> Pickle<'b> {
    /// The value that the whole pickle stands for.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    /// Bytes that the pickle has. More may follow it in the file.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn node(&self, id: Id) -> &Node<'b> {
        &self.nodes[id.0 as usize]
    }

    /// A string; those of Python 2 are taken as Latin-1, as gensim and NumPy take them.
    pub(crate) fn text(&self, id: Id) -> Option<Cow<'_, str>> {
        match self.node(id) {
            Node::Text(text) => Some(Cow::Borrowed(text)),
            Node::OldText(bytes) => Some(match str::from_utf8(bytes) {
                Ok(text) if bytes.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
            }),
            _ => None,
        }
    }

    /// True of this string.
    pub(crate) fn is_text(&self, id: Id, text: &str) -> bool {
        match self.node(id) {
            Node::Text(found) => found == text,
            Node::OldText(found) => **found == *text.as_bytes(),
            _ => false,
        }
    }

    /// Bytes, also those that protocol 2 writes as a call of `_codecs.encode`.
    pub(crate) fn bytes(&self, id: Id) -> Option<Cow<'_, [u8]>> {
        match self.node(id) {
            Node::Bytes(bytes) | Node::OldText(bytes) => Some(Cow::Borrowed(bytes)),
            Node::Object(object) => self.encoded(object),
            _ => None,
        }
    }

    fn encoded(&self, object: &Object) -> Option<Cow<'_, [u8]>> {
        let class = self.global(object.class)?;
        match (&*class.module, &*class.name, self.tuple(object.arguments)?) {
            ("_codecs", "encode", &[text, codec]) if self.text(codec)?.starts_with("latin") => {
                let text = self.text(text)?;
                let bytes = text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect::<Option<Vec<u8>>>();
                bytes.map(Cow::Owned)
            }
            ("__builtin__" | "builtins", "bytes" | "bytearray", []) => Some(Cow::Borrowed(&[])),
            _ => None,
        }
    }

    pub(crate) fn is_none(&self, id: Id) -> bool {
        matches!(self.node(id), Node::None)
    }

    pub(crate) fn list(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn tuple(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::Tuple(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn global(&self, id: Id) -> Option<&Global<'b>> {
        match self.node(id) {
            Node::Global(global) => Some(global),
            _ => None,
        }
    }

    pub(crate) fn object(&self, id: Id) -> Option<&Object> {
        match self.node(id) {
            Node::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The entries of a dictionary, also of an `OrderedDict` or a `defaultdict`. A later one of a key counts.
    pub(crate) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.node(id) {
            Node::Dict(entries) => Some(entries),
            Node::Object(object) => {
                let class = self.global(object.class)?;
                matches!(&*class.name, "OrderedDict" | "defaultdict" | "dict").then_some(&object.entries)
            }
            _ => None,
        }
    }

    /// The entries of a dictionary by the texts that are their keys.
    pub(crate) fn fields(&self, id: Id) -> Option<HashMap<Cow<'_, str>, Id>> {
        Some(self.entries(id)?.iter().filter_map(|&(key, value)| Some((self.text(key)?, value))).collect())
    }

    /// The class of an object, and the attributes that its `__dict__` would get: none if its state is not a dictionary.
    pub(crate) fn instance(&self, id: Id) -> Option<(String, HashMap<Cow<'_, str>, Id>)> {
        let object = self.object(id)?;
        let mut class = object.class;
        // Protocols 0 and 1: copy_reg._reconstructor(class, object, None).
        if let Some("_reconstructor" | "__newobj__") = self.global(class).map(|global| &*global.name) {
            class = *self.tuple(object.arguments)?.first()?;
        }
        let mut state = object.state;
        // Of a class with slots: (dictionary, slots).
        if let Some(&[dictionary, _]) = state.and_then(|state| self.tuple(state)) {
            state = Some(dictionary);
        }
        let fields = state.and_then(|state| self.fields(state)).unwrap_or_default();
        Some((self.global(class)?.to_string(), fields))
    }

    /// What a value is, in words for a message.
    pub(crate) fn describe(&self, id: Id) -> String {
        match self.node(id) {
            Node::None => "None".into(),
            Node::Bool(_) => "True or False".into(),
            Node::Int(_) | Node::BigInt(_) => "an integer".into(),
            Node::Float(_) => "a float".into(),
            Node::Bytes(_) => "bytes".into(),
            Node::Text(_) | Node::OldText(_) => "a string".into(),
            Node::List(_) => "a list".into(),
            Node::Tuple(_) => "a tuple".into(),
            Node::Dict(_) => "a dictionary".into(),
            Node::Set(_) => "a set".into(),
            Node::Global(global) => global.to_string(),
            Node::Object(object) => match self.global(object.class) {
                Some(class) => class.to_string(),
                None => "a call".into(),
            },
        }
    }

    /// The error of a value that a reader would have to run something for, or else of one that is not what it expects.
    pub(crate) fn unexpected(&self, id: Id, expected: &str) -> PickleError {
        match self.node(id) {
            Node::Global(_) | Node::Object(_) => PickleError::new(format!(
                "refers to {}, which polargram does not execute; expected {expected}",
                self.describe(id)
            )),
            _ => PickleError::new(format!("holds {}; expected {expected}", self.describe(id))),
        }
    }

    /// Checks that a value, written out with all that is in it, has at most so many values, nested at most so deep. A
    /// value that is shared counts each time, and one that holds itself is too deep. To be called before a value is
    /// turned into a tree.
    ///
    /// # Errors
    /// If it is larger or deeper.
    pub(crate) fn ensure_tree(&self, id: Id, depth: usize, most: usize) -> Result<()> {
        let (mut open, mut left) = (vec![(id, 0)], most);
        while let Some((id, level)) = open.pop() {
            if level > depth {
                return Err(PickleError::new(format!("nests values more than {depth} deep")));
            }
            left = left.checked_sub(1).ok_or_else(|| {
                PickleError::new(format!("holds a value that is more than {most} values when it is written out"))
            })?;
            let mut push = |id: &Id| open.push((*id, level + 1));
            match self.node(id) {
                Node::List(items) | Node::Set(items) => items.iter().take(left + 1).for_each(&mut push),
                Node::Tuple(items) => items.iter().take(left + 1).for_each(&mut push),
                Node::Dict(entries) => entries.iter().take(left + 1).for_each(|(key, value)| {
                    push(key);
                    push(value);
                }),
                Node::Object(object) => {
                    [object.arguments].iter().chain(&object.state).for_each(&mut push);
                    object.items.iter().take(left + 1).for_each(&mut push);
                    object.entries.iter().take(left + 1).for_each(|(key, value)| {
                        push(key);
                        push(value);
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Global<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LONGEST: usize = 128;
        let short = |name: &str| name.chars().take(LONGEST).flat_map(char::escape_debug).collect::<String>();
        write!(f, "{}.{}", short(&self.module), short(&self.name))
    }
}
